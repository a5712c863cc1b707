"""A message's JSON over several lines, digits and spelling as they came. Large ones are cut."""

import re
from collections.abc import Iterator

from interpose.core.formats.words import safe, size

MOST = 1 << 20
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+')
_STEP = "  "


def lines(raw: bytes) -> Iterator[str]:
    """The lines of a body, harmless to show."""
    text = raw[:MOST].decode("utf-8", "backslashreplace")
    if len(raw) > MOST:
        yield safe(text)
        yield f"… {size(len(raw) - MOST)} more of {size(len(raw))}"
    elif raw.lstrip()[:1] in (b"{", b"["):
        yield from map(safe, _pretty(text))
    else:
        yield safe(text)


def _pretty(text: str) -> Iterator[str]:
    depth, line, opened = 0, "", False
    for match in _TOKEN.finditer(text):
        token = match.group()
        if opened and token not in "}]":
            yield line
            line = _STEP * depth
        if token in "{[":
            depth, line, opened = depth + 1, line + token, True
            continue
        if token in "}]":
            depth -= 1
            if not opened:
                yield line
                line = _STEP * depth
            line += token
        elif token == ",":
            yield line + token
            line = _STEP * depth
        else:
            line += ": " if token == ":" else token
        opened = False
    if line.strip():
        yield line
