"""What the pytest plugin is made of. Imported when a test asks for the `interpose` fixture, not before."""
