"""The embedded pair for `interpose demo`: a small MCP server and a scripted client, over stdio.

Not an SDK and not a model for one: it shares no code with the proxy, so that it is an honest stranger to it.
"""
