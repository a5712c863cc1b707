"""What parent and worker say to each other, and who gets which connection."""

import os
import socket
from collections import deque

import pytest

from interpose.edge.workers.lane import Handed, Heard, Lane, Left, Owns, Ready, Stop, pair
from interpose.edge.workers.places import Places


def drained(ours: Lane, theirs: Lane) -> list[Heard]:
    """All that `ours` has said, and says while it is heard."""
    heard: list[Heard] = []
    done = False
    while not done:
        done = ours.push()
        heard += theirs.hear()
        ours.hear()
    return heard


def test_words_arrive_in_order_and_connections_with_theirs() -> None:
    ours, theirs = pair()
    kept = [socket.socketpair() for _ in range(20)]
    said: deque[object] = deque()
    for number, (connection, _) in enumerate(kept):
        for word in (Owns(b"key %d" % number), Left(), Ready()):
            ours.say(word)
            said.append(word)
        handed = Handed(b"x" * (number * 5_000), b"key")
        ours.say(handed, connection)
        said.append(handed)
    heard = drained(ours, theirs)
    assert deque(word for word, _ in heard) == said
    arrived = [connection for word, connection in heard if connection is not None]
    for number, (mine, (_, far)) in enumerate(zip(arrived, kept, strict=True)):
        mine.send(b"%d" % number)
        assert far.recv(10) == b"%d" % number
        assert not mine.get_inheritable()
        mine.close()
        far.close()
    ours.hear()  # all have arrived: ours are closed
    assert all(connection.fileno() < 0 for connection, _ in kept)
    ours.close()
    theirs.close()


def test_the_end_comes_after_the_last_word() -> None:
    ours, theirs = pair()
    ours.say(Stop())
    ours.close()
    assert theirs.hear() == [(Stop(), None)]
    with pytest.raises(EOFError):
        theirs.hear()
    theirs.say(Left())  # nobody hears it
    theirs.close()


def test_who_closes_a_lane_closes_what_is_on_the_way() -> None:
    ours, theirs = pair()
    near, far = socket.socketpair()
    ours.say(Handed(b""), near)
    ours.close()
    theirs.close()
    assert far.recv(1) == b""
    far.close()


def test_where_no_file_can_be_opened_a_word_comes_without_its_connection() -> None:
    resource = pytest.importorskip("resource")
    ours, theirs = pair()
    connections = [socket.socketpair() for _ in range(3)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for number, (near, _) in enumerate(connections):
        if number == 1:
            resource.setrlimit(resource.RLIMIT_NOFILE, (_lowest_free(), hard))
        try:
            ours.say(Handed(b"%d" % number), near)
            heard = theirs.hear()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert [(word, connection is None) for word, connection in heard] == [(Handed(b"%d" % number), number == 1)]
        for _, connection in heard:
            if connection is not None:
                connection.close()
    ours.hear()
    ours.close()
    theirs.close()
    for _, far in connections:
        far.close()


def _lowest_free() -> int:
    fd = os.dup(0)
    os.close(fd)
    return fd


def test_a_key_stays_with_its_worker_and_openings_go_to_whoever_has_least() -> None:
    places = Places()
    places.join(1)
    places.join(2)
    assert [places.place(None, b"same", opens=True) for _ in range(4)] == [1, 2, 1, 2]
    places.own(b"a", 1)
    assert [places.place(b"a", b"same", opens=False) for _ in range(4)] == [1] * 4
    assert [places.place(None, b"other", opens=True) for _ in range(4)] == [2] * 4


def test_an_unknown_key_is_given_away_once() -> None:
    places = Places()
    places.join(1)
    places.join(2)
    first = places.place(b"unknown", b"", opens=False)
    for _ in range(20):
        places.place(None, b"", opens=True)
    assert places.place(b"unknown", b"", opens=False) == first


def test_a_clients_connections_keep_together_but_a_crowd_spreads() -> None:
    places = Places()
    places.join(1)
    places.join(2)
    assert len({places.place(None, b"client", opens=False) for _ in range(8)}) == 1
    given = [places.place(None, b"client", opens=False) for _ in range(92)]
    assert 38 <= given.count(1) <= 54


def test_a_session_of_many_connections_is_still_one_session() -> None:
    places = Places()
    places.join(1)
    places.join(2)
    for _ in range(100):  # one after the other
        places.place(b"a", b"", opens=False)
        places.left(1)
    opened = []
    for _ in range(64):
        opened.append(places.place(None, b"", opens=True))
        places.left(opened[-1])
    assert 26 <= opened.count(1) <= 38


def test_what_a_worker_had_is_given_anew_when_it_is_gone() -> None:
    places = Places()
    places.join(1)
    places.own(b"a", 1)
    places.place(None, b"client", opens=True)
    places.join(2)
    places.quit(1)
    assert places.place(b"a", b"", opens=False) == places.place(None, b"client", opens=False) == 2
    places.left(1)
    assert list(places.workers) == [2]
