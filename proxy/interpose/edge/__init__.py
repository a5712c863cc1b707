"""All I/O, as thin as possible."""
