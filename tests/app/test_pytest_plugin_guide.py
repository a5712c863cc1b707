"""The examples of docs/testing.md with the real SDKs: a client's project and a server's, and what changes break."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.app.pytest_world import Project

pytest_plugins = ["pytester"]
GUIDE = Path(__file__).parents[2] / "docs" / "testing.md"
EXAMPLES = dict(re.findall(r"```python\n# (\S+\.py)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL))
RECORDED = "recordings/test_server/test_the_server_does_as_recorded.jsonl"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PATH", os.pathsep.join((os.path.dirname(sys.executable), os.environ["PATH"])))
    project = Project(pytester)
    (project.path / "weather_server.py").write_text(EXAMPLES["weather_server.py"])
    return project


def _rains(project: Project) -> None:
    (project.path / "weather_server.py").write_text(EXAMPLES["weather_server.py"].replace("Sunshine", "Rain"))


def test_a_client_is_recorded_and_replayed_over_both_transports(project: Project) -> None:
    (project.path / "test_client.py").write_text(EXAMPLES["test_client.py"])
    project.run().assert_outcomes(passed=2)
    assert project.recordings() == [f"recordings/test_client/test_over_{name}.jsonl" for name in ("http", "stdio")]
    (project.path / "weather_server.py").unlink()
    project.run("-n", "2").assert_outcomes(passed=2)
    (project.path / "test_client.py").write_text(
        EXAMPLES["test_client.py"].replace('{"city": "Oslo"}', '{"city": "Bergen"}')
    )
    failed = project.run()
    failed.assert_outcomes(failed=2)
    for name in ("stdio", "http"):
        failed.stdout.fnmatch_lines([f"recordings/test_client/test_over_{name}.jsonl: the client differs*"])
    failed.stdout.fnmatch_lines(['    $.params.arguments.city: recorded "Oslo", live "Bergen"'])


def test_new_episodes_over_both_transports(project: Project) -> None:
    (project.path / "test_client.py").write_text(EXAMPLES["test_client.py"])
    project.run().assert_outcomes(passed=2)
    (project.path / "test_client.py").write_text(EXAMPLES["test_client.py"].replace("Oslo", "Bergen"))
    project.run("--interpose-record=new_episodes").assert_outcomes(passed=2)
    assert len(project.recordings()) == 4
    (project.path / "weather_server.py").unlink()
    project.run().assert_outcomes(passed=2)


def test_a_server_does_as_recorded_until_it_changes(project: Project) -> None:
    for name in ("ask.py", "test_server.py"):
        (project.path / name).write_text(EXAMPLES[name])
    missing = project.run()
    missing.assert_outcomes(failed=1)
    missing.stdout.fnmatch_lines(
        [f"there is no recording {RECORDED}; to make it,*interpose run --record {RECORDED} -- *"]
    )
    subprocess.run([sys.executable, "ask.py"], cwd=project.path, check=True, timeout=60, capture_output=True)
    project.run().assert_outcomes(passed=1)
    _rains(project)
    failed = project.run()
    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines(['*$.result.content[[]0].text: recorded "Sunshine in Oslo", live "Rain in Oslo"*'])
    updated = project.run("--interpose-record=all")
    updated.assert_outcomes(passed=1)
    updated.stdout.fnmatch_lines([f"  updated: {RECORDED}"])
    project.run().assert_outcomes(passed=1)
