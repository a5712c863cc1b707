"""The objects of a HAR 1.2 file (http://www.softwareishard.com/blog/har-12-spec/), filled with what a recording has."""

import base64
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from interpose.core.events import Headers
from interpose.core.session.exchanges import header

_UNKNOWN = -1
_VERSION = "HTTP/1.1"
_NO_TIME = {"send": 0, "wait": 0, "receive": 0}


def request(method: str, url: str, headers: Headers, body: bytes | None) -> dict[str, Any]:
    """What a client sent. A body that is no text stands in base64, which HAR has no member for: `encoding` says so."""
    fields: dict[str, Any] = {
        "method": method,
        "url": url,
        "httpVersion": _VERSION,
        "cookies": [],
        "headers": _headers(headers),
        "queryString": [_pair(name, value) for name, value in _query(url)],
        "headersSize": _UNKNOWN,
        "bodySize": len(body or b""),
    }
    if body is not None:
        fields["postData"] = {"mimeType": header(headers, "content-type") or "application/json", **_text(body)}
    return fields


def response(status: int, headers: Headers, body: bytes) -> dict[str, Any]:
    """What the server answered; a status of 0: nothing."""
    content: dict[str, Any] = {"size": len(body), "mimeType": header(headers, "content-type") or "x-unknown"}
    return {
        "status": status,
        "statusText": "",
        "httpVersion": _VERSION,
        "cookies": [],
        "headers": _headers(headers),
        "content": content | (_text(body) if body else {}),
        "redirectURL": header(headers, "location") or "",
        "headersSize": _UNKNOWN,
        "bodySize": len(body),
    }


def entry(started: str, timings: dict[str, float], asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any]:
    """One exchange. `timings` are seconds by the names of HAR, which counts milliseconds."""
    phases = {**_NO_TIME, **{name: round(max(0.0, seconds) * 1000, 3) for name, seconds in timings.items()}}
    return {
        "startedDateTime": started,
        "time": round(sum(phases.values()), 3),
        "request": asked,
        "response": answered,
        "cache": {},
        "timings": phases,
    }


def _text(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), "encoding": "base64"}


def _headers(headers: Headers) -> list[dict[str, str]]:
    return [_pair(name, value) for name, value in headers]


def _pair(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def _query(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query, keep_blank_values=True)
    except ValueError:
        return []
