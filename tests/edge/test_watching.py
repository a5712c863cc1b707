"""Watchers hear what is recorded, after it was written, also where nothing is kept."""

from collections.abc import Sequence
from pathlib import Path

from interpose.core.events import Told
from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Header
from interpose.edge.conversations import Conversations

SERVER = {"transport": "http", "name": "s", "url": "http://u:pw@h/mcp?token=hush"}


class Ears:
    """A watcher that keeps what it hears; in `file` it stands by then."""

    def __init__(self, file: Path | None = None) -> None:
        self.heard: list[tuple[str, str, object]] = []
        self.lines: list[bytes] = []
        self._file = file

    def opened(self, session: str, header: Header) -> None:
        self.heard.append(("opened", session, header.server["url"]))

    def recorded(self, session: str, lines: Sequence[bytes]) -> None:
        self.lines += lines
        self.heard.append(("recorded", session, [decode_entry(line).kind for line in lines]))
        if self._file is not None:
            assert self._file.read_bytes().endswith(lines[-1]), "written before it is heard"

    def closed(self, session: str) -> None:
        self.heard.append(("closed", session, None))


def converse(record: Path | None, *ears: Ears) -> str:
    conversations = Conversations(None if record is None else str(record), SERVER, print)
    for each in ears:
        conversations.watch(each)
    conversation = conversations.open({"transport": "stdio"})
    conversation.hear_all(Told(0.1, "client", what, "x") for what in ("note", "stderr"))
    conversation.tell("client", "note", "y")
    conversations.close_all("over")
    return next(session for _, session, _ in ears[0].heard)


def test_a_session_is_heard_from_its_scrubbed_header_to_its_end() -> None:
    ears = Ears()
    session = converse(None, ears)
    assert ears.heard == [
        ("opened", session, "http://[scrubbed]@h/mcp?token=[scrubbed]"),
        ("recorded", session, ["note", "stderr"]),
        ("recorded", session, ["note"]),
        ("recorded", session, ["end"]),
        ("closed", session, None),
    ]


def test_what_is_heard_is_what_stands_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    ears = Ears(file), Ears(file)
    converse(file, *ears)
    assert b"".join(file.read_bytes().splitlines(keepends=True)[1:]) == b"".join(ears[0].lines)
    assert ears[0].heard == ears[1].heard


def test_without_a_watcher_the_file_itself_is_written(tmp_path: Path) -> None:
    conversation = Conversations(str(tmp_path / "r.jsonl"), SERVER, print).open({"transport": "stdio"})
    assert type(conversation.recording).__name__ == "RecordingFile"
    assert Conversations(None, SERVER, print).open({"transport": "stdio"}).recording is None
    conversation.close("over")
