"""A relay that nobody sees: clients know the server by its own address, so there is none to map or to rewrite."""

from interpose.edge.conversations import Conversations
from interpose.edge.front import Front
from interpose.edge.relay import Relay


class Straight(Front):
    """Addresses pass as they are. All that is handed over is MCP."""

    def is_mcp(self, target: str) -> bool:
        return True

    def target(self, target: str) -> str:
        return target

    def location(self, value: str, ours: str) -> str:
        return value

    def moved(self, target: str, location: str) -> None:
        """Nothing to learn: the client finds its way by itself."""

    def endpoint(self, target: str, data: str) -> tuple[str, str] | None:
        found = super().endpoint(target, data)
        return None if found is None else (found[0], data)


class StraightRelay(Relay):
    """The door to one origin."""

    def __init__(self, origin: str, conversations: Conversations) -> None:
        super().__init__(origin, conversations, Straight(origin))
