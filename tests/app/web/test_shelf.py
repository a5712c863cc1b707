"""Lines and rows that are found again, in bounded memory."""

from pathlib import Path

from interpose.app.web.shelf import FileShelf, Ring, RingShelf, Spill


def test_a_file_gives_whole_lines_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"head\r\nfirst\nhal")
    shelf = FileShelf(path)
    assert shelf.news() == [(0, b"head\r\n"), (6, b"first\n")]
    assert shelf.news() == []
    with path.open("ab") as file:
        file.write(b"f\n" + b"x" * 1_000_000 + b"\n")
    assert shelf.news() == [(12, b"half\n")]
    assert [len(line) for _, line in shelf.news()] == [1_000_001]
    assert shelf.line(2) == b"half\n"
    assert len(shelf.line(3) or b"") == 1_000_001
    assert shelf.line(4) is None
    shelf.close()


def test_a_ring_keeps_the_last_bytes() -> None:
    shelf = RingShelf(20)
    for number in range(9):
        shelf.add([b"line %d\n" % number])
    assert len(shelf.news()) == 9
    assert shelf.line(0) is None
    assert shelf.line(8) == b"line 8\n"
    ring = Ring(1)
    ring.add(b"larger than the ring")
    assert ring.get(0) == b"larger than the ring"


def test_a_spill_gives_everything_back() -> None:
    spill = Spill()
    pieces = [b"%d" % number * 1000 for number in range(2000)]
    for piece in pieces:
        spill.add(piece)
    assert all(spill.get(number) == piece for number, piece in enumerate(pieces))
    assert (len(spill), spill.get(2000), spill.get(-1)) == (2000, None, None)
    spill.close()
