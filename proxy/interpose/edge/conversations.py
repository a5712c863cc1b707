"""The sessions of one run: each gets its conversation and, when asked for, a recording of its own."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from interpose import __version__
from interpose.core.errors import RecordingError
from interpose.core.recording.entry import Header
from interpose.edge.link import Approver
from interpose.edge.runner import Alarm, Conversation, stopwatch, utc_now
from interpose.edge.stores.jsonl import RecordingFile
from interpose.edge.stores.placing import place

if TYPE_CHECKING:
    from interpose.core.policy.engine import Engine
    from interpose.core.policy.rule import Policy
    from interpose.core.policy.rules import Rules
    from interpose.edge.watching import Watched, Watcher


class Conversations:
    """Opens conversations and closes those that are left. `record` is a file or a folder, None to keep nothing.

    `server` describes the server end for the header of every recording; its `name` also names files. `approver` decides
    about what a policy holds; without one, time does.
    """

    def __init__(
        self,
        record: str | None,
        server: dict[str, Any],
        alarm: Alarm,
        policies: "Sequence[Policy]" = (),
        approver: Approver | None = None,
    ) -> None:
        self._watchers: list[Watcher] = []
        self._policies = tuple(policies)
        self._rules: Rules | None = None
        self._approver = approver
        self._record = record
        self._server = server
        self._alarm = alarm
        self._open: list[Conversation] = []
        self.lost = 0

    @property
    def alarm(self) -> Alarm:
        """Tells people."""
        return self._alarm

    @property
    def observes(self) -> bool:
        """Whether sessions that open now are under no policy."""
        return not self._policies

    def check(self) -> None:
        """Raise RecordingError now if nothing could be recorded later."""
        if self._record:
            place(self._record, self._server["name"], utc_now())

    def watch(self, watcher: "Watcher") -> None:
        """Let somebody hear what is recorded, and what would have been, of all sessions that are yet to open."""
        self._watchers.append(watcher)

    def open(self, client: dict[str, Any]) -> Conversation:
        """Begin a session. `client` says how its client is reached: `{"transport": "stdio" | "http" | "sse"}`."""
        started = utc_now()
        recording = self._watched(self._create(started))
        in_force = [{"name": policy.name, "digest": policy.digest} for policy in self._policies]
        header = Header(os.urandom(8).hex(), started, client, self._server, f"interpose {__version__}", in_force)
        conversation = Conversation(header, recording, stopwatch(), self._alarm, self._engine(), self._approver)
        self._open.append(conversation)
        return conversation

    def _engine(self) -> "Engine | None":
        if not self._policies:
            return None
        from interpose.core.policy.engine import Engine

        return Engine(self._compiled(), self._server["name"], os.urandom(32))

    def _compiled(self) -> "Rules":
        """The policies in force, compiled once for all sessions under them."""
        if self._rules is None:
            from interpose.core.policy.rules import Rules

            self._rules = Rules(self._policies)
        return self._rules

    def _watched(self, file: RecordingFile | None) -> "RecordingFile | Watched | None":
        """The file, heard by watchers where there are any."""
        if not self._watchers:
            return file
        from interpose.edge.watching import Watched

        return Watched(file, self._watchers)

    def _create(self, started: str) -> RecordingFile | None:
        """A new file. Where none can be made any more, the session goes on unrecorded, and people are told."""
        if not self._record:
            return None
        try:
            return RecordingFile(place(self._record, self._server["name"], started))
        except RecordingError as error:
            self.lost += 1
            self._alarm(f"{error}; a session goes on unrecorded")
            return None

    def govern(self, policies: "Sequence[Policy]") -> None:
        """Put other policies in force: for sessions to come and for those that run, which keep their counts."""
        self._policies, self._rules = tuple(policies), None
        names = ", ".join(f"{policy.name} {policy.digest[:12]}" for policy in self._policies)
        for conversation in self._open:
            conversation.govern(self._compiled())
            conversation.tell("client", "note", f"policy reloaded: {names}")

    def close(self, conversation: Conversation, reason: str) -> None:
        """End one session and its recording."""
        conversation.close(reason)
        self.lost += conversation.lost
        if conversation in self._open:
            self._open.remove(conversation)

    def close_all(self, reason: str) -> None:
        """End what is still open."""
        for conversation in tuple(self._open):
            self.close(conversation, reason)
