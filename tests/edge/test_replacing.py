"""Files that are replaced as a whole."""

import os
from pathlib import Path

import pytest

from interpose.edge.stores.replacing import replace


def test_what_is_put_is_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    for content in (b"one", b"two, which is longer", b""):
        replace(str(path), content)
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["pins.json"]


def test_a_file_has_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        replace(str(tmp_path / "mcp.json"), b"{}", 0o664)
    finally:
        os.umask(before)
    assert (tmp_path / "mcp.json").stat().st_mode & 0o777 == 0o664


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_bytes(b"old")
    (tmp_path / "link.json").symlink_to("real.json")
    replace(str(tmp_path / "link.json"), b"new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_bytes() == b"new"


def test_a_failure_leaves_everything_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "in it").touch()
    for path, why in (("folder", IsADirectoryError), ("missing/pins.json", FileNotFoundError)):
        with pytest.raises(why):
            replace(str(tmp_path / path), b"new")
    assert os.listdir(tmp_path) == ["folder"]


def test_a_reader_finds_the_old_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    replace(str(path), b"old")
    with path.open("rb") as file:
        replace(str(path), b"new")
        assert file.read() == b"old"
