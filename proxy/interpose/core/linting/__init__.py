"""What in a recording the specification forbids, found message by message. Refuses nothing, and edits nothing."""
