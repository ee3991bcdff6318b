"""All answers for a new feed in one pass: read, encoded, answered and written, a window of listings at a time."""
