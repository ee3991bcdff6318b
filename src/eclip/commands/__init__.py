"""One command, one file: a typed function that is command line, Python call and story in one."""
