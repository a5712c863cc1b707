"""What was made of headers is kept within bounds."""

from interpose.core.wire.kept import Kept
from interpose.edge.transports.raw_headers import LONG, MANY, RawHeader, end_to_end, head_of, text


def test_what_was_made_of_a_header_is_made_once() -> None:
    made: list[RawHeader] = []
    kept = Kept(lambda header: made.append(header) or header[1], most=MANY, longest=LONG)
    assert [kept[(b"A", b"1")] for _ in range(3)] == [b"1"] * 3
    assert made == [(b"A", b"1")]


def test_no_more_is_kept_than_usual_and_nothing_long() -> None:
    kept = Kept(lambda header: header[0], most=MANY, longest=LONG)
    for number in range(10_000):
        assert kept[(b"%d" % number, b"")] == b"%d" % number
        assert len(kept) <= 2048
    kept.clear()
    assert kept[(b"Long", b"x" * 1000)] == b"Long"
    assert not kept


def test_spelling_and_bytes_survive() -> None:
    odd = [(b"host", b"a"), (b"Host", b"a"), (b"X-Obs", b"caf\xe9"), (b"X-Utf", "é".encode())]
    assert text(odd) == (("host", "a"), ("Host", "a"), ("X-Obs", "café"), ("X-Utf", "é"))
    assert (
        head_of(b"GET / HTTP/1.1", odd)
        == b"GET / HTTP/1.1\r\nhost: a\r\nHost: a\r\nX-Obs: caf\xe9\r\nX-Utf: \xc3\xa9\r\n\r\n"
    )


def test_what_a_connection_names_is_of_the_connection() -> None:
    headers = [(b"CONNECTION", b"Keep-Alive, X-Hop"), (b"x-hop", b"1"), (b"TE", b"trailers"), (b"A", b"2")]
    assert end_to_end(headers) == [(b"A", b"2")]
