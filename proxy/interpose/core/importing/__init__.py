"""Recordings out of what other tools kept: their files as exchanges, exchanges as sessions, sessions as our events."""
