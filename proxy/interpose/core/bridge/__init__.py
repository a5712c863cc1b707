"""Between transports of different kinds: which stream a message belongs to, and whose id it carries."""
