"""The loop with people: the least certain answers to a page, what they say of them back into the next fit."""
