"""The tables agree with the official models, and look-ups are sensible for any version."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from interpose.core.protocol import EXTENSIONS, VERSIONS, era, table

TOOL = Path(__file__).parents[3] / "tools" / "tables"


def test_the_tables_differ_from_the_official_models_only_where_that_is_known() -> None:
    tool = runpy.run_path(str(TOOL))
    assert set(tool["differences"]()) == tool["KNOWN"].keys()
    assert all(tool["KNOWN"].values())


def test_the_tool_says_what_it_compared_and_that_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert runpy.run_path(str(TOOL))["main"]() == 0
    assert capsys.readouterr().out == "5 versions compared, 10 known differences\n"


@pytest.mark.parametrize(
    ("version", "name", "known"),
    [
        ("2024-11-05", "elicitation/create", False),
        ("2025-06-18", "elicitation/create", True),
        ("2025-06-18", "tasks/get", False),
        ("2025-11-25", "tasks/get", True),
        ("2026-07-28", "tasks/get", False),
        ("2026-07-28", "ping", False),
        ("2026-07-28", "subscriptions/listen", True),
    ],
)
def test_a_method_is_known_in_its_versions(version: str, name: str, known: bool) -> None:
    assert (table(version).get(name) is not None) is known


def test_the_extension_brings_its_methods_to_the_stateless_era_only() -> None:
    assert table("2026-07-28", EXTENSIONS).get("tasks/update") is not None
    assert table("2026-07-28", ["acme/other"]) is table("2026-07-28")
    assert table("2025-11-25", EXTENSIONS) is table("2025-11-25")


@pytest.mark.parametrize(
    ("version", "nearest"), [("2024-10-07", "2025-11-25"), ("", "2025-11-25"), ("2099-01-01", "2026-07-28")]
)
def test_an_unknown_version_is_read_by_the_newest_of_its_era(version: str, nearest: str) -> None:
    assert table(version) is table(nearest)
    assert era(version) == table(nearest).era


def test_every_version_is_of_one_era_and_only_one_has_batches() -> None:
    assert [table(version).era for version in VERSIONS] == ["stateful"] * 4 + ["stateless"]
    assert [version for version in VERSIONS if table(version).batches] == ["2025-03-26"]


def _all() -> list[Any]:
    return [m for version in VERSIONS for m in table(version, EXTENSIONS).methods.values()]


def test_the_three_asks_are_asks_in_every_version_that_has_them() -> None:
    asks = {"sampling/createMessage": "sampling", "elicitation/create": "elicitation", "roots/list": "roots"}
    for method in _all():
        assert method.ask == asks.get(method.name)
    assert {m.name for m in table("2026-07-28").methods.values() if m.kind == "input"} == asks.keys()


def test_gates_begin_with_the_side_that_declares() -> None:
    assert {method.gate[0] for method in _all() if method.gate} == {"client", "server", "receiver"}
