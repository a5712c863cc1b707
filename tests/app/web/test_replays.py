"""Recordings that the page plays as servers: once each, so many at most, and none outlives the page."""

import asyncio
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from interpose.app.web import replays
from interpose.app.web.door import Refused
from interpose.app.web.replays import Replays

GOLDEN = Path(__file__).parents[3] / "recordings" / "2025-11-25" / "py-http-py.jsonl"


def answers(url: str) -> bool:
    try:
        urlopen(url, timeout=5).close()
    except HTTPError:
        return True
    except URLError:
        return False
    return True


def test_a_recording_is_played_once_until_all_is_closed() -> None:
    async def play() -> str:
        playing = Replays()
        first, second = await asyncio.gather(playing.play("a", GOLDEN), playing.play("a", GOLDEN))
        assert first == second
        assert playing.told() == {"a": first}
        assert await asyncio.to_thread(answers, first)
        await playing.stop("something else")
        await playing.aclose()
        assert playing.told() == {}
        return first

    assert not answers(asyncio.run(play()))


def test_what_cannot_be_played_says_why(tmp_path: Path) -> None:
    async def play() -> None:
        playing = Replays()
        with pytest.raises(Refused, match="no-recording"):
            await playing.play("a", tmp_path / "no-recording.jsonl")
        assert playing.told() == {}

    asyncio.run(play())


def test_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "_MOST", 1)

    async def play() -> None:
        playing = Replays()
        await playing.play("a", GOLDEN)
        with pytest.raises(Refused, match="stop one"):
            await playing.play("b", GOLDEN)
        await playing.aclose()

    asyncio.run(play())
