"""`interpose lint` as people and scripts run it, and what it finds in the golden recordings."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from tests.core.formats.tape import Tape, modern

from interpose.app.cli.main import cli
from interpose.core.errors import UsageError

FOLDER = Path(__file__).parents[2] / "recordings"
CLEAN = FOLDER / "2025-11-25" / "py-http-py.jsonl"
# Each was looked at by hand. What is right about it:
KNOWN = {
    # The server asks by elicitation/create, which came with 2025-06-18.
    "2024-11-05/everything-stdio-py.jsonl": {("server", "not-in-version", "elicitation/create"): 3},
    "2024-11-05/py-sse-py.jsonl": {("server", "not-in-version", "elicitation/create"): 3},
    "2025-03-26/py-http-py.jsonl": {("server", "not-in-version", "elicitation/create"): 3},
    # It tells that a sign-in is complete, which came with 2025-11-25.
    "2025-06-18/py-http-py.jsonl": {("server", "not-in-version", "notifications/elicitation/complete"): 1},
    "2025-06-18/py-stdio-py.jsonl": {("server", "not-in-version", "notifications/elicitation/complete"): 1},
    # On a resumed stream the server repeats its priming events as events whose data is `{}`.
    "2025-11-25/everything-http-ts1.jsonl": {("server", "not-json-rpc", None): 2},
    # The client lists what this server never offered: it has tools only.
    "2025-11-25/filesystem-stdio-py.jsonl": {
        ("client", "not-negotiated", "resources/list"): 2,
        ("client", "not-negotiated", "resources/templates/list"): 2,
        ("client", "not-negotiated", "prompts/list"): 3,
    },
    # The client posts a cancellation of its listen stream, which over HTTP is to be closed.
    "2026-07-28/ts2-http-ts2.jsonl": {("client", "cancelled-over-http", "notifications/cancelled"): 1},
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["lint", *map(str, arguments)], standalone_mode=False)


def found(*arguments: object) -> list[dict[str, Any]]:
    done = run("--json", *arguments)
    assert done.exception is None
    return [json.loads(row) for row in done.stdout.splitlines()]


def test_in_the_golden_recordings_is_found_what_is_wrong_with_them_and_nothing_else() -> None:
    counted: dict[str, dict[tuple[str, str, str | None], int]] = {}
    for row in found(FOLDER):
        if row["type"] == "finding":
            rules = counted.setdefault(str(Path(row["recording"]).relative_to(FOLDER)), {})
            key = row["from"], row["rule"], row["method"]
            rules[key] = rules.get(key, 0) + 1
    assert counted == KNOWN


def test_the_exit_code_says_whether_something_was_found() -> None:
    assert run(CLEAN).return_value == 0
    assert run(CLEAN, FOLDER / "2025-06-18").return_value == 1


def test_people_get_a_table_with_the_section_below_each_finding() -> None:
    rows = run(FOLDER / "2025-06-18" / "py-stdio-py.jsonl").stdout.splitlines()
    assert rows[0].endswith("py-stdio-py.jsonl · py")
    assert rows[1].split()[:4] == ["95", "server", "notifications/elicitation/complete", "not-in-version"]
    assert rows[2].strip() == "2025-06-18 §basic/lifecycle"
    assert rows[3] == "  100 messages: 1 not-in-version"
    assert run(CLEAN).stdout.splitlines()[-1] == "  101 messages: nothing that the specification forbids"


def test_programs_get_json_lines() -> None:
    finding, summary = found(FOLDER / "2025-06-18" / "py-stdio-py.jsonl")
    assert (finding["seq"], finding["version"], finding["section"]) == (95, "2025-06-18", "basic/lifecycle")
    assert (summary["findings"], summary["rules"], summary["problems"]) == (1, {"not-in-version": 1}, [])


def test_build_servers_get_tests(tmp_path: Path) -> None:
    report = tmp_path / "lint.xml"
    run(CLEAN, FOLDER / "2025-06-18" / "py-stdio-py.jsonl", "--junit", report)
    suites = ElementTree.parse(report).getroot().findall("testsuite")
    assert [(suite.get("tests"), suite.get("failures")) for suite in suites] == [("1", "0"), ("1", "1")]
    failure = suites[1].find("testcase/failure")
    assert failure is not None
    assert failure.text == "2025-06-18 §basic/lifecycle"


@pytest.mark.parametrize(
    ("message", "where"),
    [
        ({"id": 1, "method": "tools/call", "params": {"arguments": {}}}, "$.params.name"),
        ({"id": 1, "method": "tools/call", "params": {"name": 3}}, "$.params.name"),
        ({"id": 1, "method": "logging/setLevel", "params": {"level": "loud"}}, "$.params.level"),
        ({"method": "notifications/progress", "params": {"progressToken": 0, "progress": "1"}}, "$.params.progress"),
    ],
)
def test_messages_are_held_against_the_official_models(message: dict[str, Any], where: str, tmp_path: Path) -> None:
    tape = Tape().opens().client(**message).ends()
    models = [row for row in found(tape.write(tmp_path / "r.jsonl")) if row.get("rule") == "model"]
    assert [(row["where"], row["from"]) for row in models] == [(where, "client")]


def test_results_are_held_against_the_model_of_what_they_answer(tmp_path: Path) -> None:
    tape = Tape().client(id=1, method="tools/list", params={"_meta": modern()}).server(id=1, result={"tools": [{}]})
    models = [row["where"] for row in found(tape.ends().write(tmp_path / "r.jsonl")) if row.get("rule") == "model"]
    assert {"$.result.resultType", "$.result.ttlMs", "$.result.tools[0].name"} <= set(models)


def test_what_extensions_and_nobody_defined_has_no_model(tmp_path: Path) -> None:
    tape = Tape().client(id=1, method="tools/call", params={"name": "a", "_meta": modern()})
    tape.server(id=1, result={"resultType": "task", "taskId": "t"})
    tape.client(id=2, method="example/own", params={"_meta": modern(), "x": []}).server(id=2, result={"y": 1}).ends()
    assert [row for row in found(tape.write(tmp_path / "r.jsonl")) if row["type"] == "finding"] == []


def test_a_task_instead_of_a_result_is_held_against_the_model_of_tasks(tmp_path: Path) -> None:
    tape = Tape().opens().client(id=1, method="tools/call", params={"name": "a", "task": {}})
    tape.server(id=1, result={"task": {"taskId": "t", "status": "working"}}).ends()
    models = {row["where"] for row in found(tape.write(tmp_path / "r.jsonl")) if row.get("rule") == "model"}
    assert "$.result.task.createdAt" in models
    assert not any("content" in where for where in models)


def test_without_the_models_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    monkeypatch.delitem(sys.modules, "interpose.app.cli.lint_models", raising=False)
    error = run(CLEAN).exception
    assert isinstance(error, UsageError)
    assert "pip install 'interpose[lint]'" in str(error)


def test_a_damaged_recording_is_told_with_its_line_and_the_others_are_looked_at(tmp_path: Path) -> None:
    lines = CLEAN.read_bytes().splitlines(keepends=True)
    lines[9] = b'{"seq":9,"at":"never"}\n'
    damaged, text = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    damaged.write_bytes(b"".join(lines))
    text.write_text("no recording\n")
    paths = map(str, (damaged, text, CLEAN, "--junit", tmp_path / "lint.xml"))
    done = subprocess.run(
        [sys.executable, "-m", "interpose", "lint", *paths], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert f"{damaged}, line 10: damaged" in done.stderr
    assert f"{text}, line 1: not a recording" in done.stderr
    assert "nothing that the specification forbids" in done.stdout
    assert ElementTree.parse(tmp_path / "lint.xml").getroot().findall(".//error")


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        assert isinstance(run(path).exception, UsageError)
    assert isinstance(run(CLEAN, "--junit", tmp_path / "no" / "x.xml").exception, UsageError)
