"""URIs as a server that tidies them would read them, so that another spelling of a hidden resource is hidden too."""

from urllib.parse import unquote

_ROUNDS = 3  # an escape of an escape of an escape


def spellings(uri: str) -> tuple[str, ...]:
    """As written, and tidied: escapes undone, `.`, `..` and empty steps taken, the scheme and host in lower case."""
    tidied = _tidied(uri)
    return (uri,) if tidied == uri else (uri, tidied)


def _tidied(uri: str) -> str:
    for _ in range(_ROUNDS):
        uri = unquote(uri)
    scheme, mark, rest = uri.replace("\\", "/").partition(":")
    if not mark:
        return uri
    scheme = scheme.strip().lower()
    if not rest.startswith("//"):
        return f"{scheme}:{_steps(rest)}" if rest.startswith("/") else f"{scheme}:{rest}"
    host, _, path = rest[2:].partition("/")
    host = host.lower()
    return f"{scheme}://{'' if (scheme, host) == ('file', 'localhost') else host}{_steps(path)}"


def _steps(path: str) -> str:
    taken: list[str] = []
    for step in path.split("/"):
        if step == "..":
            del taken[-1:]
        elif step not in ("", "."):
            taken.append(step)
    return "/" + "/".join(taken)
