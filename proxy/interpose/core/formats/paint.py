"""Pieces of text to one string, plain or with colours. Colours only underline what the words say."""

from collections.abc import Iterable

_COLOURS = {
    "dim": "2",
    "number": "1",
    "label": "",
    "text": "",
    "plain": "",
    "good": "32",
    "bad": "31;1",
    "warn": "33",
    "open": "36",
    "head": "1",
}
_ASCII = str.maketrans({"→": ">", "←": "<", "…": "...", "×": "x", "⇒": "=>", "·": "|", "─": "-"})


def plain(pieces: Iterable[tuple[str, str]]) -> str:
    return "".join(text for _, text in pieces)


def coloured(pieces: Iterable[tuple[str, str]]) -> str:
    """With the terminal's own sixteen colours, so that they suit its background."""
    return "".join(_painted(style, text) for style, text in pieces)


def ascii_only(text: str) -> str:
    """For terminals that know no more: our own symbols respelled, other characters as escapes."""
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def _painted(style: str, text: str) -> str:
    code = _COLOURS.get(style, "")
    return f"\x1b[{code}m{text}\x1b[0m" if code and text.strip() else text
