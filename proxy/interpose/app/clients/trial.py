"""Starting a server the way its client would, to see whether it answers."""

import json
import os
import re
import signal
from collections.abc import Mapping

import aiohttp
import anyio
from anyio.abc import Process

from interpose.app.clients.files import Source
from interpose.core.wiring.checking import Finding
from interpose.core.wiring.layout import Entry, Layout
from interpose.core.wiring.node import Node
from interpose.core.wiring.server import Launch, Remote, server

_CLIENT = {"name": "interpose doctor", "version": "1"}
_PARAMS = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": _CLIENT}
_HELLO = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _PARAMS}).encode()
_ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
_TAIL = 300
_LAST_WORDS = 0.2
_GRACE = 2.0


async def tried(source: Source, entry: Entry, environment: Mapping[str, str], seconds: float) -> Finding:
    """Whether the server starts and answers `initialize` in time. It is ended afterwards."""
    it = server(entry)
    if isinstance(it, Launch):
        words = [_filled(word, source.layout, environment) for word in it.words]
        problem = await _started(
            words, _surroundings(entry, source.layout, environment), entry.table.text("cwd"), seconds
        )
    elif isinstance(it, Remote):
        headers = _strings(it.headers.node if it.headers is not None else None, source.layout, environment)
        problem = await _reached(_filled(it.url, source.layout, environment), headers, seconds)
    else:
        problem = "it cannot be started"
    return Finding(entry.name, "wrong", problem) if problem else Finding(entry.name, "ok", "answers `initialize`")


async def _started(words: list[str], environment: dict[str, str], folder: str | None, seconds: float) -> str:
    """What is wrong with a process; nothing when it answers."""
    try:
        process = await anyio.open_process(words, env=environment, cwd=folder, start_new_session=True)
    except OSError as error:
        return f"does not start: `{words[0]}`: {error.strerror}"
    log = bytearray()
    answer = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_drain, process, log)
        try:
            with anyio.move_on_after(seconds):
                answer = await _asked(process)
            with anyio.move_on_after(0.0 if answer else _LAST_WORDS):
                await process.wait()
            status = process.returncode
        finally:
            await _ended(process)
            tasks.cancel_scope.cancel()
    if answer is not None:
        return ""
    said = " ".join(log.decode("utf-8", "replace").split())[-_TAIL:]
    what = f"left with status {status}" if status is not None else f"does not answer `initialize` within {seconds:g} s"
    return f"{what}; it said: {said}" if said else what


async def _asked(process: Process) -> bytes | None:
    """Its answer, whatever that is; None when it closes its output."""
    assert process.stdin is not None
    assert process.stdout is not None
    buffer = b""
    try:
        await process.stdin.send(_HELLO + b"\n")
        while True:
            buffer += await process.stdout.receive()
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                if _is_answer(line):
                    return line
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        return None


def _is_answer(line: bytes) -> bool:
    try:
        message = json.loads(line)
    except ValueError:
        return False
    return isinstance(message, dict) and message.get("id") == 1 and ("result" in message or "error" in message)


async def _drain(process: Process, log: bytearray) -> None:
    assert process.stderr is not None
    try:
        async for piece in process.stderr:
            log += piece
            del log[: -4 * _TAIL]
    except (anyio.ClosedResourceError, anyio.BrokenResourceError):
        pass  # what is left of it is of no use once the process was ended


async def _ended(process: Process) -> None:
    """End a process and all that it started."""
    with anyio.CancelScope(shield=True):
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
            except (ProcessLookupError, PermissionError):
                pass
            with anyio.move_on_after(_GRACE):
                await process.wait()
        await process.aclose()


async def _reached(url: str, headers: dict[str, str], seconds: float) -> str:
    """What is wrong with an address; nothing when it answers."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            async with session.post(url, data=_HELLO, headers={**_ACCEPT, **headers}) as response:
                status = response.status
            if status in (404, 405):  # a server that speaks HTTP+SSE alone
                async with session.get(url, headers={"Accept": "text/event-stream", **headers}) as stream:
                    is_stream = stream.status == 200 and stream.content_type == "text/event-stream"
                    status = 200 if is_stream else status
        if status in (401, 403):
            return f"wants a sign-in (HTTP {status})"
        return "" if status < 400 else f"answers HTTP {status} to `initialize`"
    except TimeoutError:
        return f"does not answer `initialize` within {seconds:g} s"
    except (aiohttp.ClientError, ValueError) as error:
        return f"cannot be reached: {error}"


def _surroundings(entry: Entry, layout: Layout, environment: Mapping[str, str]) -> dict[str, str]:
    member = entry.table.member("env") or entry.table.member("environment")
    return {**environment, **_strings(member.node if member is not None else None, layout, environment)}


def _strings(node: Node | None, layout: Layout, environment: Mapping[str, str]) -> dict[str, str]:
    members = node.members or () if node is not None else ()
    return {each.name: _filled(str(each.node.value), layout, environment) for each in members}


def _filled(text: str, layout: Layout, environment: Mapping[str, str]) -> str:
    """The text with its references replaced, as the client does it."""
    if layout.reference is None:
        return text

    def value(match: re.Match[str]) -> str:
        return environment.get(next(filter(None, match.groups())), match[0])

    return re.sub(layout.reference, value, text)
