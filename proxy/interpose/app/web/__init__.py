"""The live page: what a run's sessions say as it happens, what waits, and recordings to look into. Loopback only."""
