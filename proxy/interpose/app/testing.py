"""Recordings as regression tests: each is played against itself, and to the server that it is for."""

import os
import subprocess
import sys
import tempfile
import time
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import msgspec

from interpose.app.programs import environment, missing
from interpose.app.testing_settings import Settings, settings
from interpose.core.errors import EndError, InterposeError, RecordingError
from interpose.core.events import End
from interpose.core.formats import replay_report
from interpose.core.formats.tested import Check, Tested
from interpose.core.recording.entry import Header
from interpose.core.replay.client import ClientPlayer
from interpose.core.replay.options import Options, beside, read_options
from interpose.core.replay.player import Said
from interpose.core.replay.report import Report
from interpose.core.replay.server import ServerPlayer
from interpose.core.wire.message import read
from interpose.edge.replaying.reading import read_script

_ITSELF, _SERVER = "plays against itself", "the server does as recorded"
_MOST_POLLS = 1000  # in a row that find nothing new: no recording has that many
_MOST_STDERR = 20


class Plan(msgspec.Struct, frozen=True):
    """One recording, and how it is tested; `offline` starts no server and connects to none."""

    path: str
    settings: Settings
    offline: bool = False


def plans(paths: Sequence[Path], *, offline: bool) -> list[Plan]:
    """How these recordings are tested. Raises: OptionsError."""
    return [Plan(str(path), settings(path), offline) for path in paths]


def run(planned: Sequence[Plan], jobs: int) -> Iterator[Tested]:
    """Test them, several at once, each in a process; told in the order given."""
    if min(jobs, len(planned)) < 2:
        yield from map(tested, planned)
        return
    with ProcessPoolExecutor(min(jobs, len(planned)), get_context("spawn")) as pool:
        try:
            yield from pool.map(tested, planned)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def tested(plan: Plan) -> Tested:
    """Test one recording."""
    began = time.perf_counter()
    try:
        header, problems = _against_itself(plan)
    except InterposeError as error:
        said = error.problem if isinstance(error, RecordingError) else str(error)
        where = f"line {error.line}: " if isinstance(error, RecordingError) and error.line else ""
        check = Check("the recording can be read", time.perf_counter() - began, "damaged", f"{where}{said}")
        return Tested(plan.path, (check,), "nothing tried")
    check = _check(_ITSELF, began, problems)
    if plan.offline:
        return Tested(plan.path, (check,), "no server tried")
    command, unserved = _command(plan, header)
    if unserved:
        return Tested(plan.path, (check,), unserved)
    began = time.perf_counter()
    return Tested(plan.path, (check, _against_server(plan, command, began)))


# --- against itself --------------------------------------------------------------------------------------------------


def _against_itself(plan: Plan) -> tuple[Header, list[str]]:
    """The recording's first line, and what went otherwise than recorded, or otherwise the second time than the first.

    Raises: RecordingError, OptionsError.
    """
    options = _options(plan)
    header, first, problems = _play(plan.path, options)
    if problems:
        return header, problems
    _, second, problems = _play(plan.path, options)
    if not problems and first != second:
        number = next((n for n, (a, b) in enumerate(zip(first, second, strict=False), 1) if a != b), len(second) + 1)
        problems = [f"message {number} was another one the second time"]
    return header, problems


def _play(path: str, options: Options) -> "tuple[Header, array[int], list[str]]":
    """Read it and play it once: its first line, a hash of each message in order, and what went otherwise."""
    with _Pair(path, options) as pair:
        said = array("q", map(hash, pair.play()))
        return pair.header, said, [line for report in pair.reports() if not report.ok for line in _told(report)]


def _options(plan: Plan) -> Options:
    path = beside(plan.path)
    try:
        own = read_options(Path(path).read_text(encoding="utf-8"), path) if os.path.exists(path) else Options()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(path, None, f"cannot be read ({error})") from None
    return msgspec.structs.replace(own, match="causal", ignore=own.ignore + plan.settings.ignore)


class _Pair:
    """Both ends of a recording, played against each other without any I/O but reading it."""

    def __init__(self, path: str, options: Options) -> None:
        self._recorded = [read_script(path, end, options) for end in _ENDS]
        self.header = self._recorded[0].header
        self._client = ClientPlayer(self._recorded[0].script, options, path)
        self._server = ServerPlayer(self._recorded[1].script, options, path)

    def __enter__(self) -> "_Pair":
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._recorded:
            each.close()

    def play(self) -> Iterator[tuple[End, bytes]]:
        """Play to the end; yields what is said, in order. Polls come last, when nothing else is left to say."""
        due: deque[tuple[End, bytes]] = deque()
        polls: deque[tuple[End, bytes]] = deque()
        idle = 0

        def queue(end: End, said: list[Said]) -> None:
            for each in said:
                (due if each.poll is None else polls).append((end, each.message))

        queue("client", self._client.begin())
        queue("server", self._server.begin())
        while due or polls:
            idle = 0 if due else idle + 1
            if idle > _MOST_POLLS:
                break
            end, raw = (due or polls).popleft()
            yield end, raw
            if end == "client":
                queue("server", self._server.hear(read(raw)))
            else:
                queue("client", self._client.hear(read(raw)))
        if not self._client.finished:
            self._client.give_up("nothing more came")

    def reports(self) -> tuple[Report, Report]:
        return self._client.end("all was said"), self._server.end("all was said")


_ENDS: tuple[End, End] = ("client", "server")


# --- against a server ------------------------------------------------------------------------------------------------


def _command(plan: Plan, header: Header) -> tuple[tuple[str, ...], str]:
    """The command of the server to try, empty for one that is reached by its address; and why there is none to try."""
    chosen = plan.settings
    if chosen.url is not None:
        return (), ""
    if chosen.server is not None:
        return chosen.server, "" if chosen.server else "no server tried"
    recorded = tuple(header.server.get("command", ()))
    if not recorded:
        return (), "names no server to start"
    absent = missing(recorded, os.getcwd())
    return recorded, f"its server is not here ({absent})" if absent else ""


def _against_server(plan: Plan, command: Sequence[str], began: float) -> Check:
    with tempfile.TemporaryDirectory(prefix="interpose-") as folder:
        file = os.path.join(folder, "report.json")
        chosen = plan.settings
        ignored = (word for path in chosen.ignore for word in ("--ignore", path))
        match = () if chosen.match is None else ("--match", chosen.match)
        end = ("--", *command) if chosen.url is None else ("--upstream", chosen.url)
        done = subprocess.run(
            [
                *(sys.executable, "-P", "-m", "interpose", "replay", "client", os.path.abspath(plan.path)),
                *("--report", file, "--deadline", str(chosen.deadline), *match, *ignored, *end),
            ],
            cwd=chosen.folder if chosen.server is not None else None,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        said = done.stderr.decode("utf-8", "replace").splitlines()
        if not os.path.exists(file):
            told = [line.removeprefix("interpose: ") for line in said[-_MOST_STDERR:]]
            return Check(_SERVER, time.perf_counter() - began, "failed", told[-1] if told else "", tuple(told[:-1]))
        problems = _problems(Path(file).read_bytes())
    if not problems and done.returncode == EndError.exit_code:
        problems = ["the server failed at its end"]
    own = [f"stderr: {line}" for line in said if not line.startswith("interpose: ")]
    return _check(_SERVER, began, [*problems, *own[-_MOST_STDERR:]] if problems else [])


def _problems(content: bytes) -> list[str]:
    reports = msgspec.json.decode(content, type=dict[str, list[Report]])["replays"]
    return [line for report in reports if not report.ok for line in _told(report)]


def _told(report: Report) -> list[str]:
    """A report without its head, which names the file."""
    return [line.removeprefix("  ") for line in replay_report.lines(report)][1:]


def _check(name: str, began: float, problems: Sequence[str]) -> Check:
    seconds = time.perf_counter() - began
    return Check(name, seconds, "differs", problems[0], tuple(problems[1:])) if problems else Check(name, seconds)
