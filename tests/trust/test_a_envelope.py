"""Part A, 12 to 15: batches, ids, types and methods that are not what the protocol says."""

import json
from typing import Any

import pytest
from tests.core.wire.test_gate_corpus import Row
from tests.trust.frames import corpus, refuse
from tests.trust.scene import DENY_DELETE, Scene, denied, lives, swallowed


@corpus(12)
def test_12_batches_where_there_are_none(row: Row) -> None:
    refuse(row)


DENIED = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "delete_repo"}}
ALLOWED = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "deploy"}}


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"])
@pytest.mark.parametrize("batch", [[DENIED, ALLOWED], [ALLOWED, DENIED]])
def test_12_a_batch_with_a_denied_call_never_passes_whole(version: str, batch: list[Any]) -> None:
    heard = Scene(DENY_DELETE, version).client(json.dumps(batch).encode())
    assert heard.server == []
    answers = [json.loads(said) for said in heard.client]
    flat = [each for answer in answers for each in (answer if isinstance(answer, list) else [answer])]
    assert sorted(each["id"] for each in flat) == [2, 3]
    assert all("error" in each for each in flat)
    assert set(heard.rules) <= {"no-delete", "gate"}
    assert heard.rules


@corpus(13)
def test_13_ids_that_are_none(row: Row) -> None:
    refuse(row)


NO_ID = object()
IDS: list[Any] = [NO_ID, None, {}, [], {"a": 1}, True, 1.0, "", "a" * 1_000_000]


@pytest.mark.parametrize("ident", IDS, ids=lambda ident: repr(ident)[:12] if ident is not NO_ID else "none")
def test_13_a_denied_call_is_denied_under_any_id_and_the_audit_goes_on(ident: Any) -> None:
    scene = Scene(DENY_DELETE)
    message = {"method": "tools/call", "params": {"name": "delete_repo"}} | ({} if ident is NO_ID else {"id": ident})
    heard = scene.client(message)
    assert heard.server == []
    assert heard.rules
    for answer in heard.client:
        assert json.loads(answer)["id"] in (None, ident)
    lives(scene)
    denied(scene.call(7, "delete_repo"), "client", 7, "no-delete")


@corpus(14)
def test_14_types_that_are_not_the_protocols(row: Row) -> None:
    refuse(row)


ONLY_MAIN = (
    '[[rule]]\nname = "only-main"\ntool = "deploy"\nkind = "request"\n'
    'unless = { path = "$.arguments.ref", equals = "main" }\ndo = "block"\n'
)


@pytest.mark.parametrize("ref", [["main"], {"main": 1}, None, 1, True, "Main", "main ", "m\u0430in", {"ref": "main"}])
def test_14_no_other_type_or_spelling_counts_as_the_allowed_value(ref: Any) -> None:
    denied(Scene(ONLY_MAIN).call(1, arguments={"ref": ref}), "client", 1, "only-main")
    assert Scene(ONLY_MAIN).call(1, arguments={"ref": "main"}).server
    denied(Scene(ONLY_MAIN).call(1), "client", 1, "only-main")


@corpus(15)
def test_15_methods_that_are_none(row: Row) -> None:
    refuse(row)


KNOWN = 'method in ["initialize", "notifications/initialized", "tools/call", "ping"]'
STRICT = f'[[rule]]\nname = "known-methods"\nwhen = \'!({KNOWN})\'\ndo = "block"\n'


@pytest.mark.parametrize("method", ["Tools/Call", "tools/Call", "TOOLS/CALL", "tools/call2", "x/y", "notifications/x"])
def test_15_an_unknown_method_meets_the_rule_for_unknown_methods(method: str) -> None:
    pytest.importorskip("cel_expr_python")
    body: dict[str, Any] = {"method": method, "params": {"name": "delete_repo"}}
    if method.startswith("notifications/"):
        swallowed(Scene(STRICT).client(body), "known-methods")
    else:
        denied(Scene(STRICT).client({"id": 3, **body}), "client", 3, "known-methods")
    assert Scene(STRICT).call(4).server
