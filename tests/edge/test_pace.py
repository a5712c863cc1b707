"""How bytes are spread over time: in many small steps, and all of them, in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpose.edge.transports.pace import paced


@given(data=st.binary(min_size=1, max_size=5000), over=st.floats(0.01, 100), most=st.integers(1, 4096))
def test_all_bytes_come_in_order_and_take_the_time(data: bytes, over: float, most: int) -> None:
    steps = list(paced(data, over, most))
    assert b"".join(piece for piece, _ in steps) == data
    assert sum(pause for _, pause in steps) == pytest.approx(over)
    assert max(len(piece) for piece, _ in steps) <= most
    assert len(steps) >= min(10, len(data))


@given(data=st.binary(min_size=1, max_size=5000), most=st.integers(1, 4096))
def test_what_is_not_slow_goes_at_once(data: bytes, most: int) -> None:
    steps = list(paced(data, 0.0, most))
    assert b"".join(piece for piece, _ in steps) == data
    assert {pause for _, pause in steps} == {0.0}
    assert len(steps) == -(-len(data) // most)


def test_a_peer_is_never_left_without_a_byte_for_long() -> None:
    assert max(pause for _, pause in paced(b"x" * 1000, 60.0, 1 << 18)) <= 0.5
