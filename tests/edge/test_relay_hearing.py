"""What a relay hears of an exchange together, and so writes together: as little as two writes of the recording."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.edge.governed_world import block, call, done, dump, event, govern
from tests.edge.relay_world import CHUNKED, EVENTS, JSON, post, relaying, reply

from interpose.core.recording.codec import decode_entry
from interpose.core.recording.entry import Header
from interpose.edge.conversations import Conversations
from interpose.edge.watching import Watched

pytestmark = pytest.mark.anyio

BOTH = "Accept: application/json, text/event-stream"
CALL = dump(call())
ASKED = ["http-request", "message"]
DONE = dump(done())
STREAM = event({"jsonrpc": "2.0", "method": "notifications/message", "params": {}}) + event(done())


class Ears:
    """Hears what was written together."""

    def __init__(self) -> None:
        self.heard: list[list[str]] = []

    def opened(self, session: str, header: Header) -> None:
        pass

    def recorded(self, session: str, lines: Sequence[bytes]) -> None:
        self.heard.append([decode_entry(line).kind for line in lines])

    def closed(self, session: str) -> None:
        pass


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch) -> Ears:
    ears = Ears()
    monkeypatch.setattr(Conversations, "_watched", lambda _, file: Watched(file, [ears]))
    return ears


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize("governed", [False, True])
@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        (reply("200 OK", JSON, body=DONE), ["http-response", "message", "closed"]),
        (reply("200 OK", EVENTS, CHUNKED) + chunked(STREAM), ["http-response", "message", "message", "closed"]),
        (reply("202 Accepted", body=b""), ["http-response", "closed"]),
    ],
    ids=["json", "events", "nothing"],
)
async def test_an_exchange_is_written_twice(
    governed: bool, answer: bytes, heard: list[str], ears: Ears, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if governed:
        govern(monkeypatch, block("tools/call", "another"))
    async with relaying(tmp_path) as ends:
        client, _, _ = await ends.exchange(post(CALL, BOTH), answer)
        _, body = await client.message()
        assert DONE in body or heard == ["http-response", "closed"]
        assert ears.heard == [ASKED, heard]


async def test_what_does_not_come_at_once_is_written_as_it_comes(
    ears: Ears, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    govern(monkeypatch, block("tools/call", "another"))
    async with relaying(tmp_path) as ends:
        client, server, _ = await ends.exchange(post(CALL, BOTH), reply("200 OK", EVENTS, CHUNKED))
        await client.head()
        assert ears.heard == [ASKED, ["http-response"]], "a head that went out was recorded"
        await server.chunk(event(done()))
        await client.hears(event(done()))
        assert ears.heard[2:] == [["message"]], "so was what came after it"
        await server.chunk(b"")
        assert await client.hear_chunk() == b""
        assert ears.heard[3:] == [["closed"]]


async def test_a_reply_that_is_changed_ends_after_what_became_of_it(
    ears: Ears, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that are no message do not go on; the end is heard when the client was answered."""
    govern(monkeypatch, block("tools/call", "another"))
    async with relaying(tmp_path) as ends:
        client, _, _ = await ends.exchange(post(CALL, BOTH), reply("200 OK", "Content-Type: text/plain", body=b"oops"))
        assert (await client.message())[1] == b""
        await ends.recorded("closed")
        kinds = [kind for written in ears.heard for kind in written]
        assert kinds[:2] == ASKED
        assert kinds.index("note") < kinds.index("closed") == len(kinds) - 1
