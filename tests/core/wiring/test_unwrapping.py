"""Unwrapping where something else changed since: that stays, and only our own change goes."""

import json
from typing import Any

import pytest
from tests.core.wiring.files import document, wrapped

from interpose.core.wiring.layout import LAYOUTS, entries
from interpose.core.wiring.unwrapping import unwrapped, why_not

CURSOR = LAYOUTS["cursor"]
BEFORE = """{
  "mcpServers": {
    "a": { "command": "npx", "args": ["-y", "a"] },
    "b": { "command": "b" },
    "w": { "type": "http", "url": "https://w/mcp", "headers": {"A": "b"} } // web
  }
}
"""


def undone(*changes: tuple[str, str], before: str | None = BEFORE) -> str:
    """What unwrapping leaves after texts were replaced in the wrapped file."""
    text, refused = wrapped(document(BEFORE), CURSOR)
    assert not refused
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    after = document(text)
    kept = document(before) if before is not None else None
    return unwrapped(after, kept, CURSOR, [entry.path for entry in entries(after, CURSOR)])


def servers(text: str) -> Any:
    return document(text).root.plain()["mcpServers"]  # type: ignore[index]


def test_a_server_added_since_stays() -> None:
    added = '"mcpServers": {\n    "new": { "command": "new" },'
    assert undone(('"mcpServers": {', added)) == BEFORE.replace('"mcpServers": {', added)


def test_a_server_removed_since_stays_away() -> None:
    line = '    "b": { "command": "/opt/interpose/bin/interpose", "args": ["run", "--name", "b", "--", "b"] },\n'
    assert undone((line, "")) == BEFORE.replace('    "b": { "command": "b" },\n', "")


def test_an_argument_added_since_stays() -> None:
    assert undone(('"-y", "a"]', '"-y", "a", "--verbose"]')) == BEFORE.replace('"-y", "a"]', '"-y", "a", "--verbose"]')


def test_an_option_of_the_wrapping_goes_with_it() -> None:
    assert undone(('["run", "--name", "a"', '["run", "--block", "roots", "--name", "a"')) == BEFORE


def test_a_member_added_since_stays_and_the_headers_come_back() -> None:
    found = servers(undone(('"type": "stdio"', '"timeout": 9, "type": "stdio"')))
    assert found["w"] == {"timeout": 9, "type": "http", "url": "https://w/mcp", "headers": {"A": "b"}}


def test_an_address_changed_since_stays_changed() -> None:
    found = servers(undone(("https://w/mcp", "https://new/mcp")))
    assert found["w"] == {"type": "http", "url": "https://new/mcp", "headers": {"A": "b"}}


def test_a_server_renamed_since_keeps_its_name() -> None:
    found = servers(undone(('    "b": {', '    "c": {')))
    assert (found["c"], "b" in found) == ({"command": "b", "args": []}, False)


def test_a_file_that_a_client_wrote_anew_is_unwrapped_all_the_same() -> None:
    text, _ = wrapped(document(BEFORE), CURSOR)
    after = document(json.dumps(document(text).root.plain(), indent=4, sort_keys=True))
    paths = [entry.path for entry in entries(after, CURSOR)]
    assert servers(unwrapped(after, document(BEFORE), CURSOR, paths)) == servers(BEFORE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"/opt/interpose/bin/interpose", "args": ["run", "--name", "a"', '"npx", "args": ["run", "--name", "a"'),
        ('"--", "npx"', '"npx"'),
    ],
)
def test_a_wrapping_edited_by_hand_is_known_and_left(old: str, new: str) -> None:
    text = wrapped(document(BEFORE), CURSOR)[0].replace(old, new, 1)
    after = document(text)
    reasons = {entry.name: why_not(entry) for entry in entries(after, CURSOR)}
    assert reasons == {"a": "it was wrapped, and the wrapping was edited by hand", "b": None, "w": None}
    found = undone((old, new))
    assert servers(found) == servers(BEFORE) | {"a": servers(text)["a"]}


def test_without_what_was_kept_an_address_is_written_anew() -> None:
    found = servers(undone(before=None))
    assert found["w"] == {"type": "http", "url": "https://w/mcp", "headers": {"A": "b"}}


def test_a_header_changed_since_stays_changed() -> None:
    found = servers(undone(('{"INTERPOSE_HEADER_A": "b"}', '{"INTERPOSE_HEADER_A": "new"}')))
    assert found["w"] == {"type": "http", "url": "https://w/mcp", "headers": {"A": "new"}}


@pytest.mark.parametrize("before", [BEFORE, None])
def test_a_variable_added_since_stays(before: str | None) -> None:
    found = servers(undone(('"INTERPOSE_HEADER_A": "b"', '"INTERPOSE_HEADER_A": "b", "K": "v"'), before=before))
    assert found["w"] == {"type": "http", "url": "https://w/mcp", "headers": {"A": "b"}, "env": {"K": "v"}}


def test_headers_on_the_command_line_come_back_too() -> None:
    words = ('"--header-env", "A=INTERPOSE_HEADER_A"], "env": {"INTERPOSE_HEADER_A": "b"}', '"--header", "A: c"]')
    assert servers(undone(words))["w"] == {"type": "http", "url": "https://w/mcp", "headers": {"A": "c"}}


def test_a_header_whose_value_is_gone_leaves_the_entry_as_it_is() -> None:
    gone = (', "env": {"INTERPOSE_HEADER_A": "b"}', "")
    after = document(wrapped(document(BEFORE), CURSOR)[0].replace(*gone))
    reasons = {entry.name: why_not(entry) for entry in entries(after, CURSOR)}
    assert reasons == {"a": None, "b": None, "w": "its entry no longer says what `A` is to be"}
    assert servers(undone(gone))["w"]["args"][-1] == "A=INTERPOSE_HEADER_A"


def test_members_in_another_order_go_with_their_commas() -> None:
    entry = (
        '{"args": ["run", "--name", "s", "--upstream", "https://x", "--header-env", "A=V"],'
        ' "env": {"V": "b"}, "command": "/a/interpose"}'
    )
    after = document(f'{{"mcpServers": {{"s": {entry}}}}}')
    found = unwrapped(after, None, CURSOR, [("mcpServers", "s")])
    assert servers(found) == {"s": {"url": "https://x", "headers": {"A": "b"}}}


def test_toml_lines_come_back_where_the_file_changed() -> None:
    codex = LAYOUTS["codex"]
    before = '[mcp_servers.w]\nurl = "https://w"\nhttp_headers = { A = "b" }\n\n[mcp_servers.c]\ncommand = "c" # see\n'
    text, _ = wrapped(document(before, "x.toml"), codex)
    after = document(text + "[more]\n", "x.toml")
    paths = [entry.path for entry in entries(after, codex)]
    assert unwrapped(after, document(before, "x.toml"), codex, paths) == before + "[more]\n"


@pytest.mark.parametrize("was", ['{"url": "https://w/mcp", "oauth": {}}', '{"command": 7}', '{"command": "x"}'])
def test_what_was_kept_may_know_another_server_of_the_name(was: str) -> None:
    before = '{"mcpServers": {"w": %s}}'
    text = wrapped(document(before % '{"type": "sse", "url": "https://w/mcp", "headers": {"A": "b"}}'), CURSOR)[0]
    paths = [entry.path for entry in entries(document(text), CURSOR)]
    found = servers(unwrapped(document(text), document(before % was), CURSOR, paths))
    assert found["w"]["url"] == "https://w/mcp"
    assert "args" not in found["w"]


def test_an_only_member_goes_with_its_comma() -> None:
    """Files that a client wrote anew may have their members in any order."""
    entry = '{"args": ["run", "--name", "s", "--", "x"], "command": "/a/interpose"}'
    after = document(f'{{"mcpServers": {{"s": {entry}}}}}')
    found = unwrapped(after, document('{"mcpServers": {"s": {"command": "x"}}}'), CURSOR, [("mcpServers", "s")])
    assert servers(found) == {"s": {"command": "x"}}


def test_toml_in_one_line_is_unwrapped_too() -> None:
    codex = LAYOUTS["codex"]
    before = 'mcp_servers = {a={command="x"},b={url="https://b",http_headers={A="b"}}}'
    text, refused = wrapped(document(before, "x.toml"), codex)
    after = document(text + "\n# more", "x.toml")
    assert not refused
    paths = [entry.path for entry in entries(after, codex)]
    assert unwrapped(after, document(before, "x.toml"), codex, paths) == before + "\n# more"


def test_a_first_line_of_toml_gets_a_second_that_ends_like_it() -> None:
    before = 'mcp_servers.a.command = "x" # one\r\nmcp_servers.a.env.K = "v"\r\n'
    text, _ = wrapped(document(before, "x.toml"), LAYOUTS["codex"])
    assert [line.partition(" ")[0] for line in text.split("\r\n")] == [
        "mcp_servers.a.command",
        "mcp_servers.a.args",
        "mcp_servers.a.env.K",
        "",
    ]
    assert unwrapped(document(text, "x.toml"), None, LAYOUTS["codex"], [("mcp_servers", "a")]).startswith(
        'mcp_servers.a.command = "x" # one\r\nmcp_servers.a.args = []\r\n'
    )
