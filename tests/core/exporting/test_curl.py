"""One message as a command: what a shell makes of it is what was recorded, and credentials have only a place."""

import json
import subprocess
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.core.exporting.exported import HEADER, HOSTILE, entries
from tests.core.formats.tape import Tape, modern

from interpose.core.exporting.curl import Sending, Unsendable
from interpose.core.exporting.shell import printed, quoted
from interpose.core.recording.entry import Header

URL = "https://mcp.example.com/v1/mcp"
HTTP = Header("s1", "2026-01-02T10:00:00Z", {"transport": "http"}, {"url": URL}, "test")


def command(tape: Tape, seq: int, header: Header = HTTP) -> str:
    sending = Sending(header, seq)
    return next(found for found in map(sending.take, entries(tape)) if found is not None)


def words(line: str) -> list[str]:
    """What a shell makes of a command: each word, after a line of comment."""
    shown = subprocess.run(["sh", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True, timeout=10)
    return shown.stdout.decode().split("\0")[:-1]


def posted(body: Any, *headers: tuple[str, str], target: str = "/mcp") -> str:
    tape = Tape(HTTP).asks("x1", target=target, headers=headers).say("client", body, "x1")
    return command(tape, 2)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_a_quoted_word_comes_out_of_a_shell_as_it_went_in(word: str) -> None:
    assert words(quoted(word)) == [word]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
@example(b"-e -- %s")
def test_printed_bytes_come_out_of_a_shell_as_they_went_in(raw: bytes) -> None:
    assert subprocess.run(["sh", "-c", printed(raw)], capture_output=True, check=True, timeout=10).stdout == raw


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_one_word(text: str) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": text}}
    raw = json.dumps(body, ensure_ascii=False).encode()
    line = posted(raw, ("X-Note", text), ("Content-Type", "application/json"))
    found = words(line)
    assert found[:5] == ["curl", "--no-buffer", "--globoff", "--url", URL]
    assert found[-2:] == ["--data-raw", raw.decode()]
    assert found.count("--header") == 2


def test_credentials_and_sessions_have_a_place_to_fill_in() -> None:
    headers = (("Authorization", "Bearer s3cret"), ("Mcp-Session-Id", "abc"), ("X-Empty", ""), ("Host", "h"))
    line = posted({"method": "ping"}, *headers, target="/mcp?token=s3cret&a=1")
    note, rest = line.split("\n", 1)
    assert note == "# fill in: <url>, <Authorization>, <Mcp-Session-Id>"
    assert "s3cret" not in line
    assert "session-1" not in line
    found = words(rest)
    assert "Authorization: <Authorization>" in found
    assert "Mcp-Session-Id: <Mcp-Session-Id>" in found
    assert "X-Empty;" in found
    assert not any(word.lower().startswith("host:") for word in found)


def test_a_body_is_never_a_file_name_and_bytes_that_are_no_text_go_through_a_pipe() -> None:
    assert words(posted(b"@/etc/passwd"))[-2:] == ["--data-raw", "@/etc/passwd"]
    line = posted(b'{"a":"\xff\x00%s\\n"}')
    printing, _, sending = line.partition(" | ")
    assert subprocess.run(["sh", "-c", printing], capture_output=True, check=True).stdout == b'{"a":"\xff\x00%s\\n"}'
    assert words(sending)[-2:] == ["--data-binary", "@-"]


def test_an_exchange_without_a_message_can_be_sent_again_too() -> None:
    tape = Tape(HTTP).asks("x1", "DELETE").asks("x2", "GET", "/sse")
    assert words(command(tape, 1)) == ["curl", "--no-buffer", "--globoff", "--request", "DELETE", "--url", URL]
    assert words(command(tape, 2)) == ["curl", "--no-buffer", "--globoff", "--url", URL]


def test_a_target_of_its_own_is_kept() -> None:
    found = words(posted({"method": "ping"}, target="/messages/?session_id=4711&x=[1-9]").partition("\n")[2])
    assert found[4] == "https://mcp.example.com/messages/?session_id=<url>&x=[1-9]"


def test_a_message_of_a_pipe_is_written_into_the_command() -> None:
    header = Header("s1", HEADER.started, {}, {"command": ["cat", "-"], "name": "n"}, "test")
    tape = Tape(header).opens().client(id=5, method="tools/call", params={"name": "it's"})
    line = command(tape, 4, header).replace("sleep 3", "sleep 0")
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=True, timeout=10)
    assert [json.loads(row).get("method") for row in done.stdout.splitlines()] == [
        "initialize",
        "notifications/initialized",
        "tools/call",
    ]


def test_a_message_of_its_own_needs_no_opening() -> None:
    header = Header("s1", HEADER.started, {}, {"command": ["srv", "--api-key", "[scrubbed]", "a b"]}, "test")
    tape = Tape(header).client(id=1, method="tools/list", params={"_meta": modern()})
    note, line = command(tape, 1, header).split("\n", 1)
    assert note.startswith("# fill in")
    assert line.startswith("{ printf '%s\\n' '{")
    assert line.endswith("; sleep 3; } | srv --api-key '<credential>' 'a b'\n")


def test_what_cannot_be_sent_again_says_why() -> None:
    tape = Tape(HTTP).asks("x1").client("x1", id=1, method="ping").answers("x1", 200).server("x1", id=1, result={})
    for seq, why in ((3, "no message but `http-response`"), (4, "is from the server")):
        with pytest.raises(Unsendable, match=why):
            command(tape, seq)
    with pytest.raises(Unsendable, match="has no HTTP request"):
        command(Tape(HTTP).client("x9", id=1, method="ping"), 1)
    with pytest.raises(Unsendable, match="which command"):
        command(Tape().client(id=1, method="ping"), 1, HTTP)


def test_a_message_of_a_pipe_that_is_no_text_is_printed_byte_by_byte() -> None:
    header = Header("s1", HEADER.started, {}, {"command": ["cat"]}, "test")
    line = command(Tape(header).say("client", b'{"a":"\xff"}'), 1, header).replace("sleep 3", "sleep 0")
    assert subprocess.run(["sh", "-c", line], capture_output=True, check=True).stdout == b'{"a":"\xff"}\n'


def test_without_the_servers_address_the_clients_way_to_it_is_taken() -> None:
    for url in ("http://[oops/", ""):
        header = Header("s1", HEADER.started, {}, {"url": url}, "test")
        tape = Tape(HTTP).asks("x1", headers=(("Host", "127.0.0.1:9"),)).closes("x1").asks("x2", target="*")
        assert words(command(tape, 1, header))[-1] == "http://127.0.0.1:9/mcp"
        assert words(command(tape, 3, header))[-1] == "http://localhost/"
