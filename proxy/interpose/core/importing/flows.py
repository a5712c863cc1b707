"""A mitmproxy flow file as exchanges. Reads formats 19 to 21 (mitmproxy 10 to 12); its code is not needed for it."""

from typing import Any

import msgspec

from interpose.core.events import Headers
from interpose.core.importing.exchange import Capture, Exchange
from interpose.core.importing.tnetstring import read_value

_OLDEST, _NEWEST = 19, 21
_RESAVE = "`mitmdump -nr FILE --set hardump=FILE.har` of that mitmproxy makes a HAR file of it, which can be imported"


class _Request(msgspec.Struct):
    method: bytes
    scheme: bytes
    host: str
    port: int
    path: bytes
    headers: list[tuple[bytes, bytes]]
    content: bytes | None
    timestamp_start: float
    timestamp_end: float | None


class _Response(msgspec.Struct):
    status_code: int
    headers: list[tuple[bytes, bytes]]
    content: bytes | None
    timestamp_start: float
    timestamp_end: float | None


class _Client(msgspec.Struct):
    id: str = ""
    peername: tuple[Any, ...] | None = None


class _Error(msgspec.Struct):
    msg: str
    timestamp: float


class _Flow(msgspec.Struct):
    request: _Request
    response: _Response | None = None
    client_conn: _Client = msgspec.field(default_factory=_Client)
    error: _Error | None = None


def read_flows(data: bytes) -> Capture:
    """All flows of a file. Raises ValueError that says at which offset what is wrong, and what to do."""
    exchanges: list[Exchange] = []
    offset = others = version = 0
    while offset < len(data):
        state, after = _flow_at(data, offset)
        version = _version(state, offset)
        if state.get("type") != "http":
            others += 1
        else:
            exchanges.append(_exchange(state, offset))
        offset = after
    return Capture(f"a mitmproxy flow file (format {version})", exchanges, others)


def _flow_at(data: bytes, offset: int) -> tuple[dict[str, Any], int]:
    try:
        state, after = read_value(data, offset)
    except EOFError as error:
        whole = f"; what comes before is whole: `head -c {offset}` keeps that" if offset else ""
        raise ValueError(f"{error}: mitmproxy was ended, or still writes{whole}") from None
    if not isinstance(state, dict) or "version" not in state:
        raise ValueError(f"offset {offset}: no flow of mitmproxy stands there")
    return state, after


def _version(state: dict[str, Any], offset: int) -> int:
    version = state["version"]
    if not isinstance(version, int) or version < _OLDEST:
        raise ValueError(f"offset {offset}: flow format {version} is older than what is read ({_OLDEST}); {_RESAVE}")
    if version > _NEWEST:
        raise ValueError(f"offset {offset}: flow format {version} is newer than what is read ({_NEWEST}); {_RESAVE}")
    return version


def _exchange(state: dict[str, Any], offset: int) -> Exchange:
    try:
        flow = msgspec.convert(state, _Flow)
    except msgspec.ValidationError as error:
        raise ValueError(f"offset {offset}: this flow is not as mitmproxy writes them ({error})") from None
    asked, failure = flow.request, flow.error
    exchange = Exchange(
        url=_url(asked),
        method=_text(asked.method),
        headers=_headers(asked.headers),
        body=asked.content,
        asked=asked.timestamp_end or asked.timestamp_start,
        ended=None if failure is None else failure.timestamp,
        fault="" if failure is None else failure.msg,
        connection=flow.client_conn.id,
        peer=str((flow.client_conn.peername or ("",))[0]),
    )
    return exchange if flow.response is None else _answered(exchange, flow.response)


def _answered(exchange: Exchange, response: _Response) -> Exchange:
    return msgspec.structs.replace(
        exchange,
        status=response.status_code,
        answer_headers=_headers(response.headers),
        answer_body=response.content,
        answered=response.timestamp_start,
        ended=response.timestamp_end or exchange.ended,
    )


def _url(request: _Request) -> str:
    scheme = _text(request.scheme) or "http"
    host = f"[{request.host}]" if ":" in request.host else request.host
    default = {"http": 80, "https": 443}.get(scheme) == request.port
    return f"{scheme}://{host}{'' if default else f':{request.port}'}{_text(request.path)}"


def _headers(headers: list[tuple[bytes, bytes]]) -> Headers:
    return tuple((_text(name), _text(value)) for name, value in headers)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
