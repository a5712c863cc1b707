"""The ways an end can be reached. One file a transport."""
