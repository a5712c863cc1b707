"""What is wrong with a configuration file on the face of it. What a machine has to be asked for is no part of this."""

import re
from collections.abc import Container, Iterator
from typing import Literal, NamedTuple

from interpose.core.wiring.document import Document
from interpose.core.wiring.layout import GENERIC, Entry, Layout, entries, references
from interpose.core.wiring.node import Node
from interpose.core.wiring.place import line_and_column
from interpose.core.wiring.server import Launch, Remote, Unknown, edited, server

Level = Literal["wrong", "note", "ok"]
_REFERENCE = re.compile(r"\$\{[^}]*\}|\{env:\w+\}")
_INPUT = re.compile(r"\$\{input:([^}]+)\}")


class Finding(NamedTuple):
    """What there is to say about a server; about the whole file, where `server` is empty."""

    server: str
    level: Level
    text: str


def check(document: Document, layout: Layout, environment: Container[str]) -> Iterator[Finding]:
    """What can be seen in the text. `environment` has the names of the variables that are set."""
    yield from _spelling(document, layout)
    yield from _misplaced(document, layout)
    for entry in entries(document, layout):
        for level, text in (*_entry(entry, layout), *_variables(document, entry, layout, environment)):
            yield Finding(entry.name, level, text)


def _spelling(document: Document, layout: Layout) -> Iterator[Finding]:
    if layout.takes_comments or layout is GENERIC:
        return
    for what, places in (("a comment", document.comments), ("a comma after the last value", document.commas)):
        if places:
            line, column = line_and_column(document.text, places[0])
            yield Finding("", "wrong", f"line {line}, column {column}: {what}; this client may not read the file then")


def _misplaced(document: Document, layout: Layout) -> Iterator[Finding]:
    """Servers under a name that another client gives them."""
    wanted = ".".join(layout.containers[0])
    for other in GENERIC.containers:
        found = document.root.member(other[0])
        is_foreign = layout is not GENERIC and other not in layout.containers and len(other) == 1 and other != ("mcp",)
        if is_foreign and found is not None and found.node.members:
            yield Finding("", "wrong", f"`{other[0]}` is another client's word; this one looks under `{wanted}`")


def _entry(entry: Entry, layout: Layout) -> Iterator[tuple[Level, str]]:
    found = server(entry)
    if isinstance(found, Unknown):
        yield "wrong", found.why
    elif edited(found):
        yield "wrong", "it was wrapped, and the wrapping was edited by hand"
    elif isinstance(found, Launch) and layout is not GENERIC and found.joined != layout.joined:
        yield "wrong", "`command` is " + ("one text here, and `args` a list" if found.joined else "a list here")
    elif isinstance(found, Remote):
        yield from _address(found, layout)
    for name, sign in (("disabled", True), ("enabled", False)):
        switch = entry.table.member(name)
        if switch is not None and switch.node.value is sign:
            yield "note", "it is switched off"


def _address(remote: Remote, layout: Layout) -> Iterator[tuple[Level, str]]:
    name = remote.address.name
    if layout is GENERIC or name == layout.address:
        return
    if (layout.address, name) == ("httpUrl", "url"):
        if remote.table.text("type") != "http":
            yield "note", "`url` is for HTTP+SSE here; a server with Streamable HTTP has `httpUrl`"
        return
    yield "wrong", f"this client reads `{layout.address}`, not `{name}`"


def _variables(
    document: Document, entry: Entry, layout: Layout, environment: Container[str]
) -> Iterator[tuple[Level, str]]:
    texts = list(_texts(entry.table))
    if layout.reference is None and not document.is_toml:
        if literal := next(filter(None, map(_REFERENCE.search, texts)), None):
            yield "wrong", f"`{literal[0]}` is not replaced by this client, but passed on as it is"
        return
    wanted = [name for text in texts for name in references(layout, text)] + list(_named(entry.table))
    for name in dict.fromkeys(wanted):
        if name not in environment:
            yield "wrong", f"the environment variable `{name}` is not set"
    asked = {match for text in texts for match in _INPUT.findall(text)}
    inputs = document.root.member("inputs")
    known = {item.text("id") for item in (inputs.node.items or () if inputs is not None else ())}
    for name in sorted(asked - known):
        yield "wrong", f"`inputs` has no `{name}`"


def _texts(node: Node) -> Iterator[str]:
    if isinstance(node.value, str):
        yield node.value
    for inner in (*(each.node for each in node.members or ()), *(node.items or ())):
        yield from _texts(inner)


def _named(table: Node) -> Iterator[str]:
    """Variables that Codex names without any sign."""
    if (token := table.text("bearer_token_env_var")) is not None:
        yield token
    for member in ("env_vars", "env_http_headers"):
        found = table.member(member)
        if found is not None:
            nodes = found.node.items or tuple(each.node for each in found.node.members or ())
            yield from (node.value for node in nodes if isinstance(node.value, str))
