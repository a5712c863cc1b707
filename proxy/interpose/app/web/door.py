"""The page's server: who asks for what. Everything is below one hidden path; a GET never decides anything."""

from collections.abc import Awaitable, Callable
from importlib import resources
from urllib.parse import unquote

import orjson
from aiohttp import web

from interpose.app.web.guard import HEADERS, Guard, meant, stranger
from interpose.core.errors import InterposeError

Asked = web.BaseRequest
Handler = Callable[[Asked, list[str]], Awaitable[web.StreamResponse]]
_TYPES = {
    "html": "text/html",
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
    "txt": "text/plain",
}
_MOST_BODY = 4 << 20
_STATIC = resources.files("interpose.app.web") / "static"


class Refused(Exception):
    """An answer that is no success: a status, and why in words."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class WebDoor:
    """Answers the browser. `gets` and `posts` are what can be asked for below `api/`, by the first word.

    `admitted` is called when the address was used, and a new one holds from then on.
    """

    def __init__(
        self, guard: Guard, gets: dict[str, Handler], posts: dict[str, Handler], admitted: Callable[[], None]
    ) -> None:
        self.port = 0
        self._guard = guard
        self._gets, self._posts = gets, posts
        self._admitted = admitted

    async def handle(self, request: Asked) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except Refused as refused:
            return plain(refused.status, str(refused))
        except InterposeError as error:
            return plain(422, str(error))
        except web.HTTPException as error:
            return plain(error.status, error.reason)

    async def aclose(self) -> None:
        """Streams end with their tasks, which the listener cancels."""

    async def _answer(self, request: Asked) -> web.StreamResponse:
        refusal = stranger(request.headers, self.port)
        if refusal is not None:
            return plain(403, refusal)
        path = unquote(request.path)
        if path == "/" and request.method == "GET" and request.query_string:
            return self._admit(request)
        if not path.startswith(self._guard.place) or not self._guard.knows(request.headers):
            return self._unknown(request, path)
        steps = path[len(self._guard.place) :].split("/")
        if steps[0] != "api":
            return _static(request, "/".join(steps))
        return await self._api(request, steps[1:])

    def _admit(self, request: Asked) -> web.StreamResponse:
        cookie = self._guard.admit(request.query_string)
        if cookie is None:
            return plain(401, "this address was used, or is not the one that interpose printed last: take the latest")
        self._admitted()
        return web.Response(status=303, headers={**HEADERS, "Location": self._guard.place, "Set-Cookie": cookie})

    def _unknown(self, request: Asked, path: str) -> web.StreamResponse:
        """A cookie that is for our page alone does not come along from a link on another page: there one more click."""
        if path == self._guard.place and request.headers.get("Sec-Fetch-Site") == "cross-site":
            return web.Response(
                status=401, headers=HEADERS, content_type="text/html", text=f'<a href="{path}">Open interpose</a>'
            )
        return plain(401, "open the address that interpose printed on standard error")

    async def _api(self, request: Asked, steps: list[str]) -> web.StreamResponse:
        word, rest = (steps[0], steps[1:]) if steps else ("", [])
        if request.method in ("GET", "HEAD") and word in self._gets:
            return await self._gets[word](request, rest)
        if request.method == "POST" and word in self._posts:
            refusal = meant(request.headers)
            if refusal is not None:
                raise Refused(403, refusal)
            return await self._posts[word](request, rest)
        known = word in self._gets or word in self._posts
        raise Refused(405 if known else 404, "not to be asked for like this" if known else "there is no such thing")


def plain(status: int, text: str) -> web.Response:
    """An answer in words."""
    return web.Response(status=status, headers=HEADERS, content_type="text/plain", charset="utf-8", text=f"{text}\n")


def as_json(found: object) -> web.Response:
    """An answer as data."""
    return raw_json(orjson.dumps(found))


def raw_json(body: bytes) -> web.Response:
    return web.Response(headers=HEADERS, content_type="application/json", body=body)


async def body(request: Asked) -> dict[str, object]:
    """The JSON object in a request. Raises Refused."""
    if (request.content_length or 0) > _MOST_BODY:
        raise Refused(413, "too large")
    read = await request.content.read(_MOST_BODY + 1)
    while not request.content.at_eof() and len(read) <= _MOST_BODY:
        read += await request.content.read(_MOST_BODY)
    if len(read) > _MOST_BODY:
        raise Refused(413, "too large")
    try:
        found = orjson.loads(read)
    except ValueError:
        raise Refused(400, "not JSON") from None
    if not isinstance(found, dict):
        raise Refused(400, "not a JSON object")
    return found


def _static(request: Asked, path: str) -> web.StreamResponse:
    """A file that came with interpose."""
    names = (path or "index.html").split("/")
    kind = _TYPES.get(names[-1].rpartition(".")[2])
    if request.method not in ("GET", "HEAD") or kind is None or any(name in ("", ".", "..") for name in names):
        raise Refused(404, "there is no such thing")
    file = _STATIC.joinpath(*names)
    if not file.is_file():
        raise Refused(404, "there is no such thing")
    return web.Response(headers=HEADERS, content_type=kind, charset="utf-8", body=file.read_bytes())
