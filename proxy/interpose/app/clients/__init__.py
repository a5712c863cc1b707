"""The MCP clients of this machine: where each keeps its configuration, and how those files are read and replaced."""
