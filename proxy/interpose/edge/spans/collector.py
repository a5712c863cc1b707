"""An OTLP/HTTP receiver: takes spans as JSON, says whether it did. Decides nothing about what it did not take."""

import os
from types import TracebackType
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp import hdrs
from multidict import CIMultiDict

from interpose import __version__
from interpose.core.errors import UsageError
from interpose.core.events import Headers

_PATH = "/v1/traces"
_PATIENCE = aiohttp.ClientTimeout(total=10, connect=5)
_LATER = frozenset({429, 502, 503, 504})  # OTLP 1.x, "Retryable Response Codes"
_MOST_SAID = 1 << 16


class Reply(NamedTuple):
    """What became of spans that were sent: what is wrong, whether to send them `again` and in how many seconds."""

    problem: str = ""
    again: bool = False
    after: float = 0.0
    rejected: int = 0


class _Partial(msgspec.Struct, rename="camel"):
    rejected_spans: int | str = 0  # 64 bits are text in the JSON of protobuf
    error_message: str = ""


class _Said(msgspec.Struct, rename="camel"):
    partial_success: _Partial | None = None


class Collector:
    """Where spans go. An address without a path means the usual one. Raises UsageError where it is no address."""

    def __init__(self, address: str, headers: Headers = ()) -> None:
        try:
            parts = urlsplit(address)
            known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            known = False
        if not known:
            raise UsageError(f"--otel {address}: want a URL such as http://127.0.0.1:4318")
        self.name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._url = address if parts.path.strip("/") else parts._replace(path=_PATH).geturl()
        own = (("Content-Type", "application/json"), ("User-Agent", f"interpose/{__version__}"))
        self._headers = CIMultiDict((*own, *headers))
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Collector":
        self._http = aiohttp.ClientSession(timeout=_PATIENCE, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    async def send(self, body: bytes) -> Reply:
        """Post a `TracesData`. What goes wrong is said in the reply."""
        assert self._http is not None, "entered before anything is sent"
        posting = self._http.post(self._url, data=body, headers=self._headers, allow_redirects=False)
        try:
            async with posting as response:
                if response.status in _LATER:
                    return Reply(f"HTTP {response.status}", True, _seconds(response.headers.get(hdrs.RETRY_AFTER)))
                if response.status >= 300:
                    return Reply(f"HTTP {response.status}")
                return _read(await response.content.read(_MOST_SAID))
        except TimeoutError:
            return Reply("no answer in time", again=True)
        except (aiohttp.ClientError, OSError) as error:
            return Reply(_cause(error), again=True)


def _read(said: bytes) -> Reply:
    """A receiver may take a part."""
    try:
        partial = msgspec.json.decode(said or b"{}", type=_Said).partial_success or _Partial()
        rejected = int(partial.rejected_spans)
    except ValueError:  # it was taken, and what is said of that is not read
        return Reply()
    return Reply(partial.error_message[:200] or "some were rejected", rejected=rejected) if rejected > 0 else Reply()


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after is not None and retry_after.isascii() and retry_after.isdigit() else 0.0


def _cause(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else type(error).__name__
