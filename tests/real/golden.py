"""Makes the golden recordings: real clients and servers with interpose between them. Run by tools/rerecord.

Runs in a copy of this folder, and names every program by a path relative to it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OUT = Path(sys.argv[1])
INTERPOSE = [sys.executable, "-m", "interpose", "run"]
EVERYTHING = ["node", "node_modules/@modelcontextprotocol/server-everything/dist/index.js"]
FILESYSTEM = ["node", "node_modules/@modelcontextprotocol/server-filesystem/dist/index.js", "."]
SERVERS = {
    "everything": EVERYTHING,
    "filesystem": FILESYSTEM,
    "py": ["python", "peers/py_server.py"],
    "fastmcp": ["python", "peers/fastmcp_server.py"],
    "ts2": ["node", "peers/ts2_server.mjs"],
}
CLIENTS = {
    "py": ["python", "peers/py_client.py"],
    "ts1": ["node", "peers/ts1_client.mjs"],
    "ts2": ["node", "peers/ts2_client.mjs"],
}
ALL_BUT_BIG = (
    "hello,list_tools,list_resources,list_templates,list_prompts,read_resource,call_echo,concurrent,unknown_tool,"
    "get_prompt,complete,progress,read_template,call_add,tool_error,logging,cancel,subscribe,listen,ping,structured,"
    "sampling,form_accept,form_decline,url_accept,roots,task_input,task_cancel,task_sampling,"
    "x_task_done,x_task_input,x_task_error,x_task_failed,x_task_cancelled"
)
LEFT_OUT = {("fastmcp", "stdio", "x_task_failed")}  # its traceback on standard error names folders of the machine
# version, client, what the client calls the era, server, transport on both sides
SESSIONS = (
    ("2024-11-05", "py", "2024-11-05", "py", "sse"),
    ("2024-11-05", "py", "2024-11-05", "everything", "stdio"),
    ("2025-03-26", "py", "2025-03-26", "py", "http"),
    ("2025-06-18", "py", "2025-06-18", "py", "http"),
    ("2025-06-18", "py", "2025-06-18", "py", "stdio"),
    ("2025-11-25", "ts1", "legacy", "everything", "stdio"),
    ("2025-11-25", "ts1", "legacy", "everything", "http"),
    ("2025-11-25", "py", "2025-11-25", "py", "http"),
    ("2025-11-25", "py", "2025-11-25", "filesystem", "stdio"),
    ("2025-11-25", "ts2", "legacy", "ts2", "http"),
    ("2026-07-28", "py", "2026-07-28", "py", "stdio"),
    ("2026-07-28", "ts2", "modern", "ts2", "http"),
    ("2026-07-28", "py", "2026-07-28", "fastmcp", "http"),
    ("2026-07-28", "py", "2026-07-28", "fastmcp", "stdio"),
)


def main() -> None:
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for version, client, era, server, transport in SESSIONS:
        folder = OUT / version
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{server}-{transport}-{client}.jsonl"
        steps = ",".join(step for step in ALL_BUT_BIG.split(",") if (server, transport, step) not in LEFT_OUT)
        make(target, [*CLIENTS[client], "--era", era, "--steps", steps], server, transport)
        print(target.relative_to(OUT), target.stat().st_size, flush=True)


def make(target: Path, client: list[str], server: str, transport: str) -> None:
    """Record one session."""
    record = ["--name", server, "--record", str(target)]
    if transport == "stdio":
        argument = {"everything": ["stdio"], "filesystem": []}.get(server, ["--stdio"])
        play([*client, "--stdio", *INTERPOSE, *record, "--", *SERVERS[server], *argument])
        return
    flag, path = ("--sse", "sse") if transport == "sse" else ("--url", "mcp")
    with listening(server, transport) as port:
        url = f"http://127.0.0.1:{port}/{path}"
        shim = [*INTERPOSE, "--listen", "127.0.0.1:0", *record, "--upstream", url]
        with until_ready(shim, r"listening on http://127\.0\.0\.1:(\d+)") as front:
            play([*client, flag, f"http://127.0.0.1:{front}/{path}"])


def play(command: list[str]) -> None:
    """Run a client; steps that a server lacks are skipped by the client itself."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=90)


@contextmanager
def listening(server: str, transport: str) -> Iterator[int]:
    if server == "everything":
        os.environ["PORT"] = "3917"
        words = {"http": "streamableHttp", "sse": "sse"}
        command, ready = [*SERVERS[server], words[transport]], r"(?:listening|running) on port (\d+)"
    else:
        command, ready = [*SERVERS[server], f"--{transport}", "0"], r"listening (\d+)"
    with until_ready(command, ready) as port:
        yield port


@contextmanager
def until_ready(command: list[str], ready: str) -> Iterator[int]:
    """A process that says on standard error which port it listens on; ended with the block."""
    with (
        tempfile.NamedTemporaryFile() as log,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log) as process,
    ):
        try:

            def said() -> str:
                return Path(log.name).read_text()

            deadline = time.monotonic() + 30
            while not (found := re.search(ready, said())):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command} does not listen: {said()}")
                time.sleep(0.05)
            yield int(found[1])
        finally:
            process.terminate()


if __name__ == "__main__":
    shutil.rmtree(OUT, ignore_errors=True)
    main()
