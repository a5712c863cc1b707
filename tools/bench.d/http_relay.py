"""The least that can stand between with aiohttp: its server, its client, nothing else. usage: http_relay.py PORT

Hands on what comes as it comes, event streams included. Prints its port. Ends when its standard input does.
"""

import asyncio
import sys

import aiohttp
from aiohttp import web

_OF_ONE_HOP = {"host", "connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"}


class Relay:
    """Every request goes to one server, and its answer back."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_ONE_HOP}
        body = await request.content.read()
        async with self._session.request(request.method, self._url, data=body, headers=headers) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _OF_ONE_HOP}
            if answer.content_type != "text/event-stream":
                return web.Response(status=answer.status, headers=kept, body=await answer.read())
            stream = web.StreamResponse(status=answer.status, headers=kept)
            await stream.prepare(request)
            async for chunk in answer.content.iter_any():
                await stream.write(chunk)
            await stream.write_eof()
            return stream


async def main(port: int) -> None:
    """Serve until standard input ends."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        runner = web.ServerRunner(web.Server(Relay(session, f"http://127.0.0.1:{port}/mcp").handle))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
