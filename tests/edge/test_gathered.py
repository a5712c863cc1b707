"""Bodies that come in pieces."""

import pytest

from interpose.edge.transports.bodies import Gathered


@pytest.mark.parametrize("count", [0, 1, 2, 1023, 1024, 1025, 5000])
def test_however_many_pieces_there_are_they_make_one_body_and_are_gone(count: int) -> None:
    gathered, pieces = Gathered(), [b"%d " % number for number in range(count)]
    for _ in range(2):
        for piece in pieces:
            gathered.add(piece)
        assert gathered.take() == b"".join(pieces)
    assert gathered.take() == b""
