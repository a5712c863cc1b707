"""A recording as an end of a session: what it says and when, what it expects, and where a live end differs. Pure."""
