"""Measurements against the goals, on the embedded server: `make bench`, or `python -m bench --help`."""
