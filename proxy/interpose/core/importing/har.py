"""A HAR 1.2 file, of a browser or a proxy, as exchanges. Bodies in it are text without their content coding."""

import base64
import binascii
import json
from typing import Any

import msgspec

from interpose.core.events import Headers
from interpose.core.importing.exchange import Capture, Exchange, header
from interpose.core.importing.moment import seconds


class _Pair(msgspec.Struct):
    name: str
    value: str


class _Posted(msgspec.Struct):
    text: str | None = None
    encoding: str | None = None


class _Content(msgspec.Struct):
    text: str | None = None
    encoding: str | None = None
    size: float | None = None


class _Request(msgspec.Struct, rename="camel"):
    method: str
    url: str
    headers: list[_Pair]
    post_data: _Posted | None = None
    body_size: float | None = None


class _Response(msgspec.Struct):
    status: int = 0
    headers: list[_Pair] = []
    content: _Content = msgspec.field(default_factory=_Content)
    error: str | None = msgspec.field(default=None, name="_error")


class _Timings(msgspec.Struct):
    """Milliseconds; -1 and null where a phase was not."""

    blocked: float | None = None
    dns: float | None = None
    connect: float | None = None
    send: float | None = None
    wait: float | None = None
    receive: float | None = None


class _Entry(msgspec.Struct, rename="camel"):
    started_date_time: str
    request: _Request
    response: _Response
    timings: _Timings = msgspec.field(default_factory=_Timings)
    connection: str | int | None = None
    server_i_p_address: str | None = None
    event_times: Any = msgspec.field(default=None, name="_eventTimes")  # interpose's own: milliseconds since the start


class _Creator(msgspec.Struct):
    name: str = ""
    version: str = ""


class _Log(msgspec.Struct):
    entries: list[_Entry]
    creator: _Creator = msgspec.field(default_factory=_Creator)
    version: str = "1.2"


class _Har(msgspec.Struct):
    log: _Log


def read_har(data: bytes) -> Capture:
    """All entries of a file. Raises ValueError that says where what is wrong, and what to do."""
    log = _log(data)
    if not log.version.startswith("1."):
        raise ValueError(f"HAR version {log.version[:20]} is newer than what is read (1.2): export as HAR 1.2")
    by_mitmproxy = log.creator.name == "mitmproxy"
    exchanges = [_exchange(entry, number, by_mitmproxy) for number, entry in enumerate(log.entries)]
    creator = " ".join(filter(str.isprintable, _whole(f"{log.creator.name} {log.creator.version}"[:60]).split()))
    return Capture(f"a HAR file by {creator}" if creator else "a HAR file", exchanges)


def _log(data: bytes) -> _Log:
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"offset {error.start}: a HAR file is UTF-8, and this is not") from None
    except json.JSONDecodeError as error:
        cut = not error.doc[error.pos :].strip() or error.msg.startswith("Unterminated string")
        advice = "; the file is cut off: export it again" if cut else ""
        raise ValueError(f"line {error.lineno}, column {error.colno}: no JSON ({error.msg}){advice}") from None
    except RecursionError:
        raise ValueError("nested too deep for a HAR file") from None
    try:
        return msgspec.convert(value, _Har).log
    except msgspec.ValidationError as error:
        raise ValueError(f"not a HAR 1.2 file ({error})") from None


def _exchange(entry: _Entry, number: int, by_mitmproxy: bool) -> Exchange:
    where = f"$.log.entries[{number}]"
    began = seconds(entry.started_date_time)
    if began is None:
        raise ValueError(f"not a HAR 1.2 file ({where}.startedDateTime: `{entry.started_date_time[:40]}` is no time)")
    request, response, times = entry.request, entry.response, entry.timings
    # mitmproxy's `connect` may come before `startedDateTime`, and lies outside of the exchange.
    phases = (times.blocked, times.dns, None if by_mitmproxy else times.connect, times.send)
    exchange = Exchange(
        url=_whole(request.url.partition("#")[0]),
        method=_whole(request.method),
        headers=_headers(request.headers),
        body=_posted(request, where),
        asked=began + sum(map(_phase, phases)),
        plain=True,
        fault=_whole(response.error or ""),
        connection="" if entry.connection is None else str(entry.connection),
        peer=entry.server_i_p_address or "",
    )
    if response.status <= 0:
        return exchange
    answered = exchange.asked + _phase(times.wait)
    return msgspec.structs.replace(
        exchange,
        status=response.status,
        answer_headers=_headers(response.headers),
        answer_body=_content(response, where, by_mitmproxy),
        answered=answered,
        ended=answered + _phase(times.receive),
        events_at=_events_at(entry, began),
    )


def _events_at(entry: _Entry, began: float) -> tuple[float, ...]:
    """When the events of a stream came; nothing where that is not told in the way that interpose tells it."""
    try:
        times = msgspec.convert(entry.event_times or (), tuple[float, ...])
    except msgspec.ValidationError:
        return ()
    return tuple(began + _phase(each) for each in times)


def _posted(request: _Request, where: str) -> bytes | None:
    posted = request.post_data
    if posted is None or posted.text is None:
        return None if request.body_size and request.body_size > 0 else b""
    return _bytes(posted.text, posted.encoding, f"{where}.request.postData")


def _content(response: _Response, where: str, by_mitmproxy: bool) -> bytes | None:
    content = response.content
    if not content.text:
        return None if content.size and content.size > 0 else b""
    charset = "charset" in (header(_headers(response.headers), "Content-Type") or "").lower()
    text = content.text if charset or not by_mitmproxy else _as_utf8(content.text)
    return _bytes(text, content.encoding, f"{where}.response.content")


def _as_utf8(text: str) -> str:
    """An event stream is UTF-8; mitmproxy writes one as Latin-1 where no charset was named."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _bytes(text: str, encoding: str | None, where: str) -> bytes:
    if encoding != "base64":
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"not a HAR 1.2 file ({where}.text is no base64)") from None


def _headers(pairs: list[_Pair]) -> Headers:
    """Without the pseudo headers of HTTP/2, which browsers put among the others."""
    return tuple((_whole(pair.name), _whole(pair.value)) for pair in pairs if not pair.name.startswith(":"))


def _whole(text: str) -> str:
    """Text without lone surrogates, which JSON can spell and nothing else can carry."""
    return text.encode("utf-8", "replace").decode()


def _phase(milliseconds: Any) -> float:
    return max(0.0, milliseconds or 0.0) / 1000
