"""One JSON-RPC message: its bytes, always kept, and what its envelope says.

Reading never fails and never validates MCP: what is no JSON-RPC is `OPAQUE`, and its bytes still travel. Bodies
stay raw until somebody asks for `Message.body()`.
"""

import codecs
import json
import re
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from interpose.core.wire.fraction import Fraction


class Kind(StrEnum):
    """What a frame is in JSON-RPC's terms."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    RESULT = "result"
    ERROR = "error"
    BATCH = "batch"
    OPAQUE = "opaque"


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message as it came.

    `id` is the JSON text of the id (`1`, `"a"`, `null`), strings in one canonical spelling, so that an id keeps its
    type and digits and still meets its answer. `flags` name what a strict peer would object to.
    """

    raw: bytes
    kind: Kind
    id: str | None = None
    method: str | None = None
    params: bytes = b""
    result: bytes = b""
    error: bytes = b""
    parts: tuple["Message", ...] = ()
    flags: tuple[str, ...] = ()

    def body(self) -> Any:
        """The whole message as Python values; None when it is no JSON.

        Integers keep their digits, lone surrogates survive; a duplicate key keeps its last value.
        """
        return parse(self.raw)

    def section(self, name: str) -> Any:
        """`params`, `result` or `error` as Python values; None when absent or unreadable."""
        raw: bytes = getattr(self, name)
        return parse(raw) if raw else None

    def messages(self) -> tuple["Message", ...]:
        """The messages in this frame: the parts of a batch, else itself."""
        return self.parts if self.kind is Kind.BATCH else (self,)

    @property
    def is_response(self) -> bool:
        return self.kind is Kind.RESULT or self.kind is Kind.ERROR

    @property
    def embeddable(self) -> bool:
        """May these bytes stand inside a JSON line as they are."""
        return (
            self.kind is not _OPAQUE
            and (not self.flags or not {"irregular", "not-utf8"}.intersection(self.flags))
            and (b"\n" not in self.raw and b"\r" not in self.raw)
        )


class _Envelope(msgspec.Struct, gc=False):
    jsonrpc: Raw = Raw()
    id: Raw = Raw()
    method: Raw = Raw()
    params: Raw = Raw()
    result: Raw = Raw()
    error: Raw = Raw()


class _Usual(msgspec.Struct, gc=False):
    """The envelope as nearly everyone writes it. What does not fit is read again, as `_Envelope`."""

    jsonrpc: Raw = Raw()
    id: Raw = Raw()
    method: str | UnsetType = UNSET
    params: Raw = Raw()
    result: Raw = Raw()
    error: Raw = Raw()


_decode_usual = msgspec.json.Decoder(_Usual).decode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode = msgspec.json.Decoder().decode
_decode_exact = msgspec.json.Decoder(float_hook=Fraction).decode
_decode_items = msgspec.json.Decoder(list[Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode
_bare_cr = re.compile(rb"\r(?!\n)").search  # to some readers the end of a line (2025-11-25 §basic/transports)
_UTF8_STEP = 1 << 20
_VERSION = Raw(b'"2.0"')
# Members of an enumeration, looked up once: each look costs as much as the test it is for.
_REQUEST, _NOTIFICATION, _RESULT, _ERROR = Kind.REQUEST, Kind.NOTIFICATION, Kind.RESULT, Kind.ERROR
_OPAQUE = Kind.OPAQUE


def read(raw: bytes) -> Message:
    """Read one frame. Never raises; what cannot be read is `Kind.OPAQUE` with a flag that says why."""
    try:
        usual = _decode_usual(raw)
    except (ValueError, RecursionError):
        return _read_closely(raw)
    if usual.jsonrpc != _VERSION or b"\r" in raw or not (raw.isascii() or is_utf8(raw)):
        return _read_closely(raw)
    ident: str | None = None
    if usual.id:
        digits = bytes(usual.id)
        ident = digits.decode() if digits.isdigit() else id_text(digits)
        if not (ident[0] == '"' or digits.isdigit() or _is_legal_id(ident)):
            return _read_closely(raw)
    method, result, error = usual.method, bytes(usual.result), bytes(usual.error)
    if method is not UNSET:
        if result or error:
            return _read_closely(raw)
        return Message(raw, _NOTIFICATION if ident is None else _REQUEST, ident, method, bytes(usual.params))
    if result and not error:
        return Message(raw, _RESULT, ident, None, bytes(usual.params), result)
    if error and not result:
        return Message(raw, _ERROR, ident, None, bytes(usual.params), b"", error)
    return _read_closely(raw)


def _read_closely(raw: bytes) -> Message:
    """Any frame, with a flag for all that is unusual about it."""
    message = _read_leniently(raw)
    if b"\r" not in raw or _bare_cr(raw) is None or "ambiguous" in message.flags:
        return message
    return msgspec.structs.replace(message, flags=(*message.flags, "ambiguous"))


def _read_leniently(raw: bytes) -> Message:
    try:
        envelope = _decode_envelope(raw)
    except msgspec.ValidationError:
        return _read_array(raw)
    except (msgspec.DecodeError, RecursionError):
        return _read_irregular(raw)
    flags: tuple[str, ...] = () if raw.isascii() or is_utf8(raw) else ("not-utf8",)
    return _classify(raw, envelope, flags)


def parse(raw: bytes) -> Any:
    """JSON as Python values with integers exact; None for what is no JSON in any reading."""
    try:
        return _decode(raw)
    except (ValueError, RecursionError):
        pass
    try:  # a lenient reader takes more: lone surrogates, NaN, bytes that are no UTF-8
        return json.loads(raw.decode("utf-8-sig", "surrogateescape"))
    except (ValueError, RecursionError):
        return None


def parse_exact(raw: bytes) -> Any:
    """The same, and fractions keep their digits when they are written again: for a message that is edited."""
    try:
        return _decode_exact(raw)
    except (ValueError, RecursionError):
        pass
    try:
        text = raw.decode("utf-8-sig", "surrogateescape")
        return json.loads(text, parse_float=Fraction, parse_constant=Fraction)
    except (ValueError, RecursionError):
        return None


def id_text(value: Raw | bytes) -> str:
    """The canonical JSON text of an id: strings respelled one way, numbers with their own digits."""
    text = bytes(value).strip()
    if text.isascii() and b"\\" not in text:  # it has one spelling
        return text.decode()
    if text[:1] == b'"':
        try:
            return json.dumps(_decode_text(text), ensure_ascii=False)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
    return text.decode("utf-8", "replace")


def _classify(raw: bytes, envelope: _Envelope, flags: tuple[str, ...]) -> Message:
    if envelope.jsonrpc != _VERSION:
        flags += ("no-version",)
    method = _method(envelope.method)
    if method is None and bytes(envelope.method):
        flags += ("method-not-text",)
    ident = id_text(envelope.id) if bytes(envelope.id) else None
    if ident is not None and not _is_legal_id(ident):
        flags += ("odd-id",)
    result, error = bytes(envelope.result), bytes(envelope.error)
    kind = _kind(method, ident, result, error)
    if (method is not None and (result or error)) or (result and error):
        flags += ("two-roles",)
    if kind is Kind.OPAQUE:
        flags += ("not-json-rpc",)
    return Message(raw, kind, ident, method, bytes(envelope.params), result, error, (), flags)


def _kind(method: str | None, ident: str | None, result: bytes, error: bytes) -> Kind:
    # INVARIANT: a member `id` makes a request, whatever its value: the stricter reading of `"id": null`.
    if method is not None:
        return Kind.NOTIFICATION if ident is None else Kind.REQUEST
    if result:
        return Kind.RESULT
    return Kind.ERROR if error else Kind.OPAQUE


def _method(value: Raw) -> str | None:
    text = bytes(value)
    if text[:1] != b'"':
        return None
    try:
        return _decode_text(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _is_legal_id(ident: str) -> bool:
    return ident[0] == '"' or ident.lstrip("-").isdigit()


def _read_array(raw: bytes) -> Message:
    """A batch (2025-03-26 §basic), or JSON of another shape."""
    try:
        items = _decode_items(raw)
    except (msgspec.DecodeError, RecursionError):
        return Message(raw, Kind.OPAQUE, flags=("not-json-rpc",))
    parts = tuple(read(bytes(item)) for item in items)
    if not parts or any(part.kind in (Kind.BATCH, Kind.OPAQUE) for part in parts):
        return Message(raw, Kind.OPAQUE, flags=("not-json-rpc",))
    flags = tuple(sorted({flag for part in parts for flag in part.flags}))
    return Message(raw, Kind.BATCH, parts=parts, flags=flags)


def _read_irregular(raw: bytes) -> Message:
    """JSON that only a lenient reader takes (lone surrogates, NaN, a BOM, deep nesting), or no JSON at all."""
    value = parse(raw)
    if not isinstance(value, dict):
        return Message(raw, Kind.OPAQUE, flags=("not-json",))
    try:
        sections = {name: json.dumps(value[name]).encode() for name in _Envelope.__struct_fields__ if name in value}
    except (RecursionError, ValueError):
        return Message(raw, Kind.OPAQUE, flags=("not-json",))
    envelope = _Envelope(**{name: Raw(text) for name, text in sections.items()})
    return _classify(raw, envelope, ("irregular",))


def is_utf8(raw: bytes) -> bool:
    """Whether the bytes are UTF-8, a step at a time: a 64 MB message must not become a 256 MB string."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(raw)
    try:
        for start in range(0, len(raw), _UTF8_STEP):
            decoder.decode(view[start : start + _UTF8_STEP])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
