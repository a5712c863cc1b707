"""The client that is started to be intercepted: its surroundings, and its end."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from interpose.core.errors import EndError

_TERM_GRACE = 5.0
_NODE = Path(__file__).with_name("node_proxy.cjs")
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")


def proxies(environment: Mapping[str, str], url: str) -> dict[str, str]:
    """The variables that send a client's traffic through a proxy, none of it past it."""
    variables = dict.fromkeys(_PROXIES, url) | {"NO_PROXY": "", "no_proxy": "", "NODE_USE_ENV_PROXY": "1"}
    preload = f'--require "{_NODE}"'  # a Node that does not know that variable
    variables["NODE_OPTIONS"] = f"{environment.get('NODE_OPTIONS', '')} {preload}".strip()
    return variables


class Client:
    """A client on the terminal that interpose was started from."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ended(self) -> int:
        """Wait for its exit; its status as a shell would give it (128 + signal)."""
        status = await self._process.wait()
        return 128 - status if status < 0 else status

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Hand a signal on, and see that it ends."""
        for each in (number, signal.SIGKILL):
            try:
                self._process.send_signal(each)
                async with asyncio.timeout(_TERM_GRACE):
                    return await self.ended()
            except ProcessLookupError:
                break
            except TimeoutError:
                continue
        return await self.ended()


async def start(command: Sequence[str], variables: Mapping[str, str]) -> Client:
    """Start a client with our own environment and these variables. Raises EndError when it cannot be started."""
    try:
        return Client(await asyncio.create_subprocess_exec(*command, env={**os.environ, **variables}))
    except FileNotFoundError:
        raise EndError(f"cannot start `{command[0]}`: no such command; give its full path") from None
    except OSError as error:
        raise EndError(f"cannot start `{command[0]}`: {error.strerror}; check the command after `--`") from None
