"""The architecture as a test: imports go down only, and the core does no I/O, reads no clock and takes no chances."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "proxy" / "interpose"

# From the ground up. A module may import from its own floor's room and from floors below; rooms that share a floor do
# not know each other.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("core.errors",),
    ("core.wiring",),
    ("core.wire",),
    ("core.events",),
    ("core.effects",),
    ("core.protocol",),
    ("core.bridge",),
    ("core.session",),
    ("core.policy",),
    ("core.recording",),
    ("core.replay",),
    ("core.formats",),
    ("core.exporting", "core.linting"),
    ("core.voice",),
    ("core.errands",),
    ("core.judge",),
    ("core.entrance", "core.holding", "core.passing", "core.reframing"),
    ("core.throng",),
    ("core.enforcer",),
    ("core.interposer",),
    ("core.importing",),
    ("core.rehearse",),
    ("edge.link",),
    ("edge.stores", "edge.approvers"),
    ("edge.watching",),
    ("edge.runner",),
    ("edge.transports",),
    ("edge.conversations",),
    ("edge",),
    ("app.texts",),
    ("app.console", "app.policies"),
    ("app.demo",),
    ("app",),
    ("__main__",),
)
CORE_MAY_IMPORT = {
    *(
        "__future__",
        "abc",
        "array",
        "base64",
        "binascii",
        "bisect",
        "codecs",
        "collections",
        "contextlib",
        "dataclasses",
    ),
    *(
        "enum",
        "functools",
        "hashlib",
        "heapq",
        "io",
        "itertools",
        "json",
        "math",
        "operator",
        "re",
        "string",
        "types",
        "typing",
    ),
    *(
        "cel_expr_python",
        "difflib",
        "pydantic_core",
        "tomllib",
        "unicodedata",
        "urllib",
        "zlib",
        "msgspec",
        "orjson",
        "pydantic",
        "re2",
        "interpose",
    ),
}
CORE_MAY_NOT_CALL = {
    *("open", "print", "input", "now", "utcnow", "today", "monotonic", "perf_counter", "sleep", "uuid4"),
    *("uuid1", "random", "randint", "token_hex", "urandom", "getLogger", "exec", "eval", "breakpoint"),
}
IN_MEMORY = {"BytesIO", "StringIO"}  # all that the core may have of `io`
METHODS_TOO = {"open", "print", "input"}  # as names of methods they are nobody's I/O
ONLY_IN = {"click": ("app.cli", "app.demo"), "aiohttp": ("edge", "app"), "mitmproxy": (), "rich": ("app.cli",)}

FILES = sorted(PACKAGE.rglob("*.py"))


def _module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__").removesuffix("__init__")


def _floor(module: str) -> int:
    """The longest entry of FLOORS that the module lies in."""
    matches = [
        (len(room), level)
        for level, rooms in enumerate(FLOORS)
        for room in rooms
        if module == room or module.startswith(room + ".")
    ]
    return max(matches)[1] if matches else -1


def _imports(tree: ast.AST) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.lineno, ("." * node.level) + (node.module or "")))
    return found


def _names(path: Path, line: int) -> set[str]:
    """What an import of this line names."""
    found = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Import | ast.ImportFrom)]
    return {alias.name for node in found if node.lineno == line for alias in node.names}


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_imports_go_down_only(path: Path) -> None:
    module = _module(path)
    for line, name in _imports(_tree(path)):
        assert not name.startswith("."), f"{path}:{line}: import by full name"
        if name.startswith("interpose."):
            target = name.removeprefix("interpose.")
            assert _floor(target) <= _floor(module), f"{path}:{line}: {module} may not import {target}"


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    module = _module(path)
    for line, name in _imports(_tree(path)):
        rooms = ONLY_IN.get(name.partition(".")[0])
        if rooms is not None:
            assert module.startswith(rooms), f"{path}:{line}: {name} is for {rooms or 'nobody'}"


@pytest.mark.parametrize("path", [p for p in FILES if _module(p).startswith("core")], ids=_module)
def test_the_core_is_pure(path: Path) -> None:
    for line, name in _imports(_tree(path)):
        assert name.partition(".")[0] in CORE_MAY_IMPORT, f"{path}:{line}: the core may not import {name}"
        assert name != "io" or IN_MEMORY.issuperset(_names(path, line)), f"{path}:{line}: the core does no I/O"
    for node in ast.walk(_tree(path)):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith | ast.Global), (
            f"{path}:{getattr(node, 'lineno', '?')}: the core is synchronous and keeps no globals"
        )
        if isinstance(node, ast.Call):
            plain = isinstance(node.func, ast.Name)
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            banned = called in CORE_MAY_NOT_CALL and (plain or called not in METHODS_TOO)
            assert not banned, f"{path}:{node.lineno}: the core may not call {called}()"


def test_every_module_lies_on_a_floor() -> None:
    lost = [module for module in map(_module, FILES) if module not in ("", "core") and _floor(module) < 0]
    assert not lost
