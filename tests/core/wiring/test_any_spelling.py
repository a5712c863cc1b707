"""Properties: however a file is spelt, wrapping and unwrapping is exact, also where the file changed in between."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.core.wiring.files import document, wrapped

from interpose.core.wiring.layout import LAYOUTS, entries
from interpose.core.wiring.unwrapping import unwrapped

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=6)
COMMANDS = st.fixed_dictionaries(
    {"command": TEXTS.map("c{}".format)},
    optional={"args": st.lists(TEXTS, max_size=3), "env": st.dictionaries(TEXTS, TEXTS)},
)
ADDRESSES = st.fixed_dictionaries(
    {"url": TEXTS.map("https://{}".format)},
    optional={
        "headers": st.dictionaries(TEXTS, TEXTS, max_size=2),
        "type": st.sampled_from(["http", "sse"]),
        "x": TEXTS,
    },
)
GAPS = st.lists(
    st.sampled_from(["", " ", "\n", "\n  ", "\r\n\t", " // c\n", "/* } */", ' /* " */ \n ']), min_size=40, max_size=40
)


@st.composite
def files(draw: st.DrawFn) -> str:
    """A Cursor file with members in any order and any blanks and comments between its signs."""
    servers = draw(st.dictionaries(TEXTS, COMMANDS | ADDRESSES, min_size=1, max_size=3))
    shuffled = {name: dict(draw(st.permutations(sorted(entry.items())))) for name, entry in servers.items()}
    gaps = draw(GAPS)
    at = 0

    def gap() -> str:
        nonlocal at
        at += 1
        return gaps[at % len(gaps)]

    def spelt(value: Any) -> str:
        if isinstance(value, dict):
            members = [
                gap() + json.dumps(key) + gap() + ":" + gap() + spelt(each) + gap() for key, each in value.items()
            ]
            return "{" + ",".join(members) + gap() + "}"
        if isinstance(value, list):
            return "[" + ",".join(gap() + spelt(each) + gap() for each in value) + gap() + "]"
        return json.dumps(value, ensure_ascii=at % 2 == 0)

    return gap() + spelt({"a": [1], "mcpServers": shuffled}) + gap()


@given(files())
def test_unwrapping_is_exact(text: str) -> None:
    layout = LAYOUTS["cursor"]
    before = document(text)
    after = document(wrapped(before, layout)[0])
    paths = [entry.path for entry in entries(after, layout)]
    assert unwrapped(after, before, layout, paths) == text


@given(files())
def test_an_edit_before_and_after_stays_and_the_rest_is_exact(text: str) -> None:
    layout = LAYOUTS["cursor"]
    before = document(text)
    after = document("// mine\n" + wrapped(before, layout)[0] + "// mine too\n")
    paths = [entry.path for entry in entries(after, layout)]
    assert unwrapped(after, before, layout, paths) == "// mine\n" + text + "// mine too\n"


@given(files())
def test_without_what_was_kept_processes_are_exact_but_for_missing_args(text: str) -> None:
    layout = LAYOUTS["cursor"]
    before = document(text)
    after = document(wrapped(before, layout)[0])
    paths = [entry.path for entry in entries(after, layout)]
    found: Any = document(unwrapped(after, None, layout, paths)).root.plain()
    expected: Any = before.root.plain()
    for name, entry in expected["mcpServers"].items():
        if "url" not in entry:
            assert found["mcpServers"][name] == {"args": []} | entry
        else:
            assert found["mcpServers"][name]["url"] == entry["url"]
