"""The pytest plugin: the fixture and the marker `interpose`. What it takes is imported when a test asks for it."""

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from interpose.app.pytest.session import InterposeSession

_MARKER = (
    "interpose(server=[...] | url=..., recording=NAME, match=..., ignore=[...], policy=..., mode=...): "
    "which MCP server a test's recording is of, and how it is replayed"
)
_session = pytest.StashKey["InterposeSession"]()
_passed = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("interpose", "recorded MCP sessions")
    group.addoption(
        "--interpose-record",
        choices=("none", "once", "new_episodes", "all"),
        default=None,
        help="When sessions are recorded: never; where there is no recording; what is not recorded yet; all anew. "
        "[once; none where the environment variable CI is set]",
    )
    parser.addini("interpose_record", "When sessions are recorded, as --interpose-record.", default="")
    parser.addini(
        "interpose_recordings",
        "The folder of all recordings, from the root.  [recordings/ beside each test]",
        default="",
    )
    parser.addini("interpose_scrub", "Keep secrets out of recordings.", type="bool", default=True)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)
    config.pluginmanager.register(_Summary(), "interpose summary")


@pytest.fixture
def interpose(request: pytest.FixtureRequest) -> "Iterator[InterposeSession]":
    """A recorded MCP server for a client under test, or a recorded client for a server under test."""
    from interpose.app.pytest.session import InterposeSession
    from interpose.app.pytest.wish import wish

    item: pytest.Item = request.node
    session = item.stash[_session] = InterposeSession(item, wish(item))
    yield session
    problems = session.close(passed=item.stash.get(_passed, False))
    if problems:
        pytest.fail(problems, pytrace=False)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test whose client asked for what was never recorded fails, even if it has taken no notice."""
    result = yield
    session = item.stash.get(_session, None)
    problems = session.problems() if session is not None else ""
    if problems:
        pytest.fail(problems, pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[_passed] = report.passed
        session = item.stash.get(_session, None)
        if report.failed and session is not None and (problems := session.problems()):
            report.sections.append(("interpose", problems))
    elif report.when == "teardown" and "interpose" in getattr(item, "fixturenames", ()):
        vars(report)["interpose"] = _account(item)
    return report


class _Summary:
    """Gathers what the tests' reports say, here or in the processes of xdist, and tells it at the end."""

    def __init__(self) -> None:
        self._found: list[dict[str, Any]] = []
        self._narrowed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = getattr(report, "interpose", None)
        if found is not None:
            self._found.append(found)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._narrowed = True

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
    ) -> None:
        if not self._found:
            return
        from interpose.app.pytest.tally import Tally

        tally = Tally()
        for found in self._found:
            tally.take(found)
        ended = not self._narrowed and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        for line in tally.lines(config, ended=ended):
            terminalreporter.write_line(line)


def _account(item: pytest.Item) -> dict[str, Any]:
    """What a test made of its recordings, in plain values. One that did not run still has its recordings."""
    from interpose.app.pytest import place

    session = item.stash.get(_session, None)
    if session is None:
        marker = item.get_closest_marker("interpose")
        first = place.recording(item, marker.kwargs.get("recording") if marker is not None else None)
        used, recorded, updated, waiting, replayed = place.series(first), [], [], [], 0
    else:
        used, recorded, updated = sorted(session.used), session.kept, session.updated
        waiting, replayed = session.ended, session.replayed
    return {
        "root": str(place.root(item)),
        "used": list(map(str, used)),
        "recorded": list(map(str, recorded)),
        "updated": list(map(str, updated)),
        "waiting": waiting,
        "replayed": replayed,
    }
