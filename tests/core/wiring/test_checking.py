"""What is wrong with a file on the face of it."""

import pytest
from tests.core.wiring.files import document

from interpose.core.wiring.checking import check
from interpose.core.wiring.layout import GENERIC, LAYOUTS, layout_of


def found(text: str, client: str | None = "cursor", *, set_: tuple[str, ...] = (), path: str = "x.json") -> list[str]:
    layout = LAYOUTS[client] if client is not None else GENERIC
    return [
        " ".join(filter(None, (server, level, text)))
        for server, level, text in check(document(text, path), layout, set_)
    ]


def one(entry: str, client: str = "cursor", **how: tuple[str, ...]) -> list[str]:
    return found(f'{{"mcpServers":{{"s":{entry}}}}}', client, **how)


def test_a_good_file_has_nothing() -> None:
    assert one('{"command": "npx", "args": ["-y", "x"]}') == []


def test_comments_and_last_commas_have_their_place() -> None:
    text = '{\n // x\n "mcpServers": {"s": {"command": "x",},}}'
    assert found(text, "claude-desktop") == [
        "wrong line 2, column 2: a comment; this client may not read the file then",
        "wrong line 3, column 37: a comma after the last value; this client may not read the file then",
    ]
    assert found(text.replace("mcpServers", "servers"), "vscode") == []
    assert found(text, None) == []


def test_servers_under_another_clients_word() -> None:
    text = '{"servers": {"s": {"command": "x"}}}'
    assert found(text, "cursor") == ["wrong `servers` is another client's word; this one looks under `mcpServers`"]
    assert found(text, "vscode") == found(text, None) == []


@pytest.mark.parametrize(
    ("client", "entry", "said"),
    [
        ("windsurf", '{"url": "https://x"}', "s wrong this client reads `serverUrl`, not `url`"),
        ("cursor", '{"serverUrl": "https://x"}', "s wrong this client reads `url`, not `serverUrl`"),
        (
            "gemini",
            '{"url": "https://x"}',
            "s note `url` is for HTTP+SSE here; a server with Streamable HTTP has `httpUrl`",
        ),
        ("cursor", '{"command": ["a", "b"]}', "s wrong `command` is one text here, and `args` a list"),
        ("cursor", '{"command": "x", "disabled": true}', "s note it is switched off"),
        ("cursor", '{"command": "x", "enabled": false}', "s note it is switched off"),
        ("cursor", "{}", "s wrong it has neither `command` nor `url`"),
        (
            "cursor",
            '{"command": "x", "args": ["run", "--name", "s", "--", "y"]}',
            "s wrong it was wrapped, and the wrapping was edited by hand",
        ),
        ("cursor", '{"command": "${env:A}"}', "s wrong the environment variable `A` is not set"),
        (
            "claude-code",
            '{"command": "x", "env": {"T": "${B}${C:-d}"}}',
            "s wrong the environment variable `B` is not set",
        ),
        ("gemini", '{"command": "x", "env": {"T": "$B"}}', "s wrong the environment variable `B` is not set"),
        (
            "claude-desktop",
            '{"command": "x", "env": {"T": "${B}"}}',
            "s wrong `${B}` is not replaced by this client, but passed on as it is",
        ),
    ],
)
def test_entries(client: str, entry: str, said: str) -> None:
    assert one(entry, client) == [said]


def test_variables_that_are_set_are_fine() -> None:
    assert one('{"command": "${env:A}"}', set_=("A",)) == []
    assert one('{"url": "https://x", "type": "http"}', "gemini") == []


def test_inputs_that_are_not_there() -> None:
    text = (
        '{"inputs": [{"id": "a"}], "servers": {"s": {"command": "x", "env": {"A": "${input:a}", "B": "${input:b}"}}}}'
    )
    assert found(text, "vscode") == ["s wrong `inputs` has no `b`"]


def test_variables_that_codex_names() -> None:
    text = '[mcp_servers.s]\nurl = "https://x"\nbearer_token_env_var = "A"\nenv_http_headers = { X = "B" }\n'
    assert found(text, "codex", path="c.toml", set_=("B",)) == ["s wrong the environment variable `A` is not set"]


@pytest.mark.parametrize(
    ("text", "path", "client"),
    [
        ("", "c.toml", "codex"),
        ('{"servers": {}}', "x.json", "vscode"),
        ('{"context_servers": {}}', "x.json", "zed"),
        ('{"mcp": {"a": {"type": "local", "command": ["x"]}}}', "x.json", "opencode"),
        ('{"mcp": {"servers": {"a": {"type": "stdio", "command": "x"}}}}', "x.json", "vscode"),
        ('{"mcpServers": {}}', "x.json", None),
    ],
)
def test_a_file_is_known_by_what_is_in_it(text: str, path: str, client: str | None) -> None:
    assert layout_of(document(text, path))[0] == client
