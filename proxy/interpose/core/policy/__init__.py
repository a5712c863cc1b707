"""Rules over messages: what they select and what they do. Pure."""
