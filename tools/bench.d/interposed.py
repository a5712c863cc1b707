"""The ways in which interpose stands between: what is put on its command line, by what it does."""

from pathlib import Path

from process import INTERPOSE, supports
from scene import Scene

PLAIN, RECORDING, RULED, REDACTING = "interpose", "recording", "50 rules", "redaction"
WORKERS = "2 workers"
VIEWED = "recording, page open"


def arguments(way: str, scene: Scene) -> list[str]:
    """The command up to where the server is named. All but the plain way record; the last two also govern."""
    record = ["--record", f"{scene.fresh('.recordings')}/"]
    match way:
        case "interpose":
            return [*INTERPOSE]
        case "50 rules":
            return [*INTERPOSE, *record, "--policy", str(_written(_rules(), scene))]
        case "redaction":
            return [*INTERPOSE, *record, "--policy", str(_written(_REDACTION, scene))]
        case "recording, page open":
            return [*INTERPOSE, *record, "--ui", "127.0.0.1:0"]
        case "2 workers":
            return [*INTERPOSE, *record, "--workers", "2"]
        case _:
            return [*INTERPOSE, *record]


def ways(http: bool) -> tuple[str, ...]:
    """All of them; several workers only where interpose knows them, and over HTTP."""
    several = (WORKERS,) if http and supports("--workers") else ()
    return (PLAIN, RECORDING, RULED, REDACTING, *several)


_REDACTION = """\
[[rule]]
name = "kept-in"
all = true
do = "redact"
find = ["secrets", "email"]
where = ["wire", "recording"]
"""
_KINDS = (
    'ask = "sampling"\ndo = "block"',
    'ask = "elicitation"\nmode_is = "url"\nunless_host = "accounts.example.com"\ndo = "block"',
    'ask = "sampling"\ndo = "cap"\npath = "$.maxTokens"\nat_most = 300',
    'tool = "delete_{number}_*"\ndo = "block"',
    'do = "hide"\ntool = "admin_{number}"',
    'method = "resources/*"\ngiven = {{path = "$.uri", matches = "^file:///etc/{number}"}}\ndo = "block"',
    'tool = "read_{number}"\ngiven = {{path = "$.arguments.path", inside = "/srv/{number}"}}\ndo = "note"',
    'method = "tools/call"\ngiven = {{path = "$.arguments.secret{number}", exists = true}}\ndo = "block"',
    'ask = "roots"\ndo = "limit"\ncount = 3\nper = "session"',
    'kind = "error"\nmethod = "tools/call"\ndo = "note"',
)


def _rules() -> str:
    """50 rules of every usual kind, none of which decides about the bench's own traffic."""
    return "\n".join(
        f'[[rule]]\nname = "r{number}"\n{_KINDS[number % len(_KINDS)].format(number=number)}\n' for number in range(50)
    )


def _written(policy: str, scene: Scene) -> Path:
    path = scene.fresh(".toml")
    path.write_text(policy)
    return path
