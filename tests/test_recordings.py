"""The golden recordings: each file is a test. Real sessions, one folder a protocol version (made by tools/rerecord)."""

import re
from pathlib import Path

import msgspec
import pytest

from interpose.core.interposer import Interposer
from interpose.core.protocol import VERSIONS
from interpose.core.session.session import Session
from interpose.edge.stores.jsonl import RecordingReader

FOLDER = Path(__file__).parents[1] / "recordings"
FILES = sorted(FOLDER.rglob("*.jsonl"))


def name(path: Path) -> str:
    return str(path.relative_to(FOLDER))


def test_every_protocol_version_has_recordings() -> None:
    assert {path.parent.name for path in FILES} == set(VERSIONS)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_it_is_whole_and_of_the_version_that_its_folder_says(path: Path) -> None:
    session = Session()
    with RecordingReader(path) as reader:
        for entry in reader:
            if (event := entry.event()) is not None:
                for sighting in session.see(entry.seq, event):
                    assert "orphan" not in sighting.notes, entry.seq
    assert reader.problems == []
    assert session.opening.version == path.parent.name


@pytest.mark.parametrize("path", FILES, ids=name)
def test_feeding_its_events_again_gives_the_same_lines(path: Path) -> None:
    core = Interposer()
    with RecordingReader(path) as reader:
        lines = [core.open(reader.header)]
        for entry in reader:
            event = entry.event()
            lines.append(core.close(entry.at, entry.reason) if event is None else core.feed(event)[:1])
    again = b"".join(piece for effects in lines for effect in effects for piece in msgspec.structs.astuple(effect)[0])
    assert again.splitlines() == path.read_bytes().splitlines()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_it_holds_no_credential_and_no_trace_of_the_machine_that_made_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"Bearer |/home/|/root/|/Users/", text)
    assert str(FOLDER.parent) not in text
    assert not re.search(r'"mcp-session-id","(?!session-\d)', text, re.IGNORECASE)
