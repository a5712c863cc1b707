"""FastMCP's proxy, run in its own environment. usage: fastmcp_proxy.py (stdio COMMAND... | http PORT URL)"""

import sys

from fastmcp.client.transports import StdioTransport
from fastmcp.server import create_proxy

if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server = StdioTransport(command=sys.argv[2], args=sys.argv[3:])
        create_proxy(server, name="bench").run(transport="stdio", show_banner=False)
    else:
        create_proxy(sys.argv[3], name="bench").run(
            transport="http", host="127.0.0.1", port=int(sys.argv[2]), show_banner=False, log_level="error"
        )
