"""Sessions heard from a proxy in the same process: followed later, kept within bounds."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import orjson
from msgspec.structs import replace
from tests.core.formats.tape import HEADER, Tape

from interpose.app.web.hub import Hub
from interpose.app.web.viewer import Viewer


def tape(calls: int = 3) -> Tape:
    found = Tape().opens()
    for number in range(1, calls + 1):
        found.client(id=number, method="tools/call", params={"name": f"t{number}"})
        found.server(id=number, result={"content": []})
    return found


def pass_on() -> None:
    """Take the time that a proxy needs at the least for twenty messages."""
    time.sleep(0.001)


async def until_followed(hub: Hub, name: str, rows: int) -> None:
    news = asyncio.Event()
    end = hub.subscribe(news.set)
    async with asyncio.timeout(10):
        while len(hub.chronicles[name]) < rows:
            await news.wait()
            news.clear()
    end()


def test_what_is_not_recorded_is_kept_in_memory_up_to_a_bound() -> None:
    async def play() -> None:
        hub = Hub(most=8000)
        hub.opened("s1", HEADER)
        lines = tape(200).lines[1:]
        for line in lines:
            hub.recorded("s1", [line])
        await until_followed(hub, "s1", len(lines))
        chronicle = hub.chronicles["s1"]
        assert chronicle.entry(1) is None
        last = chronicle.entry(len(lines))
        assert last is not None
        assert last.seq == len(lines)
        assert len(chronicle.rows(range(len(chronicle)))) < len(lines)
        hub.close()

    asyncio.run(play())


def test_who_crosses_too_fast_to_be_followed_is_not_piled_up() -> None:
    """What is heard and not followed yet is bounded too: who talks on and on has to wait for it."""

    async def play() -> None:
        lines = tape(3).lines[1:]
        piece = lines[-1:] * 20
        most = 100 * sum(map(len, piece))
        hub = Hub(most=most)
        hub.opened("s1", HEADER)
        hub.recorded("s1", lines)
        given, left = len(lines), []
        for _ in range(500):
            hub.recorded("s1", piece)
            pass_on()
            given += len(piece)
            left.append(given - len(hub.chronicles["s1"]))
            await asyncio.sleep(0)
        assert max(left) * len(piece[0]) < 2 * most
        hub.close()

    asyncio.run(play())


def test_what_is_recorded_is_read_from_its_file_once_somebody_looks(tmp_path: Path) -> None:
    async def play() -> None:
        made = tape()
        path = made.write(tmp_path / "r.jsonl")
        hub = Hub(record=str(path))
        hub.opened("s1", HEADER)
        hub.recorded("s1", made.lines[1:])
        await asyncio.sleep(0.1)
        assert len(hub.chronicles["s1"]) == 0
        await until_followed(hub, "s1", len(made.lines) - 1)
        assert hub.path("s1") == path
        hub.close()

    asyncio.run(play())


def test_many_sessions_that_ended_are_forgotten(tmp_path: Path) -> None:
    async def play() -> None:
        hub = Hub(record=str(tmp_path))
        before = len(os.listdir("/proc/self/fd"))
        for number in range(200):
            header = replace(HEADER, session=f"s{number}", started=f"2026-01-02T10:{number // 60:02}:{number % 60:02}Z")
            made = Tape(header).opens().ends()
            made.write(tmp_path / f"20260102T10{number // 60:02}{number % 60:02}Z-probe.jsonl")
            hub.opened(header.session, header)
            hub.closed(header.session)
        assert len(hub.chronicles) <= 61
        assert len(os.listdir("/proc/self/fd")) - before <= 62
        assert "s199" in hub.chronicles
        hub.close()

    asyncio.run(play())


def test_a_viewer_that_comes_back_is_told_the_rest_and_one_far_behind_to_read_anew() -> None:
    async def told(hub: Hub, last: str) -> dict[str, Any]:
        viewer = Viewer(hub, None, "s1", last)
        async for events in viewer.events():
            for event in events.decode().split("\n\n"):
                kind, _, data = event.partition("\ndata: ")
                if kind.endswith(("event: rows", "event: jump")):
                    return {"kind": kind.rpartition(" ")[2], **orjson.loads(data)}
        raise AssertionError

    async def play() -> None:
        hub = Hub()
        hub.opened("s1", HEADER)
        lines = tape(400).lines[1:]
        hub.recorded("s1", lines)
        await until_followed(hub, "s1", len(lines))
        count, changes = len(lines), hub.chronicles["s1"].changes
        rest = await told(hub, f"s1:{count - 5}:{changes - 1}")
        assert (rest["kind"], rest["first"]) == ("rows", count - 5)
        assert [row["i"] for row in rest["rows"]] == list(range(count - 5, count))
        for last in (
            "",
            f"s1:3:{changes}",
            f"s1:{10**9}:{changes}",
            f"s2:{count}:{changes}",
            "s1:x:y",
        ):
            assert (await told(hub, last))["kind"] == "jump", last
        hub.close()

    asyncio.run(play())
