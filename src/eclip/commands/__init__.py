"""One command, one file: a typed function that is the command line, the Python call and the story of its steps."""
