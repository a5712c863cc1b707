"""An approver behind a URL: the question as the body of a POST, the verdict as the body of its response."""

import hashlib
import hmac
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from interpose import __version__
from interpose.core.errors import UsageError
from interpose.edge.approvers.errands import Errands, Failed, Say
from interpose.edge.approvers.verdict import MOST

if TYPE_CHECKING:
    from aiohttp import StreamReader

SIGNATURE = "X-Interpose-Signature"
_AT_ONCE = 100
_CONNECT = 10.0


def webhook(url: str, secret_file: str | None, say: Say) -> Errands:
    """The approver behind a URL, by https or on this machine. Raises: UsageError."""
    host = _checked(url)
    secret = _secret(secret_file)

    async def ask(question: bytes) -> bytes:
        return await _post(url, question, _headers(question, secret))

    return Errands(f"webhook {host}", ask, say, _AT_ONCE)


def _headers(question: bytes, secret: bytes | None) -> dict[str, str]:
    """With a secret, the body is signed; the secret itself stays here."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "User-Agent": f"interpose {__version__}",
    }
    if secret is not None:
        headers[SIGNATURE] = "sha256=" + hmac.new(secret, question, hashlib.sha256).hexdigest()
    return headers


async def _post(url: str, question: bytes, headers: dict[str, str]) -> bytes:
    import aiohttp  # takes long to import, and most sessions hold nothing

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.post(url, data=question, headers=headers, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise Failed(f"it answered with status {response.status}")
            return await _read(response.content)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Failed(f"it cannot be asked ({type(error).__name__})") from None


async def _read(content: "StreamReader") -> bytes:
    said = bytearray()
    async for piece in content.iter_chunked(1 << 16):
        said += piece
        if len(said) > MOST:
            raise Failed("it says too much")
    return bytes(said)


def _checked(url: str) -> str:
    """The host of a URL to which held messages may go."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or not url.isprintable() or " " in url or "@" in parts.netloc:
        raise UsageError(f"--approver webhook: `{url[:100]}` is no URL without a user name that can be asked")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(host)):
        raise UsageError("--approver webhook: held messages go by https, or by http to this machine")
    return host


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        secret = Path(path).read_bytes().strip()
    except OSError as error:
        raise UsageError(f"--approver-secret-file: {path} cannot be read ({error.strerror})") from None
    if not secret:
        raise UsageError(f"--approver-secret-file: {path} is empty")
    return secret
