"""Lines as JSON objects, one a line, for other programs. The keys are a contract."""

import json
from typing import Any

from interpose.core.formats.line import Line
from interpose.core.formats.words import safe_json

_OWED = ("request", "answer", "ask")


def fields(line: Line) -> dict[str, Any]:
    """A line as an object; members that do not apply are left out, those that are not known yet are null."""
    found: dict[str, Any] = {"type": line.type, "seq": line.seq, "at": round(line.at, 6), "from": line.end}
    if line.number:
        found["number" if line.type in _OWED else "about"] = line.number
    if line.method is not None:
        found |= {"method": line.method, "name": line.name}
    if line.inside:
        found |= {"inside": list(line.inside), "sure": line.sure}
    if line.type in _OWED:
        ended = line.outcome is not None and line.word != "…"
        found |= {
            "outcome": line.outcome.slug if line.outcome is not None and ended else None,
            "failed": line.failed,
            "seconds": None if line.took is None else round(line.took, 6),
            "reply": line.reply,
        }
    if line.notes:
        found["notes"] = list(line.notes)
    found["text"] = line.text
    return found | {key: value for key, value in line.facts.items() if value is not None}


def encoded(found: dict[str, Any]) -> str:
    """One line of JSON that a terminal shows harmlessly."""
    return safe_json(json.dumps(found, ensure_ascii=False, separators=(",", ":")))
