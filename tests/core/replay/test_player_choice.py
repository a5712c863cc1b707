"""Several recordings for one client, and what is told of a replay in the end."""

import json

from tests.core.replay.stage import OPENING, Tape, bodies, call, hear, message, opened, result

from interpose.core.formats import junit, replay_report, replay_report_files
from interpose.core.replay.choice import Choice
from interpose.core.replay.report import Report

FIRST = opened(("client", call(1, "a")), ("server", result(1, "first")))
SECOND = opened(
    ("client", call(1, "b")), ("server", result(1, "second")), ("client", call(2, "c")), ("server", result(2, "x"))
)


def _choice(*tapes: Tape) -> tuple[Choice, list[str]]:
    chosen: list[str] = []
    players = [tape.server() for tape in tapes]
    for name, player in zip("abc", players, strict=False):
        player.recording = name
    choice = Choice(players, chosen.append)
    choice.begin()
    for n in (0, 2):
        choice.hear(message(OPENING[n][1]))
    return choice, chosen


def test_the_first_request_that_only_one_has_chooses_it() -> None:
    choice, chosen = _choice(FIRST, SECOND)
    assert chosen == []
    [said] = bodies(choice.hear(message(call(5, "b"))))
    assert (said["result"]["content"][0]["text"], chosen) == ("second", ["b"])
    [said] = bodies(choice.hear(message(call(6, "a"))))
    assert said["error"]["code"] == -31010, "there is no way back"


def test_what_nobody_has_leaves_all_of_them() -> None:
    choice, chosen = _choice(FIRST, SECOND)
    [said] = bodies(choice.hear(message(call(5, "nobody"))))
    assert said["error"]["code"] == -31010
    [said] = bodies(choice.hear(message(call(6, "a"))))
    assert (said["result"]["content"][0]["text"], chosen) == ("first", ["a"])


def test_at_the_end_it_is_the_first_that_it_may_have_been() -> None:
    choice, chosen = _choice(FIRST, SECOND)
    assert choice.end("over").recording == "a"
    assert chosen == ["a"]


def _report() -> Report:
    player = FIRST.server()
    hear(player, OPENING[0][1], call(5, "b"))
    return player.end("client closed")


def test_a_report_in_words() -> None:
    assert list(replay_report.lines(_report())) == [
        "tape: the client differs from the recording; 1 message matched, 2 said (client closed)",
        "  never recorded: tools/call; the closest is tools/call (line 5)",
        '    $.params.name: recorded "a", live "b"',
        "  never asked for: tools/call (line 5)",
    ]


def test_a_report_as_json_and_as_junit() -> None:
    [found] = json.loads(replay_report_files.as_json([_report()]))["replays"]
    assert (found["ok"], found["played"], found["findings"][0]["what"]) == (False, "server", "unrecorded")
    assert found["findings"][0]["differences"] == [
        {"path": "$.params.name", "kind": "changed", "recorded": "a", "live": "b"}
    ]
    text = "".join(junit.document(replay_report_files.suites([_report()])))
    assert 'tests="3" failures="1"' in text


def test_what_was_never_asked_fails_where_all_was_to_be() -> None:
    report = FIRST.server().end("client closed")
    assert report.ok
    assert not Report("", "server", "", unasked=report.unasked, complete=True).ok
