"""Where a bench runs: who ends its processes, its scratch folder, and the servers that all ways lead to."""

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from process import Running, peer


class Scene:
    """The servers are started when somebody wants them, and everything ends with the stack."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.stack, self.folder = stack, folder
        self._made = 0

    def start(self, command: list[str]) -> Running:
        """A process that ends with the bench, its standard error in a file of its own."""
        return self.stack.enter_context(Running(command, self.fresh(".log")))

    def fresh(self, suffix: str) -> Path:
        """A path where nothing is yet."""
        self._made += 1
        return self.folder / f"{self._made}{suffix}"

    def lend(self, other: "Scene") -> None:
        """Use the HTTP server of another scene, which lives longer."""
        self.json_port = other.json_port

    @cached_property
    def json_port(self) -> int:
        """The port of the HTTP server that answers with JSON."""
        return self.start(peer("http_server", "json")).printed_port()

    @cached_property
    def sse_port(self) -> int:
        """The port of the HTTP server that answers with an event stream."""
        return self.start(peer("http_server", "sse")).printed_port()
