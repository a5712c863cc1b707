"""The sessions with all servers that intercepted clients talk to: each server has conversations of its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from interpose.edge.conversations import Conversations
from interpose.edge.link import Approver
from interpose.edge.runner import Alarm
from interpose.edge.stores import naming

if TYPE_CHECKING:
    from interpose.core.policy.rule import Policy
    from interpose.edge.watching import Watcher

_SERVER = {"transport": "http", "name": "intercepted"}


class Origins(Conversations):
    """Conversations by origin (`https://host:port`); what is said to all is said to each."""

    def __init__(
        self, record: str | None, alarm: Alarm, policies: "Sequence[Policy]" = (), approver: Approver | None = None
    ) -> None:
        super().__init__(record, _SERVER, alarm, policies, approver)
        self._recorded_at = record
        self._say = alarm
        self._in_force = tuple(policies)
        self._decides = approver
        self._by_origin: dict[str, Conversations] = {}
        self._refused: set[str] = set()
        self._listeners: list[Watcher] = []

    def at(self, origin: str) -> Conversations:
        """The conversations with one server."""
        if origin not in self._by_origin:
            server = {**_SERVER, "name": naming.of_address(origin), "url": origin}
            own = Conversations(self._recorded_at, server, self._say, self._in_force, self._decides)
            for watcher in self._listeners:
                own.watch(watcher)
            self._by_origin[origin] = own
        return self._by_origin[origin]

    def forget(self, origin: str) -> None:
        """End what is open with one server."""
        if (conversations := self._by_origin.pop(origin, None)) is not None:
            conversations.close_all("nothing came for long, and others did")
            self.lost += conversations.lost

    def refused(self, origin: str, why: str) -> None:
        """A client would not speak with this server through us. Once for each, that is a recording of its own."""
        if origin not in self._refused:
            self._refused.add(origin)
            conversations = self.at(origin)
            conversation = conversations.open({"transport": "http"})
            conversation.tell("client", "note", f"no TLS with the client: {why}")
            conversations.close(conversation, "the client does not trust the interception")

    def watch(self, watcher: "Watcher") -> None:
        self._listeners.append(watcher)
        for conversations in self._by_origin.values():
            conversations.watch(watcher)

    def govern(self, policies: "Sequence[Policy]") -> None:
        self._in_force = tuple(policies)
        for conversations in self._by_origin.values():
            conversations.govern(policies)

    def close_all(self, reason: str) -> None:
        for conversations in self._by_origin.values():
            conversations.close_all(reason)

    @property
    def lines_lost(self) -> int:
        """How much could not be recorded, of all sessions."""
        return self.lost + sum(conversations.lost for conversations in self._by_origin.values())
