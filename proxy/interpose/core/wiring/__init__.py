"""Configuration files of MCP clients as text: which servers they name, and edits that leave all else as it is. Pure."""
