"""The demo's client: `python -m interpose.app.demo.client [--era ERA] -- COMMAND...`.

Starts the command, plays the story with it over its stdin and stdout, and tells it on stderr. Without a
command it plays with the demo's own server. Not a general client: it knows the one server it was written for.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from interpose.app.demo import story
from interpose.app.demo.session import Session
from interpose.app.demo.stateful_session import StatefulSession
from interpose.app.demo.stateless_session import StatelessSession
from interpose.app.demo.user import User
from interpose.app.demo.wire import LINE_LIMIT, Peer

SERVER = [sys.executable, "-m", "interpose.app.demo.server"]
GOODBYE_SECONDS = 5

ERAS: dict[str, tuple[type[Session], list[story.Step]]] = {
    "stateful": (StatefulSession, story.STATEFUL),
    "stateless": (StatelessSession, story.STATELESS),
}


def tell(scene: str, text: str) -> None:
    print(f"  {scene:<16} {text}", file=sys.stderr, flush=True)


def tell_aside(who: str, text: str) -> None:
    print(f"      {who:<12} {text}", file=sys.stderr, flush=True)


async def converse(era: str, command: list[str], model_denied: bool) -> list[str]:
    """Plays one era with one process and names the steps that went wrong."""
    kind, steps = ERAS[era]
    print(f"MCP {kind.version} ({era})", file=sys.stderr, flush=True)
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=LINE_LIMIT)
    except OSError as error:
        tell("start", f"WRONG: {error}")
        return ["start"]
    assert process.stdin is not None
    assert process.stdout is not None
    peer = Peer(process.stdout, process.stdin.write)
    session = kind(peer, User(tell_aside))
    reading = asyncio.create_task(peer.run(session))
    try:
        wrong = await story.play(session, steps, tell, model_denied)
    finally:
        process.stdin.close()
        farewell = await _farewell(process, reading)
    return wrong + farewell


async def _farewell(process: asyncio.subprocess.Process, reading: asyncio.Task[None]) -> list[str]:
    """Waits for the other end to leave by itself."""
    try:
        async with asyncio.timeout(GOODBYE_SECONDS):
            await reading
            code = await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        tell("goodbye", f"WRONG: still there after {GOODBYE_SECONDS} s")
        return ["goodbye"]
    tell("goodbye", f"{'' if code == 0 else 'WRONG: '}the server left with exit code {code}")
    return [] if code == 0 else ["goodbye"]


async def perform(eras: list[str], command: list[str], model_denied: bool) -> int:
    """Plays the eras one after the other; 0 when every step went as told."""
    wrong: list[str] = []
    for era in eras:
        filled = [part.replace("{era}", era) for part in command]
        wrong += [f"{era}: {step}" for step in await converse(era, filled, model_denied)]
    for step in wrong:
        print(f"went wrong in {step}", file=sys.stderr)
    return 1 if wrong else 0


def main(argv: list[str]) -> int:
    split = argv.index("--") if "--" in argv else len(argv)
    parser = argparse.ArgumentParser(
        prog="interpose.app.demo.client",
        epilog="What follows -- is the server command; {era} in it becomes the era's name.",
    )
    parser.add_argument("--era", choices=[*ERAS, "both"], default="both")
    parser.add_argument("--model-denied", action="store_true", help="something in between refuses the server the model")
    options = parser.parse_args(argv[:split])
    eras = list(ERAS) if options.era == "both" else [options.era]
    try:
        return asyncio.run(perform(eras, argv[split + 1 :] or SERVER, options.model_denied))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
