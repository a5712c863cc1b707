"""Sessions over several workers, seen from outside: each stays whole, whatever connections it comes over."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections import Counter
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from tests.edge.relay_world import kinds, said
from tests.edge.workers.workers_world import (
    BOTH,
    SESSION,
    ask,
    call,
    client,
    fronting,
    gone,
    opening,
    origin,
    start,
    until,
)

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


async def test_twenty_sessions_spread_over_both_and_each_recording_is_whole(tmp_path: Path) -> None:
    async def converse() -> str:
        async with client(1) as http:
            session = await start(front, http)
            for ident in range(1, 11):
                answer = await ask(front, http, session, ident)
                assert (answer["id"], answer["result"]["for"]) == (ident, session)
            opened.append(session)
            await until(lambda: len(opened) == 20)
            return session

    opened: list[str] = []
    async with origin() as server, fronting(tmp_path, [server.url]) as front:
        sessions = await asyncio.gather(*(converse() for _ in range(20)))
        held = [len(front.held(pid)) for pid in front.workers()]
        assert sum(held) == 20
        assert min(held) >= 8, held
        await front.stop()
        recorded = front.recordings()
    assert len(set(sessions)) == len(recorded) == 20
    for entries in recorded:
        asked = [message["id"] for message in said(entries, "client")]
        answered = [message["id"] for message in said(entries, "server")]
        assert asked == answered == list(range(11))
        assert len({message["result"].get("for") for message in said(entries, "server")[1:]}) == 1
        assert entries[-1].kind == "end"


async def test_sessions_that_are_opened_over_one_connection_spread_too(tmp_path: Path) -> None:
    """A gateway has few connections for many clients."""
    async with origin() as server, fronting(tmp_path, [server.url]) as front:
        async with client(1) as http:
            sessions = [await start(front, http) for _ in range(64)]
            for session in sessions[::8]:
                assert (await ask(front, http, session, 1))["result"]["for"] == session
        held = [len(front.held(pid)) for pid in front.workers()]
    assert sum(held) == 64
    assert all(26 <= each <= 38 for each in held), held


async def test_a_slow_reader_who_asks_on_gets_all_that_is_on_its_way(tmp_path: Path) -> None:
    async with origin() as server, fronting(tmp_path, [server.url]) as front:
        async with client() as opener:
            session = await start(front, opener)
        body = json.dumps(call(1)).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port, limit=1 << 12)
        writer.write(f"GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n{SESSION}: {session}\r\n\r\n".encode())
        with anyio.fail_after(20):
            await reader.readuntil(b": here")
            for _ in range(16):
                server.tell(session, {"jsonrpc": "2.0", "method": "x", "params": {"text": "~" * (1 << 20)}})
            await at_rest(front.folder)
            writer.write(head(session, len(body)) + body)
            left = 16 << 20
            while left and (piece := await reader.read(1 << 16)):
                left -= piece.count(b"~")
        assert left == 0
        writer.close()
        await front.stop()


async def at_rest(folder: Path) -> None:
    """Wait until nothing more is recorded."""
    before, now = -1, recorded_bytes(folder)
    while before != now:
        await anyio.sleep(0.3)
        before, now = now, recorded_bytes(folder)


def recorded_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


async def test_a_stream_and_posts_of_one_session_meet_in_one_worker(tmp_path: Path) -> None:
    async with origin() as server, fronting(tmp_path, [server.url]) as front:
        async with client() as http:
            sessions = [await start(front, http) for _ in range(4)]
            for session in sessions:
                async with http.get(front.url, headers={**BOTH, SESSION: session}) as stream:
                    assert await stream.content.readline() == b": here\n"
                    for ident in range(1, 9):
                        await ask(front, http, session, ident)
                    server.tell(session, {"jsonrpc": "2.0", "method": f"notifications/{session}"})
                    await stream.content.readuntil(session.encode())
        await front.stop()
        recorded = front.recordings()
    assert len(recorded) == 4
    for entries in recorded:
        assert [message.get("id") for message in said(entries, "client")] == list(range(9))
        assert sum("method" in message for message in said(entries, "server")) == 1


async def test_a_connection_may_alternate_between_sessions(tmp_path: Path) -> None:
    async with origin() as server, fronting(tmp_path, [server.url]) as front:
        async with client() as opener:
            first, second, third = [await start(front, opener) for _ in range(3)]
        async with client(1) as http:
            for ident in range(1, 31):
                for session in (first, second, third):
                    assert (await ask(front, http, session, ident))["result"]["for"] == session
        assert {len(front.held(pid)) for pid in front.workers()} == {1, 2}
        await front.stop()
        recorded = front.recordings()
    assert [len(said(entries, "client")) for entries in recorded] == [31] * 3
    assert all(len({message["result"]["for"] for message in said(each, "server")[1:]}) == 1 for each in recorded)


async def test_a_large_body_goes_with_its_connection_to_another_worker(tmp_path: Path) -> None:
    async with origin() as server, fronting(tmp_path, [server.url]) as front:
        async with client() as opener:
            sessions = [await start(front, opener) for _ in range(2)]
        async with client(1) as http:
            for ident in range(1, 5):
                for session in sessions:
                    body = json.dumps(call(ident, "x" * 500_000)).encode()
                    async with http.post(front.url, data=body, headers={**BOTH, SESSION: session}) as reply:
                        assert (await reply.json())["result"]["for"] == session


def head(session: str, length: int) -> bytes:
    lines = ("POST /mcp HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", f"{SESSION}: {session}")
    return "\r\n".join((*lines, f"Content-Length: {length}", "", "")).encode()


async def test_what_is_sent_before_the_answer_is_never_answered_by_the_wrong_worker(tmp_path: Path) -> None:
    """RFC 9112 §9.3.2: nobody pipelines POSTs; 421 says to use another connection (RFC 9110 §15.5.20)."""
    async with origin() as server, fronting(tmp_path, [server.url]) as front:
        async with client() as opener:
            first, second = [await start(front, opener) for _ in range(2)]
        body = json.dumps(call(1)).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
        writer.write(head(first, len(body)) + body + head(second, len(body)) + body)
        with anyio.fail_after(10):
            heard = await reader.read()
        writer.close()
        assert heard.count(b"HTTP/1.1 200 OK") == 1
        assert f'"for": "{first}"'.encode() in heard
        assert b"HTTP/1.1 421 Misdirected Request" in heard
        await front.stop()
        assert sorted(len(said(entries, "client")) for entries in front.recordings()) == [1, 2]


async def test_a_request_that_comes_while_the_last_answer_goes_out_waits_for_it(tmp_path: Path) -> None:
    async with origin() as server, fronting(tmp_path, [server.url]) as front:
        async with client() as opener:
            first, second = [await start(front, opener) for _ in range(2)]
        body = json.dumps(call(1)).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
        server.answers.clear()
        writer.write(head(first, len(body)) + body)
        await until(lambda: server.asked == 1)
        writer.write(head(second, len(body)) + body)
        async with client() as http:
            await start(front, http)
        server.answers.set()
        with anyio.fail_after(10):
            for session in (first, second):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
                assert session.encode() in await reader.readuntil(b"}}")
        writer.close()


async def test_a_head_in_pieces_finds_its_worker_and_holds_nobody_up(tmp_path: Path) -> None:
    async with origin() as server, fronting(tmp_path, [server.url]) as front:
        async with client() as http:
            sessions = [await start(front, http) for _ in range(2)]
            body = json.dumps(call(7)).encode()
            reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
            for session in sessions * 2:
                for byte in head(session, len(body)) + body:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await anyio.lowlevel.checkpoint()
                await ask(front, http, session, 8)
                await reader.readuntil(b"\r\n\r\n")
                assert session.encode() in await reader.readuntil(b"}}")
            writer.close()
        await front.stop()
        assert [len(said(entries, "client")) for entries in front.recordings()] == [5, 5]


async def test_a_body_says_nothing_about_whose_a_request_is(tmp_path: Path) -> None:
    async with origin() as server, fronting(tmp_path, [server.url]) as front:
        async with client() as http:
            session = await start(front, http)
            body = json.dumps(opening()).encode() + f"\r\n{SESSION}: {session}\r\n".encode()
            for _ in range(3):
                async with http.post(front.url, data=body, headers=BOTH) as reply:
                    assert reply.status == 200
        assert all(front.held(pid) for pid in front.workers())


async def test_who_speaks_no_http_is_told_so_at_once(tmp_path: Path) -> None:
    async with origin() as server, fronting(tmp_path, [server.url]) as front:
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
        writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        with anyio.fail_after(5):
            assert (await reader.read()).startswith(b"HTTP/1.0 400")
        writer.close()


async def test_a_legacy_session_posts_to_the_worker_that_has_its_stream(tmp_path: Path) -> None:
    async with origin() as server, fronting(tmp_path, [f"http://127.0.0.1:{server.port}/sse"]) as front:
        root = f"http://127.0.0.1:{front.port}"
        async with client() as http, client() as other:
            for _ in range(4):
                async with http.get(f"{root}/sse", headers=BOTH) as stream:
                    await stream.content.readline()
                    place = (await stream.content.readline()).decode().removeprefix("data: ").strip()
                    async with other.post(root + place, json={**opening(), "id": 5}, headers=BOTH) as reply:
                        assert reply.status == 202
                    assert b'"id": 5' in await stream.content.readuntil(b"}}")
        await front.stop()
        recorded = front.recordings()
    assert len(recorded) == 4
    assert all([message["id"] for message in said(entries)] == [5, 5] for entries in recorded)


async def test_where_one_client_was_sent_on_to_all_workers_govern(tmp_path: Path) -> None:
    policy = tmp_path / "none.toml"
    policy.write_text('name = "none"\n[[rule]]\nname = "none"\ntool = "echo"\ndo = "block"\n')
    async with origin() as server, fronting(tmp_path, [server.url.replace("/mcp", "/moved")], policy) as front:
        final = front.url.replace("/mcp", "/final")
        async with client() as http:
            async with http.post(front.url, json=opening(), headers=BOTH, allow_redirects=False) as reply:
                assert reply.status == 308
            for victim in (None, *front.workers()):
                if victim is not None:
                    os.kill(victim, signal.SIGKILL)
                    await until(lambda dead=victim: dead not in front.workers() and len(front.workers()) == 2)
                for _ in range(4):
                    async with http.post(final, json=opening(), headers=BOTH) as reply:
                        session = reply.headers[SESSION]
                    blocked = {**BOTH, SESSION: session}
                    async with http.post(final, json=call(1), headers=blocked) as reply:
                        assert b'"for"' not in await reply.read()
        assert server.asked == 0


async def test_a_killed_worker_takes_its_sessions_with_it_and_nobody_elses(tmp_path: Path) -> None:
    async with origin() as server, fronting(tmp_path, [server.url]) as front:
        async with client() as http:
            sessions = [await start(front, http) for _ in range(6)]
            victim, survivor = front.workers()
            lost, kept = front.held(victim), front.held(survivor)
            os.kill(victim, signal.SIGKILL)
            await front.says("worker 1 was ended by signal 9, and its sessions with it; another one starts")
            for session in sessions:  # a relay's server still knows them all
                assert (await ask(front, http, session, 1))["result"]["for"] == session
            assert len({await start(front, http) for _ in range(6)}) == 6
            assert survivor in front.workers()
            assert len(front.workers()) == 2
            assert kept <= front.held(survivor)
        status, _ = await front.stop()
        assert status == 0
    ends = Counter(_has_end(path) for path in front.folder.iterdir())
    assert lost
    assert ends == {True: 12, False: len(lost)}


def _has_end(path: Path) -> bool:
    return b'"kind":"end"' in path.read_bytes().splitlines()[-1]


async def test_workers_that_keep_ending_are_not_replaced_for_ever(tmp_path: Path) -> None:
    async with origin() as server, fronting(tmp_path, [server.url]) as front:
        with anyio.fail_after(20):
            while front.process.returncode is None:
                for pid in front.workers()[:1]:
                    os.kill(pid, signal.SIGKILL)
                await anyio.sleep(0.1)
        assert front.process.returncode == 3
        assert "they keep ending, so interpose stops" in front.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_all_in_order(number: int, tmp_path: Path) -> None:
    async with origin() as server, fronting(tmp_path, [server.url]) as front:
        async with client() as http:
            for session in [await start(front, http) for _ in range(4)]:
                stream = await http.get(front.url, headers={**BOTH, SESSION: session})
                await stream.content.readline()
            workers = front.workers()
            status, seconds = await front.stop(number)
        assert status == 0
        assert seconds < 5
        assert gone(workers)
        ends = [kinds(entries, "end")[0].reason for entries in front.recordings()]
        assert ends == ["interpose stopped"] * 4
        assert front.log().count("\n") == 1, front.log()


async def test_workers_end_in_order_when_their_parent_is_gone(tmp_path: Path) -> None:
    async with origin() as server, fronting(tmp_path, [server.url]) as front:
        async with client() as http:
            for _ in range(2):
                await start(front, http)
        workers = front.workers()
        await front.stop(signal.SIGKILL)
        await until(lambda: gone(workers))
        assert all(_has_end(path) for path in front.folder.iterdir())


def limited(path: Path, most: int) -> Path:
    rule = f'[[rule]]\nname = "few"\ntool = "echo"\nkind = "request"\ndo = "limit"\ncount = {most}\nper = "session"\n'
    path.write_text(f'name = "few"\n{rule}')
    return path


async def test_a_session_is_counted_as_one_over_all_its_connections(tmp_path: Path) -> None:
    policy = limited(tmp_path / "few.toml", 3)
    async with origin() as server, fronting(tmp_path, [server.url], policy) as front, client() as http:
        for session in [await start(front, http) for _ in range(4)]:
            answers = [await ask(front, http, session, ident) for ident in range(1, 6)]
            assert ["result" in answer and "for" in answer["result"] for answer in answers] == [True] * 3 + [False] * 2


async def test_a_policy_that_changes_changes_in_every_worker(tmp_path: Path) -> None:
    policy = limited(tmp_path / "few.toml", 1000)
    async with origin() as server, fronting(tmp_path, [server.url], policy) as front, client() as http:
        sessions = [await start(front, http) for _ in range(4)]
        policy.write_text('name = "none"\n[[rule]]\nname = "none"\ntool = "echo"\ndo = "block"\n')
        await until(lambda: front.log().count("policy reloaded") == 2)
        for session in sessions:
            assert "for" not in (await ask(front, http, session, 1)).get("result", {})


async def test_what_cannot_be_is_refused_once_and_before_anybody_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1] + 1}/mcp"
    bad = tmp_path / "bad.toml"
    bad.write_text("nonsense = 1\n")
    for policy, status in ((bad, 2), ("-", 3)):
        with pytest.raises(AssertionError, match="interpose: "):
            async with fronting(tmp_path, [url], policy) as front:
                raise RuntimeError(front)
        log = (tmp_path / "stderr").read_text()
        assert log.count("interpose: ") == 1, (status, log)
