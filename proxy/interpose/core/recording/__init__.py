"""The recording: one entry a line, hash-chained (docs/recording-format.md)."""
