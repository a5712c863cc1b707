"""What the command line of `interpose run` said."""

from dataclasses import dataclass
from typing import Any, Protocol


class Governing(Protocol):
    """What says which rules are in force: files, and short forms."""

    @property
    def policy(self) -> tuple[str, ...]: ...

    @property
    def rules(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Options:
    """Either `upstream` or `command` says which server. `rules` are short forms; headers are pairs of name and value.

    `otel` is where spans go, with `otel_headers`.
    """

    listen: str | None
    record: str | None
    upstream: str | None
    name: str | None
    headers: tuple[tuple[str, str], ...]
    policy: tuple[str, ...]
    rules: tuple[str, ...]
    approver: tuple[str, ...]
    approver_secret_file: str | None
    ui: str | None
    workers: int
    otel: str | None
    otel_headers: tuple[tuple[str, str], ...]
    command: tuple[str, ...]

    def server(self) -> dict[str, Any]:
        """The server end, as a recording's header describes it."""
        from interpose.edge.stores import naming

        if self.upstream is not None:
            name = self.name or naming.of_address(self.upstream)
            return {"transport": "http", "name": name, "url": self.upstream}
        name = self.name or naming.of_command(self.command)
        return {"transport": "stdio", "name": name, "command": list(self.command)}
