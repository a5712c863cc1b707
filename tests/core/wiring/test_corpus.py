"""Every file of the corpus, wrapped and unwrapped: to the byte, and in what it means."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.core.wiring.files import FILES, PLAIN, document, layout, name, wrapped

from interpose.core.wiring.command_line import Settings
from interpose.core.wiring.document import Document, read
from interpose.core.wiring.layout import entries
from interpose.core.wiring.server import Launch, Remote, server, unwrappable
from interpose.core.wiring.unwrapping import unwrapped

RECORDING = Settings(PLAIN.program, "/var/sessions/", ("/etc/a.toml", "/etc/b.toml"))
MODULE = Settings(("/opt/python", "-m", "interpose"))
OLDER = Settings(("/old/venv/bin/interpose",))
SETTINGS = {"plain": PLAIN, "recording": RECORDING, "module": MODULE}
each_file = pytest.mark.parametrize("path", FILES, ids=name)
each_way = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)


def again(path: Path, text: str) -> Document:
    return read(text.encode(), path.name)


def paths(path: Path, found: Document) -> list[tuple[str, ...]]:
    return [entry.path for entry in entries(found, layout(path))]


def test_the_corpus_is_there() -> None:
    assert len(FILES) >= 40
    raws = [path.read_bytes() for path in FILES]
    assert any(raw.startswith(b"\xef\xbb\xbf") for raw in raws)
    assert sum(b"\r\n" in raw for raw in raws) >= 4
    assert sum(b"\t" in raw for raw in raws) >= 2


@each_way
@each_file
def test_wrapped_and_unwrapped_it_is_the_same_to_the_byte(path: Path, settings: Settings) -> None:
    before = read(path.read_bytes(), path.name)
    text, refused = wrapped(before, layout(path), settings)
    whole = [place for place in paths(path, before) if place not in refused]
    assert (text == before.text) == (not whole)
    after = again(path, text)
    assert unwrapped(after, before, layout(path), paths(path, after)).encode() == path.read_bytes()


@each_file
def test_lines_end_as_they_did(path: Path) -> None:
    before = read(path.read_bytes(), path.name)
    text, _ = wrapped(before, layout(path))
    ends = {"\r\n"} if "\r\n" in before.text else {"\n"}
    assert set(re.findall(r"\r*\n|\r", text)) <= ends


@each_way
@each_file
def test_wrapping_twice_changes_nothing(path: Path, settings: Settings) -> None:
    text, _ = wrapped(read(path.read_bytes(), path.name), layout(path), settings)
    assert wrapped(again(path, text), layout(path), settings)[0] == text
    assert wrapped(again(path, text), layout(path), Settings(settings.program))[0] == text


@each_file
def test_a_wrapping_by_an_older_path_is_updated(path: Path) -> None:
    before = read(path.read_bytes(), path.name)
    older, _ = wrapped(before, layout(path), OLDER)
    assert wrapped(again(path, older), layout(path))[0] == wrapped(before, layout(path))[0]


@each_file
def test_options_are_added_to_what_is_wrapped(path: Path) -> None:
    before = read(path.read_bytes(), path.name)
    plain, _ = wrapped(before, layout(path))
    assert wrapped(again(path, plain), layout(path), RECORDING)[0] == wrapped(before, layout(path), RECORDING)[0]


@each_file
def test_what_the_user_added_since_stays(path: Path) -> None:
    """Another line at the end: the file is no longer what was written, and every edit is undone by itself."""
    before = read(path.read_bytes(), path.name)
    more = "\n# more\n" if before.is_toml else "\n"
    after = again(path, wrapped(before, layout(path))[0] + more)
    undone = again(path, unwrapped(after, before, layout(path), paths(path, after)))
    assert undone.root.plain() == before.root.plain()
    assert undone.text.endswith(more)
    if not before.is_toml:
        assert undone.text == before.text + more


@each_file
def test_without_what_was_kept_the_servers_are_the_same(path: Path) -> None:
    before = read(path.read_bytes(), path.name)
    after = again(path, wrapped(before, layout(path))[0])
    undone = again(path, unwrapped(after, None, layout(path), paths(path, after)))
    assert [_meaning(entry) for entry in entries(undone, layout(path))] == [
        _meaning(entry) for entry in entries(before, layout(path))
    ]


def _meaning(entry: Any) -> tuple[Any, ...]:
    found = server(entry)
    if isinstance(found, Launch):
        return entry.path, found.words
    if isinstance(found, Remote):
        return entry.path, found.url, found.headers.node.plain() if found.headers and found.headers.node.members else {}
    return (entry.path,)


@each_file
def test_an_unwrapped_half_leaves_the_other_half_wrapped(path: Path) -> None:
    before = read(path.read_bytes(), path.name)
    after = again(path, wrapped(before, layout(path))[0])
    places = [entry.path for entry in entries(after, layout(path)) if unwrappable(server(entry))]
    half = again(path, unwrapped(after, before, layout(path), places[::2]))
    still = [entry.path for entry in entries(half, layout(path)) if unwrappable(server(entry))]
    assert still == places[1::2]
    assert unwrapped(half, before, layout(path), still).encode() == path.read_bytes()


@each_file
def test_only_commands_addresses_types_and_headers_change(path: Path) -> None:
    """Against an oracle that knows nothing of places: plain values, changed as the documentation says."""
    before = read(path.read_bytes(), path.name)
    text, refused = wrapped(before, layout(path))
    expected = before.root.plain()
    for entry in entries(before, layout(path)):
        if entry.path not in refused:
            table: Any = expected
            for part in entry.path:
                table = table[part]
            _rewire(table, entry.name, layout(path).local)
    assert again(path, text).root.plain() == expected


def _rewire(table: dict[str, Any], called: str, local: str) -> None:
    ours = [PLAIN.program[0], "run", "--name", called]
    launch = table["command"] if isinstance(table.get("command"), dict) else table
    key = "path" if launch is not table else "command"
    if isinstance(launch.get(key), list):
        launch[key] = [*ours, "--", *launch[key]]
    elif key in launch:
        launch["args"] = [*ours[1:], "--", launch[key], *launch.get("args", [])]
        launch[key] = ours[0]
    else:
        address = next(table.pop(each) for each in ("url", "serverUrl", "httpUrl") if each in table)
        headers = table.pop("headers", None) or table.pop("http_headers", None) or {}
        words = [*ours, "--upstream", address]
        called_by = {name: "INTERPOSE_HEADER_" + name.upper().replace("-", "_") for name in headers}
        words += [word for name, variable in called_by.items() for word in ("--header-env", f"{name}={variable}")]
        values = {called_by[name]: value for name, value in headers.items()}
        if local == "local":
            table |= {"command": words, "environment": values}
        else:
            table |= {"command": words[0], "args": words[1:], "env": values}
        if not headers:
            del table["environment" if local == "local" else "env"]
        if "type" in table:
            table["type"] = local


@each_file
def test_the_readers_agree_with_those_of_the_standard_library(path: Path) -> None:
    found = document(path.read_bytes(), path.name)
    if found.is_toml:
        assert found.root.plain() == tomllib.loads(found.text.lstrip("\ufeff"))
    elif not found.comments and not found.commas:
        assert found.root.plain() == json.loads(found.text.lstrip("\ufeff"))
