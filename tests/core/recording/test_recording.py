"""The recording: what goes in comes out byte for byte, credentials never go in, and every change shows."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpose.core.errors import RecordingError
from interpose.core.events import Closed, Event, Frame, Received, Requested, Responded, Told
from interpose.core.recording.codec import verify
from interpose.core.recording.entry import Header
from interpose.core.recording.recorder import Recorder
from interpose.core.recording.scrub import Scrubber, is_secret
from interpose.core.wire.message import read
from interpose.core.wire.sse import read_block
from interpose.edge.stores.jsonl import RecordingFile, RecordingReader

CALL = b'{"jsonrpc":"2.0", "id":1,"method":"tools/call","params":{"n":1.10,"x-unknown":"\\u00e9"}}'


def line(raw: bytes, at: float = 0.5) -> Received:
    """A line from the client."""
    return Received(at, "client", "stdio", Frame(raw, read(raw), None, b"\n"))


def write(path: Path, *events: Event, end: bool = True) -> Path:
    """Record events the way a session does."""
    recorder = Recorder()
    file = RecordingFile(path)
    header = Header("s", "2026-11-22T10:00:00Z", {"transport": "stdio"}, {"transport": "stdio", "name": "x"}, "test")
    file.append(recorder.header(header).pieces)
    for event in events:
        file.append(recorder.record(event).pieces)
    if end:
        file.append(recorder.trailer(9.0, "client closed", [{"who": "USER"}]).pieces)
    file.close()
    return file.path


@given(st.one_of(st.binary(max_size=60), st.text(max_size=30).map(str.encode), st.just(CALL)))
def test_a_message_comes_back_byte_for_byte(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = write(tmp_path_factory.mktemp("r") / "r.jsonl", line(raw))
    with RecordingReader(path) as reader:
        first = next(iter(reader))
    assert first.payload() == raw
    assert first.event() == Received(0.5, "client", "stdio", Frame(raw, read(raw)))


def test_json_is_embedded_as_it_came_and_every_line_is_json(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", line(CALL), line(b"a banner"), line(b'{"t":"\xff"}'), line(b'{\n"id":1}'))
    lines = path.read_bytes().splitlines()
    assert CALL in lines[1]
    assert [json.loads(each).get("text") for each in lines[2:5]] == ["a banner", None, '{\n"id":1}']
    assert json.loads(lines[3])["base64"] == "eyJ0Ijoi/yJ9"


def test_every_kind_of_event_comes_back(tmp_path: Path) -> None:
    block = read_block(b": hi\nid: 7\nretry: 20\ndata: " + CALL + b"\n\n")
    prime = read_block(b"id: 8\ndata:\n\n")
    events: list[Event] = [
        Requested(0.1, "x1", "POST", "/mcp?a=b", (("Accept", "text/event-stream"), ("accept", "x"))),
        Responded(0.2, "x1", 200, (("Content-Type", "text/event-stream"),)),
        Received(0.3, "server", "x1", Frame(block.raw, read(CALL), block, wire="block")),
        Received(0.4, "server", "x1", Frame(prime.raw, None, prime, wire="block")),
        Told(0.5, "server", "stderr", "warning: x"),
        Closed(0.6, "server", "x1", "end"),
    ]
    with RecordingReader(write(tmp_path / "r.jsonl", *events)) as reader:
        back = [entry.event() for entry in reader]
    assert back[:2] + back[4:6] == events[:2] + events[4:]
    assert back[-1] is None
    third, fourth = back[2], back[3]
    assert isinstance(third, Received)
    assert isinstance(fourth, Received)
    assert third.frame.message == read(CALL)
    assert third.frame.block is not None
    assert (third.frame.block.id, third.frame.block.retry, third.frame.block.comments) == ("7", 20, 1)
    assert fourth.frame.message is None
    assert fourth.frame.block is not None
    assert (fourth.frame.block.id, fourth.frame.block.data) == ("8", b"")


def test_the_last_line_says_how_it_ended_and_who_still_waited(tmp_path: Path) -> None:
    with RecordingReader(write(tmp_path / "r.jsonl", line(CALL))) as reader:
        *_, last = reader
    assert (last.kind, last.reason, last.messages, last.waiting) == ("end", "client closed", 1, ({"who": "USER"},))
    assert reader.problems == []


def test_a_recording_is_private_and_never_overwritten(tmp_path: Path) -> None:
    first = write(tmp_path / "r.jsonl", line(CALL))
    second = write(tmp_path / "r.jsonl", line(CALL))
    third = write(tmp_path / "r.jsonl", line(CALL))
    assert [path.name for path in (first, second, third)] == ["r.jsonl", "r.2.jsonl", "r.3.jsonl"]
    assert first.stat().st_mode & 0o777 == 0o600


@given(st.data())
def test_a_file_cut_anywhere_gives_every_entry_before_the_cut(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = write(tmp_path_factory.mktemp("r") / "r.jsonl", *[line(CALL)] * 3)
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    cut = data.draw(st.integers(first, len(whole)))
    filler = data.draw(st.sampled_from([b"", b"\0" * 64]))
    path.write_bytes(whole[:cut] + filler)
    with RecordingReader(path) as reader:
        entries = list(reader)
    assert len(entries) == whole[:cut].count(b"\n") - 1
    assert reader.torn == (not whole[:cut].endswith(b"\n") or bool(filler))
    assert bool(reader.problems) == (cut < len(whole) or bool(filler))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_changed_line_is_named(tmp_path: Path, number: int) -> None:
    path = write(tmp_path / "r.jsonl", line(CALL), line(CALL))
    lines = path.read_bytes().splitlines(keepends=True)
    lines[number - 1] = lines[number - 1].replace(b'"', b'"', 1).replace(b"stdio", b"stdxx", 1)
    path.write_bytes(b"".join(lines))
    with RecordingReader(path) as reader:
        list(reader)
    assert reader.problems == [f"line {number}: changed after it was recorded, or the line before it is gone"]
    assert [n for n, good in verify(lines) if not good] == [number]


def test_a_removed_line_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", line(CALL), line(CALL), line(CALL))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    with RecordingReader(path) as reader:
        list(reader)
    assert "line 3: entries 2 to 2 are missing" in reader.problems


def test_damage_in_the_middle_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", line(CALL), line(CALL))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'{"seq":\n' + b"".join(lines[2:]))
    with RecordingReader(path) as reader, pytest.raises(RecordingError, match=r"r\.jsonl, line 2: damaged"):
        list(reader)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a recording"),
        (b"{}\n", "not a recording"),
        (b"hello\n", "not a recording"),
        (b'{"interpose":99,"session":"s","started":"","client":{},"server":{},"by":""}\n', "newer than this interpose"),
    ],
)
def test_what_is_no_recording_is_refused_with_the_reason(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=says):
        RecordingReader(path)


def test_a_missing_file_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be read"):
        RecordingReader(tmp_path / "none.jsonl")


SECRETS = ("tok-1", "sess-2", "pw-3", "key-4", "cook-5", "bear-6", "code-7")


def test_credentials_never_reach_a_recording(tmp_path: Path) -> None:
    headers = (
        ("Authorization", "Bearer tok-1"),
        ("cookie", "a=cook-5"),
        ("Mcp-Session-Id", "sess-2"),
        ("X-Api-Key", "key-4"),
        ("X-Acme-Token", "bear-6"),
        ("Location", "http://u:pw-3@h/p?code=code-7"),
        ("Mcp-Param-Key", "kept"),
        ("Accept", "application/json"),
    )
    recorder = Recorder()
    command = ["srv", "--api-key", "key-4", "--token=tok-1", "DB_PASSWORD=pw-3", "Authorization: Bearer bear-6"]
    server = {"name": "x", "command": [*command, "postgres://u:pw-3@h/db"], "url": "http://h/mcp?token=tok-1"}
    pieces = [recorder.header(Header("s", "now", {}, server, "test"))]
    pieces.append(recorder.record(Requested(0.1, "x1", "POST", "/mcp?api_key=key-4&session_id=sess-2&x=1", headers)))
    pieces.append(
        recorder.record(Responded(0.2, "x1", 200, (("Set-Cookie", "s=cook-5"), ("mcp-session-id", "sess-2"))))
    )
    endpoint = read_block(b"event: endpoint\ndata: /messages?session_id=sess-2\n\n")
    pieces.append(recorder.record(Received(0.3, "server", "x1", Frame(endpoint.raw, None, endpoint, wire="block"))))
    text = b"".join(piece for each in pieces for piece in each.pieces).decode()
    assert not [secret for secret in SECRETS if secret in text]
    assert text.count("session-1") == 4
    assert '["Mcp-Param-Key","kept"]' in text
    assert '["Accept","application/json"]' in text


@pytest.mark.parametrize(
    "name", ["token", "access_token", "apiKey", "API_KEY", "X-Auth-Token", "--client-secret", "sig"]
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["maxTokens", "monkey", "keyboard", "author", "cursor", "path"])
def test_names_that_only_look_alike_are_let_be(name: str) -> None:
    assert not is_secret(name)


def test_an_address_without_secrets_stays_to_the_letter() -> None:
    scrubber = Scrubber()
    for address in ("/mcp", "http://h:1/a%20b?x=1&y=%7E", "/messages?q=a+b", "//"):
        assert scrubber.address(address) == address
    assert scrubber.address("http://[bad") == "[scrubbed]"
