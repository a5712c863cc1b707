"""The options of a replay and the file that holds them."""

import re
from pathlib import Path

import pytest

from interpose.core.policy.jsonpath import PathError
from interpose.core.replay.options import Options, OptionsError, beside, read_options
from interpose.core.replay.scope import Scope


def test_a_file_of_options() -> None:
    text = """
    [replay]
    match = "request"
    lenient = true
    ignore = ["$.params.arguments.when", "tools/call get_time $.result.content[*].text"]
    free = ["notifications/resources/*"]
    bind = ["$.result.n"]
    no-bind = ["$..stamp"]
    """
    assert read_options(text, "a.replay.toml") == Options(
        match="request",
        lenient=True,
        ignore=("$.params.arguments.when", "tools/call get_time $.result.content[*].text"),
        free=("notifications/resources/*",),
        bind=("$.result.n",),
        no_bind=("$..stamp",),
    )
    assert read_options("", "a") == read_options("[replay]\n", "a") == Options()


def test_the_example_in_the_documentation_is_one() -> None:
    page = (Path(__file__).parents[3] / "docs" / "replay.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(\[replay\].*?)```", page, re.DOTALL)
    assert examples
    for example in examples:
        assert read_options(example, "replay.md").ignore


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[replay]\nignor = []", "a.toml:2: unknown key `ignor`; did you mean `ignore`?"),
        ("[replay]\nsomething = 1", "a.toml:2: unknown key `something`; it may be `match`, `lenient`, `ignore`"),
        ("[replya]\n", "a.toml:1: unknown key `replya`; did you mean `replay`?"),
        ("ignore = []", "a.toml:1: unknown key `ignore`; options stand below `[replay]`"),
        ("replay = 1", "a.toml:1: `replay` must be a table; write `[replay]`"),
        ('[replay]\n\nmatch = "stric"', "a.toml:3: `match` is `stric`; it may be `strict`, `causal`, `request`; did"),
        ("[replay]\nmatch = 1", "a.toml:2: `match` is `1`; it may be `strict`, `causal`, `request`"),
        ("[replay]\nmatch = []", "a.toml:2: `match` is `[]`; it may be"),
        ("[replay]\nlenient = 1", "a.toml:2: `lenient` must be `true` or `false`"),
        ('[replay]\nignore = "$.a"', "a.toml:2: `ignore` must be a list of texts"),
        ("[replay]\nfree = [1]", "a.toml:2: `free` must be a list of texts"),
        ('[replay]\nignore = ["a.b"]', "a.toml:2: `ignore`: the path `a.b` has no `$`"),
        ('[replay]\nno-bind = ["$.a["]', "a.toml:2: `no-bind`: the path `$.a[` is no JSONPath"),
        ("[replay\n", "a.toml:1: no TOML: "),
        ("[replay]\nmatch = \n", "a.toml:2: no TOML: "),
        ("[replay]\nlenient = " + "9" * 5000, "a.toml: no TOML: a number too long"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(OptionsError) as raised:
        read_options(text, "a.toml")
    assert str(raised.value).startswith(said)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "path", "method", "name"),
    [
        ("$.a", "$.a", None, None),
        ("tools/call $.a", "$.a", "tools/call", None),
        ("tools/call get time $.a", "$.a", "tools/call", "get time"),
        ("resources/read x://$y $.a", "$.a", "resources/read", "x://$y"),
        ("tools/* t $.a['b $.c']", "$.a['b $.c']", "tools/*", "t"),
    ],
)
def test_a_path_may_say_which_messages_it_is_for(text: str, path: str, method: str | None, name: str | None) -> None:
    found = Scope(text)
    assert (found.path.text, found.method, found.name) == (path, method, name)


def test_a_path_without_a_root_is_none() -> None:
    with pytest.raises(PathError):
        Scope("tools/call a.b")
    with pytest.raises(PathError, match="no valid text"):
        Scope("tools/call \ud800? $.a")


def test_options_stand_beside_their_recording() -> None:
    assert beside("a/session.jsonl") == "a/session.replay.toml"
    assert beside("session") == "session.replay.toml"
