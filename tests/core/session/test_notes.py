"""Odd traffic is noted and followed. Each note is known by name."""

import pytest
from tests.core.session.conversation import (
    FORM,
    SAMPLE,
    Talk,
    asking,
    modern,
    notification,
    request,
    result,
    stateful,
    stateless,
)

from interpose.core.session.notes import NOTES

NONE: dict[str, object] = {}


@pytest.mark.parametrize(
    ("end", "line", "version", "notes"),
    [
        ("client", request(1, "tools/call", name="t"), "2025-11-25", ("not-negotiated",)),
        ("client", request(1, "completion/complete"), "2024-11-05", ()),
        ("client", request(1, "completion/complete"), "2025-03-26", ("not-negotiated",)),
        ("client", request(1, "tasks/list"), "2025-11-25", ("not-negotiated",)),
        ("client", request(1, "tasks/list"), "2025-06-18", ("not-in-version",)),
        ("client", request(1, "subscriptions/listen"), "2025-06-18", ("not-in-version",)),
        ("client", request(1, "sampling/createMessage"), "2025-06-18", ("wrong-direction",)),
        ("client", request(1, "acme/anything"), "2025-06-18", ()),
        ("client", notification("notifications/roots/list_changed"), "2025-06-18", ("not-negotiated",)),
        ("server", request(1, "sampling/createMessage"), "2025-06-18", ("not-negotiated",)),
        ("server", request(1, "elicitation/create"), "2025-03-26", ("not-in-version",)),
        ("server", request(1, "elicitation/create"), "2025-11-25", ("not-negotiated",)),
        ("server", request(1, "tools/list"), "2025-06-18", ("wrong-direction",)),
        ("server", request(1, "tasks/get", taskId="t"), "2025-11-25", ("not-negotiated",)),
        ("server", request(1, "ping"), "2025-06-18", ()),
        ("server", notification("notifications/tools/list_changed"), "2025-06-18", ("not-negotiated",)),
        ("server", notification("notifications/acme"), "2025-06-18", ()),
    ],
)
def test_what_the_version_and_the_capabilities_do_not_allow_is_noted(  # type: ignore[no-untyped-def]
    end, line, version: str, notes: tuple[str, ...]
) -> None:
    assert stateful(version, client=NONE, server=NONE).say(end, line).notes == notes


@pytest.mark.parametrize(
    ("declared", "mode", "version", "notes"),
    [
        ({"elicitation": {}}, "form", "2025-11-25", ()),
        ({"elicitation": {}}, "url", "2025-11-25", ("not-negotiated",)),
        ({"elicitation": {"url": {}}}, "url", "2025-11-25", ()),
        ({"elicitation": {"url": {}}}, "form", "2025-11-25", ("not-negotiated",)),
        ({"elicitation": {}}, "form", "2025-06-18", ()),
    ],
)
def test_an_elicitation_in_an_undeclared_mode_is_noted_in_both_eras(
    declared: dict[str, object], mode: str, version: str, notes: tuple[str, ...]
) -> None:
    talk = stateful(version, client=declared)
    assert talk.server(request(1, "elicitation/create", mode=mode)).notes == notes
    if version == "2025-11-25":
        talk = stateless()
        talk.client(modern(1, "tools/call", declared, name="t"))
        ask = {"method": "elicitation/create", "params": {"mode": mode}}
        assert talk.server(asking(1, "s", k=ask)).notes == notes


def test_an_undeclared_ask_in_a_result_is_noted_once() -> None:
    talk = stateless()
    talk.client(modern(1, "tools/call", name="t"))
    assert talk.server(asking(1, "s", a=SAMPLE, b=FORM)).notes == ("not-negotiated",)


def test_without_known_capabilities_nothing_is_said() -> None:
    talk = Talk()
    talk.client(modern(1, "tools/call", capabilities=[], name="t"))
    assert talk.server(asking(1, "s", a=SAMPLE)).notes == ()


def test_a_task_asked_of_an_end_that_runs_none_is_noted() -> None:
    talk = stateful(server={"tools": {}})
    assert talk.client(request(1, "tools/call", name="t", task={})).notes == ("not-negotiated",)
    assert talk.client(request(2, "tools/list", task={})).notes == ()
    talk = stateful()
    assert talk.client(request(1, "tools/call", name="t", task={})).notes == ()


def test_a_servers_request_in_the_stateless_era_is_noted_and_still_an_ask() -> None:
    seen = stateless().server(request(1, "sampling/createMessage"))
    assert (seen.notes, [ask.kind for ask in seen.asks]) == (("server-request-in-stateless",), ["sampling"])


def test_a_stateful_request_before_any_opening_is_noted() -> None:
    talk = Talk()
    assert talk.client(request(1, "tools/list")).notes == ("no-opening",)
    assert talk.client(request(2, "ping")).notes == ()
    talk.client(request(3, "initialize", protocolVersion="2025-11-25"))
    assert talk.client(request(4, "tools/list")).notes == ()


@pytest.mark.parametrize("version", ["2024-11-05", "2025-06-18", "2025-11-25", "2030-01-01"])
def test_a_batch_is_noted_where_the_version_has_none(version: str) -> None:
    talk = stateful(version)
    seen = talk.batch("client", [request(1, "tools/list"), request(2, "ping")])
    assert [(each.part, each.notes) for each in seen] == [
        (0, ("batch-not-in-version",)),
        (1, ("batch-not-in-version",)),
    ]


def test_a_batch_where_it_belongs_or_before_the_version_is_known_is_nothing_odd() -> None:
    talk = stateful("2025-03-26")
    talk.batch("client", [request(1, "tools/list"), request(2, "resources/list")])
    seen = talk.batch("server", [result(2), result(1)])
    assert [(each.method, each.notes) for each in seen] == [("resources/list", ()), ("tools/list", ())]
    assert [each.notes for each in Talk().batch("client", [request(1, "ping")])] == [()]


def test_a_frame_that_is_no_message_is_seen_as_such() -> None:
    seen = stateful().say("server", b"Traceback:")
    assert (seen.kind, seen.method, seen.notes) == ("opaque", None, ())


def test_every_note_is_explained() -> None:
    assert all(word == word.lower() and text for word, text in NOTES.items())
