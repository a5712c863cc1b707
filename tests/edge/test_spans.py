"""Spans of running sessions at a collector: what arrives, and what a bad collector does to traffic: nothing."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.edge.collecting import SECONDS, collecting

from interpose.core.errors import UsageError
from interpose.core.events import End, Frame, Received
from interpose.core.policy.reading import read_policy
from interpose.core.wire.message import read
from interpose.edge.conversations import Conversations
from interpose.edge.runner import Conversation
from interpose.edge.spans import exporter as spans
from interpose.edge.spans.collector import Collector
from interpose.edge.spans.exporter import exporting
from interpose.edge.watching import Watcher

pytestmark = pytest.mark.anyio
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
REDACT = '[[rule]]\nname = "secrets-out"\nall = true\ndo = "redact"\nfind = ["secrets"]\nwhere = ["recording"]\n'
TOKEN = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"


class World:
    """A session in front of a collector, and what people are told."""

    def __init__(self, watcher: Watcher, said: list[str], record: Path | None, policy: str) -> None:
        rules = [read_policy(policy, "p.toml")] if policy else []
        server = {"transport": "http", "name": "files", "url": "https://u:pw@mcp.example.com/mcp?token=hush"}
        self.conversations = Conversations(None if record is None else str(record), server, said.append, rules)
        self.conversations.watch(watcher)
        self.conversation = self.conversations.open({"transport": "stdio"})

    def says(self, end: End, **message: Any) -> None:
        says(self.conversation, end, **message)

    def calls(self, ident: int, name: str = "look", **meta: str) -> None:
        params = {"name": name, "arguments": {}} | ({"_meta": meta} if meta else {})
        self.says("client", id=ident, method="tools/call", params=params)
        self.says("server", id=ident, result={"content": []})


def says(conversation: Conversation, end: End, **message: Any) -> None:
    raw = orjson.dumps({"jsonrpc": "2.0"} | message)
    conversation.hear(Received(conversation.clock(), end, "stdio", Frame(raw, read(raw))))


@asynccontextmanager
async def exported(
    address: str, said: list[str], record: Path | None = None, policy: str = "", **headers: str
) -> AsyncIterator[World]:
    async with exporting(Collector(address, tuple(headers.items())), said.append) as watcher:
        world = World(watcher, said, record, policy)
        try:
            yield world
        finally:
            world.conversations.close_all("over")


async def test_a_call_its_question_and_the_session_arrive_as_nested_spans() -> None:
    said: list[str] = []
    async with collecting() as collector, exported(collector.address, said) as world:
        world.says("client", id=1, method="tools/call", params={"name": "book", "arguments": {}})
        world.says("server", id=7, method="elicitation/create", params={"message": "When?", "requestedSchema": {}})
        world.says("client", id=7, result={"action": "accept", "content": {}})
        world.says("server", id=1, result={"content": []})
        await collector.until(1)
        assert {span.name for span in collector.spans()} == {"tools/call book", "elicitation/create"}, "as they end"
        world.conversations.close_all("over")
        await collector.until(2)
        root, call, ask = map(collector.named, ("mcp session", "tools/call book", "elicitation/create"))
        assert (call.parent_span_id, ask.parent_span_id) == (root.span_id, call.span_id)
        assert len({span.trace_id for span in collector.spans()}) == 1
        resource = collector.requests[0].resource_spans[0].resource.attributes
        assert {each.key: each.value.string_value for each in resource}["service.name"] == "files"
        assert abs(call.end_time_unix_nano / 1e9 - time.time()) < SECONDS
    assert said == []


async def test_what_is_left_goes_out_at_the_end_within_a_second() -> None:
    said: list[str] = []
    async with collecting() as collector:
        async with exported(collector.address, said) as world:
            world.calls(1)
            world.says("client", id=2, method="tools/call", params={"name": "slow", "arguments": {}})
            ending = time.monotonic()
        assert time.monotonic() - ending < 1.0
        assert [span.name for span in collector.spans()] == ["tools/call look", "tools/call slow", "mcp session"]
    assert said == []


async def test_the_trace_of_the_sender_goes_on() -> None:
    async with collecting() as collector:
        async with exported(collector.address, []) as world:
            world.calls(1, traceparent=f"00-{TRACE}-{PARENT}-01")
        call = collector.named("tools/call look")
        assert (call.trace_id.hex(), call.parent_span_id.hex()) == (TRACE, PARENT)


async def test_sessions_at_once_are_told_apart() -> None:
    async with collecting() as collector:
        async with exported(collector.address, []) as world:
            other = world.conversations.open({"transport": "http"})
            world.calls(1)
            says(other, "client", id=1, method="ping")
            says(other, "server", id=1, result={})
        [sent] = collector.requests
        assert [[span.name for span in each.scope_spans[0].spans] for each in sent.resource_spans] == [
            ["tools/call look", "mcp session"],
            ["ping", "mcp session"],
        ]


async def test_spans_say_what_the_recording_says_and_no_secret_more(tmp_path: Path) -> None:
    record = tmp_path / "r.jsonl"
    async with collecting() as collector:
        async with exported(collector.address, [], record, REDACT, Authorization="Bearer mine") as world:
            world.says("client", id=2, method="ping")
            world.says("server", id=2, error={"code": -1, "message": f"bad {TOKEN}"})
        told = "".join(collector.bodies)
        assert "bad [secret:github-token-1]" in told
        assert TOKEN not in record.read_text()
        for secret in (TOKEN, "hush", "u:pw", "Bearer"):
            assert secret not in told
        assert collector.headers[0]["Authorization"] == "Bearer mine"
        assert collector.headers[0]["Content-Type"] == "application/json"


async def test_spans_do_not_need_a_recording_on_disk_nor_change_one(tmp_path: Path) -> None:
    async with collecting() as collector:
        async with exported(collector.address, [], tmp_path / "r.jsonl") as world:
            world.calls(1)
        assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 4
        assert {span.name for span in collector.spans()} == {"tools/call look", "mcp session"}


@pytest.mark.parametrize("status", [503, 429])
async def test_a_collector_that_is_busy_gets_them_later(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "_EVERY", 0.05)
    said: list[str] = []
    async with collecting() as collector:
        collector.answers = [status, status]
        async with exported(collector.address, said) as world:
            world.calls(1)
            await collector.until(1)
        assert collector.named("tools/call look")
        assert said == [f"spans: {collector.address} does not take them (HTTP {status}); traffic goes on"]


async def test_a_collector_that_refuses_them_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    async with collecting() as collector:
        collector.answers = [401]
        async with exported(collector.address, said) as world:
            world.calls(1)
        assert collector.requests == []
        assert said == [
            f"spans: {collector.address} does not take them (HTTP 401); traffic goes on",
            f"spans: 2 were not taken by {collector.address}",
        ]


async def test_a_collector_that_takes_a_part_is_believed() -> None:
    said: list[str] = []
    async with collecting() as collector:
        collector.rejects = 1
        async with exported(collector.address, said) as world:
            world.calls(1)
        assert said[1:] == [f"spans: 1 were not taken by {collector.address}"]
        assert "too old" in said[0]


async def test_without_a_collector_people_are_told_once_and_traffic_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "_EVERY", 0.02)
    monkeypatch.setattr(spans, "_SLOWEST", 0.04)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
    said: list[str] = []
    async with exported(address, said) as world:
        for ident in range(5):
            world.calls(ident)
            await asyncio.sleep(0.05)
    assert said == [
        f"spans: {address} does not take them (Connection refused); traffic goes on",
        f"spans: 6 were not taken by {address}",
    ]


async def test_the_oldest_spans_go_when_nobody_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "_MOST_SPANS", 3)
    said: list[str] = []
    async with collecting() as collector:
        async with exported(collector.address, said) as world:
            for ident in range(5):
                world.calls(ident, f"t{ident}")
        assert [span.name for span in collector.spans()] == ["tools/call t3", "tools/call t4", "mcp session"]
    assert said == [f"spans: 3 were not taken by {collector.address}"]


async def test_lines_are_bounded_in_bytes_and_the_end_is_never_one_of_those_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spans, "_MOST_BYTES", 2000)
    said: list[str] = []
    async with collecting() as collector:
        async with exported(collector.address, said) as world:
            for ident in range(20):
                world.calls(ident)
        assert "mcp session" in {span.name for span in collector.spans()}
    [told] = said
    assert told.endswith("entries: there was more traffic than time for it")


async def test_a_slow_collector_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "_EVERY", 0.01)
    said: list[str] = []
    async with collecting() as collector:
        collector.delay = 30.0
        async with exported(collector.address, said) as world:
            slowest = 0.0
            for ident in range(200):
                begun = time.thread_time()
                world.calls(ident)
                slowest = max(slowest, time.thread_time() - begun)
                await asyncio.sleep(0.001)
            ending = time.monotonic()
        assert slowest < 0.1
        assert time.monotonic() - ending < 3.0
    assert said == [f"spans: 201 were not taken by {collector.address}"]


@pytest.mark.parametrize("address", ["localhost:4318", "ftp://x", "http://", "http://x:99999", "https://[::1", "x"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match=r"want a URL such as http://127\.0\.0\.1:4318"):
        Collector(address)


async def test_an_address_with_a_path_is_taken_as_it_is() -> None:
    async with collecting() as collector:
        for path, requests in (("/v1/traces", 1), ("/elsewhere", 1), ("/", 2)):
            said: list[str] = []
            async with exported(collector.address + path, said) as world:
                world.calls(1)
            assert len(collector.requests) == requests
