"""Which exchanges make one session, and so one recording: ids, endpoints, connections, clients, and how it ends."""

import asyncio
from pathlib import Path

import pytest
from tests.edge.relay_world import (
    CHUNKED,
    EVENTS,
    JSON,
    OPENED,
    OPENING,
    PING,
    PONG,
    Ends,
    Wire,
    post,
    relaying,
    reply,
    request,
    said,
)

from interpose.core.recording.entry import Entry

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quiet")]


ACCEPTED = reply("202 Accepted", body=b"")


class Peers:
    """A client with one connection. The server takes a new one for each exchange, so that it never matters which."""

    def __init__(self, ends: Ends, client: Wire, *headers: str) -> None:
        self._ends = ends
        self._headers = headers
        self.client = client

    async def ask(self, sent: bytes, answer: bytes) -> bytes:
        await self.client.say(sent)
        server = await self._ends.server()
        await server.message()
        await server.say(answer.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        await server.close()
        return b"".join(await self.client.message())

    async def open(self, ident: str | None) -> None:
        named = [f"Mcp-Session-Id: {ident}"] if ident else []
        await self.ask(post(OPENING, *self._headers), reply("200 OK", JSON, *named, body=OPENED))

    async def ping(self, ident: str | None = None, answer: bytes = b"") -> bytes:
        named = [f"Mcp-Session-Id: {ident}"] if ident else []
        return await self.ask(post(PING, *self._headers, *named), answer or reply("200 OK", JSON, body=PONG))


async def peers(ends: Ends, *headers: str) -> Peers:
    return Peers(ends, await ends.client(), *headers)


def methods(entries: list[Entry]) -> list[str]:
    return [message["method"] for message in said(entries, "client")]


async def test_two_sessions_and_stateless_clients_with_one_id_at_once_are_kept_apart(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        users: list[tuple[Wire, Wire, str]] = []
        for name, ident in (("a", "A"), ("b", "B"), ("c", None), ("d", None)):
            each = await peers(ends, f"User-Agent: {name}")
            if ident:
                await each.open(ident)
            await each.client.say(post(PING, f"User-Agent: {name}", *([f"Mcp-Session-Id: {ident}"] if ident else [])))
            server = await ends.server()
            assert f"User-Agent: {name}".encode() in (await server.message())[0]
            users.append((each.client, server, name))
        for _, server, name in users:
            await server.say(reply("200 OK", EVENTS, CHUNKED))
            await server.chunk(
                b'data: {"jsonrpc":"2.0","id":1,"method":"sampling/createMessage-%b"}\n\n' % name.encode()
            )
        for client, server, name in reversed(users):
            await client.head()
            assert f"-{name}".encode() in await client.hear_chunk()
            await server.chunk(b"data: " + PONG + b"\n\n")
            await server.chunk(b"")
            await client.body(reply("200 OK", CHUNKED))
    assert [
        [message["method"][-2:] for message in said(each, "server") if "method" in message]
        for each in ends.recordings()
    ] == [["-a"], ["-b"], ["-c"], ["-d"]]
    assert [methods(entries) for entries in ends.recordings()] == [["initialize", "ping"]] * 2 + [["ping"]] * 2


async def test_a_session_is_one_recording_over_many_connections_of_many_programs(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        await (await peers(ends)).open("s")
        for name in "xyz":
            await (await peers(ends, f"User-Agent: {name}")).ping("s")
    [entries] = ends.recordings()
    assert methods(entries) == ["initialize", "ping", "ping", "ping"]


async def test_deleting_a_session_ends_its_recording_when_its_last_exchange_is_over(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        await (user := await peers(ends)).open("s")
        stream, streaming, _ = await ends.exchange(
            request("GET", "Mcp-Session-Id: s"), reply("200 OK", EVENTS, CHUNKED)
        )
        await stream.head()
        await user.ask(request("DELETE", "Mcp-Session-Id: s"), reply("200 OK", body=b""))
        await streaming.chunk(b": still open\n\n")
        await stream.hears(b": still open\n\n")
        assert '"kind":"end"' not in ends.text()
        await streaming.chunk(b"")
        await stream.hear_chunk()
        await ends.recorded('"kind":"end"')
        [entries] = ends.recordings()
        assert (entries[-1].kind, entries[-1].reason) == ("end", "client ended the session")


async def test_a_server_that_refuses_to_delete_keeps_its_session(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        await (user := await peers(ends)).open("s")
        await user.ask(request("DELETE", "Mcp-Session-Id: s"), reply("405 Method Not Allowed", body=b""))
        await user.ping("s")
    [entries] = ends.recordings()
    assert methods(entries) == ["initialize", "ping"]


async def test_a_session_the_server_does_not_know_is_passed_on_and_ended(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        gone = reply("404 Not Found", JSON, body=b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}')
        assert await (await peers(ends)).ping("unknown", gone) == gone
        await ends.recorded("the server no longer knows the session")
        await (await peers(ends)).ping("unknown", gone)
    assert [methods(entries) for entries in ends.recordings()] == [["ping"]] * 2


async def test_an_id_is_learned_from_a_successful_opening_alone(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        user = await peers(ends)
        await user.ping(None, reply("400 Bad Request", "Mcp-Session-Id: dead", body=b"missing session id"))
        await user.ask(post(OPENING), reply("400 Bad Request", "Mcp-Session-Id: dead", body=b"no"))
        await (other := await peers(ends, "User-Agent: other")).open("dead")
        await other.ping("dead")
    assert [methods(entries) for entries in ends.recordings()][-1] == ["initialize", "ping"]


async def test_the_pseudonym_stands_where_the_session_id_was(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        await (user := await peers(ends)).open("5ecret-session")
        await user.ping("5ecret-session")
    assert "5ecret" not in ends.text()


async def test_clients_without_a_session_are_told_apart_by_program_and_credential(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        for headers in (["User-Agent: x"], ["User-Agent: y"], ["User-Agent: x", "Authorization: Bearer 1"]) * 2:
            await (await peers(ends, *headers)).ping()
    assert [methods(entries) for entries in ends.recordings()] == [["ping", "ping"]] * 3


async def test_an_opening_without_an_id_keeps_its_get_and_its_calls_on_other_connections(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        await (user := await peers(ends)).open(None)
        await user.ask(post(b'{"jsonrpc":"2.0","method":"notifications/initialized"}'), ACCEPTED)
        await (await peers(ends)).ask(request("GET"), reply("405 Method Not Allowed", body=b""))
        await (await peers(ends)).ping()
        await (await peers(ends)).open(None)
    assert [methods(entries) for entries in ends.recordings()] == [
        ["initialize", "notifications/initialized", "ping"],
        ["initialize"],
    ]


async def test_a_preflight_belongs_to_the_session_that_it_prepares(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        user = await peers(ends)
        await user.ask(request("OPTIONS", "Origin: http://localhost:1"), reply("200 OK", body=b""))
        await user.open("s")
    [entries] = ends.recordings()
    assert methods(entries) == ["initialize"]


async def test_clients_that_leave_without_a_word_do_not_pile_up(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        user = await peers(ends)
        for number in range(130):
            await user.open(f"s{number}")
        await user.ping("s129")
        await user.ping("s0")
        assert ends.text().count('{"interpose":1') - ends.text().count('"kind":"end"') == 100
    assert [len(methods(entries)) for entries in ends.recordings()].count(2) == 1, "s0 goes on in a new recording"


async def test_an_opening_that_is_answered_while_another_is_under_way_is_not_mixed_up(tmp_path: Path) -> None:
    async with relaying(tmp_path) as ends:
        one, other = await peers(ends), await peers(ends)
        await one.client.say(post(OPENING))
        first = await ends.server()
        await first.message()
        await other.client.say(post(OPENING))
        second = await ends.server()
        await second.message()
        await second.say(reply("200 OK", JSON, "Mcp-Session-Id: B", "Connection: close", body=OPENED))
        await first.say(reply("200 OK", JSON, "Mcp-Session-Id: A", "Connection: close", body=OPENED))
        await asyncio.gather(one.client.message(), other.client.message())
        for ident in "ABA":
            await (await peers(ends)).ping(ident)
    assert [methods(entries) for entries in ends.recordings()] == [
        ["initialize", "ping", "ping"],
        ["initialize", "ping"],
    ]
