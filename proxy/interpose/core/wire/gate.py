"""The strict gate: what an enforcing policy lets it be judged at all.

A frame passes when every reader, strict or lenient, takes from it what interpose took. What passes may still be wrong
in MCP's terms and is for the policy to judge; what is refused here was never certain to be what it seemed.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from interpose.core.wire.gate_glance import everyday
from interpose.core.wire.gate_json import judge
from interpose.core.wire.gate_level import has_controls, is_token
from interpose.core.wire.gate_lines import Everyday, everyday_answers, everyday_calls
from interpose.core.wire.gate_members import ENVELOPE, NAMED, REQUESTS
from interpose.core.wire.gate_objection import LONGEST_NAME, Objection, refusal, stand_in
from interpose.core.wire.message import Message, read

WITH_BATCHES = frozenset({"2025-03-26"})

_OURS = frozenset({None, "application/json", "text/event-stream"})
_LONE_RETURN = re.compile(rb"\r(?!\n)")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf'({_TOKEN})=({_TOKEN}|"[^"\\]*")')
_MEDIA = re.compile(
    rf"[ \t]*+(?:application/json|text/event-stream)[ \t]*+(?:;[ \t]*+(?:{_PARAMETER.pattern}[ \t]*+)?)*+",
    re.IGNORECASE | re.ASCII,
)


class Gate(msgspec.Struct, frozen=True):
    """What may pass. `exact_keys` lets keys of arguments and content differ by case; protocol keys never may."""

    max_depth: int = 64
    max_bytes: int | None = None
    batches: Collection[str] = WITH_BATCHES
    exact_keys: bool = False

    def refuse(
        self, frame: Message | bytes, *, version: str | None, content_type: str | None = None
    ) -> Objection | None:
        """Why the frame must not pass, or None.

        `frame` is the content of a line (without its end), of a body, or the data of an event; quicker when it was
        read already. `content_type` is the header of what carried it, empty when there was none; None for a line.
        `version` is the protocol version in force, None before there is one.
        """
        message = read(frame) if isinstance(frame, bytes) else frame
        if self.max_bytes is not None and len(message.raw) > self.max_bytes:
            return Objection("size", f"longer than {self.max_bytes} bytes")
        if content_type in _OURS and everyday(message, self.max_depth) is not None:
            return None
        return self.judge(message.raw, version=version, content_type=content_type)

    def glance(self, message: Message) -> dict[str, Any] | None:
        """The params or result of a message of ours that may pass, where a quick look can tell; else `refuse` can."""
        if self.max_bytes is not None and len(message.raw) > self.max_bytes:
            return None
        return everyday(message, self.max_depth)

    def glance_lines(self, lines: Sequence[bytes], *, calls: bool) -> Everyday | None:
        """The same of lines that came together: calls, or answers, that may all pass."""
        if self.max_bytes is not None and max(map(len, lines)) > self.max_bytes:
            return None
        return (everyday_calls if calls else everyday_answers)(lines, self.max_depth)

    def judge(self, raw: bytes, *, version: str | None, content_type: str | None = None) -> Objection | None:
        """The same with care, whatever the frame looks like and however long it is."""
        if (b"\r" in raw or b"\n" in raw or content_type is not None) and (found := _framing(raw, content_type)):
            return found
        value = judge(raw, self.max_depth, exact_keys=self.exact_keys)
        if type(value) is dict:
            return _envelope(value) if value else None  # `{}` says nothing in any reading, and servers do send it
        return value if isinstance(value, Objection) else self._batch(value, version)

    def _batch(self, items: Any, version: str | None) -> Objection | None:
        if version not in self.batches:
            return Objection("batch", "a batch, which this protocol version does not have")
        if not items:
            return Objection("batch", "an empty batch")
        for item in items:
            if type(item) is not dict:
                return Objection("batch", "a batch with something else than messages")
            if (found := _envelope(item)) is not None:
                return found
        return None


def _framing(raw: bytes, content_type: str | None) -> Objection | None:
    if content_type is None:
        return Objection("framing", "a line break inside a line: some readers see two messages")
    if not _is_utf8_json(content_type):
        return Objection("media", "the content type is not JSON in UTF-8")
    if _LONE_RETURN.search(raw):
        return Objection("framing", "a carriage return without a line feed")
    return None


def _is_utf8_json(content_type: str) -> bool:
    if not _MEDIA.fullmatch(content_type):
        return False
    charsets = [value for name, value in _PARAMETER.findall(content_type) if name.lower() == "charset"]
    return not charsets or (len(charsets) == 1 and charsets[0].strip('"').lower() in ("utf-8", "utf8"))


def _envelope(value: dict[str, Any]) -> Objection | None:
    if (found := ENVELOPE.check(value)) is not None:
        return found
    reason = _role(value)
    return None if reason is None else Objection("envelope", reason)


def _role(value: dict[str, Any]) -> str | None:
    """Why it is not certain what kind of message this is, or whose."""
    if value.get("jsonrpc") != "2.0":
        return '`jsonrpc` must be "2.0"'
    roles = ("method" in value) + ("result" in value) + ("error" in value)
    if roles != 1:
        return "exactly one of `method`, `result` and `error` must be there"
    if "method" in value:
        return _method(value["method"], value) or _id(value, required=False)
    if "result" in value:
        return _id(value, required=True)
    if not value["error"].keys() >= {"code", "message"}:
        return "an error must have a code and a message"
    return None if value.get("id") is None else _id(value, required=True)


def _method(method: str, value: dict[str, Any]) -> str | None:
    if not method or len(method) > LONGEST_NAME or method != method.strip() or has_controls(method):
        return "`method` is empty, too long, or holds blanks or control characters"
    if "id" in value:
        if method.startswith("notifications/"):
            return "a notification with an `id`"
    elif method in REQUESTS:
        return "a request without an `id`"
    needed = NAMED.get(method)
    if needed is not None and needed not in value.get("params", ()):
        return f"`{method}` without `{needed}`"
    return None


def _id(value: dict[str, Any], *, required: bool) -> str | None:
    if "id" not in value:
        return "a result without an `id`" if required else None
    ident = value["id"]
    if not is_token(ident):
        return "`id` must be a string or an integer that readers do not round"
    if type(ident) is str and (len(ident) > LONGEST_NAME or has_controls(ident)):
        return "`id` is too long or holds control characters"
    return None


__all__ = ["WITH_BATCHES", "Gate", "Objection", "refusal", "stand_in"]
