"""Captures for tests: HAR files as a browser writes them, flows as mitmproxy does, and what a recording holds."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from interpose.core.importing.retelling import recorded
from interpose.core.importing.sorting import ImportedSession
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Entry, Header

CORPUS = Path(__file__).parents[2] / "corpus" / "import"
NAMES = ("stateful", "stateless", "legacy", "short-10")
JSON = "application/json"
EVENTS = "text/event-stream"
URL = "https://mcp.example/mcp"
START = 1_700_000_000  # 2023-11-14T22:13:20Z
_USUAL: dict[str, Any] = {
    "took": 0.010,
    "url": URL,
    "method": None,
    "status": 200,
    "media_type": JSON,
    "headers": (),
    "answer_headers": (),
}


def request(ident: int, method: str, **params: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": ident, "method": method, "params": params})


def result(ident: int, **members: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": ident, "result": members})


def events(*messages: str) -> str:
    return "".join(f"data: {message}\n\n" for message in messages)


def entry(at: float, body: str | None, answer: str | None = "", **how: Any) -> dict[str, Any]:
    """One entry of a HAR file, asked `at` seconds after the start.

    `how`: `took` (seconds, 10 ms unless told), `url`, `method`, `status`, `media_type` of the answer, `headers`,
    `answer_headers`; anything else is a member of the entry.
    """
    how = _USUAL | how
    asked_type = (("Content-Type", JSON),) if body is not None else ()
    answer_type = (("Content-Type", how["media_type"]),) if answer else ()
    content = {"mimeType": how["media_type"], "size": 0} | ({} if answer is None else {"text": answer})
    asked = {
        "method": how["method"] or ("GET" if body is None else "POST"),
        "url": how["url"],
        "headers": _pairs((*how["headers"], *asked_type)),
    }
    return {
        "startedDateTime": f"2023-11-14T22:13:{20 + at:09.6f}Z",
        "request": asked | ({} if body is None else {"postData": {"mimeType": JSON, "text": body}}),
        "response": {
            "status": how["status"],
            "headers": _pairs((*how["answer_headers"], *answer_type)),
            "content": content,
        },
        "timings": {"blocked": 0, "dns": -1, "connect": -1, "send": 0, "wait": 1, "receive": how["took"] * 1000 - 1},
        **{name: value for name, value in how.items() if name not in _USUAL},
    }


def har(*entries: dict[str, Any], creator: str = "Firefox") -> bytes:
    return json.dumps({"log": {"version": "1.2", "creator": {"name": creator}, "entries": entries}}, indent=1).encode()


def tnetstring(value: Any) -> bytes:
    """A value as mitmproxy writes it."""
    match value:
        case None:
            data, kind = b"", b"~"
        case bool():
            data, kind = str(value).lower().encode(), b"!"
        case int():
            data, kind = str(value).encode(), b"#"
        case float():
            data, kind = repr(value).encode(), b"^"
        case bytes():
            data, kind = value, b","
        case str():
            data, kind = value.encode(), b";"
        case list() | tuple():
            data, kind = b"".join(map(tnetstring, value)), b"]"
        case _:
            data, kind = b"".join(tnetstring(each) for pair in value.items() for each in pair), b"}"
    return b"%d:%b%b" % (len(data), data, kind)


def flow(body: bytes, answer: bytes | None, version: int = 21, **more: Any) -> dict[str, Any]:
    """The state of one flow."""
    times = {"timestamp_start": float(START), "timestamp_end": START + 0.25}
    return {
        "version": version,
        "type": "http",
        "request": {
            "method": b"POST",
            "scheme": b"https",
            "host": "mcp.example",
            "port": 443,
            "path": b"/mcp",
            "headers": [[b"Content-Type", JSON.encode()]],
            "content": body,
            **times,
        },
        "response": {
            "status_code": 200,
            "headers": [[b"Content-Type", JSON.encode()]],
            "content": answer,
            **times,
        },
        "client_conn": {"id": "c1", "peername": ["127.0.0.1", 4000]},
        "error": None,
        **more,
    }


def entries(session: ImportedSession) -> list[Entry]:
    """What the recording of a session holds, after its header."""
    header = Header("s", "2023-11-14T22:13:20Z", {"transport": session.transport}, {"transport": "http"}, "test")
    lines = [b"".join(line.pieces) for line in recorded(session, header)]
    return [decode_entry(line) for line in lines[1:]]


def notes(found: Iterable[Entry]) -> list[str]:
    return [each.text or "" for each in found if each.kind == "note"]


def _pairs(headers: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]
