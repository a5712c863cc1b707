"""Chromium as Debian packages it, driven by Playwright; and interpose with a page for it to open."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

PUPPET = [sys.executable, str(Path(__file__).with_name("puppet.py"))]
ADDRESS = re.compile(r"http://\S+token=\S+")
_SECONDS = 20


def executable() -> str:
    """Where it is. Without one these tests cannot tell anything, so they fail."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.fail("these tests need a real Chromium: apt-get install chromium", pytrace=False)
    return found


class Running:
    """A process of interpose. `address` lets one browser in; each that was let in has another one printed."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log
        self._ident = 0

    @property
    def said(self) -> str:
        """What it told people so far."""
        return self._log.read_text(errors="replace")

    @property
    def address(self) -> str:
        found = self._until(lambda: ADDRESS.findall(self.said))
        return str(found[-1])

    @property
    def origin(self) -> str:
        return self.address.partition("/?")[0]

    def find(self, pattern: str) -> str:
        """What it told people, once that is there: the first group of a pattern."""
        return str(self._until(lambda: re.findall(pattern, self.said))[0])

    def send(self, **message: Any) -> Any:
        """Say something as the client; a request gets an id."""
        if "method" in message and not message["method"].startswith("notifications/") and "id" not in message:
            self._ident += 1
            message["id"] = self._ident
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()
        return message.get("id")

    def opens(self) -> None:
        """Begin a session of 2025-11-25 that can do everything."""
        can = {"sampling": {}, "elicitation": {"form": {}, "url": {}}, "roots": {}}
        info = {"name": "probe", "version": "1"}
        params = {"protocolVersion": "2025-11-25", "capabilities": can, "clientInfo": info}
        self.send(method="initialize", params=params)
        self.hears()
        self.send(method="notifications/initialized")

    def call(self, name: str, **arguments: Any) -> int:
        return int(self.send(method="tools/call", params={"name": name, "arguments": arguments}))

    def asks(self, *messages: dict[str, Any]) -> int:
        """Have the server ask the client for something, inside a call that it leaves open."""
        return self.call("say", messages=list(messages), silent=True)

    def hears(self) -> dict[str, Any]:
        """The next message that the client gets."""
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def _until(self, probe: Any) -> Any:
        for _ in range(_SECONDS * 50):
            if found := probe():
                return found
            if self.process.poll() is not None:
                break
            try:
                self.process.wait(0.02)
            except subprocess.TimeoutExpired:
                pass
        pytest.fail(f"interpose did not get there; it said:\n{self.said}")


@contextmanager
def interpose(folder: Path, *arguments: str) -> Iterator[Running]:
    """`interpose ARGUMENTS...` in a folder, ended with the block."""
    log = folder / f"interpose-{len(list(folder.glob('interpose-*.log')))}.log"
    command = [sys.executable, "-m", "interpose", *arguments]
    pipe = subprocess.PIPE
    with log.open("wb") as sink, subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, stderr=sink) as process:
        running = Running(process, log)
        try:
            yield running
        finally:
            assert process.stdin is not None
            process.terminate()
            process.stdin.close()
            process.wait(_SECONDS)


@contextmanager
def run(folder: Path, *options: str, server: Sequence[str] = PUPPET) -> Iterator[Running]:
    """`interpose run --ui` before the puppet, with a session that is open."""
    with interpose(folder, "run", "--ui", *options, "--", *server) as running:
        running.opens()
        yield running


def rss(running: Running, what: Literal["VmRSS", "VmHWM"] = "VmRSS") -> int:
    """Megabytes that its process has in memory, now or at most."""
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(what))) // 1024


class Window:
    """A page that is open. `complaints` are what its console says that no page should say."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def shows(self, text: str) -> None:
        """Wait for a row of the conversation with this in it."""
        self.page.locator(".row", has_text=text).first.wait_for()

    def hold(self, text: str = "") -> Any:
        """The card of something held that can be decided."""
        card = self.page.locator(".hold:not(.over)", has_text=text).first
        card.wait_for()
        return card


@contextmanager
def window(context: Browser | BrowserContext, address: str, **options: Any) -> Iterator[Window]:
    """Open an address in a browser of its own; what its console complains of fails the test."""
    own = context.new_context(**options) if isinstance(context, Browser) else context
    found = Window(own.new_page())
    found.page.set_default_timeout(15_000)
    try:
        found.page.goto(address)
        found.page.locator("header.head").wait_for()
        yield found
        assert found.complaints == []
    finally:
        if own is not context:
            own.close()
