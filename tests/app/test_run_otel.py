"""`interpose run --otel` and headers out of the environment, from the command line."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest
from aiohttp import web
from tests.edge.collecting import SECONDS, collecting

CHILD = (
    "import json, sys\n"
    "for line in sys.stdin:\n"
    "    message = json.loads(line)\n"
    "    print(json.dumps({'jsonrpc': '2.0', 'id': message['id'], 'result': {}}), flush=True)\n"
)
CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"look"}}\n'


async def run(*words: str, said: bytes = CALL, **variables: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "interpose", "run", *words]
    with anyio.fail_after(3 * SECONDS):
        return await anyio.run_process(command, input=said, check=False, env={**os.environ, **variables})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_spans_of_a_run_arrive_before_it_ends(tmp_path: Path) -> None:
    async with collecting() as collector:
        words = (
            "--otel",
            collector.address,
            "--otel-header-env",
            "X-Key=SECRET",
            "--record",
            str(tmp_path / "r.jsonl"),
        )
        done = await run(*words, "--", sys.executable, "-c", CHILD, SECRET="hush")
        assert (done.returncode, done.stderr) == (0, b"")
        assert json.loads(done.stdout)["id"] == 1
        assert [span.name for span in collector.spans()] == ["tools/call look", "mcp session"]
        assert collector.headers[0]["X-Key"] == "hush"
    exported = await anyio.run_process(
        [sys.executable, "-m", "interpose", "export", str(tmp_path / "r.jsonl"), "--format", "otlp"]
    )
    told = {span["spanId"] for span in json.loads(exported.stdout)["resourceSpans"][0]["scopeSpans"][0]["spans"]}
    assert told == {span.span_id.hex() for span in collector.spans()}, "a file and a live exporter tell the same"


@pytest.mark.anyio
async def test_a_run_whose_collector_is_away_does_as_any_other() -> None:
    begun = time.monotonic()
    done = await run("--otel", "http://127.0.0.1:1", "--", sys.executable, "-c", CHILD)
    assert (done.returncode, json.loads(done.stdout)["id"]) == (0, 1)
    assert done.stderr.decode().splitlines() == [
        "interpose: spans: http://127.0.0.1:1 does not take them (Connection refused); traffic goes on",
        "interpose: spans: 2 were not taken by http://127.0.0.1:1",
    ]
    assert time.monotonic() - begun < SECONDS


@pytest.mark.anyio
async def test_a_header_comes_out_of_the_environment() -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization", ""))
        message = await request.json() if request.method == "POST" else {}
        return web.json_response({"jsonrpc": "2.0", "id": message.get("id"), "result": {}})

    runner = web.AppRunner(app := web.Application(), shutdown_timeout=0.1)
    app.router.add_route("*", "/mcp", answer)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
    try:
        done = await run("--upstream", url, "--header-env", "Authorization=TOKEN", TOKEN="Bearer hush")
    finally:
        await asyncio.wait_for(runner.cleanup(), SECONDS)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == 1
    assert set(seen) == {"Bearer hush"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--header-env", "A"), "--header-env: want NAME=VAR"),
        (("--header-env", "A="), "--header-env: want NAME=VAR"),
        (("--header-env", "A=NO_SUCH"), "--header-env A=NO_SUCH: the environment has no NO_SUCH"),
        (("--header-env", "A=ODD"), "--header-env A=ODD: what ODD holds fits in no header"),
        (("--otel-header-env", "A=TOKEN"), "--otel-header-env goes with --otel"),
        (("--otel-header-env", "A=NO_SUCH"), "--otel-header-env A=NO_SUCH: the environment has no NO_SUCH"),
        (("--otel", "4318"), "--otel 4318: want a URL such as http://127.0.0.1:4318"),
    ],
)
async def test_what_cannot_be_is_a_mistake_before_anything_is_started(words: tuple[str, ...], said: str) -> None:
    done = await run("--upstream", "http://127.0.0.1:1/mcp", *words, TOKEN="t", ODD="a\nb")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == f"interpose: {said}\n"


@pytest.mark.anyio
async def test_a_header_out_of_the_environment_is_for_an_address() -> None:
    done = await run("--header-env", "A=TOKEN", "--", "cat", TOKEN="t")
    assert done.returncode == 2
    assert b"--header goes with --upstream" in done.stderr
