"""interpose: a record-and-replay man-in-the-middle for the Model Context Protocol."""

__version__ = "0.1.0"
