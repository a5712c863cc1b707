"""What an entry says about its server: a process to start, or an address to reach."""

import re
from dataclasses import dataclass

from interpose.core.wiring.command_line import was_edited, wrapping
from interpose.core.wiring.layout import Entry
from interpose.core.wiring.node import Member, Node

_ADDRESSES = ("url", "serverUrl", "httpUrl")
_HTTP_TYPES = ("http", "sse", "streamable-http", "streamableHttp", "streamable_http", "remote", "stdio")
# The client itself gets credentials for these; it must stay the one who speaks HTTP.
_SIGN_INS = ("oauth", "auth", "authProviderType", "headersHelper", "bearer_token_env_var", "env_http_headers")


@dataclass(frozen=True, slots=True)
class Launch:
    """A process. `command` and `args` are members of `table`; joined, `command` holds the whole command line."""

    table: Node
    command: Member
    args: Member | None
    joined: bool

    @property
    def nodes(self) -> tuple[Node, ...]:
        if self.joined:
            return self.command.node.items or ()
        return (self.command.node, *((self.args.node.items or ()) if self.args is not None else ()))

    @property
    def words(self) -> list[str]:
        return [str(node.value) for node in self.nodes]


@dataclass(frozen=True, slots=True)
class Remote:
    """An address. `sign_in` names the member that makes the client fetch credentials."""

    table: Node
    address: Member
    headers: Member | None
    sign_in: str | None

    @property
    def url(self) -> str:
        return str(self.address.node.value)

    @property
    def pairs(self) -> tuple[Member, ...]:
        """Its headers, one by one."""
        return (self.headers.node.members or ()) if self.headers is not None else ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """An entry that cannot be read."""

    why: str


Server = Launch | Remote | Unknown


def server(entry: Entry) -> Server:
    """What an entry starts or reaches."""
    if entry.is_repeated:
        return Unknown("it is there twice, and only the last counts; take one away")
    names = [member.name for member in entry.table.members or ()]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        return Unknown(f"`{repeated}` is there twice in it; take one away")
    command = entry.table.member("command")
    if command is not None:
        return _launch(entry.table, command)
    address = next((found for name in _ADDRESSES if (found := entry.table.member(name)) is not None), None)
    if address is None:
        return Unknown("it has neither `command` nor `url`")
    return _remote(entry.table, address)


def environment(table: Node) -> Member | None:
    """The variables that an entry sets."""
    return table.member("env") or table.member("environment")


def unwrappable(found: Server) -> bool:
    """Whether interpose is in front of this, as `wrap` puts it there."""
    return isinstance(found, Launch) and wrapping(found.words) is not None


def edited(found: Server) -> bool:
    """Whether this was wrapped once, and somebody changed the wrapping."""
    return isinstance(found, Launch) and was_edited(found.words)


def _launch(table: Node, command: Member) -> Server:
    if command.node.members is not None:  # Zed once wrote `command: {path, args, env}`
        inner = command.node.member("path")
        return (
            _checked(Launch(command.node, inner, command.node.member("args"), False)) if inner else _no_text("command")
        )
    return _checked(Launch(table, command, table.member("args"), command.node.items is not None))


def _no_text(name: str) -> Unknown:
    return Unknown(f"`{name}` is not made of texts")


def _checked(launch: Launch) -> Server:
    nodes = launch.nodes
    if not nodes or not isinstance(nodes[0].value, str) or not nodes[0].value:
        return _no_text("command")
    if launch.args is not None and (launch.args.node.items is None or launch.joined):
        return Unknown("`args` is no list of texts")
    if not all(isinstance(node.value, str) for node in nodes):
        return _no_text("command" if launch.joined else "args")
    return launch


def _remote(table: Node, address: Member) -> Server:
    if table.member("args") is not None:
        return Unknown(f"it has both `{address.name}` and `args`")
    kind = table.text("type")
    if kind is not None and kind not in _HTTP_TYPES:
        return Unknown(f"its type is `{kind}`, which interpose does not speak")
    url = address.node.value
    if not isinstance(url, str) or not re.match(r"https?://|\$|\{env:", url):
        return Unknown(f"`{address.name}` is no http:// or https:// address")
    headers = table.member("headers") or table.member("http_headers")
    if headers is not None and not all(isinstance(each.node.value, str) for each in headers.node.members or (headers,)):
        return Unknown(f"`{headers.name}` holds something that is no text")
    return Remote(table, address, headers, next((name for name in _SIGN_INS if table.member(name)), None))
