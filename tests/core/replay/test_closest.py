"""Which recorded message somebody probably meant."""

from typing import Any

from interpose.core.replay.closest import MOST_LOOKED_AT, closest


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"method": "tools/call", "params": {"name": name, "arguments": arguments}}


def keys(live: Any, *recorded: Any, most: int = 1) -> list[int]:
    return [near.key for near in closest(live, enumerate(recorded), most)]


def test_the_method_comes_first() -> None:
    assert keys(call("add", a=1), {"method": "tools/list"}, call("other", x=9, y=9, z=9)) == [1]
    assert keys({"method": "tools/lst"}, call("add"), {"method": "tools/list"}) == [1]


def test_then_the_name() -> None:
    assert keys(call("add", a=1, b=2), call("sub", a=1, b=2), call("add", c=5)) == [1]


def test_then_what_is_there_and_what_it_is() -> None:
    live = call("add", a=1, b=2)
    assert keys(live, call("add", a=1), call("add", a=1, b=3), call("add", a=9, b=9)) == [1]
    assert keys(call("say", t="good morning"), call("say", t="bye"), call("say", t="good mornings")) == [1]


def test_of_equals_the_earlier_and_several_when_wanted() -> None:
    live = call("add", a=1)
    assert keys(live, call("add", a=2), call("add", a=3), call("add", a=1), most=3) == [2, 0, 1]
    [near] = closest(live, [(7, call("add", a=2))])
    assert (near.key, near.weight, [each.path for each in near.differences]) == (7, 1.0, ["$.params.arguments.a"])


def test_nothing_is_close_to_nothing() -> None:
    assert closest(call("add"), []) == []


def test_the_work_is_bounded() -> None:
    drawn: list[int] = []

    def candidates() -> Any:
        for number in range(10_000):
            drawn.append(number)
            yield number, call("add", a=number)

    assert closest(call("add", a=9_000), candidates())[0].key == 0
    assert len(drawn) == MOST_LOOKED_AT
