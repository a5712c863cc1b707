"""What the page asks about recordings on disk: a list, one to open, two compared, one rehearsed, played, exported."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from aiohttp import web

from interpose.app.web import errand
from interpose.app.web.door import Asked, Handler, Refused, as_json, body
from interpose.app.web.guard import HEADERS
from interpose.app.web.hub import Hub
from interpose.app.web.places import Places
from interpose.app.web.replays import Replays

_FORMATS = {"mermaid": "mmd", "har": "har", "html": "html", "otlp": "otlp.json", "jsonl": "jsonl"}
_MOST_LINES = 2000


class Library:
    """Answers about the files that a page may open."""

    def __init__(self, places: Places, hub: Hub, replays: Replays) -> None:
        self._places, self._hub, self._replays = places, hub, replays

    def gets(self) -> dict[str, Handler]:
        return {"recordings": self.recordings, "diff": self.diff, "export": self.export}

    def posts(self) -> dict[str, Handler]:
        return {"open": self.open, "rehearse": self.rehearse, "replay": self.replay}

    async def recordings(self, request: Asked, steps: list[str]) -> web.StreamResponse:
        return as_json(
            {
                "recordings": self._places.recordings(),
                "policies": self._places.policies(),
                "folders": [str(path) for path in self._places.paths],
                "playing": self._replays.told(),
            }
        )

    async def open(self, request: Asked, steps: list[str]) -> web.StreamResponse:
        """`{"recording"}`: the session it becomes here."""
        path = self._path((await body(request)).get("recording"))
        return as_json({"session": self._hub.open(path)})

    async def replay(self, request: Asked, steps: list[str]) -> web.StreamResponse:
        """`{"recording", "play"}`: begin to play it as a server, or with false stop that. Where all are played."""
        said = await body(request)
        name = str(said.get("recording"))
        path = self._path(name)
        if said.get("play") is True:
            await self._replays.play(name, path)
        else:
            await self._replays.stop(name)
        return as_json({"playing": self._replays.told()})

    async def diff(self, request: Asked, steps: list[str]) -> web.StreamResponse:
        """What differs between two, as `interpose diff --json` tells it."""
        one, other = (self._path(request.query.get(side)) for side in ("a", "b"))
        done = await errand.run("diff", "--json", "--partial", str(one), str(other))
        return as_json(_lines(done, fine=(0, 1)))

    async def rehearse(self, request: Asked, steps: list[str]) -> web.StreamResponse:
        """`{"recording", "policy"}`: as `interpose rehearse --json` tells it."""
        said = await body(request)
        recording, policy = self._path(said.get("recording")), self._path(said.get("policy"))
        done = await errand.run("rehearse", "--json", "--policy", str(policy), str(recording))
        return as_json(_lines(done, fine=(0, 1)))

    async def export(self, request: Asked, steps: list[str]) -> web.StreamResponse:
        """A file to keep, of a session that is recorded. It is never shown here."""
        kind = request.query.get("format", "")
        path = self._hub.path(request.query.get("session", ""))
        if kind not in _FORMATS:
            raise Refused(400, "want one of " + ", ".join(_FORMATS))
        if path is None:
            raise Refused(404, "this session is not recorded: run with --record to keep and export it")
        if kind == "jsonl":
            return web.FileResponse(path, headers=_as_file(path, kind))
        done = await errand.run("export", str(path), "--format", kind)
        if done.status:
            raise Refused(422, done.complaint)
        if done.cut:
            raise Refused(413, f"too large for the page: interpose export {path} --format {kind} -o FILE")
        return web.Response(headers=_as_file(path, kind), body=done.output)

    def _path(self, name: object) -> Path:
        found = self._places.path(name) if isinstance(name, str) else None
        if found is None:
            raise Refused(404, "there is no such file; list them anew")
        return found


def _lines(done: errand.Done, fine: tuple[int, ...]) -> dict[str, Any]:
    if done.status not in fine:
        raise Refused(422, done.complaint or f"it ended with {done.status}")
    lines = done.output.splitlines()
    kept = [orjson.loads(line) for line in (*lines[:_MOST_LINES], *lines[max(_MOST_LINES, len(lines) - 2) :])]
    return {"lines": kept, "left_out": max(0, len(lines) - len(kept)), "complaint": done.complaint}


def _as_file(path: Path, kind: str) -> dict[str, str]:
    name = re.sub(r"[^\w.-]+", "-", path.stem) + "." + _FORMATS[kind]
    return {
        **HEADERS,
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
    }
