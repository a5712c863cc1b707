"""One end of a JSON-RPC conversation, one message a line: ids, open requests, cancellation.

Not an MCP peer: it knows no method but `notifications/cancelled`, and neither negotiates nor validates.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import orjson

Json: TypeAlias = dict[str, Any]
RequestId: TypeAlias = int | str

LINE_LIMIT = 16 * 1024 * 1024

INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603


class Fault(Exception):
    """A JSON-RPC error on its way to the other end."""

    def __init__(self, code: int, message: str, data: Json | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def to_json(self) -> Json:
        error: Json = {"code": self.code, "message": self.message}
        return error if self.data is None else {**error, "data": self.data}


class Refused(Fault):
    """A JSON-RPC error that came from the other end."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the other end."""

    id: RequestId
    method: str
    params: Json


class Handler(Protocol):
    """What a peer does with the other end's messages; a cancelled `answer` is never sent."""

    async def answer(self, request: Request) -> Json: ...

    def hear(self, method: str, params: Json) -> None: ...


class Peer:
    """Sends and receives; each received request runs as its own task."""

    def __init__(self, lines: asyncio.StreamReader, write: Callable[[bytes], object]) -> None:
        self._lines = lines
        self._write = write
        self._ids = itertools.count(1)
        self._open: dict[RequestId, asyncio.Future[Json]] = {}
        self._running: dict[RequestId, asyncio.Task[None]] = {}
        self._closed = False

    async def run(self, handler: Handler) -> None:
        """Reads until the other end closes; from then on nothing is written and nothing stays open."""
        try:
            async for line in self._lines:
                self._receive(line, handler)
                await asyncio.sleep(0)  # a request starts before the next message is looked at
        except ValueError:
            print(f"gave up on a line of more than {LINE_LIMIT} bytes", file=sys.stderr)
        finally:
            self._close()

    async def ask(self, method: str, params: Json | None = None, request_id: RequestId | None = None) -> Json:
        """Sends a request and waits for its result; cancelling the wait cancels the request.

        Raises `Refused` for an error, `ConnectionError` when the other end is gone.
        """
        if self._closed:
            raise ConnectionError("the other end has closed")
        if request_id is None:
            request_id = next(self._ids)
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._open[request_id] = future
        self._send({"jsonrpc": "2.0", "id": request_id, "method": method}, params)
        try:
            return await future
        except asyncio.CancelledError as cancelled:
            reason = str(cancelled) or "no longer needed"
            self.notify("notifications/cancelled", {"requestId": request_id, "reason": reason})
            raise
        finally:
            self._open.pop(request_id, None)

    def notify(self, method: str, params: Json | None = None) -> None:
        self._send({"jsonrpc": "2.0", "method": method}, params)

    def _send(self, message: Json, params: Json | None = None) -> None:
        if self._closed:
            return
        if params is not None:
            message["params"] = params
        try:
            self._write(orjson.dumps(message) + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            self._close()

    def _receive(self, line: bytes, handler: Handler) -> None:
        message = _decode(line)
        if message is None:
            return
        method, params = message.get("method"), message.get("params") or {}
        if method is None:
            self._settle(message)
        elif "id" in message:
            self._begin(Request(message["id"], method, params), handler)
        else:
            if method == "notifications/cancelled":
                self._drop(params.get("requestId"))
            handler.hear(method, params)

    def _settle(self, response: Json) -> None:
        future = self._open.get(response.get("id", ""))
        if future is None or future.done():
            return  # the late answer to a request that was cancelled
        error = response.get("error")
        if isinstance(error, dict):
            message = error.get("message", "an error without a message")
            future.set_exception(Refused(error.get("code", 0), message, error.get("data")))
        elif isinstance(response.get("result"), dict):
            future.set_result(response["result"])
        else:
            future.set_exception(Refused(INVALID_REQUEST, "an answer with neither a result nor an error"))

    def _begin(self, request: Request, handler: Handler) -> None:
        task = asyncio.create_task(self._answer(request, handler))
        self._running[request.id] = task
        task.add_done_callback(lambda _: self._running.pop(request.id, None))

    def _drop(self, request_id: RequestId | None) -> None:
        if request_id is not None and (task := self._running.get(request_id)):
            task.cancel()

    async def _answer(self, request: Request, handler: Handler) -> None:
        try:
            outcome: Json = {"result": await handler.answer(request)}
        except Fault as fault:
            outcome = {"error": fault.to_json()}
        except KeyError as missing:
            outcome = {"error": Fault(INVALID_PARAMS, f"missing {missing}").to_json()}
        except Exception as bug:
            traceback.print_exc()
            outcome = {"error": Fault(INTERNAL_ERROR, str(bug)).to_json()}
        self._send({"jsonrpc": "2.0", "id": request.id, **outcome})

    def _close(self) -> None:
        self._closed = True
        for task in self._running.values():
            task.cancel()
        for future in self._open.values():
            if not future.done():
                future.set_exception(ConnectionError("the other end closed before it answered"))


def _decode(line: bytes) -> Json | None:
    try:
        message = orjson.loads(line)
    except orjson.JSONDecodeError:
        message = None
    if isinstance(message, dict) and _well_formed(message):
        return message
    if line.strip():
        print("ignored a line that is not a JSON-RPC message", file=sys.stderr)
    return None


def _well_formed(message: Json) -> bool:
    params, request_id = message.get("params"), message.get("id", 0)
    return (params is None or isinstance(params, dict)) and isinstance(request_id, int | str)
