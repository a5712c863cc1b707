"""An approver that always says the same: for tests of a policy, and for those who only want to see what is held."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interpose.core.effects import Release, Seek
    from interpose.core.events import Decision
    from interpose.edge.link import Decide


class Fixed:
    """Decides at once, whatever is asked."""

    def __init__(self, decision: "Decision") -> None:
        self._decision = decision

    def seek(self, seek: "Seek", decide: "Decide") -> None:
        import asyncio

        asyncio.get_running_loop().call_soon(decide, self._decision, f"--approver {self._decision}")

    def release(self, release: "Release") -> None:
        """It remembers nothing."""
