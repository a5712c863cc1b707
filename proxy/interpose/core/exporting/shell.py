"""Words of a POSIX shell: text from strangers that a shell hands on to the letter and never reads."""

import re

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_LINE = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*")


def quoted(word: str) -> str:
    """One word. It must not hold NUL, which no argument can."""
    if _PLAIN.fullmatch(word) and not word.startswith("="):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def is_text(raw: bytes) -> bool:
    """Whether bytes can stand in a command line and be read there."""
    try:
        return _LINE.fullmatch(raw.decode()) is not None
    except UnicodeDecodeError:
        return False


def printed(raw: bytes) -> str:
    """A `printf` that writes these bytes, whatever they are; a first `-` would be an option."""
    text = "".join(map(_octal, raw))
    return "printf " + quoted("\\055" + text[1:] if text.startswith("-") else text)


def _octal(byte: int) -> str:
    if 0x20 <= byte < 0x7F and byte not in b"%\\":
        return chr(byte)
    return "%%" if byte == ord("%") else f"\\{byte:03o}"
