"""Recorded ends as links: what is needed to play a recording to a live client or server."""
