"""TLS interception: mitmdump opens the TLS of clients, and what is MCP in it comes here."""
