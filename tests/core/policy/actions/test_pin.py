"""`pin`: tools that change after they were first seen, over pages, sessions with a file, and both eras."""

import json
from typing import Any

import pytest
from pydantic import ValidationError
from tests.core.policy.actions.trying import BLOCKED, attempt, rule
from tests.core.session.conversation import Talk, modern, request, result, stateful, stateless

from interpose.core.policy.actions.pin import concerns, denial, is_blocked_call, learned, preset

ONE = rule("pin")
NOTE = rule("pin", on_change="note")
ADD = {
    "name": "add",
    "title": "Add",
    "description": "Adds.",
    "inputSchema": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}},
    "annotations": {"readOnlyHint": True},
}
SUB = {"name": "sub", "description": "Subtracts."}


class Shop:
    """A session in which tools are listed and called."""

    def __init__(self, one: Any = ONE, era: Any = (stateful, request)) -> None:
        self.talk: Talk = era[0]()
        self.request, self.one, self.count = era[1], one, 10
        self.state: dict[str, Any] = {}

    def lists(self, *tools: Any, **more: Any) -> tuple[Any, str | None]:
        self.count += 1
        self.talk.client(self.request(self.count, "tools/list"))
        seen = self.talk.server(result(self.count, tools=list(tools), **more))
        assert concerns(self.one, seen)
        body, words = attempt(self.one, seen, None, self.state)
        return (body if body == BLOCKED else body["result"]["tools"]), words

    def blocks(self, name: Any) -> bool:
        self.count += 1
        seen = self.talk.client(self.request(self.count, "tools/call", name=name))
        refusal = denial(self.one, seen, self.state)
        assert is_blocked_call(self.one, seen, self.state) is (refusal is not None)
        return refusal is not None


@pytest.mark.parametrize("era", [(stateful, request), (stateless, modern)], ids=["stateful", "stateless"])
def test_a_changed_tool_is_left_out_and_refused_until_it_is_what_it_was(era: Any) -> None:
    shop = Shop(era=era)
    assert shop.lists(ADD, SUB) == ([ADD, SUB], None)
    assert not shop.blocks("add")
    assert shop.lists(ADD | {"description": "x"}, SUB) == ([SUB], "changed: 'add' (description)")
    assert shop.blocks("add")
    assert not shop.blocks("sub")
    assert shop.lists(SUB) == ([SUB], None)
    assert shop.blocks("add")
    assert shop.lists(SUB, ADD) == ([SUB, ADD], None)
    assert not shop.blocks("add")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"description": "Adds. <IMPORTANT>"}, "description"),
        ({"description": None}, "description"),
        ({"inputSchema": {}}, "inputSchema"),
        ({"outputSchema": {"type": "object"}}, "outputSchema"),
        ({"annotations": {"readOnlyHint": False}}, "annotations"),
        ({"annotations": {"readOnlyHint": 1}}, "annotations"),
        ({"title": "add", "inputSchema": 1}, "inputSchema, title"),
        ({"inputSchema": {"properties": {"b": {}, "a": {"type": "integer"}}, "type": "object"}}, None),
        ({"_meta": {"x": 1}, "icons": []}, None),
    ],
)
def test_what_a_change_is(change: Any, words: str | None) -> None:
    shop = Shop()
    shop.lists(ADD)
    after = ADD | change
    assert shop.lists(after) == (([after], None) if words is None else ([], f"changed: 'add' ({words})"))


def test_only_the_parts_that_are_named() -> None:
    shop = Shop(rule("pin", parts=["inputSchema"]))
    shop.lists(ADD)
    assert shop.lists(ADD | {"description": "x"})[1] is None
    assert shop.lists(ADD | {"inputSchema": {}})[1] == "changed: 'add' (inputSchema)"


def test_pages_and_order_are_no_change() -> None:
    shop = Shop()
    shop.lists(ADD, nextCursor="")
    assert shop.lists(SUB) == ([SUB], None)
    assert shop.lists(SUB, ADD) == ([SUB, ADD], None)


def test_a_tool_that_comes_later_is_told_of_and_pinned() -> None:
    shop = Shop()
    shop.lists(ADD)
    assert shop.lists(ADD, SUB) == ([ADD, SUB], "new: 'sub' (since the first list)")
    assert shop.lists(ADD, SUB) == ([ADD, SUB], None)
    assert shop.lists(ADD, SUB | {"title": "x"})[0] == [ADD]


def test_two_tools_of_one_name_are_both_left_out() -> None:
    shop = Shop()
    assert shop.lists(ADD, ADD | {"description": "x"}, SUB)[0] == [SUB]
    assert shop.blocks("add")


def test_a_note_changes_nothing() -> None:
    shop = Shop(NOTE)
    shop.lists(ADD)
    changed = ADD | {"description": "x"}
    assert shop.lists(changed) == ([changed], "changed: 'add' (description)")
    assert not shop.blocks("add")


LOCKED = rule("pin", file="tools.lock.json")


def lock(*tools: Any, one: Any = LOCKED) -> bytes:
    """The file that a first session with these tools leaves behind."""
    shop = Shop(one)
    preset(shop.state, one, None)
    shop.lists(*tools)
    [(path, content)] = learned(shop.state)
    assert path == one.file
    return content


def with_lock(one: Any, content: bytes | None) -> Shop:
    shop = Shop(one)
    preset(shop.state, one, content)
    return shop


def test_what_a_first_session_shows_is_what_the_file_holds_once_a_list_came_to_its_end() -> None:
    shop = with_lock(LOCKED, None)
    assert shop.lists(ADD, nextCursor="2") == ([ADD], None)
    assert list(learned(shop.state)) == []
    assert shop.lists(SUB) == ([SUB], None)
    [(path, content)] = learned(shop.state)
    assert path == "tools.lock.json"
    assert list(json.loads(content)) == ["add", "sub"]
    assert content == lock(SUB, ADD)
    assert list(learned(shop.state)) == []


def test_a_file_is_easy_to_review() -> None:
    content = lock({"name": "z", "description": "Über\nzwei\u200b"}, {"name": "a", "title": "A"})
    a, z = (json.loads(content)[name]["sha256"] for name in "az")
    lines = [
        *("{", '  "a": {', '    "sha256": {', f'      "title": "{a["title"]}"', "    }", "  },"),
        *('  "z": {', '    "description": [', '      "Über",', '      "zwei\\u200b"', "    ],"),
        *('    "sha256": {', f'      "description": "{z["description"]}"', "    }", "  }", "}", ""),
    ]
    assert content.decode() == "\n".join(lines)


def test_secrets_that_are_scrubbed_do_not_get_into_the_file() -> None:
    shop = with_lock(LOCKED, None)
    shop.lists(ADD | {"description": "key: hush"})
    [(_, content)] = learned(shop.state, lambda text: text.replace("hush", "[secret]"))
    assert b"hush" not in content
    assert b"key: [secret]" in content
    again = with_lock(LOCKED, content)
    assert again.lists(ADD | {"description": "key: hush"})[1] is None


def test_a_file_knows_all_tools() -> None:
    later = with_lock(LOCKED, lock(ADD))
    assert not later.blocks("add")
    assert later.blocks("sub")
    assert later.lists(ADD, SUB) == ([ADD], "changed: 'sub' (unknown)")
    assert later.lists(ADD | {"title": "x"})[0] == []
    assert later.blocks("add")
    assert list(learned(later.state)) == []


def test_in_the_first_session_with_a_file_a_tool_that_comes_later_is_refused_like_in_the_next() -> None:
    shop = with_lock(LOCKED, None)
    shop.lists(ADD)
    assert shop.lists(ADD, SUB) == ([ADD], "changed: 'sub' (unknown)")
    assert shop.blocks("sub")


UNKNOWN, UNPINNED = "changed: 'sub' (unknown)", "new: 'sub' (not pinned)"


@pytest.mark.parametrize(
    ("on_new", "left", "words"),
    [
        ("block", [ADD], [UNKNOWN, UNKNOWN]),
        ("note", [ADD, SUB], [UNPINNED, UNPINNED]),
        ("learn", [ADD, SUB], ["new: 'sub' (since the first list)", None]),
    ],
)
@pytest.mark.parametrize("file", [None, "f.json"])
def test_what_becomes_of_new_tools(file: str | None, on_new: str, left: Any, words: list[str | None]) -> None:
    one = rule("pin", on_new=on_new, **({} if file is None else {"file": file}))
    shop = with_lock(one, lock(ADD, one=one)) if file is not None else Shop(one)
    shop.lists(ADD)
    assert [shop.lists(ADD, SUB) for _ in words] == [(left, each) for each in words]
    assert shop.blocks("sub") is (on_new == "block")
    held = [sorted(json.loads(content)) for _, content in learned(shop.state)]
    assert held == ([["add", "sub"]] if file and on_new == "learn" else [])


def test_a_note_on_what_changed_is_one_on_what_is_new_too() -> None:
    one = rule("pin", on_change="note", file="f.json")
    shop = with_lock(one, lock(ADD, one=one))
    assert shop.lists(ADD, SUB) == ([ADD, SUB], "new: 'sub' (not pinned)")
    assert not shop.blocks("sub")


def test_to_block_what_is_new_and_pass_what_changed_is_refused() -> None:
    with pytest.raises(ValidationError, match="blocks what changed"):
        rule("pin", on_change="note", on_new="block")


def test_a_file_that_is_put_in_force_again_does_not_free_a_changed_tool() -> None:
    content = lock(ADD)
    shop = with_lock(LOCKED, content)
    shop.lists(ADD | {"title": "x"})
    preset(shop.state, LOCKED, content)
    assert shop.blocks("add")
    preset(shop.state, LOCKED, None)
    assert shop.blocks("add")


def test_rules_of_one_name_in_two_policies_pin_for_themselves() -> None:
    shop = Shop()
    shop.lists(ADD)
    other = ONE.within("other.toml")
    shop.one = other
    assert shop.lists(ADD | {"title": "x"})[1] is None


@pytest.mark.parametrize("tool", [{}, {"name": ["add"]}, 7, None])
def test_a_tool_without_a_name_is_left_out(tool: Any) -> None:
    assert Shop().lists(tool, ADD) == ([ADD], "changed: None (no name)")
    assert Shop().blocks({"name": "x"})


def test_a_list_that_is_none_is_blocked() -> None:
    talk = stateful()
    talk.client(request(1, "tools/list"))
    seen = talk.server(result(1, tools={"add": ADD}))
    assert attempt(ONE, seen) == (BLOCKED, None)


def test_memory_is_bounded_and_what_finds_no_room_is_refused() -> None:
    shop = Shop()
    many = [{"name": f"t{n}"} for n in range(10_001)]
    left, words = shop.lists(*many)
    assert left == many[:-1]
    assert words == "changed: 't10000' (unknown)"
    assert shop.blocks("t10000")
    assert not shop.blocks("t9999")


def test_names_are_shown_escaped_and_short() -> None:
    shop = Shop()
    shop.lists(*({"name": f"{n}\x1b[31m" + "x" * 99} for n in range(7)))
    words = shop.lists(*({"name": f"{n}\x1b[31m" + "x" * 99, "title": "y"} for n in range(7)))[1]
    assert words is not None
    assert words.isprintable()
    assert words.endswith("... (title) and 2 more")


def test_other_messages_are_no_concern() -> None:
    talk = stateful()
    call = talk.client(request(1, "tools/call", name="x"))
    assert not concerns(ONE, call)
    assert attempt(ONE, call)[1] is None
    assert attempt(ONE, talk.server(result(1, tools=[7])))[1] is None
    assert not is_blocked_call(ONE, stateful().server(request(1, "tools/call", name=7)), {})
