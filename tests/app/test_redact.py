"""`interpose redact` as people run it: what is masked, what stays to the byte, and that nothing is overwritten."""

import base64
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace
from tests.core.formats.tape import HEADER, Tape

from interpose.app.cli.main import cli
from interpose.core.errors import RecordingError, UsageError
from interpose.core.events import Frame, Received
from interpose.core.formats.audit_verify import verified
from interpose.core.recording.recorder import Recorder, Ruling
from interpose.core.wire.message import read
from interpose.edge.stores.jsonl import RecordingReader

GOLDEN = sorted((Path(__file__).parents[2] / "recordings").rglob("*.jsonl"))
MAIL = "ada.lovelace@example.org"


def run(recording: Path, new: Path, *options: object) -> Result:
    return CliRunner().invoke(
        cli, ["redact", str(recording), "-o", str(new), *map(str, options)], standalone_mode=False
    )


def redacted(tape: Tape, folder: Path, *options: object) -> list[bytes]:
    done = run(tape.write(folder / "r.jsonl"), folder / "new.jsonl", *options)
    assert done.exception is None, done.exception
    lines = (folder / "new.jsonl").read_bytes().splitlines(keepends=True)
    assert verified(lines).problem is None
    return lines


def body(line: bytes) -> bytes:
    return line[: line.rindex(b',"chain"')]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_where_nothing_is_masked_the_copy_is_the_same_to_the_byte(path: Path, tmp_path: Path) -> None:
    assert run(path, tmp_path / "new.jsonl").exception is None
    assert (tmp_path / "new.jsonl").read_bytes() == path.read_bytes()


def session() -> Tape:
    tape = Tape().opens()
    tape.say(
        "client", b'{"jsonrpc":"2.0", "id":1.0e0,"method":"tools/call","params":{"to":"%b","n":1.50}}' % MAIL.encode()
    )
    tape.tells("stderr", f"mail to {MAIL} failed").tells("note", "no address")
    tape.say("server", f'{{"jsonrpc":"2.0","id":1,\n"result":{{"to":"{MAIL}"}}}}'.encode())
    tape.say("server", b"\xff\xfe hello " + MAIL.encode())
    tape.asks("x1", target=f"/mcp?user={MAIL}").closes("x1", reason=f"no route to {MAIL}")
    tape.say("server", b"{nonsense " + MAIL.encode())
    return tape.ends()


def test_messages_texts_and_logs_are_masked_and_the_rest_stays(tmp_path: Path) -> None:
    tape = session()
    lines = redacted(tape, tmp_path)
    assert MAIL.encode() not in b"".join(lines)
    changed = [
        number for number, (old, new) in enumerate(zip(tape.lines, lines, strict=True)) if body(old) != body(new)
    ]
    assert changed == [4, 5, 7, 8, 9, 10, 11]
    assert b'"message":{"jsonrpc":"2.0", "id":1.0e0,' in lines[4]
    assert b'"n":1.50}}' in lines[4]
    assert lines[:4] == tape.lines[:4]
    assert b"mail to [personal:email-1] failed" in lines[5]


def test_one_value_has_one_placeholder_everywhere(tmp_path: Path) -> None:
    lines = redacted(session(), tmp_path)
    found = {line[line.index(b"[") : line.index(b"]") + 1] for line in (lines[4], lines[5], lines[7])}
    assert len(found) == 1
    [placeholder] = found
    with RecordingReader(tmp_path / "new.jsonl") as reader:
        odd = next(entry for entry in reader if entry.base64 is not None)
    assert base64.b64decode(odd.base64 or "") == b"\xff\xfe hello " + placeholder


def test_what_was_delivered_and_why_are_masked_too(tmp_path: Path) -> None:
    recorder = Recorder()
    raw, other = (b'{"jsonrpc":"2.0","method":"x","params":{"a":"%b"}}' % text for text in (b"none", MAIL.encode()))
    verdict = {"decision": "edit", "rules": [{"rule": "a", "do": "set", "why": f"for {MAIL}"}]}
    event = Received(0.1, "client", "stdio", Frame(raw, read(raw)))
    lines = [
        recorder.header(HEADER),
        recorder.record(event, Ruling("", verdict, other)),
        recorder.trailer(0.2, "end", []),
    ]
    (tmp_path / "r.jsonl").write_bytes(b"".join(piece for line in lines for piece in line.pieces))
    assert run(tmp_path / "r.jsonl", tmp_path / "new.jsonl").exception is None
    made = (tmp_path / "new.jsonl").read_bytes()
    assert MAIL.encode() not in made
    assert b'"rule":"a","do":"set"' in made


def test_what_an_event_stream_says_is_masked(tmp_path: Path) -> None:
    tape = Tape().streams("x1", b"id: 7\nevent: endpoint\ndata: /m?who=%b\n\n" % MAIL.encode()).ends()
    lines = redacted(tape, tmp_path)
    assert MAIL.encode() not in lines[1]
    assert b'"id":"7"' in lines[1]


def test_the_first_line_is_masked_too(tmp_path: Path) -> None:
    header = replace(HEADER, server={**HEADER.server, "command": ["probe", MAIL]})
    lines = redacted(Tape(header).opens().ends(), tmp_path)
    assert b'"command":["probe","[personal:email-1]"]' in lines[0]


def test_a_policy_s_redact_rules_say_what_to_look_for(tmp_path: Path) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text(
        '[[rule]]\nname = "r"\nall = true\ndo = "redact"\npaths = ["$.params.to"]\npatterns = { word = "hello" }\n'
    )
    lines = redacted(session(), tmp_path, "--policy", policy)
    assert b'"to":"[' in lines[4]
    assert MAIL.encode() in lines[5]
    (tmp_path / "new.jsonl").unlink()
    assert MAIL.encode() not in b"".join(redacted(session(), tmp_path, "--policy", policy, "--find", "email, secrets"))


def test_a_policy_without_a_redact_rule_and_an_unknown_detector_are_mistakes(tmp_path: Path) -> None:
    policy, source = tmp_path / "p.toml", session().write(tmp_path / "r.jsonl")
    policy.write_text('[[rule]]\nname = "r"\nall = true\ndo = "note"\n')
    assert isinstance(run(source, tmp_path / "new", "--policy", policy).exception, UsageError)
    assert "there is none of this name" in str(run(source, tmp_path / "new", "--find", "nonsense").exception)
    assert not (tmp_path / "new").exists()


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    source = session().write(tmp_path / "r.jsonl")
    before = source.read_bytes()
    assert isinstance(run(source, source).exception, UsageError)
    assert source.read_bytes() == before
    assert isinstance(run(source, tmp_path / "no" / "folder").exception, UsageError)
    assert isinstance(run(tmp_path / "nothing", tmp_path / "new").exception, RecordingError)
    assert not (tmp_path / "new").exists()


def test_the_copy_is_its_owner_s_alone(tmp_path: Path) -> None:
    redacted(session(), tmp_path)
    assert stat.S_IMODE((tmp_path / "new.jsonl").stat().st_mode) == 0o600


def test_a_changed_or_damaged_recording_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    for number, line in (
        (3, session().lines[3].replace(b"initialized", b"initialised")),
        (4, b"{nonsense}\n"),
        (0, b"{}\n"),
    ):
        tape = session()
        tape.lines[number] = line
        done = run(tape.write(tmp_path / "r.jsonl"), tmp_path / "new.jsonl")
        assert isinstance(done.exception, RecordingError)
        assert done.exception.line == number + 1
        assert not (tmp_path / "new.jsonl").exists()


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    tape = session()
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"".join(tape.lines[:-1]) + tape.lines[-1][:30])
    assert run(path, tmp_path / "new.jsonl").exception is None
    assert (tmp_path / "new.jsonl").read_bytes().count(b"\n") == len(tape.lines) - 1


def test_a_message_that_cannot_be_looked_through_is_an_error(tmp_path: Path) -> None:
    wrapped = base64.b64encode(b"plain words in a wrapping, " * 4).decode()
    tape = Tape().client(id=1, method="x", params={"a": MAIL, "b": f"%41 \\n ＡＢ {wrapped} " * 2_000}).ends()
    done = run(tape.write(tmp_path / "r.jsonl"), tmp_path / "new.jsonl")
    assert isinstance(done.exception, RecordingError)
    assert (done.exception.line, (tmp_path / "new.jsonl").exists()) == (2, False)
