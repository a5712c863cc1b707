"""The real edges under a policy from TOML."""

import pytest

from interpose.core.policy.engine import Engine
from interpose.core.policy.reading import read_policy
from interpose.edge.conversations import Conversations


def enforce(monkeypatch: pytest.MonkeyPatch, rules: str) -> None:
    """Every session from now on has these rules in force."""
    policy = read_policy(rules, "p.toml")
    monkeypatch.setattr(Conversations, "_engine", lambda _: Engine([policy], "srv", b"key"))


def dispatched(stream: bytes) -> list[tuple[str, bytes]]:
    """The events of a stream as the standard reads them (WHATWG HTML §9.2.6), one line after the other."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    *lines, _ = text.split(b"\n")  # a last line without an end is thrown away
    found: list[tuple[str, bytes]] = []
    data: list[bytes] = []
    kind = b""
    for line in lines:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            if b"\n".join(data):
                found.append((kind.decode() or "message", b"\n".join(data)))
            data, kind = [], b""
        elif name == b"data":
            data.append(value)
        elif name == b"event":
            kind = value
    return found
