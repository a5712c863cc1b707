"""Bytes to messages: JSON-RPC envelopes, newline framing, server-sent events."""
