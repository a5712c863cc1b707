"""How each client's file is laid out: where its servers stand, what a server's address is called, what it allows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from interpose.core.wiring.document import Document
from interpose.core.wiring.node import Member, Node

_BRACED = r"\$\{(?:env:)?([A-Za-z_]\w*)\}"
_DEFAULTED = r"\$\{([A-Za-z_]\w*)\}"  # `${NAME:-default}` needs none


@dataclass(frozen=True, slots=True)
class Layout:
    """One client's ways. A `*` in a container stands for any name."""

    containers: tuple[tuple[str, ...], ...]
    address: str = "url"  # what the address of an HTTP server is called
    local: str = "stdio"  # what `type` says of a server that is a process
    joined: bool = False  # whether `command` is the whole command line
    environment: str = "env"
    takes_comments: bool = False
    reference: str | None = None  # a pattern for names of environment variables in values
    timeout: tuple[str, float] | None = None  # its key, and how long one of it is in seconds
    patience: float | None = None  # how many seconds a call may take when nothing is said
    short_path: bool = False  # started from a desktop, with few folders on its PATH


_SERVERS = ("mcpServers",)
LAYOUTS: dict[str, Layout] = {
    "claude-desktop": Layout((_SERVERS,), short_path=True, patience=60),
    "claude-code": Layout((_SERVERS, ("projects", "*", "mcpServers")), reference=_DEFAULTED),
    "cursor": Layout((_SERVERS,), reference=r"\$\{env:([A-Za-z_]\w*)\}", short_path=True, patience=60),
    "vscode": Layout(
        (("servers",), ("mcp", "servers")),
        takes_comments=True,
        reference=r"\$\{env:([A-Za-z_]\w*)\}",
    ),
    "windsurf": Layout((_SERVERS,), address="serverUrl", reference=r"\$\{env:([A-Za-z_]\w*)\}", short_path=True),
    "zed": Layout((("context_servers",),), takes_comments=True, short_path=True, patience=60),
    "codex": Layout((("mcp_servers",),), timeout=("tool_timeout_sec", 1), patience=60),
    "gemini": Layout(
        (_SERVERS,),
        address="httpUrl",
        takes_comments=True,
        reference=r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))",
        timeout=("timeout", 0.001),
        patience=600,
    ),
    "opencode": Layout(
        (("mcp", "servers"), ("mcp",)),
        local="local",
        joined=True,
        environment="environment",
        takes_comments=True,
        reference=r"\{env:([A-Za-z_]\w*)\}",
    ),
    "cline": Layout(
        (_SERVERS,), reference=r"\$\{env:([A-Za-z_]\w*)\}", timeout=("timeout", 1), patience=60, short_path=True
    ),
}
GENERIC = Layout(
    (_SERVERS, ("servers",), ("context_servers",), ("mcp_servers",), ("mcp", "servers"), ("mcp",)),
    reference=_BRACED,
)
_TYPES = {"opencode": ("local", "remote"), "vscode": ("stdio", "http", "sse")}


@dataclass(frozen=True, slots=True)
class Entry:
    """A server in a file: the names that lead to it, and its table."""

    path: tuple[str, ...]
    member: Member
    is_repeated: bool

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def table(self) -> Node:
        return self.member.node


def entries(document: Document, layout: Layout) -> list[Entry]:
    """Every server in a file, in the order of its containers."""
    inner = {path[:-1] for path in layout.containers if len(path) > 1} | set(layout.containers)
    found = []
    for pattern in layout.containers:
        for path, container in _containers(document.root, pattern):
            for member in container.members or ():
                place = (*path, member.name)
                if member.node.members is not None and place not in inner:
                    repeated = sum(each.name == member.name for each in container.members or ()) > 1
                    found.append(Entry(place, member, repeated))
    return found


def _containers(
    node: Node, pattern: tuple[str, ...], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Node]]:
    if not pattern:
        if node.members is not None:
            yield path, node
        return
    last = {member.name: member for member in node.members or ()}  # of several, the last counts
    for member in last.values():
        if pattern[0] in ("*", member.name):
            yield from _containers(member.node, pattern[1:], (*path, member.name))


def layout_of(document: Document) -> tuple[str | None, Layout]:
    """Whose file this looks like, by what is in it; the generic layout when it may be anybody's."""
    if document.is_toml:
        return "codex", LAYOUTS["codex"]
    for name, key in (("vscode", "servers"), ("zed", "context_servers")):
        if (found := document.root.member(key)) is not None and found.node.members is not None:
            return name, LAYOUTS[name]
    for name in ("opencode", "vscode"):
        if any(entry.table.text("type") in _TYPES[name] for entry in entries(document, LAYOUTS[name])):
            return name, LAYOUTS[name]
    return None, GENERIC


def references(layout: Layout, text: str) -> list[str]:
    """Names of environment variables that a value refers to."""
    if layout.reference is None:
        return []
    return [next(filter(None, match.groups())) for match in re.finditer(layout.reference, text)]
