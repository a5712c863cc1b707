"""How a session opens: versions, names and capabilities as each side sent them. Not what a policy made of them."""

from typing import Any, Literal

import msgspec
from msgspec import Raw

from interpose.core.protocol import Era
from interpose.core.session.reading import Handshake, Info, Meta, read
from interpose.core.wire.message import parse

# Only these say that the server speaks 2026-07-28 (§basic/versioning); over HTTP also 404 with -32601.
MODERN_ERRORS = frozenset({-32020, -32021, -32022})


class Capabilities(msgspec.Struct, frozen=True, gc=False):
    """A capability object: the bytes as sent, and the same read."""

    raw: bytes
    tree: dict[str, Any]

    def declares(self, path: tuple[str, ...]) -> bool:
        """Whether the capability at a path was declared: `{}` declares, `false` and null do not."""
        if path == ("elicitation", "form") and self.tree.get("elicitation") == {}:
            return True  # 2025-11-25 §client/elicitation: an empty object means form mode
        here: Any = self.tree
        for name in path:
            here = here.get(name) if isinstance(here, dict) else None
        return here is not None and here is not False


class Opening(msgspec.Struct, frozen=True, gc=False):
    """What is agreed, or merely said, so far.

    `version` is the agreed one (stateful) or the latest a request carried (stateless), `asked` what the client wished.
    """

    era: Era
    state: Literal["none", "asked", "refused", "open", "ready"] = "none"
    asked: str | None = None
    version: str | None = None
    client: Info | None = None
    server: Info | None = None
    client_capabilities: Capabilities | None = None
    server_capabilities: Capabilities | None = None


def capabilities(raw: Raw, known: Capabilities | None = None) -> Capabilities | None:
    """Read a capability object, or keep the known one when the bytes are the same, as they are on every request."""
    text = bytes(raw)
    if known is not None and known.raw == text:
        return known
    tree = parse(text) if text else None
    return Capabilities(text, tree) if isinstance(tree, dict) else None


def on_initialize(params: bytes) -> Opening:
    said = read(params, Handshake)
    return Opening(
        "stateful",
        "asked",
        asked=said.version,
        client=_info(said.client),
        client_capabilities=capabilities(said.capabilities),
    )


def on_initialized_result(opening: Opening, result: bytes) -> Opening:
    said = read(result, Handshake)
    return msgspec.structs.replace(
        opening,
        state="open",
        version=said.version,
        server=_info(said.server),
        server_capabilities=capabilities(said.capabilities),
    )


def on_envelope(opening: Opening, meta: Meta) -> Opening:
    """A request that carries its own version and capabilities (2026-07-28)."""
    if meta.version is None:
        return opening
    found = capabilities(meta.capabilities, opening.client_capabilities)
    client = _info(meta.client) or opening.client
    if (found, client, meta.version) == (opening.client_capabilities, opening.client, opening.version):
        return opening
    return msgspec.structs.replace(
        opening,
        state="asked" if opening.state == "none" else opening.state,
        asked=meta.version,
        version=meta.version,
        client=client,
        client_capabilities=found,
    )


def on_discovered(opening: Opening, result: bytes) -> Opening:
    said = read(result, Handshake)
    found = capabilities(said.capabilities)
    server = _info(said.meta.server if said.meta else Raw()) or _info(said.server)
    return msgspec.structs.replace(opening, state="ready", server=server, server_capabilities=found)


def on_refused(opening: Opening) -> Opening:
    return msgspec.structs.replace(opening, state="refused")


def _info(raw: Raw) -> Info | None:
    return read(raw, Info) if raw else None
