"""Taking interpose out again: exactly as it was where nothing else changed, and only our own change where it did."""

from collections.abc import Collection

from interpose.core.wiring.command_line import Wrapping, wrapping
from interpose.core.wiring.document import Document
from interpose.core.wiring.edit import Edit, applied, inserted, quoted, removed, without, written
from interpose.core.wiring.layout import Entry, Layout, entries
from interpose.core.wiring.node import Member, Node
from interpose.core.wiring.server import Launch, Remote, edited, environment, server
from interpose.core.wiring.wrapping import RefusedError, put_first

Path = tuple[str, ...]


def unwrapped(document: Document, before: Document | None, layout: Layout, paths: Collection[Path]) -> str:
    """The text without interpose in these entries. `before` is the file as it was, as far as that is known.

    What was changed since the wrapping stays, and so does an entry that `why_not` refuses.
    """
    wrapped = {entry.path: words for entry in entries(document, layout) if (words := _words(entry)) is not None}
    if before is not None and _rewrapped(before, layout, wrapped) == document.text:
        return _rewrapped(before, layout, {path: words for path, words in wrapped.items() if path not in paths})
    origins = {entry.path: entry for entry in entries(before, layout)} if before is not None else {}
    edits = []
    for entry in entries(document, layout):
        if entry.path in paths and entry.path in wrapped and why_not(entry) is None:
            origin = _Origin(before, origins[entry.path]) if before is not None and entry.path in origins else None
            edits += _undone(document, entry, origin, layout)
    return applied(document.text, edits)


def why_not(entry: Entry) -> str | None:
    """Why an entry that seems to be wrapped is left alone; None where it can be unwrapped, or is not wrapped."""
    if edited(server(entry)):
        return "it was wrapped, and the wrapping was edited by hand"
    known = _words(entry)
    if known is not None and (missing := [name for name, value in _headers(entry.table, known) if value is None]):
        return f"its entry no longer says what `{missing[0]}` is to be"
    return None


def _headers(table: Node, known: Wrapping) -> list[tuple[str, str | None]]:
    """The headers of a wrapping, as its words and its entry's environment have them."""
    variables = environment(table)
    pairs: list[tuple[str, str | None]] = [header.partition(": ")[::2] for header in known.headers]
    return pairs + [
        (name, variables.node.text(variable) if variables is not None else None) for name, variable in known.variables
    ]


def _words(entry: Entry) -> Wrapping | None:
    found = server(entry)
    return wrapping(found.words) if isinstance(found, Launch) else None


def _rewrapped(before: Document, layout: Layout, wrapped: dict[Path, Wrapping]) -> str:
    """The file as it was, with these entries wrapped the way they are now."""
    edits = []
    try:
        for entry in entries(before, layout):
            if entry.path in wrapped:
                edits += put_first(before, entry, layout, wrapped[entry.path].first())
    except RefusedError:
        return ""
    return applied(before.text, edits)


class _Origin:
    """An entry as it was before it was wrapped."""

    def __init__(self, document: Document, entry: Entry) -> None:
        self.document, self.entry, self.server = document, entry, server(entry)

    def text(self, member: Member) -> str:
        return self.document.text[member.start : member.node.end]

    def wrapped(self, layout: Layout, known: Wrapping) -> str | None:
        """The entry's table as text, once it is wrapped like this."""
        table = self.entry.table
        try:
            edits = put_first(self.document, self.entry, layout, known.first())
        except RefusedError:
            return None
        inner = [Edit(each.start - table.start, each.end - table.start, each.text) for each in edits]
        return applied(self.document.text[table.start : table.end], inner)

    def says(self, url: str | None, headers: list[tuple[str, str | None]]) -> bool:
        """Whether this is the address, and these are the headers, that the wrapping has now."""
        if not isinstance(self.server, Remote):
            return False
        return (self.server.url, [(each.name, each.node.value) for each in self.server.pairs]) == (url, headers)


def _undone(document: Document, entry: Entry, origin: _Origin | None, layout: Layout) -> list[Edit]:
    found = server(entry)
    assert isinstance(found, Launch)
    known = wrapping(found.words)
    assert known is not None
    table = entry.table
    if origin is not None and not table.is_block and not origin.entry.table.is_block:
        was = origin.entry.table
        if origin.wrapped(layout, known) == document.text[table.start : table.end]:
            return [Edit(table.start, table.end, origin.document.text[was.start : was.end])]
    if known.upstream is not None:
        return _readdressed(document, found, known, origin, layout)
    had_args = origin is None or not isinstance(origin.server, Launch) or origin.server.args is not None
    return _relaunched(document, found, known.inner, had_args)


def _relaunched(document: Document, launch: Launch, inner: int, had_args: bool) -> list[Edit]:
    """The server's own command line, with all that was added to it since."""
    nodes = launch.nodes
    rest = nodes[inner + (0 if launch.joined else 1) :]
    begin = (nodes[0] if launch.joined else nodes[1]).start
    cut = Edit(begin, rest[0].start if rest else nodes[-1].end, "")
    if launch.joined:
        return [cut]
    program = Edit(nodes[0].start, nodes[0].end, document.text[nodes[inner].start : nodes[inner].end])
    assert launch.args is not None
    if not rest and not had_args:
        return [program, removed(document, launch.table, launch.args)]
    return [program, cut]


def _readdressed(
    document: Document, launch: Launch, known: Wrapping, origin: _Origin | None, layout: Layout
) -> list[Edit]:
    """The address again, in the place of the process: as it was written, if it still says the same."""
    pairs = _headers(launch.table, known)
    if origin is not None and origin.says(known.upstream, pairs):
        assert isinstance(origin.server, Remote)
        address = origin.text(origin.server.address)
        headers = origin.text(origin.server.headers) if origin.server.headers is not None else None
    else:
        address = written(document, launch.command, layout.address, quoted(known.upstream or ""))
        headers = _written(document, launch, pairs)
    if headers is not None:
        address += inserted(document, launch.table, launch.command, headers).text
    edits = [Edit(launch.command.start, launch.command.node.end, address)]
    edits += _without_process(document, launch, known)
    stated = launch.table.member("type")
    if stated is not None:
        was = origin.entry.table.text("type") if origin is not None else None
        kind = was or ("remote" if layout.joined else "http")
        edits.append(Edit(stated.node.start, stated.node.end, quoted(kind)))
    return edits


def _without_process(document: Document, launch: Launch, known: Wrapping) -> list[Edit]:
    """What only a process has goes; a variable that somebody added stays."""
    gone = [launch.args] if launch.args is not None else []
    variables = environment(launch.table)
    ours = {variable for _, variable in known.variables}
    left = []
    if variables is not None and ours:
        members = [each for each in variables.node.members or () if each.name not in ours]
        if not members:
            gone.append(variables)
        elif len(members) < len(variables.node.members or ()):
            table = "{" + ", ".join(document.text[each.start : each.node.end] for each in members) + "}"
            left.append(Edit(variables.node.start, variables.node.end, table))
    return left + without(document, launch.table, gone)


def _written(document: Document, launch: Launch, pairs: list[tuple[str, str | None]]) -> str | None:
    """Headers as this client writes them."""
    if not pairs:
        return None
    sign, name = (" = ", "http_headers") if document.is_toml else (": ", "headers")
    members = ", ".join(quoted(key) + sign + quoted(value or "") for key, value in pairs)
    return written(document, launch.command, name, "{" + members + "}")
