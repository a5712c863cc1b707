"""A URL that is asked: signed, without redirects; what is no verdict decides nothing."""

import asyncio
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from tests.edge.approvers.asking import Heard, seek, until

from interpose.core.effects import Release
from interpose.core.errors import UsageError
from interpose.edge.approvers.webhook import SIGNATURE, webhook

pytestmark = pytest.mark.anyio
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[str]:
    """A server; gives its URL."""
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield f"http://127.0.0.1:{port}/decide?x=1"
    finally:
        await runner.cleanup()


async def test_it_is_posted_the_question_signed_and_its_response_is_the_verdict(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    heads: list[str] = []
    bodies: list[bytes] = []

    async def decide(request: web.BaseRequest) -> web.StreamResponse:
        heads.append(f"{request.method} {request.path_qs} {dict(request.headers)}")
        bodies.append(await request.read())
        signed = hmac.new(b"s3cret", bodies[-1], hashlib.sha256).hexdigest()
        assert request.headers[SIGNATURE] == f"sha256={signed}"
        return web.json_response({"decision": "decline", "by": "anna"})

    said: list[str] = []
    heard = Heard()
    async with listening(decide) as url:
        webhook(url, str(secret), said.append).seek(seek(), heard)
        [(decision, by, instead)] = await until(lambda: heard.decisions)
    assert (decision, by, instead) == ("decline", "webhook 127.0.0.1 (anna)", None)
    assert heads[0].startswith("POST /decide?x=1 ")
    assert "s3cret" not in heads[0]
    assert json.loads(bodies[0])["hold"] == "h1"
    assert said == []


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (lambda: web.Response(status=500), "status 500"),
        (lambda: web.json_response({"decision": "approve"}, status=202), "status 202"),
        (lambda: web.Response(status=302, headers={"Location": "/elsewhere"}), "status 302"),
        (lambda: web.Response(status=307, headers={"Location": "/elsewhere"}), "status 307"),
        (lambda: web.Response(text="approve"), "no verdict"),
        (lambda: web.json_response({"approve": "false"}), "no verdict"),
        (lambda: web.json_response({"decision": "approve", "hold": "h2"}), "something else"),
        (lambda: web.Response(body=b" " * (17 << 20)), "too much"),
    ],
)
async def test_66_whatever_is_no_verdict_of_a_url_decides_nothing(
    response: Callable[[], web.Response], why: str
) -> None:
    asked: list[str] = []

    async def decide(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        return response()

    said: list[str] = []
    heard = Heard()
    async with listening(decide) as url:
        webhook(url, None, said.append).seek(seek(), heard)
        [line] = await until(lambda: said)
    assert why in line
    assert (heard.decisions, asked) == ([], ["/decide"])


async def test_one_that_is_down_decides_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    said: list[str] = []
    heard = Heard()
    webhook(f"http://127.0.0.1:{port}/", None, said.append).seek(seek(), heard)
    [line] = await until(lambda: said)
    assert "cannot be asked" in line
    assert heard.decisions == []


async def test_one_that_hangs_is_given_up_with_the_hold() -> None:
    asked: list[web.BaseRequest] = []

    async def hang(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request)
        await asyncio.sleep(60)
        return web.Response()

    said: list[str] = []
    heard = Heard()
    async with listening(hang) as url:
        approver = webhook(url, None, said.append)
        approver.seek(seek(), heard)
        [request] = await until(lambda: asked)
        approver.release(Release("h1", "expire"))
        await until(lambda: request.transport is None or request.transport.is_closing())
    assert (heard.decisions, said) == ([], [])


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://127.0.0.1/",
        "https:///x",
        "https://a@example.org/",
        "http://127.0.0.1.example.org/",
        "http://0.0.0.0/",
        "https://example.org:x/",
        "https://exa mple.org/",
    ],
)
def test_held_messages_go_nowhere_else(url: str) -> None:
    with pytest.raises(UsageError):
        webhook(url, None, print)


@pytest.mark.parametrize(
    "url", ["https://example.org/x", "http://127.0.0.1:9/", "http://[::1]:9/", "http://localhost/"]
)
def test_held_messages_go_by_https_or_to_this_machine(url: str) -> None:
    webhook(url, None, print)


def test_a_secret_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for path in ("none", "empty"):
        with pytest.raises(UsageError, match="--approver-secret-file"):
            webhook("https://example.org", str(tmp_path / path), print)
