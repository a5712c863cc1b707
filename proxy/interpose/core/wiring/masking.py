"""A configuration as it may be shown: without the values of environments and headers, which hold secrets."""

import re
from collections.abc import Iterator
from itertools import pairwise

from interpose.core.wiring.document import Document
from interpose.core.wiring.edit import Edit, applied, quoted
from interpose.core.wiring.node import Node

MASK = "***"
_SECRET = ("env", "environment", "headers", "http_headers")
_REFERENCE = re.compile(r"(?:Bearer |Basic |token )?(?:\$\{[^}]*\}|\$\w+|\{env:[^}]*\})", re.IGNORECASE)


def masked(document: Document) -> str:
    """The text with those values replaced; references to variables stay."""
    return applied(document.text, (edit for table in document.root.tables() for edit in _masks(table)))


def _masks(table: Node) -> Iterator[Edit]:
    for member in table.members or ():
        if member.name in _SECRET:
            for inner in member.node.members or ():
                yield from _mask(inner.node, "")
        items = member.node.items or ()
        for option, value in pairwise(items):
            if option.value == "--header" and isinstance(value.value, str):
                name, colon, _ = value.value.partition(":")
                yield from _mask(value, f"{name}{colon} " if colon else "")


def _mask(node: Node, kept: str) -> Iterator[Edit]:
    if isinstance(node.value, str) and not _REFERENCE.fullmatch(node.value[len(kept) :].strip()):
        yield Edit(node.start, node.end, quoted(kept + MASK))
