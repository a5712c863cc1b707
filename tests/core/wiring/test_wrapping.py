"""What a wrapped entry looks like, what is refused, and what is known again."""

import json
import tomllib

import pytest
from tests.core.wiring.files import PLAIN, document, wrapped

from interpose.core.wiring.command_line import Settings, was_edited, wrapping
from interpose.core.wiring.layout import LAYOUTS
from interpose.core.wiring.masking import masked
from interpose.core.wiring.wrapping import variables

OURS = "/opt/interpose/bin/interpose"


def one(entry: str, client: str = "cursor", settings: Settings = PLAIN) -> str:
    """An entry, wrapped; or why it is not."""
    text, refused = wrapped(document(f'{{"mcpServers":{{"s":{entry}}}}}'), LAYOUTS[client], settings)
    return next(iter(refused.values()), text[19:-2])


def test_a_process_moves_behind_the_dashes() -> None:
    entry = '{ "command": "npx", "args": ["-y", "x"], "env": {"A": "1"} }'
    expected = f'{{ "command": "{OURS}", "args": ["run", "--name", "s", "--", "npx", "-y", "x"], "env": {{"A": "1"}} }}'
    assert one(entry) == expected


def test_an_address_becomes_a_process_that_gets_its_headers_by_its_environment() -> None:
    entry = '{ "type": "http", "url": "https://x/mcp", "headers": {"A": "${env:T}"}, "disabled": true }'
    args = '["run", "--name", "s", "--upstream", "https://x/mcp", "--header-env", "A=INTERPOSE_HEADER_A"]'
    env = '{"INTERPOSE_HEADER_A": "${env:T}"}'
    assert one(entry) == f'{{ "type": "stdio", "command": "{OURS}", "args": {args}, "env": {env}, "disabled": true }}'


@pytest.mark.parametrize(
    "value", ["${TOKEN}", "Bearer ${env:TOKEN}", "${input:token}", "Bearer {env:T}", "$T", "sk-1", "\\u00e9 \\/"]
)
@pytest.mark.parametrize("client", LAYOUTS)
def test_a_header_s_value_stays_as_it_was_written_and_off_the_command_line(client: str, value: str) -> None:
    layout = LAYOUTS[client]
    [container] = next(names for names in layout.containers if len(names) == 1)
    text = json.dumps({container: {"s": {layout.address: "https://x", "headers": {"X-Key": "V"}}}}).replace("V", value)
    done, refused = wrapped(document(text), layout)
    assert not refused
    assert f'"{layout.environment}": {{"INTERPOSE_HEADER_X_KEY": "{value}"}}' in done
    assert done.count(value) == 1
    assert '"--header-env", "X-Key=INTERPOSE_HEADER_X_KEY"' in done


def test_an_environment_that_is_there_is_left_alone() -> None:
    found = json.loads(one('{"url": "https://x", "headers": {"A": "b"}, "env": {"K": "v"}}'))
    assert (found["env"], found["args"][-2:]) == ({"K": "v"}, ["--header", "A: b"])


def test_each_header_has_a_variable_of_its_own() -> None:
    names = ["X-Key", "x_key", "Authorization"]
    called = ["INTERPOSE_HEADER_X_KEY", "INTERPOSE_HEADER_X_KEY_", "INTERPOSE_HEADER_AUTHORIZATION"]
    assert variables(names) == list(zip(names, called, strict=True))


def test_headers_of_toml_go_by_the_environment_too() -> None:
    text = '[mcp_servers.s]\nurl = "https://x"\nhttp_headers = { "X-Key" = \'a"b\' }\n'
    done, _ = wrapped(document(text, "config.toml"), LAYOUTS["codex"])
    found = tomllib.loads(done)["mcp_servers"]["s"]
    assert found["env"] == {"INTERPOSE_HEADER_X_KEY": 'a"b'}
    assert found["args"][-2:] == ["--header-env", "X-Key=INTERPOSE_HEADER_X_KEY"]


def test_options_come_before_the_name() -> None:
    found = json.loads(one('{"command":"x"}', settings=Settings((OURS,), "/r/", ("/p",))))
    assert found["args"] == ["run", "--record", "/r/", "--policy", "/p", "--name", "s", "--", "x"]


def test_new_options_replace_old_ones_and_leave_the_others() -> None:
    entry = f'{{"command":"{OURS}","args":["run","--block","roots","--record=/old/","--name","mine","--","x"]}}'
    found = json.loads(one(entry, settings=Settings((OURS,), "/new/")))
    assert found["args"] == ["run", "--block", "roots", "--record", "/new/", "--name", "mine", "--", "x"]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ('{"command": 7}', "`command` is not made of texts"),
        ('{"command": ""}', "`command` is not made of texts"),
        ('{"command": []}', "`command` is not made of texts"),
        ('{"command": "x", "args": "a"}', "`args` is no list"),
        ('{"command": "x", "args": [1]}', "`args` is not made of texts"),
        ('{"command": ["x"], "args": []}', "`args` is no list"),
        ('{"command": "x", "command": "y"}', "`command` is there twice"),
        ("{}", "neither `command` nor `url`"),
        ('{"url": "ws://x"}', "no http:// or https:// address"),
        ('{"url": "https://x", "type": "ws"}', "type is `ws`"),
        ('{"url": "https://x", "args": []}', "both `url` and `args`"),
        ('{"url": "https://x", "headers": {"A": 1}}', "no text"),
        ('{"url": "https://x", "headers": 1}', "no text"),
        ('{"url": "https://x", "oauth": {}}', "interpose run --listen 127.0.0.1:8900 --name s --upstream https://x"),
    ],
)
def test_what_cannot_be_wrapped_says_why(entry: str, why: str) -> None:
    assert why in one(entry)


def test_a_server_that_is_there_twice_is_left_alone() -> None:
    _, refused = wrapped(document('{"mcpServers":{"s":{"command":"a"},"s":{"command":"b"}}}'), LAYOUTS["cursor"])
    assert "twice" in refused["mcpServers", "s"]


@pytest.mark.parametrize(
    "words",
    [
        ["interpose", "run", "--name", "x", "--", "server"],
        ["/a/interpose", "run", "--", "server"],
        ["C:\\Tools\\Interpose.EXE", "run", "--record", "--", "--", "server"],
        ["python3", "-m", "interpose", "run", "--upstream=https://x"],
        ["uvx", "interpose", "run", "--upstream", "https://x", "--header", "A: b"],
        ["interpose", "run", "--name", "x", "--upstream", "https://x", "--header-env", "A=B"],
    ],
)
def test_a_wrapping_is_known_again(words: list[str]) -> None:
    found = wrapping(words)
    assert found is not None
    assert found.upstream == "https://x" or words[found.inner :] == ["server"]
    assert not was_edited(words)


@pytest.mark.parametrize(
    "words",
    [
        ["cargo", "run", "--release", "--", "x"],
        ["uv", "run", "server", "--name", "x", "--", "y"],
        ["interpose", "replay", "server", "x.jsonl"],
        ["interpose"],
        ["sh", "-c", "interpose run -- x"],
        ["npx", "-y", "x", "--", "interpose", "run", "--", "y"],
    ],
)
def test_what_only_looks_like_one_is_not(words: list[str]) -> None:
    assert wrapping(words) is None
    assert not was_edited(words)


@pytest.mark.parametrize(
    "words",
    [
        ["npx", "run", "--name", "x", "--", "server"],
        ["/a/interpose", "run", "--name", "x", "server"],
        ["/a/interpose", "run", "--name", "x", "--"],
        ["/a/interpose", "run", "--upstream", "https://x", "--", "server"],
        ["node", "run", "--name", "x", "--upstream", "https://x"],
        ["interpose", "run", "--upstream", "https://x", "--name", "x"],
    ],
)
def test_what_is_left_of_one_is_known(words: list[str]) -> None:
    assert wrapping(words) is None
    assert was_edited(words)


def test_values_of_environments_and_headers_do_not_show() -> None:
    found = masked(
        document(
            '{"env": {"K": "sk-1", "R": "${env:R}"}, "headers": {"A": "Bearer sk-2", "B": "Bearer ${T}"},'
            ' "args": ["--header", "A: sk-3", "--header", "B: ${T}", "x"]}'
        )
    )
    assert json.loads(found) == {
        "env": {"K": "***", "R": "${env:R}"},
        "headers": {"A": "***", "B": "Bearer ${T}"},
        "args": ["--header", "A: ***", "--header", "B: ${T}", "x"],
    }
