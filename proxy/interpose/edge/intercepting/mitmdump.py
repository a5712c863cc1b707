"""The mitmdump process: found, started with our addon, listened to, ended."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from interpose.core.errors import EndError, UsageError

ADDON = Path(__file__).with_name("addon.py")
_OLDEST = 10
_READY_WITHIN = 60.0
_END_WITHIN = (3.0, 2.0)  # seconds until TERM, and then until KILL
_INSTALL = "install it with `uv tool install mitmproxy` or `pipx install mitmproxy`, or name it with --mitmdump PATH"


class Plan(msgspec.Struct, frozen=True):
    """What mitmdump is to do. `listener` is the port it hands MCP to; `hosts` are regular expressions."""

    program: str
    host: str
    port: int
    mode: str
    confdir: str
    secret: str
    listener: int
    hosts: tuple[str, ...]
    authorities: str
    save: str | None
    strict: bool

    def command(self) -> list[str]:
        """The command line. Nothing secret is in it: others on this machine can read it."""
        settings = {
            "confdir": self.confdir,
            "connection_strategy": "lazy",
            "upstream_cert": "false",
            "onboarding": "false",
            "ssl_verify_upstream_trusted_ca": self.authorities,
        }
        command = [self.program, "--quiet", "--mode", self.mode]
        command += ["--listen-host", self.host, "--listen-port", str(self.port)]
        for name, value in settings.items():
            command += ["--set", f"{name}={value}"]
        for host in self.hosts:
            command += ["--allow-hosts", rf"^(?:{host})(?::\d+)?$"]
        if self.save is not None:
            command += ["--save-stream-file", self.save]
        return [*command, "--scripts", str(ADDON)]

    def settings(self) -> bytes:
        """What the addon hears on its standard input."""
        told = {"secret": self.secret, "port": self.listener, "hosts": self.hosts}
        return json.dumps({**told, "saves": self.save is not None, "strict": self.strict}).encode() + b"\n"


class Mitmdump:
    """A running mitmdump. `told` hears what the addon tells, `said` every other line that mitmdump writes."""

    def __init__(
        self, plan: Plan, process: asyncio.subprocess.Process, told: Callable[[dict[str, Any]], None],
        said: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._mark = plan.secret.encode() + b" "
        self._process = process
        self._told = told
        self._said = said
        self._ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._last = ""
        self._reading = asyncio.create_task(self._read())

    async def ready(self) -> int:
        """Wait until clients are served; the port. Raises EndError when that will not be."""
        try:
            async with asyncio.timeout(_READY_WITHIN):
                return await asyncio.shield(self._ready)
        except TimeoutError:
            raise EndError(f"mitmdump did not begin to serve within {_READY_WITHIN:.0f} s") from None

    async def ended(self) -> str:
        """Wait until it has ended by itself; its last words."""
        await asyncio.shield(self._reading)
        return f"mitmdump ended{f': {self._last}' if self._last else ''}"

    async def stop(self) -> None:
        """End it: its input ends, then TERM, then KILL."""
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
        for seconds, number in zip(_END_WITHIN, (signal.SIGTERM, signal.SIGKILL), strict=True):
            try:
                async with asyncio.timeout(seconds):
                    await process.wait()
                    break
            except TimeoutError:
                _signal(process, number)
        await process.wait()
        await self._reading

    async def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None, "it was asked for"
        while line := await _line(stdout):
            if line.startswith(self._mark):
                self._hear(json.loads(line[len(self._mark) :]))
            elif text := line.decode("utf-8", "replace").strip():
                self._last = text
                self._said(text)
        if not self._ready.done():
            self._ready.set_exception(EndError(f"mitmdump did not start{f': {self._last}' if self._last else ''}"))
            self._ready.exception()  # whoever waits for it hears it all the same

    def _hear(self, what: dict[str, Any]) -> None:
        if "ready" not in what:
            self._told(what)
        elif not self._ready.done():
            self._begin(what["version"], what["ready"])

    def _begin(self, version: str, addresses: Sequence[Sequence[Any]]) -> None:
        major = re.match(r"\d+", version)
        if major is None or int(major[0]) < _OLDEST:
            self._ready.set_exception(EndError(f"mitmproxy {version} is too old: want {_OLDEST} or newer; {_INSTALL}"))
        elif not addresses:
            self._ready.set_exception(EndError("mitmdump does not listen"))
        else:
            self._ready.set_result(int(addresses[0][1]))


async def start(plan: Plan, told: Callable[[dict[str, Any]], None], said: Callable[[str], None]) -> Mitmdump:
    """Start it. It ends with its input, so also when interpose is killed. Raises EndError when it cannot be started."""
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *plan.command(), stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT, process_group=0, limit=1 << 20
        )
    except OSError as error:
        raise EndError(f"cannot start {plan.program}: {error.strerror}; {_INSTALL}") from None
    assert process.stdin is not None, "it was asked for"
    process.stdin.write(plan.settings())
    return Mitmdump(plan, process, told, said)


def find(named: str | None) -> str:
    """Where mitmdump is: as named, beside this Python, in an environment `.venv-tls` next to its own, on the PATH.

    Raises UsageError when it is nowhere.
    """
    if named is not None:
        if found := shutil.which(named):
            return found
        raise UsageError(f"--mitmdump {named}: no such program; {_INSTALL}")
    beside = (Path(sys.executable).parent, Path(sys.prefix).parent / ".venv-tls" / "bin")
    path = os.pathsep.join((*map(str, beside), os.environ.get("PATH", "")))
    if found := shutil.which("mitmdump", path=path):
        return found
    raise UsageError(f"mitmproxy is needed for this, and there is no mitmdump; {_INSTALL}")


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line; of one without end, what there is. Empty at the end."""
    try:
        return await stream.readuntil()
    except asyncio.IncompleteReadError as rest:
        return rest.partial
    except asyncio.LimitOverrunError as over:
        return await stream.readexactly(over.consumed)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        pass
