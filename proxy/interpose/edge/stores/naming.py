"""What a server is called when nobody says: a short name out of its command line or address."""

import re
from collections.abc import Sequence
from pathlib import PurePath
from urllib.parse import urlsplit

_LAUNCHERS = re.compile(
    r"^(?:npx|npm|pnpm|yarn|bunx?|node|deno|uvx?|pipx|python[0-9.]*|sh|bash|env|exec|run|tool|dlx)$"
)


def of_command(command: Sequence[str]) -> str:
    """The first word that is neither a launcher nor an option: `npx -y @scope/server-x stdio` is `server-x`."""
    for word in command:
        name = PurePath(word).name
        if not word.startswith("-") and not _LAUNCHERS.match(name) and "=" not in word:
            return re.sub(r"(?<=.)@[\w.^~-]+$", "", re.sub(r"\.(?:py|m?js|ts|sh|exe)$", "", name))
    return PurePath(command[0]).name


def of_address(url: str) -> str:
    """Host and port."""
    return urlsplit(url).netloc.rpartition("@")[2].replace(":", "-")
