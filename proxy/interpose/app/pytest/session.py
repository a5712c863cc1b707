"""What a test gets as `interpose`: a command or an address to give to an MCP client, or a recorded client to run."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from interpose.app.pytest import place
from interpose.app.pytest.playing import play
from interpose.app.pytest.spec import MODULE, REPORTS, Spec
from interpose.app.pytest.wish import Wish, several, words

_PATIENCE = 5.0  # how long the processes of a test may take to end, and a listener to begin
_LISTENS = re.compile(rb"listening on (http://\S+/mcp)")
_SCRUB = '[[rule]]\nname = "no-secrets"\nall = true\ndo = "redact"\nfind = "secrets"\nwhere = "recording"\n'


class InterposeSession:
    """One test's session with a recorded server, or with a real one that is being recorded.

    Give `command` to a stdio client, or `url` to one that speaks HTTP; `client` is for the tests of a server.
    """

    def __init__(self, item: pytest.Item, wish: Wish) -> None:
        self._item = item
        self._wish = wish
        self._folder = Path(tempfile.mkdtemp(prefix="interpose-"))
        self._spec: Spec | None = None
        self._listener: subprocess.Popen[bytes] | None = None
        self._told: set[str] = set()
        self._played: list[tuple[Path | None, Path]] = []  # recorded clients: what was recorded anew of which recording
        self.used = set(place.series(wish.first)) | {wish.first}
        self.kept: list[Path] = []
        self.updated: list[Path] = []
        self.ended: list[str] = []  # what its sessions still waited for
        self.replayed = 0

    # --- for tests ---------------------------------------------------------------------------------------------------

    @property
    def recording(self) -> Path:
        """The test's recording: where it is, or where it will be."""
        return self._wish.first

    @property
    def replaying(self) -> bool:
        """Whether a recorded server answers, and not the real one."""
        return self._wish.mode != "all" and bool(place.series(self._wish.first))

    @property
    def command(self) -> list[str]:
        """The command of the server, for a client on stdio: `argv[0]` is the program, `argv[1:]` are its arguments."""
        self._prepare()
        return [sys.executable, "-P", "-m", MODULE, str(self._folder / "spec.json")]

    @property
    def url(self) -> str:
        """The address of the server, for a client that speaks Streamable HTTP; it is started when first asked for."""
        command = self.command
        log = self._folder / "listener.log"
        if self._listener is None:
            with open(log, "wb") as file:
                self._listener = subprocess.Popen(
                    [*command, "--listen"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file
                )
        deadline = time.monotonic() + 2 * _PATIENCE
        while time.monotonic() < deadline:
            found = _LISTENS.search(log.read_bytes())
            if found is not None:
                return found[1].decode()
            if self._listener.poll() is not None:
                break
            time.sleep(0.01)
        pytest.fail(f"the server could not be started:\n{log.read_text(errors='replace')}", pytrace=False)

    def client(
        self,
        *,
        server: str | Sequence[str] = (),
        url: str = "",
        recording: str | Path | None = None,
        ignore: str | Sequence[str] = (),
        lenient: bool = False,
        deadline: float = 30.0,
    ) -> None:
        """Play the recorded client to a server, the marker's unless one is given here.

        Raises: AssertionError with a report where the server does not do as recorded.
        """
        server, url = words(server), url or ("" if server else self._wish.url)
        server = server or (() if url else self._wish.server)
        if not server and not url:
            pytest.fail(f"{self._item.nodeid}: say which server: `server=[...]` or `url=...`", pytrace=False)
        first = self._first(recording)
        sessions = place.series(first)
        self.used |= {first, *sessions}
        end = ("--upstream", url) if url else ("--", *server)
        if not sessions:
            shown = self._relative(str(first))
            how = f"interpose run --record {shown} {' '.join(end)}"
            pytest.fail(f"there is no recording {shown}; to make it, let a client use: {how}", pytrace=False)
        options = ["--deadline", str(deadline), *(["--lenient"] if lenient else [])]
        options += ["--match", self._wish.match] if self._wish.match else []
        options += [word for path in (*self._wish.ignore, *several(ignore)) for word in ("--ignore", path)]
        for session in sessions:
            self._play(session, options, end)

    # --- for the plugin ----------------------------------------------------------------------------------------------

    def problems(self) -> str:
        """What clients asked otherwise than recorded, as far as it is known and was not told yet."""
        found = [report for report in self._reports() if not report["ok"] and report["file"] not in self._told]
        self._told.update(report["file"] for report in found)
        if not found:
            return ""
        lines = [line for report in found for line in report["lines"]]
        lines += [f"  still waiting at the end: {report['waiting']}" for report in found if report["waiting"]]
        advice = f"  to record it anew: pytest '{self._item.nodeid}' --interpose-record=all"
        return self._relative("\n".join([*lines, advice]))

    def waiting(self) -> list[str]:
        """What sessions waited for at their end."""
        return [
            f"{self._item.nodeid}: {self._relative(report['recording'])}: {report['waiting']}"
            for report in self._reports()
            if report["waiting"]
        ]

    def close(self, *, passed: bool) -> str:
        """End what still runs, and keep what was recorded if the test passed. Returns what was wrong, if anything."""
        try:
            self._stop()
            problems = self.problems()
            if passed and not problems:
                problems = self._keep()
            return problems
        finally:
            self.ended = self.waiting()
            self.replayed = len(self._reports()) + len(self._played)
            shutil.rmtree(self._folder, ignore_errors=True)

    # --- recording and replaying -------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Decide between recording and replaying, once. Fails the test when neither can be."""
        if self._spec is not None:
            return
        wish, sessions = self._wish, place.series(self._wish.first)
        can_record = bool(wish.server or wish.url)
        if not sessions and (wish.mode == "none" or not can_record):
            pytest.fail(self._how_to_record(can_record=can_record), pytrace=False)
        if wish.mode == "all" and not can_record:
            pytest.fail(f"{self._item.nodeid}: nothing to record: its marker names no server", pytrace=False)
        replays = bool(sessions) and wish.mode != "all"
        task: Any = "record" if not replays else "replay"
        if replays and wish.mode == "new_episodes" and can_record:
            task = "new_episodes"
        self._spec = Spec(
            task,
            str(self._folder),
            str(self._stage / "session.jsonl"),
            list(map(str, sessions)) if replays else [],
            list(wish.server),
            wish.url,
            wish.match,
            list(wish.ignore),
            self._policies(scrubs=task != "replay" and wish.scrubs),
        )
        self._stage.mkdir()
        self._spec.write(self._folder / "spec.json")

    def _policies(self, *, scrubs: bool) -> list[str]:
        if not scrubs:
            return list(self._wish.policies)
        scrub = self._folder / "scrub.toml"
        scrub.write_text(_SCRUB, encoding="utf-8")
        return [*self._wish.policies, str(scrub)]

    def _play(self, session: Path, options: Sequence[str], end: Sequence[str]) -> None:
        """Play one recorded client. In mode `all`, what the server says now becomes the recording."""
        anew = self._wish.mode == "all"
        made = self._folder / f"played-{len(self._played)}.jsonl" if anew else None
        policies = self._policies(scrubs=anew and self._wish.scrubs)
        problems = play(session, [*options, *(word for each in policies for word in ("--policy", each))], end, made)
        if problems:
            raise AssertionError(self._relative("\n".join(problems)))
        self._played.append((made, session))

    def _first(self, recording: str | Path | None) -> Path:
        if recording is None:
            return self._wish.first
        return recording if isinstance(recording, Path) else place.recording(self._item, recording)

    @property
    def _stage(self) -> Path:
        return self._folder / "made"

    # --- the end -----------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        if self._listener is not None and self._listener.poll() is None:
            self._listener.send_signal(signal.SIGTERM)
        if self._listener is not None:
            try:
                self._listener.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._listener.kill()
                self._listener.wait()
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and any(_runs(report) for report in self._reports()):
            time.sleep(0.01)

    def _keep(self) -> str:
        """Put what was recorded in its place. Returns why some could not be."""
        from interpose.app.pytest import keeping
        from interpose.core.errors import InterposeError

        task = self._spec.task if self._spec is not None else "replay"
        try:
            made = self._made(task)
            late = [path for path in made if not keeping.ended_within(_PATIENCE, path)]
            if late:
                return f"{self._item.nodeid}: a session was not closed at the end of the test, and is not recorded"
            made = [path for path in made if keeping.said_anything(path)]
            if task == "record":
                anew = bool(place.series(self._wish.first))
                put = keeping.put_anew if self._wish.mode == "all" else keeping.put_first
                (self.updated if anew else self.kept).extend(put(made, self._wish.first) if made else ())
            elif task == "new_episodes":
                self.updated += keeping.put_beside(made, self._wish.first)
            for played, session in self._played:
                if played is not None:
                    self.updated += keeping.put_anew([played], session)
        except InterposeError as error:
            return str(error)
        self.used |= {*self.kept, *self.updated}
        return ""

    def _made(self, task: str) -> list[Path]:
        if task == "record":
            return place.series(self._stage / "session.jsonl")
        return [Path(report["made"]) for report in self._reports() if report["made"]]

    def _reports(self) -> list[dict[str, Any]]:
        return [{"file": path.name, **json.loads(path.read_bytes())} for path in sorted(self._folder.glob(REPORTS))]

    # --- words -------------------------------------------------------------------------------------------------------

    def _how_to_record(self, *, can_record: bool) -> str:
        nodeid, shown = self._item.nodeid, self._relative(str(self._wish.first))
        if not can_record:
            return (
                f"there is no recording {shown}, and nothing to record: say which server it is of, "
                f"with @pytest.mark.interpose(server=[...]) or url=..."
            )
        return f"there is no recording {shown}; to make it: pytest '{nodeid}' --interpose-record=once"

    def _relative(self, text: str) -> str:
        return text.replace(f"{self._item.config.rootpath}{os.sep}", "")


def _runs(report: dict[str, Any]) -> bool:
    """Whether the process that plays a session is still there, and not done with it."""
    if report["over"]:
        return False
    try:
        os.kill(report["pid"], 0)
    except OSError:
        return False
    return True
