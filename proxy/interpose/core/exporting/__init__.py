"""A recording in the formats of other tools, made entry by entry: text to write somewhere. Writes nothing itself."""
