"""Putting interpose in front of a server: the edits, as small as can be, so that taking it out again is exact."""

import re
from collections.abc import Iterable, Iterator, Sequence

from interpose.core.wiring.command_line import Settings, first, wrapping
from interpose.core.wiring.document import Document
from interpose.core.wiring.edit import Edit, inserted, listed, prepended, quoted, removed, separator, written
from interpose.core.wiring.layout import Entry, Layout
from interpose.core.wiring.node import Member
from interpose.core.wiring.server import Launch, Remote, Unknown, edited, environment, server

_TALK = "127.0.0.1:8900"
_VARIABLE = "INTERPOSE_HEADER_"


class RefusedError(Exception):
    """An entry that stays as it is: why, and what to do by hand."""


def wrap(document: Document, entry: Entry, layout: Layout, settings: Settings) -> list[Edit]:
    """What puts interpose in front of a server, or brings a wrapping up to date; nothing where that is done already.

    Raises: RefusedError.
    """
    found = server(entry)
    if isinstance(found, Unknown):
        raise RefusedError(found.why)
    if edited(found):
        raise RefusedError("it was wrapped, and the wrapping was edited by hand; correct it there")
    if isinstance(found, Launch) and (known := wrapping(found.words)) is not None:
        name = [("--name", known.name or entry.name)]
        words = first(settings.program, [*settings.options(known.others), *name])
        return _updated(document, found, known.leading, words) if words != known.first() else []
    words = first(settings.program, [*settings.options(), ("--name", entry.name)])
    return put_first(document, entry, layout, words)


def put_first(document: Document, entry: Entry, layout: Layout, words: Sequence[str]) -> list[Edit]:
    """What puts these words and the server they are for in the place of a server. Raises: RefusedError."""
    found = server(entry)
    if isinstance(found, Launch):
        return _launched(document, found, words)
    if isinstance(found, Remote):
        _check(entry, found)
        return _bridged(document, found, layout, words)
    raise RefusedError(found.why)


def _launched(document: Document, launch: Launch, words: Sequence[str]) -> list[Edit]:
    tokens = [*map(quoted, words), quoted("--")]
    if launch.joined:
        return [prepended(document, launch.command.node, tokens)]
    node = launch.command.node
    program, moved = tokens[0], [*tokens[1:], document.text[node.start : node.end]]
    command = Edit(node.start, node.end, program)
    if launch.args is not None:
        return [command, prepended(document, launch.args.node, moved)]
    args = written(document, launch.command, "args", listed(moved))
    return [command, inserted(document, launch.table, launch.command, args)]


def _updated(document: Document, launch: Launch, leading: int, words: Sequence[str]) -> list[Edit]:
    """Other words before those that say which server."""
    nodes, tokens = launch.nodes, list(map(quoted, words))
    if launch.joined:
        return [Edit(nodes[0].start, nodes[leading - 1].end, separator(document, launch.command.node).join(tokens))]
    assert launch.args is not None
    program = Edit(nodes[0].start, nodes[0].end, tokens[0])
    options = separator(document, launch.args.node).join(tokens[1:])
    return [program, Edit(nodes[1].start, nodes[leading - 1].end, options)]


def _bridged(document: Document, remote: Remote, layout: Layout, words: Sequence[str]) -> list[Edit]:
    """A process in the place of an address. Headers go through its environment: others see its command line."""
    node = remote.address.node
    tokens = [*map(quoted, words), quoted("--upstream"), document.text[node.start : node.end]]
    members = []
    if environment(remote.table) is None:
        named = variables([header.name for header in remote.pairs])
        tokens += [quoted(word) for pair in named for word in ("--header-env", "=".join(pair))]
        if named:
            members = [written(document, remote.address, layout.environment, _table(document, remote, named))]
    else:
        tokens += _headers(document, remote)
    if layout.joined:
        text = written(document, remote.address, "command", listed(tokens))
    else:
        text = written(document, remote.address, "command", tokens[0])
        members.insert(0, written(document, remote.address, "args", listed(tokens[1:])))
    text += "".join(inserted(document, remote.table, remote.address, member).text for member in members)
    edits = [Edit(remote.address.start, node.end, text)]
    kind = remote.table.member("type")
    if kind is not None:
        edits.append(Edit(kind.node.start, kind.node.end, quoted(layout.local)))
    if remote.headers is not None:
        edits.append(removed(document, remote.table, remote.headers))
    return edits


def variables(headers: Iterable[str]) -> list[tuple[str, str]]:
    """For each header's name the environment variable that gets its value."""
    found: dict[str, str] = {}
    for header in headers:
        variable = _VARIABLE + re.sub(r"[^A-Z0-9]", "_", header.upper())
        while variable in found:
            variable += "_"
        found[variable] = header
    return [(header, variable) for variable, header in found.items()]


def _table(document: Document, remote: Remote, named: Iterable[tuple[str, str]]) -> str:
    """The variables: values stay as they are written, and so references stay references."""
    sign = " = " if document.is_toml else ": "
    values = (document.text[header.node.start : header.node.end] for header in remote.pairs)
    pairs = ", ".join(quoted(variable) + sign + value for (_, variable), value in zip(named, values, strict=True))
    return "{" + pairs + "}"


def _headers(document: Document, remote: Remote) -> Iterator[str]:
    """`--header` for each, where an environment is there already: it is left alone. JSON's escapes stay as they are."""
    for header in remote.pairs:
        yield quoted("--header")
        if document.is_toml:
            yield quoted(f"{header.name}: {header.node.value}")
        else:
            name, value = (
                document.text[header.start : header.key_end],
                document.text[header.node.start : header.node.end],
            )
            yield f"{name[:-1]}: {value[1:]}"


def _check(entry: Entry, remote: Remote) -> None:
    """Raise RefusedError where a client has to keep speaking HTTP itself."""
    sign_in = remote.sign_in
    if sign_in is None and _stands_apart(remote.headers):
        sign_in = "http_headers"
    if sign_in is not None:
        raise RefusedError(
            f"`{sign_in}` has the client itself sign in, so it has to keep an address; "
            f"start `interpose run --listen {_TALK} --name {_word(entry.name)} --upstream {_word(remote.url)}` "
            f"and set its `{remote.address.name}` to http://{_TALK}/mcp"
        )


def _word(text: str) -> str:
    """As one word of a command line."""
    return text if re.fullmatch(r"[\w./:@%+-]+", text) else quoted(text)


def _stands_apart(headers: Member | None) -> bool:
    """Whether headers are a TOML table under a heading of their own."""
    return headers is not None and headers.node.is_block
