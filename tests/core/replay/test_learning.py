"""What varies by itself between recordings of the same scenario, as options that put it aside."""

import tomllib
from collections.abc import Sequence
from typing import Any

from tests.core.formats.tape import Tape
from tests.core.replay.changes import FOLDER
from tests.core.replay.renaming import another_day, side

from interpose.core.formats.comparison_options import toml
from interpose.core.replay.comparison import Side, compare
from interpose.core.replay.learning import Learnt, learn
from interpose.core.replay.options import Options, read_options


def learnt(*tapes: Tape | bytes, **options: Any) -> Learnt:
    recordings = [each.data if isinstance(each, Tape) else each for each in tapes]

    def sides(by: Options) -> Sequence[Side]:
        return [side(each, by) for each in recordings]

    return learn(sides, Options(**options))


def weather(*days: str, asks: str = "Oslo", updates: int = 0, failed: bool = False) -> Tape:
    """A session in which a tool tells the time and another one the weather."""
    tape = Tape().opens()
    for number, day in enumerate(days):
        tape.client(id=number, method="tools/call", params={"name": "get_time", "arguments": {}})
        blocks = [{"type": "text", "text": f"it is {day}"}, {"type": "text", "text": "local time"}]
        tape.server(id=number, result={"content": blocks})
    tape.client(id=90, method="tools/call", params={"name": "get_weather", "arguments": {"city": asks, "at": days[0]}})
    for _ in range(updates):
        tape.server(method="notifications/resources/updated", params={"uri": "x:1"})
    blocks = [{"type": "text", "text": f"rain on {day}"} for day in days]
    return tape.server(id=90, result={"content": blocks, "isError": failed})


def test_a_path_is_proposed_for_the_tool_it_was_seen_with() -> None:
    found = learnt(weather("monday", "tuesday"), weather("friday", "sunday"))
    assert [(each.text, each.times, each.first, each.second) for each in found.ignore] == [
        ("tools/call get_time $.result.content[0].text", 2, '"it is monday"', '"it is friday"'),
        ("tools/call get_weather $.params.arguments.at", 1, '"monday"', '"friday"'),
        ("tools/call get_weather $.result.content[*].text", 2, '"rain on monday"', '"rain on friday"'),
    ]
    assert (found.free, found.left) == ((), ())
    assert found.options.ignore == tuple(each.text for each in found.ignore)


def test_what_was_learnt_from_two_holds_for_a_third() -> None:
    options = learnt(weather("monday", "tuesday"), weather("friday", "sunday")).options
    third = side(weather("saturday", "thursday").data, options)
    assert compare(side(weather("monday", "tuesday").data, options), third).equal
    other = side(weather("saturday", "thursday", asks="Rome").data, options)
    assert not compare(third, other).equal


def test_three_recordings_teach_more_than_two() -> None:
    one, two = weather("monday"), weather("monday", asks="Rome")
    assert [each.text for each in learnt(one, two).ignore] == ["tools/call get_weather $.params.arguments.city"]
    found = learnt(one, two, weather("friday"))
    assert len(found.ignore) == 4
    assert found.left == ()


def test_lists_that_grow_are_ignored_whole() -> None:
    def lists(*items: int) -> Tape:
        tape = Tape().opens().client(id=1, method="tools/call", params={"name": "t"})
        return tape.server(id=1, result={"structuredContent": {"all": list(items)}})

    found = learnt(lists(1, 2), lists(1, 2, 3))
    assert [each.text for each in found.ignore] == ["tools/call t $.result.structuredContent.all"]
    assert found.left == ()
    assert learnt(lists(1, 2), lists(2, 1)).options == found.options


def test_one_item_of_very_many_is_ignored_alone() -> None:
    def lists(first: int) -> Tape:
        tape = Tape().opens().client(id=1, method="tools/call", params={"name": "t"})
        return tape.server(id=1, result={"all": [first] + [0] * 11_000})

    assert [each.text for each in learnt(lists(1), lists(2)).ignore] == ["tools/call t $.result.all[0]"]


def test_notifications_of_varying_number_are_free() -> None:
    found = learnt(weather("monday", updates=1), weather("monday", updates=4))
    assert [(each.text, each.times) for each in found.free] == [("notifications/resources/updated", 3)]
    assert (found.ignore, found.left) == ((), ())


def test_another_outcome_is_never_put_aside() -> None:
    found = learnt(weather("monday"), weather("monday", failed=True))
    assert (found.ignore, found.free) == ((), ())
    assert [each.differences[0].path for each in found.left] == ["$.result.isError"]
    broken = Tape().opens().client(id=1, method="x").server(id=1, error={"code": 1, "message": "no"})
    whole = Tape().opens().client(id=1, method="x").server(id=1, result={})
    assert learnt(broken, whole).ignore == ()


def test_other_calls_are_left() -> None:
    more = weather("monday").client(id=99, method="prompts/list")
    found = learnt(weather("monday"), more)
    assert [each.line.method for each in found.left] == ["prompts/list"]


def test_questions_with_random_keys_are_learnt() -> None:
    def asks(key: str, message: str) -> Tape:
        params = {"name": "ask", "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}
        ask = {"method": "elicitation/create", "params": {"message": message, "requestedSchema": {}}}
        tape = Tape().client(id=1, method="tools/call", params=params)
        return tape.server(id=1, result={"resultType": "input_required", "inputRequests": {key: ask}})

    found = learnt(asks("a", "at 12:00?"), asks("b", "at 13:00?"))
    assert [each.text for each in found.ignore] == ["tools/call ask $.result.inputRequests[*].params.message"]
    assert found.left == ()


def test_what_was_known_before_is_kept() -> None:
    found = learnt(weather("monday"), weather("friday"), ignore=("tools/call get_time $.result",), match="request")
    assert found.options.ignore[0] == "tools/call get_time $.result"
    assert len(found.ignore) == 2
    assert found.options.match == "request"


def test_the_same_session_on_another_day_teaches_nothing() -> None:
    for path in sorted(FOLDER.rglob("*.jsonl")):
        data = path.read_bytes()
        found = learnt(data, another_day(data, "x"), another_day(data, "y"))
        assert (found.options, found.left) == (Options(), ()), path


def test_two_real_servers_differ_in_what_a_session_has() -> None:
    folder = FOLDER / "2025-11-25"
    found = learnt(*((folder / f"everything-{each}-ts1.jsonl").read_bytes() for each in ("http", "stdio")))
    assert [each.text for each in found.ignore] == ["tools/call toggle-subscriber-updates $.result.content[*].text"]
    assert [each.text for each in found.free] == ["notifications/tools/list_changed"]


def test_the_file_is_toml_with_what_was_seen_and_can_be_read_again() -> None:
    odd = Tape().opens().client(id=1, method="tools/call", params={"name": 'a "b" \\ \x7f'})
    one = (
        odd.server(id=1, result={"when": "line\nbreak"}).client(id=2, method="x").server(id=2, result={"isError": True})
    )
    two = Tape().opens().client(id=1, method="tools/call", params={"name": 'a "b" \\ \x7f'})
    two.server(id=1, result={"when": "later"}).client(id=2, method="x").server(id=2, result={"isError": False})
    found = learnt(one, two, match="strict", lenient=True, bind=("$.a",), no_bind=("$.b",), free=("a/*",))
    text = "\n".join(toml(found, ["a.jsonl", "b.jsonl"]))
    assert tomllib.loads(text)
    assert read_options(text, "a") == found.options
    assert '    # 1 time: "line\\nbreak" and "later"' in text
    assert "# What differs all the same:\n#   answer to x: $.result.isError" in text
    assert toml(Learnt(Options()), []) is not None
    assert read_options("\n".join(toml(Learnt(Options()), [])), "a") == Options()


def test_what_is_free_or_was_there_once_only_is_told_as_such() -> None:
    one, two = weather("monday", updates=1), weather("monday", "tuesday", updates=3)
    text = list(toml(learnt(one, two), []))
    assert text[text.index('    "notifications/resources/updated",') - 1] == "    # 2 times"
    assert any(line.startswith("    # 1 time: (absent) and ") for line in text)


def test_what_differs_all_the_same_is_bounded() -> None:
    def many(*methods: str) -> Tape:
        tape = Tape().opens()
        for number, method in enumerate(methods):
            tape.client(id=number, method=method)
        return tape

    text = list(toml(learnt(many(), many(*(f"x/{n}" for n in range(50)))), []))
    assert text[-1] == "#   … and 30 more"
    assert "#   x/0 (only in another)" in text
