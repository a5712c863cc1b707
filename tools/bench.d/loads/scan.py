"""How long a message of 1 MB is looked through: by the default detector and by all, by what is in it."""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from given import Given
from sheet import Column, Row, Sheet

from interpose.core.policy.redact.detectors import DETECTORS
from interpose.core.policy.redact.placeholders import Placeholders
from interpose.core.policy.redact.redactor import Options, Redactor

_SIZE = 1 << 20
_TURNS = 5
_COLUMNS = (Column("ms", "for 1 MB", "ms", 1), Column("found", "found", ""))
_WORDS = ("servers", "ask", "and", "clients", "answer", "deploy", "the", "quick", "report", "of", "nobody")


def scan(given: Given) -> Sheet:
    """A row for each kind of content and set of detectors: the best of some turns, and how much was found."""
    by = {"secrets": Redactor(Options()), "all": Redactor(Options(detectors=tuple(DETECTORS)))}
    turns = min(_TURNS, given.plan.rounds)
    rows = [
        Row(f"{content}: {name}", "own", _timed(redactor, raw, turns))
        for content, raw in _messages()
        for name, redactor in by.items()
    ]
    return Sheet("scan", "redaction alone: 1 MB of each content, looked through by these detectors", _COLUMNS, rows)


def _timed(redactor: Redactor, raw: bytes, turns: int) -> dict[str, float]:
    best, found = float("inf"), 0
    for _ in range(turns):
        placeholders = Placeholders(lambda plain: hashlib.sha256(plain).digest())
        began = time.perf_counter()
        found = len(redactor.redact(raw, placeholders).findings)
        best = min(best, time.perf_counter() - began)
    return {"ms": best * 1000 * _SIZE / len(raw), "found": found}


def _messages() -> Iterator[tuple[str, bytes]]:
    rows = [{"id": number, "name": _word(number), "done": number % 3 == 0} for number in range(_SIZE // 45)]
    yield "plain text", _said(_filled(lambda number: f"{_word(number)} "))
    yield "JSON rows", _result({"structuredContent": {"rows": rows}, "content": []})
    yield "JSON rows in text", _said(json.dumps(rows))
    yield (
        "base64",
        _said(base64.b64encode(_filled(lambda number: f"{_word(number)} ")[: _SIZE * 3 // 4].encode()).decode()),
    )
    yield (
        "log lines",
        _said(_filled(lambda number: f"2026-01-05T10:00:{number % 60:02} INFO {_word(number)} took {number} ms\n")),
    )
    yield "log lines, 100 hits", _said(_with_hits(_filled(lambda number: f"INFO {_word(number)} took {number} ms\n")))
    yield "source code", _said(_source()[:_SIZE])


def _filled(line: Callable[[int], str]) -> str:
    parts, size, number = [], 0, 0
    while size < _SIZE:
        parts.append(line(number))
        size += len(parts[-1])
        number += 1
    return "".join(parts)


def _with_hits(text: str) -> str:
    """The same with a mail address a hundred times, evenly."""
    step = len(text) // 100
    return "".join(f"{text[at : at + step]} ann{at}@example.org " for at in range(0, len(text), step))


def _word(number: int) -> str:
    return _WORDS[number * 7 % len(_WORDS)]


def _source() -> str:
    """Of this Python's own library, which everybody has."""
    files = sorted(Path(asyncio.__file__).parent.glob("*.py"))
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    return text * (_SIZE // len(text) + 1)


def _said(text: str) -> bytes:
    return _result({"content": [{"type": "text", "text": text}]})


def _result(result: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()
