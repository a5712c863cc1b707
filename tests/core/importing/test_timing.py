"""When the events of a stream came: the order that is certain holds, the rest is spread."""

from typing import Any

import pytest
from tests.core.importing.captured import EVENTS, START, entry, events, har, request, result

from interpose.core.importing.reading import read_capture
from interpose.core.importing.sorting import sort
from interpose.core.importing.timing import Marks, when_said

ID = [("Mcp-Session-Id", "a")]


def progress(token: object, done: int) -> str:
    return request(0, "notifications/progress", progressToken=token, progress=done).replace('"id": 0, ', "")


def times(*kept: dict[str, Any], digits: int = 4) -> list[list[float]]:
    """For each exchange, by when it was asked, when its frames came, in seconds after the start."""
    (session,), _ = sort(read_capture(har(*kept)))
    marks = Marks(session.talks)
    return [[round(at - START, digits) for at in when_said(each, marks)] for each in session.talks]


def call(at: float, ident: int, *said: str, took: float = 0.4, **params: Any) -> dict[str, Any]:
    """A tool call whose answer comes as events; the answer begins 1 ms after it was asked."""
    body = request(ident, "tools/call", name="x", **params)
    return entry(at, body, events(*said), media_type=EVENTS, took=took, headers=ID)


def answer(at: float, ident: int) -> dict[str, Any]:
    return entry(at, result(ident, roots=[]), "", status=202, headers=ID)


def stream(took: float, *said: str) -> dict[str, Any]:
    return entry(0, None, events(*said), media_type=EVENTS, took=took, headers=ID)


def test_a_body_that_is_no_stream_came_at_the_end() -> None:
    assert times(entry(0, request(1, "ping"), result(1), took=0.3)) == [[0.3]]


def test_events_of_an_answer_are_spread_over_it_and_the_last_ends_it() -> None:
    assert times(call(0, 1, progress(1, 1), progress(1, 2), result(1), took=0.301)) == [[0.101, 0.201, 0.301]]


def test_times_that_the_file_tells_are_taken() -> None:
    told = call(0, 1, progress(1, 1), progress(1, 2), result(1), took=0.301) | {"_eventTimes": [5, 290, 300.5]}
    assert times(told) == [[0.005, 0.29, 0.3005]]


@pytest.mark.parametrize("odd", [[5], [5, 6, 7, 8], ["5", 6, 7], "567", 5, {}, None, [None, 1, 2], [True, 1, 2]])
def test_times_that_do_not_fit_are_none(odd: object) -> None:
    told = call(0, 1, progress(1, 1), progress(1, 2), result(1), took=0.301) | {"_eventTimes": odd}
    assert times(told) == [[0.101, 0.201, 0.301]]


def test_times_that_go_back_do_not_change_the_order() -> None:
    told = call(0, 1, progress(1, 1), progress(1, 2), result(1), took=0.301) | {"_eventTimes": [100, 50, -3]}
    assert times(told) == [[0.1, 0.1, 0.1]]


def test_an_ask_came_before_its_answer_and_what_follows_it_after() -> None:
    ask, reply = times(call(0, 1, progress(1, 1), request(9, "roots/list"), result(1), took=0.5), answer(0.201, 9))
    assert (ask, reply) == ([0.101, 0.201, 0.5], [])


def test_an_answer_outlasts_an_end_that_the_file_does_not_know() -> None:
    short = call(0, 1, request(9, "roots/list"), result(1), took=0.001)
    ((asked, told), _) = times(short, answer(0.2, 9), digits=7)
    assert 0.1999 < asked < 0.2 < told < 0.2001


def test_two_asks_of_one_stream_stay_in_their_order() -> None:
    said = (request(8, "roots/list"), request(9, "roots/list"), result(1))
    found, *_ = times(call(0, 1, *said, took=0.5), answer(0.2, 9), answer(0.3, 8))
    assert found == [0.2, 0.2, 0.5]


def test_an_id_that_is_used_again_is_the_one_that_comes_next() -> None:
    first = call(0, 1, request(9, "roots/list"), result(1), took=0.3)
    second = call(1, 2, request(9, "roots/list"), result(2), took=0.3)
    assert times(first, answer(0.2, 9), second, answer(1.2, 9))[2] == [1.2, 1.3]


def test_on_a_standing_stream_answers_follow_their_requests() -> None:
    posts = [
        entry(at, request(ident, "tools/call", _meta={"progressToken": f"t{ident}"}), status=202, headers=ID)
        for ident, at in ((1, 1.0), (2, 4.0))
    ]
    said = (progress("t1", 1), result(1), progress("t2", 1), result(2))
    assert times(stream(9, *said), *posts)[0] == [1.0, 1.0, 4.0, 4.0]


def test_on_a_standing_stream_what_nothing_fixes_is_spread() -> None:
    changed = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'
    post = entry(4.0, request(1, "tools/list"), status=202, headers=ID)
    found = times(stream(10, changed, changed, changed, result(1), changed), post)[0]
    assert found == pytest.approx([1.0, 2.0, 3.0, 4.0, 7.0], abs=0.01)


def test_times_never_go_back_whatever_the_file_says() -> None:
    said = (result(2), progress(1, 1), result(1), request(9, "roots/list"), result(3))
    posts = [entry(at, request(ident, "ping"), status=202, headers=ID) for ident, at in ((1, 1), (2, 5), (3, 2))]
    found = times(stream(3, *said), *posts, answer(0.5, 9))[0]
    assert found == sorted(found)
