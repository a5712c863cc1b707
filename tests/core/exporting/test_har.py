"""HAR files: what a client saw of HTTP, event streams put together again, and pipes as exchanges that never were."""

import base64
import json
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from tests.core.exporting.exported import HEADER, STARTED, entries, nested
from tests.core.formats.tape import Tape

from interpose.core.events import Frame, Received
from interpose.core.exporting.har import HarFile
from interpose.core.recording.entry import Header
from interpose.core.wire.message import read
from interpose.core.wire.sse import Block, BlockSplitter

HTTP = Header(
    "s1", "2026-01-02T10:00:00Z", {"transport": "http"}, {"url": "https://mcp.example.com/mcp"}, "interpose 1"
)
SSE = "text/event-stream"


class Strict(BaseModel):
    """HAR 1.2, as http://www.softwareishard.com/blog/har-12-spec/ has it: names of one's own begin with `_`."""

    model_config = ConfigDict(extra="allow", strict=True)

    def model_post_init(self, _: Any) -> None:
        assert all(name.startswith("_") for name in self.model_extra or {}), self.model_extra


class Pair(Strict):
    name: str
    value: str
    comment: str | None = None


class Posted(Strict):
    mimeType: str
    text: str
    encoding: Literal["base64"] | None = None


class Asked(Strict):
    method: str
    url: Annotated[str, Field(pattern="^https?://")]
    httpVersion: str
    cookies: list[Pair]
    headers: list[Pair]
    queryString: list[Pair]
    postData: Posted | None = None
    headersSize: int
    bodySize: int


class Content(Strict):
    size: int
    mimeType: str
    text: str | None = None
    encoding: Literal["base64"] | None = None


class Answered(Strict):
    status: int
    statusText: str
    httpVersion: str
    cookies: list[Pair]
    headers: list[Pair]
    content: Content
    redirectURL: str
    headersSize: int
    bodySize: int


class Timings(Strict):
    send: Annotated[float, Field(ge=0)]
    wait: Annotated[float, Field(ge=0)]
    receive: Annotated[float, Field(ge=0)]


class Exchange(Strict):
    startedDateTime: Annotated[AwareDatetime, Field(strict=False)]
    time: Annotated[float, Field(ge=0)]
    request: Asked
    response: Answered
    cache: dict[str, Any]
    timings: Timings
    comment: str | None = None


class Creator(Strict):
    name: str
    version: str


class Log(Strict):
    version: Literal["1.2"]
    creator: Creator
    entries: list[Exchange]
    comment: str | None = None


class Har(Strict):
    log: Log


def har(tape: Tape, header: Header = HTTP) -> Log:
    text = "".join(HarFile(header, STARTED).written(entries(tape)))
    return Har.model_validate(json.loads(text)).log


def exchange() -> Tape:
    """A call over HTTP whose answer streams."""
    tape = Tape(HTTP).asks("x1", headers=(("Host", "127.0.0.1:9"), ("Authorization", "Bearer secret")))
    tape.client("x1", id=1, method="tools/list")
    return tape.answers("x1", 200, SSE)


def event(tape: Tape, body: Any, **fields: Any) -> Tape:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return tape.happen(Received(tape.now, "server", "x1", Frame(raw, read(raw), Block(b"", raw, **fields))))


def test_an_event_stream_is_put_together_again() -> None:
    tape = exchange().streams("x1", b"id: 1\nretry: 500\ndata:\n\n").streams("x1", b": ping\n\n")
    tape = event(tape, {"jsonrpc": "2.0", "method": "notifications/message"}, event="note", id="2")
    tape = event(tape, {"jsonrpc": "2.0", "id": 1, "result": {}}).closes("x1", "server")
    [only] = har(tape).entries
    assert only.response.content.mimeType == SSE
    blocks = list(BlockSplitter().feed((only.response.content.text or "").encode()))
    assert [(block.id, block.event, block.retry, block.comments) for block in blocks] == [
        ("1", "message", 500, 0),
        (None, "message", None, 1),
        ("2", "note", None, 0),
        (None, "message", None, 0),
    ]
    assert blocks[0].data == b""
    assert json.loads(blocks[3].data or b"") == {"jsonrpc": "2.0", "id": 1, "result": {}}


def test_a_message_over_several_lines_is_one_event() -> None:
    [only] = har(event(exchange(), b'{"jsonrpc":"2.0",\n"id":1,\n"result":{}}').closes("x1", "server")).entries
    [block] = BlockSplitter().feed((only.response.content.text or "").encode())
    assert block.data == b'{"jsonrpc":"2.0",\n"id":1,\n"result":{}}'


def test_credentials_stay_away() -> None:
    text = "".join(HarFile(HTTP, STARTED).written(entries(exchange())))
    assert "secret" not in text
    [only] = har(exchange()).entries
    assert [pair.value for pair in only.request.headers if pair.name == "Authorization"] == ["[scrubbed]"]


def test_times_and_addresses_are_those_of_the_exchange() -> None:
    [only] = har(exchange().closes("x1", "server")).entries
    assert only.startedDateTime.isoformat() == "2026-01-02T10:00:00.100000+00:00"
    assert only.request.url == "http://127.0.0.1:9/mcp"
    assert (only.timings.send, only.timings.wait, only.timings.receive) == (100.0, 100.0, 100.0)
    assert only.time == 300.0


def test_an_exchange_that_never_ended_or_was_never_answered_says_so() -> None:
    tape = (
        exchange().asks("x2", target="/mcp?a=1&b=%20").client("x2", id=2, method="ping").closes("x2", "client", "gone")
    )
    unanswered, streaming = har(tape).entries
    assert (unanswered.response.status, unanswered.model_dump()["response"]["_error"]) == (0, "gone")
    assert unanswered.request.url == "https://mcp.example.com/mcp?a=1&b=%20"
    assert [(pair.name, pair.value) for pair in unanswered.request.queryString] == [("a", "1"), ("b", " ")]
    assert streaming.comment == "still open when the recording ended"


def test_a_body_that_is_no_text_is_base64() -> None:
    tape = Tape(HTTP).asks("x1").say("client", b"\xff\xfe{", "x1").answers("x1", 400).closes("x1", "server")
    [only] = har(tape).entries
    assert only.request.postData is not None
    assert base64.b64decode(only.request.postData.text) == b"\xff\xfe{"
    assert only.request.postData.encoding == "base64"


def test_calls_over_pipes_are_exchanges_that_say_that_they_never_were() -> None:
    found = har(nested(), HEADER).entries
    assert [(each.request.url, each.response.status) for each in found] == [
        ("http://stdio.invalid/server/initialize", 200),
        ("http://stdio.invalid/server/notifications/initialized", 202),
        ("http://stdio.invalid/client/elicitation/create", 200),
        ("http://stdio.invalid/server/tools/call", 200),
    ]
    assert all((each.comment or "").startswith("no HTTP: the ") for each in found)
    assert json.loads(found[3].response.content.text or "")["result"]["content"][0]["text"] == "booked"


def test_a_call_over_pipes_without_an_answer_is_there_too() -> None:
    [only] = har(Tape().client(id=1, method="ping"), HEADER).entries
    assert only.response.status == 0
    assert "no answer in the recording" in (only.comment or "")


def test_what_json_readers_choke_on_is_an_escape() -> None:
    tape = Tape(HTTP).asks("x1").closes("x1", "client", "gone \u2028 away")
    assert "".join(HarFile(HTTP, STARTED).written(entries(tape))).isascii()


def test_what_a_policy_kept_back_is_not_in_it_and_what_it_did_is_said() -> None:
    tape = exchange()
    tape = event(tape, {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "secret"}})
    verdict = {"decision": "drop", "rules": [{"rule": "quiet", "do": "block"}]}
    tape.lines[-1] = json.dumps(json.loads(tape.lines[-1]) | {"verdict": verdict}).encode() + b"\n"
    own = json.loads(tape.client("x1", id=7, method="ping").lines[-1]) | {"by": "interpose"}
    tape.lines[-1] = json.dumps(own).encode() + b"\n"
    [only] = har(tape.closes("x1", "client", "disconnect")).entries
    assert not only.response.content.text
    assert only.comment == "interpose: entry 4 was dropped by quiet"
    assert only.model_dump()["response"]["_error"] == "client disconnected"
    assert "ping" not in (only.request.postData.text if only.request.postData else "")


def test_addresses_that_are_none_do_no_harm() -> None:
    header = Header("s1", "2026-01-02T10:00:00Z", {}, {"url": "http://[oops/"}, "interpose 1")
    tape = Tape(HTTP).asks("x1", target="*").closes("x1").asks("x2", target="/a?x=[", headers=(("Host", "a b"),))
    assert [each.request.url for each in har(tape.closes("x2"), header).entries] == [
        "http://unknown.invalid/",
        "http://unknown.invalid/a?x=[",
    ]
    assert har(Tape(HTTP).server("x9", id=1, result={}).closes("x9")).entries == []
    bracket = Tape(HTTP).asks("x1", target="/", headers=(("Host", "["),)).closes("x1")
    assert har(bracket).entries[0].request.queryString == []


def test_answers_to_nothing_and_what_is_no_message_are_kept_too() -> None:
    tape = Tape().opens().server(id=77, result={}).say("server", b"oops").tells("note", "x")
    found = [each.comment or "" for each in har(tape, HEADER).entries]
    assert found[-2].endswith("an answer to nothing that was asked")
    assert "(no JSON-RPC, entry 5)" in found[-1]
