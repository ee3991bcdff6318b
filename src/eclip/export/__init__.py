"""The model in other formats, each checked against torch before it is written."""
