"""A held message as it is put to who decides about it: JSON for programs, rows for people. The keys are a contract."""

from typing import Any

import msgspec
from msgspec import Raw

from interpose.core.effects import Seek
from interpose.core.formats import asked, body
from interpose.core.formats.excerpt import rest, said
from interpose.core.formats.sheet import Piece, Row
from interpose.core.formats.words import age, safe_json, size
from interpose.core.wire.message import read

_RED, _AMBER = 0.8, 5.0
_SHORT = 12
_TEXT = 200


class Asked(msgspec.Struct, frozen=True, rename={"end": "from"}):
    """What is to be decided: `message` is what goes on when it is approved. Times are Unix seconds."""

    hold: str
    session: str
    server: str
    since: float
    until: float
    outcome: str
    rules: tuple[str, ...]
    may: tuple[str, ...]
    end: str
    method: str
    name: str | None
    message: Raw


def asked_of(seek: Seek, since: float, until: float) -> Asked:
    """The question that a hold puts."""
    return Asked(
        seek.hold,
        seek.session,
        seek.server,
        since,
        until,
        seek.outcome,
        seek.rules,
        seek.may,
        seek.end,
        seek.method,
        seek.name,
        Raw(seek.message),
    )


def as_json(found: Asked) -> str:
    """One line of JSON that a terminal shows harmlessly."""
    return safe_json(msgspec.json.encode(found).decode("utf-8", "backslashreplace"))


def row(found: Asked, now: float) -> Row:
    """One held message in a line: its name in short, whose it is, what it is about, how long, and what happens then."""
    waited, whole = now - found.since, max(found.until - found.since, 0.001)
    style = "bad" if waited >= _RED * whole else "warn" if waited >= _AMBER else "open"
    left = max(0.0, found.until - now)
    pieces: list[Piece] = [
        ("number", found.hold[:_SHORT] + "  "),
        ("label", f"{what(found)}  "),
        (style, f"{age(waited)}  "),
        ("text", f"in {age(left)}: {said(found.outcome)}  rule {said(', '.join(found.rules), 80)}"),
    ]
    return tuple(pieces)


def details(found: Asked) -> list[Row]:
    """What is said in it, whither it goes and how large it is; a link stands last and whole."""
    raw = bytes(found.message)
    message = read(raw)
    text = asked.summary(found.method, message.params) if message.params else rest(message.section("result") or {})
    across = "server" if found.end == "client" else "client"
    rows: list[Row] = [(("text", f"    {said(text, _TEXT)}"),)] if text else []
    rows.append((("dim", f"    {size(len(raw))} to the {across}; may be: {said(', '.join(found.may), 80)}"),))
    urls = [url for url in _urls(message.section("params"), message.section("result")) if isinstance(url, str)]
    return rows + [(("warn", f"    leads to {said(url, 4000)}"),) for url in urls]


def whole(found: Asked) -> list[Row]:
    """The message to its last word, harmless to show."""
    return [(("plain", line),) for line in body.lines(bytes(found.message))]


def holders(verdict: dict[str, Any]) -> str:
    """The rules by which a recorded verdict holds a message; those that an approver has settled before do not."""
    hits = [hit for hit in verdict.get("rules", ()) if isinstance(hit, dict) and hit.get("do") == "hold"]
    names = [hit.get("rule", "") for hit in hits if not str(hit.get("why", "")).startswith("approved")]
    return ", ".join(said(str(name), 80) for name in names)


def what(found: Asked) -> str:
    """`everything: tools/call drop_table`."""
    words = " ".join(word for word in (found.method, found.name) if word) or "a message"
    return f"{said(found.server, 40)}: {said(words, 80)}"


def _urls(params: Any, result: Any) -> list[Any]:
    """The links that a person would be sent to."""
    found = [params.get("url")] if isinstance(params, dict) else []
    inputs = result.get("inputRequests") if isinstance(result, dict) else None
    for entry in inputs.values() if isinstance(inputs, dict) else ():
        inside = entry.get("params") if isinstance(entry, dict) else None
        found += [inside.get("url")] if isinstance(inside, dict) else []
    return found
