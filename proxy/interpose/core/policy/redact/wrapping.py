"""Other spellings of a text: escapes, percent signs, odd characters, base64, hexadecimal.

What is read, and what is not:

| spelling | read |
|---|---|
| JSON in a string, with escapes, in itself three deep | yes |
| `%41` in addresses and forms | yes |
| full-width, mathematical, circled letters; zero-width, bidirectional, tag characters between letters | yes |
| base64 and base64url of ASCII text, 24 characters and more, line breaks in it, inside other text | yes |
| hexadecimal of ASCII text, 32 digits and more, not separated | yes |
| one of these inside another | yes, three deep |
| letters of other alphabets that look alike, changed case, reversed or spaced out secrets | no |
| compressed, encrypted, base32, quoted-printable, HTML entities, UTF-16 inside base64 | no |
| binary base64 (images, archives) with text in it; `data` and `blob` of more than 256 kB | no |
"""

import binascii
import re
import unicodedata
from collections.abc import Callable

from interpose.core.policy.redact.engine import Span
from interpose.core.policy.redact.surface import Encode, Inner, Rewriting, Space, Surface

# A quad of base64 that stands for three ASCII bytes: no byte has its top bit set. One in eight of random quads does.
_QUAD = "[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
_PAIR = "(?:[2-7][0-9a-fA-F]|0[9aAdD])"
_ZERO_WIDTH = (
    r"\xC2\xAD|\xCD\x8F|\xD8\x9C|\xE1\x85[\x9F\xA0]|\xE1\xA0[\x8B-\x8F]|\xE2\x80[\x8B-\x8F\xA8-\xAE]|\xE2\x81[\xA0-\xAF]"
    r"|\xE3\x85\xA4|\xEF\xB8[\x80-\x8F]|\xEF\xBB\xBF|\xEF\xBE\xA0|\xF3\xA0[\x80-\x87][\x80-\xBF]"
)
_ODD_LETTERS = (
    r"\xC2[\xAA\xB2\xB3\xB9\xBA]|\xE2\x81[\xB0-\xBF]|\xE2\x82[\x80-\x9C]|\xE2\x84[\x80-\xBF]|\xE2\x85[\x80-\xBF]"
    r"|\xE2(?:\x91|\x92|\x93)[\x80-\xBF]|\xE3\x80\x80|\xEF[\xBC\xBD][\x80-\xBF]|\xEF\xB9[\x90-\xAB]"
    r"|\xF0\x9D[\x90-\x9F][\x80-\xBF]"
    r"|\xF0\x9F[\x84-\x86][\x80-\xBF]"
)

ESCAPED = r'\\[nrtbf"/u]'
PERCENT = r"%[2-7][0-9A-Fa-f]"
ODD = f"{_ZERO_WIDTH}|{_ODD_LETTERS}"
BASE64 = rf"(?:{_QUAD}[\r\n]{{0,2}}){{6,}}(?:[A-Za-f][A-HQ-Xg-nw-z0-3][A-Za-z0-9+/_-]?={{0,2}})?"
HEX = _PAIR + "{16,}"

_escape = re.compile(rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[^u])", re.DOTALL)
# The first letter stands outside of the repetition: where it is known, `re` leaps from one to the next.
_percent = re.compile(rb"%[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*+")
_odd = re.compile(f"(?:{ODD})(?:{ODD})*+".encode("ascii"))
_plain_byte = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_REPLACED = (*((b"\\" + letter, plain) for letter, plain in _plain_byte.items()), (b"\\", b""))
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_FROM_URL, _TO_URL = bytes.maketrans(b"-_", b"+/"), bytes.maketrans(b"+/", b"-_")
_after = re.compile(rb"[A-Za-z0-9+/_-]*")
_LONG = 2048  # base64 that is longer has to be text, as far as `_AROUND` reaches
_AROUND = 4096
_LARGEST_TEXT = 256 << 10


def unescaped(text: bytes) -> Rewriting:
    """The text with the escapes of a JSON string read; lone surrogates become three bytes each."""
    return Rewriting(text, _escape, _character, _read_escapes)


def _read_escapes(text: bytes) -> bytes:
    return b"\\".join(map(_without_escapes, text.split(b"\\\\")))


def _without_escapes(text: bytes) -> bytes:
    """The same for a text without escaped backslashes: mostly by `replace`, for a step of Python each takes long."""
    if b"\\" not in text:
        return text
    if b"\\u" in text or text.endswith(b"\\"):
        return _escape.sub(lambda match: _character(match.group()), text)
    for escape, plain in _REPLACED:
        text = text.replace(escape, plain)
    return text


def _character(escape: bytes) -> bytes:
    if escape[1:2] != b"u":
        return _plain_byte.get(escape[1:], escape[1:])
    code = int(escape[2:6], 16)
    if len(escape) == 12:
        code = 0x10000 + ((code - 0xD800) << 10) + int(escape[8:12], 16) - 0xDC00
    return chr(code).encode("utf-8", "surrogatepass")


def _unquoted(text: bytes) -> Rewriting:
    return Rewriting(text, _percent, lambda signs: binascii.unhexlify(signs.replace(b"%", b"")))


def _folded(text: bytes) -> Rewriting:
    return Rewriting(text, _odd, _fold)


def _fold(letters: bytes) -> bytes:
    plain = unicodedata.normalize("NFKC", letters.decode("utf-8", "replace"))
    return "".join(_shown(letter) for letter in plain).encode()


def _shown(letter: str) -> str:
    if 0xE0020 <= ord(letter) <= 0xE007E:
        return chr(ord(letter) - 0xE0000)  # tag characters spell ASCII that nobody sees
    return "" if unicodedata.category(letter) in ("Cf", "Mn", "Lo", "Cn") else letter


# Readings of a whole text, by the pattern that calls for them.
REWRITINGS: tuple[tuple[str, Callable[[bytes], Rewriting]], ...] = (
    (ESCAPED, unescaped),
    (PERCENT, _unquoted),
    (ODD, _folded),
)


def from_base64(surface: Surface, span: Span) -> Surface:
    """What a run of base64 says. Only whole quads are taken when the run goes on in something else."""
    start, end = span
    text = surface.text
    run = text[start:end]
    rest = len(run.translate(None, b"\r\n=")) % 4
    at_end = end == len(text) or text[end] not in _ALPHABET
    if rest and (not at_end or rest == 1):
        end -= rest + len(run) - len(run.rstrip(b"="))
        run, at_end = text[start:end], False
    encode = _base64(b"-" in run or b"_" in run, not rest or run.endswith(b"="), at_end)
    return _inner(surface, (start, end), _decoded(run), encode)


def from_hex(surface: Surface, span: Span) -> Surface:
    run = surface.text[slice(*span)]
    upper = run.upper() == run
    return _inner(surface, span, binascii.unhexlify(run), _upper_hex if upper else binascii.hexlify)


def _upper_hex(new: bytes) -> bytes:
    return binascii.hexlify(new).upper()


def as_base64(text: bytes) -> bytes:
    return binascii.b2a_base64(text, newline=False)


def unwrapped_base64(text: bytes) -> bytes:
    """What a whole string of base64 says; nothing when it is none."""
    try:
        return _decoded(text)
    except binascii.Error:
        return b""


def is_text(base64: bytes) -> bool:
    """Does a whole string of base64, not too long a one, decode to text."""
    return len(base64) <= _LARGEST_TEXT and _is_utf8(unwrapped_base64(base64))


def is_in_binary(text: bytes, inner: Inner) -> bool:
    """Does a run of base64 belong to a long one that is no text: an archive or an image with words in it."""
    before = text[max(0, inner.start - _AROUND) : inner.start]
    start = inner.start - (len(before) - len(before.rstrip(_ALPHABET))) // 4 * 4
    after = _after.match(text, inner.end, inner.end + _AROUND)
    end = after.end() if after else inner.end
    token = text[start : start + (end - start) // 4 * 4]
    return len(token) > _LONG and not _is_utf8(_decoded(token))


def _is_utf8(decoded: bytes) -> bool:
    try:
        decoded.decode("utf-8")
    except UnicodeDecodeError as problem:
        return 0 < len(decoded) - problem.start < 4
    return b"\0" not in decoded


def _decoded(run: bytes) -> bytes:
    plain = run.translate(_FROM_URL, b"\r\n=")
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4))


def _base64(url: bool, padded: bool, at_end: bool) -> Encode:
    def encode(new: bytes) -> bytes:
        if not at_end:
            new += b" " * (-len(new) % 3)  # what follows keeps its place in its quad
        coded = binascii.b2a_base64(new, newline=False)
        coded = coded.translate(_TO_URL) if url else coded
        return coded if padded or not at_end else coded.rstrip(b"=")

    return encode


def _inner(surface: Surface, span: Span, decoded: bytes, encode: Encode) -> Surface:
    space = Space(decoded)
    surface.space.inner.append(Inner(*surface.origin(*span), space, encode))
    return Surface(decoded, space)
