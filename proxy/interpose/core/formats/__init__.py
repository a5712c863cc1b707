"""What people and other tools read, made from entries and sightings: text, JSON lines. Writes nothing anywhere."""
