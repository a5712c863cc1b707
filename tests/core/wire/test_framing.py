"""Framing: any chunking of the bytes gives the same lines and blocks, and the pieces add up to the stream."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from interpose.core.wire.lines import Line, LineSplitter, portions
from interpose.core.wire.sse import Block, BlockSplitter, read_block, write_block

_LINES = st.binary(max_size=60).map(lambda raw: raw.replace(b"\0", b"\n").replace(b"\1", b"\r\n"))
_SSE = st.lists(
    st.sampled_from(
        [
            b"data: {}",
            b"data",
            b": ping",
            b"id: 7",
            b"retry: 10",
            b"event: message",
            b"x",
            b"\xe2\x80\xa8",
            b"\n",
            b"\r\n",
            b"\r",
        ]
    ),
    max_size=24,
).map(b"".join)


def _chunks(stream: bytes, cuts: list[int]) -> list[bytes]:
    points = [0, *sorted({cut % (len(stream) + 1) for cut in cuts}), len(stream)]
    return [stream[a:b] for a, b in pairwise(points)]


def _lines(chunks: list[bytes]) -> list[Line]:
    splitter = LineSplitter()
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.finish()


def _blocks(chunks: list[bytes]) -> tuple[list[Block], bytes]:
    splitter = BlockSplitter()
    return [block for chunk in chunks for block in splitter.feed(chunk)], splitter.finish()


@given(_LINES, st.lists(st.integers(0, 200)))
def test_any_chunking_gives_the_same_lines(stream: bytes, cuts: list[int]) -> None:
    lines = _lines(_chunks(stream, cuts))
    assert lines == _lines([stream])
    assert b"".join(content + end for content, end in lines) == stream
    assert all(end.endswith(b"\n") and b"\n" not in content for content, end in lines[:-1])


@given(_SSE, st.lists(st.integers(0, 200)))
def test_any_chunking_gives_the_same_blocks(stream: bytes, cuts: list[int]) -> None:
    blocks, rest = _blocks(_chunks(stream, cuts))
    assert (blocks, rest) == _blocks([stream])
    assert b"".join(block.raw for block in blocks) + rest == stream


@given(_SSE)
def test_one_byte_at_a_time_gives_the_same_blocks(stream: bytes) -> None:
    assert _blocks([bytes([byte]) for byte in stream]) == _blocks([stream])


def test_a_line_is_cut_at_lf_only() -> None:
    stream = '{"a":"\u2028\x85\x0b\x1c"}\r{"b":1}\n'.encode()
    assert _lines([stream]) == [(stream[:-1], b"\n")]


def test_the_content_of_a_line_is_without_its_end() -> None:
    assert _lines([b"a\nb\r\n\nc"]) == [(b"a", b"\n"), (b"b", b"\r\n"), (b"", b"\n"), (b"c", b"")]


def test_an_event_of_each_line_end_is_complete_at_once() -> None:
    for stream in (b"data: 1\n\n", b"data: 1\r\n\r\n", b"data: 1\r\r"):
        blocks, rest = _blocks([stream])
        assert [block.data for block in blocks] == [b"1"]
        assert rest == b""


def test_fields_are_read_as_the_standard_says() -> None:
    block = read_block(b": hello\nid: 7\nevent: x\ndata: a\ndata:b\nretry: 30\nretry: soon\nother: 1\n\n")
    assert (block.id, block.event, block.data, block.retry, block.comments) == ("7", "x", b"a\nb", 30, 1)


def test_a_priming_event_updates_the_id_and_dispatches_nothing() -> None:
    block = read_block(b"id: 1_2\ndata: \n\n")
    assert (block.id, block.data, block.dispatches) == ("1_2", b"", False)


def test_a_leading_byte_order_mark_is_skipped_for_reading_and_kept_in_the_bytes() -> None:
    splitter = BlockSplitter()
    first, second = splitter.feed(b"\xef\xbb\xbfdata: 1\n\n\xef\xbb\xbfdata: 2\n\n")
    assert (first.data, second.data) == (b"1", None)
    assert first.raw.startswith(b"\xef\xbb\xbf")


def test_u2028_is_text_in_a_block() -> None:
    text = '{"t":"a\u2028b\u0085c"}'.encode()
    assert read_block(b"data: " + text + b"\n\n").data == text


@given(st.binary(max_size=40).filter(lambda raw: b"\r" not in raw and raw.strip(b"\n") == raw and raw != b""))
def test_a_written_block_reads_back(data: bytes) -> None:
    [block] = BlockSplitter().feed(write_block(data))
    assert block.data == data


@given(st.lists(_LINES, max_size=4).map(b"".join), st.integers(1, 40))
def test_portions_add_up_and_end_with_lines(chunk: bytes, size: int) -> None:
    found = list(portions(chunk, size))
    assert b"".join(found) == chunk
    for portion in found[:-1]:
        assert portion.endswith(b"\n")
        assert len(portion) <= size or portion.count(b"\n") == 1
    for last in found[-1:]:
        assert 0 < len(last) <= size + size // 2 or b"\n" not in last[:-1]
