"""What a rule holds, decided from the page by a person: through the real proxy, in a real browser."""

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect
from tests.browser.chromium import Running, Window, rss, run, window

CALL = '[[rule]]\nname = "ask-first"\ntool = "drop_*"\nkind = "request"\ndo = "hold"\ntimeout = {}\n'
USER = '[[rule]]\nname = "the-user"\nask = "elicitation"\ndo = "hold"\ntimeout = {}\non_timeout = "decline"\n'
MODEL = '[[rule]]\nname = "the-model"\nask = "sampling"\ndo = "hold"\ntimeout = {}\non_timeout = "reject"\n'
NEVER = '[[rule]]\nname = "never"\ntool = "drop_all"\ndo = "block"\n'
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "title": "City"}, "days": {"type": "integer"}},
    "required": ["city"],
}


def elicit(**params: Any) -> dict[str, Any]:
    return {"id": "e-1", "method": "elicitation/create", "params": params}


def sample(text: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": {"type": "text", "text": text}}]
    return {"id": "s-1", "method": "sampling/createMessage", "params": {"messages": messages, "maxTokens": 90, **more}}


def policy(folder: Path, rules: str = "", timeout: float = 60) -> list[str]:
    path = folder / "policy.toml"
    path.write_text("".join(rule.format(timeout) for rule in (CALL, USER, MODEL)) + rules)
    return ["--policy", str(path), "--record", str(folder / "session.jsonl")]


def decisions(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "session.jsonl").read_text().splitlines()
    return [entry for entry in map(json.loads, lines) if entry.get("kind") == "decision"]


def press(view: Window, way: str) -> None:
    """As a person does: once it can be pressed."""
    view.page.locator(f'.hold.open [data-way="{way}"]:not([disabled])').click()


def test_a_call_is_shown_whole_and_goes_on_when_it_is_allowed(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path, *policy(tmp_path)) as running, window(chromium, running.address) as view:
        ident = running.call("drop_table", table="customers", why="spring\ncleaning")
        card = view.hold("drop_table")
        expect(card.locator(".consent")).to_contain_text("to the server")
        expect(card.locator(".arguments")).to_contain_text("customers")
        expect(card.locator(".arguments")).to_contain_text("cleaning")
        expect(card).to_contain_text("rule ask-first")
        assert "(1) interpose" in view.page.title()
        press(view, "approve")
        answer = running.hears()
        assert (answer["id"], answer["result"]["content"][0]["text"]) == (ident, "drop_table")
        expect(view.page.locator(".hold.over")).to_contain_text("allowed")
    assert [(each["decision"], each["approver"]) for each in decisions(tmp_path)] == [("approve", "the page")]


def test_what_is_declined_never_reaches_the_server(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path, *policy(tmp_path)) as running, window(chromium, running.address) as view:
        running.call("drop_table", reply="it was dropped")
        view.hold("drop_table")
        press(view, "decline")
        assert running.hears()["result"]["isError"] is True
        view.page.locator(".row.request", has_text="drop_table").first.click()
        view.page.locator("#tab-call").click()
        steps = view.page.locator(".sequence .step")
        expect(steps.filter(has_text="held for approval by ask-first")).to_have_count(1)
        expect(steps.filter(has_text="declined by the page")).to_have_count(1)
    assert [each["decision"] for each in decisions(tmp_path)] == ["decline"]
    assert "it was dropped" not in [line for line in (tmp_path / "session.jsonl").read_text() if "result" in line]


def test_what_is_edited_goes_on_as_it_was_written(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path, *policy(tmp_path)) as running, window(chromium, running.address) as view:
        running.call("drop_table", reply="as it came", digits=12345678901234567890)
        view.hold("drop_table")
        press(view, "edit")
        box = view.page.locator(".form textarea")
        assert "12345678901234567890" in box.input_value()
        box.fill(box.input_value().replace("as it came", "as a person wrote it"))
        press(view, "send-edit")
        assert running.hears()["result"]["content"][0]["text"] == "as a person wrote it"
        view.page.locator(".row", has_text="drop_table").first.click()
    assert [each["decision"] for each in decisions(tmp_path)] == ["edit"]


def test_an_edit_that_the_policy_refuses_is_told_and_the_call_still_waits(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path, *policy(tmp_path, NEVER)) as running, window(chromium, running.address) as view:
        running.call("drop_table")
        card = view.hold("drop_table")
        press(view, "edit")
        box = view.page.locator(".form textarea")
        box.fill("{ this is no JSON")
        expect(view.page.locator('[data-way="send-edit"]')).to_be_disabled()
        box.fill('{"jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": {"name": "drop_table"}}')
        press(view, "send-edit")
        expect(card.locator('[role="alert"]')).to_contain_text("id")
        assert ["422" in each for each in view.complaints] == [True]
        view.complaints.clear()
        view.page.keyboard.press("Escape")
        press(view, "decline")
        assert running.hears()["result"]["isError"] is True


def test_nobody_decides_and_time_does(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path, *policy(tmp_path, timeout=1.5)) as running, window(chromium, running.address) as view:
        running.call("drop_table")
        view.hold("drop_table")
        expect(view.page.locator(".hold.over")).to_contain_text("in time")
        assert running.hears()["result"]["isError"] is True
    assert [each["decision"] for each in decisions(tmp_path)] == ["expire"]


def test_a_person_fills_in_a_form_in_the_users_place(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path, *policy(tmp_path)) as running, window(chromium, running.address) as view:
        running.asks(elicit(mode="form", message="Where to?", requestedSchema=SCHEMA))
        card = view.hold("elicitation/create")
        expect(card.locator(".consent")).to_contain_text("Where to?")
        expect(card.locator(".fields")).to_contain_text("City")
        press(view, "answer")
        expect(view.page.locator('[data-way="send-answer"]')).to_be_disabled()
        view.page.locator('.form input[name="city"]').fill("Oslo")
        view.page.locator('.form input[name="days"]').fill("3")
        press(view, "send-answer")
        expect(view.page.locator(".hold.over")).to_contain_text("answered")
    [decided] = decisions(tmp_path)
    assert (decided["decision"], decided["approver"]) == ("answer", "the page")
    answered = (tmp_path / "session.jsonl").read_text()
    assert '"city":"Oslo"' in answered
    assert '"days":3' in answered


def test_a_long_form_comes_into_sight_with_its_choices_and_what_stands_in_it(chromium: Browser, tmp_path: Path) -> None:
    properties: dict[str, Any] = {f"word{number}": {"type": "string"} for number in range(20)}
    friends = [{"const": "r", "title": "Rachel"}, {"const": "j", "title": "Joey"}]
    properties |= {
        "friend": {"type": "string", "oneOf": friends},
        "tools": {"type": "array", "items": {"type": "string", "enum": ["saw", "axe", "nail"]}, "default": ["axe"]},
        "count": {"type": "integer", "default": 42},
    }
    schema = {"type": "object", "properties": properties, "required": ["friend"]}
    with run(tmp_path, *policy(tmp_path)) as running, window(chromium, running.address) as view:
        running.asks(elicit(mode="form", message="Who?", requestedSchema=schema))
        card = view.hold("elicitation/create")
        expect(card.locator(".fields")).to_contain_text("Rachel, Joey")
        press(view, "answer")
        expect(view.page.locator('.form input[name="word0"]')).to_be_in_viewport()
        expect(view.page.locator('.form input[name="word0"]')).to_be_focused()
        expect(view.page.locator('.form input[name="count"]')).to_have_value("42")
        view.page.locator('.form select[name="friend"]').select_option(label="Joey")
        view.page.locator('.form select[name="tools"]').select_option(["saw", "nail"])
        press(view, "send-answer")
        expect(view.page.locator(".hold.over")).to_contain_text("answered")
    assert '"content":{"friend":"j","tools":["saw","nail"],"count":42}' in (tmp_path / "session.jsonl").read_text()


def test_an_address_is_shown_for_what_it_is_and_never_opened(chromium: Browser, tmp_path: Path) -> None:
    url = "http://accounts.example.com@xn--exmple-cua.test:8443/" + "a" * 3000 + "?next=https://good.example"
    with run(tmp_path, *policy(tmp_path)) as running, window(chromium, running.address) as view:
        asked: list[str] = []
        view.page.context.on("request", lambda request: asked.append(request.url))
        running.asks(elicit(mode="url", message="Sign in", url=url, elicitationId="1"))
        card = view.hold("elicitation/create")
        expect(card.locator("mark.host")).to_have_text("xn--exmple-cua.test")
        expect(card.locator(".address")).to_contain_text("not https")
        expect(card.locator(".address")).to_contain_text("before the @")
        assert card.locator("a").count() == 0
        press(view, "cancel")
        expect(view.page.locator(".hold.over")).to_contain_text("cancelled")
        assert all(each.startswith(running.origin) for each in asked)
    assert [each["decision"] for each in decisions(tmp_path)] == ["cancel"]


def test_all_that_leaves_for_a_model_is_shown(chromium: Browser, tmp_path: Path) -> None:
    text = "first line\nlast line " + "x" * 2000 + " the end"
    with run(tmp_path, *policy(tmp_path)) as running, window(chromium, running.address) as view:
        running.asks(sample(text, systemPrompt="be brief", includeContext="allServers"))
        card = view.hold("sampling/createMessage")
        for words in ("1 message", "at most 90 tokens", "allServers", "be brief", "last line"):
            expect(card.locator(".consent")).to_contain_text(words)
        card.get_by_text("… all").click()
        expect(card.locator(".consent")).to_contain_text("the end")
        press(view, "approve")
        assert running.hears()["method"] == "sampling/createMessage"


def test_two_browsers_see_the_same_and_one_decision_counts(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path, *policy(tmp_path)) as running, window(chromium, running.address) as one:
        first = running.address
        with window(chromium, first) as other:
            running.call("drop_table")
            one.hold("drop_table")
            other.hold("drop_table")
            press(other, "approve")
            assert "result" in running.hears()
            expect(one.page.locator(".hold.over")).to_contain_text("decided elsewhere")
    assert len(decisions(tmp_path)) == 1


def test_a_reload_in_the_middle_loses_nothing(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path, *policy(tmp_path)) as running, window(chromium, running.address) as view:
        running.call("drop_table")
        view.hold("drop_table")
        view.page.reload()
        view.hold("drop_table")
        view.shows("initialize")
        press(view, "approve")
        assert "result" in running.hears()


def test_a_cancelled_call_ceases_to_wait(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path, *policy(tmp_path)) as running, window(chromium, running.address) as view:
        ident = running.call("drop_table")
        view.hold("drop_table")
        expect(view.page.locator('.hold.open [data-way="approve"]')).to_be_enabled()  # all of it has come
        running.send(method="notifications/cancelled", params={"requestId": ident})
        expect(view.page.locator(".hold.over")).to_contain_text("waits no more")
    assert [each["decision"] for each in decisions(tmp_path)] == ["abandon"]


def test_keys_decide_about_what_is_open_and_ready(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path, *policy(tmp_path)) as running, window(chromium, running.address) as view:
        running.call("drop_one")
        running.call("drop_two")
        view.hold("drop_one")
        view.hold("drop_two")
        view.page.keyboard.press("]")
        expect(view.page.locator(".hold.open")).to_contain_text("drop_two")
        expect(view.page.locator('.hold.open [data-way="approve"]')).to_be_enabled()
        view.page.keyboard.press("a")
        assert running.hears()["result"]["content"][0]["text"] == "drop_two"
        expect(view.page.locator(".hold.open")).to_contain_text("drop_one")
        view.page.keyboard.press("d")
        assert running.hears()["result"]["isError"] is True


def test_a_card_that_has_just_come_is_not_approved_by_a_key(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path, *policy(tmp_path)) as running, window(chromium, running.address) as view:
        running.call("drop_table")
        view.page.locator(".hold.open .ways").wait_for()
        view.page.keyboard.press("a")
        assert view.page.locator(".hold:not(.over)").count() == 1
        assert running.process.poll() is None


def test_a_thousand_that_wait_are_worked_through_and_the_rest_ends_as_configured(
    chromium: Browser, tmp_path: Path
) -> None:
    """Some are allowed by clicks, the others expire, one too many ends at once; everybody is answered and told of."""
    many, clicks, far = 1000, 24, 100
    with run(tmp_path, *policy(tmp_path, timeout=55)) as running, window(chromium, running.address) as view:
        view.shows("initialize")
        before = rss(running)
        asked = {running.call(f"drop_{number}", table="x" * 500): f"drop_{number}" for number in range(many)}
        expect(view.page.locator(".waiting .count")).to_have_text(str(many), timeout=20_000)
        surplus = running.call("drop_too_much")
        assert is_refused(running.hears(), surplus)
        assert view.page.locator(".hold").count() <= 30
        allowed = [allow(view, running, number) for number in range(clicks)]
        while view.page.locator(".hold", has_text=f"drop_{far} ").count() == 0:
            view.page.locator(".waiting > .more").click()
        began = time.monotonic()
        view.page.locator(".hold", has_text=f"drop_{far} ").locator(".plainly").first.click()
        allowed.append(allow(view, running, far))
        view.page.locator(".timeline").evaluate("box => box.scrollTop = box.scrollHeight / 2")
        view.page.locator(".row", has_text=re.compile(r"drop_5\d\d\D")).first.wait_for()
        print(f"one far down allowed and the conversation scrolled in {time.monotonic() - began:.1f} s")
        assert time.monotonic() - began < 5
        left = many - len(allowed)
        expect(view.page.locator(".waiting .count")).to_have_text(str(left))
        assert view.page.evaluate("document.querySelectorAll('*').length") < 6000
        expect(view.page.locator(".hold", has_text=f"drop_{far} ")).to_have_count(0)  # its card does not come back
        grown = rss(running, "VmHWM") - before
        print(f"{many} held: {grown} MB more at most")
        assert grown < 64
        rest = [running.hears() for _ in range(left)]
        expect(view.page.locator(".waiting")).to_have_count(0, timeout=20_000)
        view.complaints.clear()  # that what it asked for is gone
    assert sorted([*allowed, *(answer["id"] for answer in rest)]) == sorted(asked)
    assert all(is_refused(answer, answer["id"]) for answer in rest)
    told = Counter((each["decision"], each.get("approver")) for each in decisions(tmp_path))
    assert told == {("approve", "the page"): len(allowed), ("expire", None): left}
    assert len({each["hold"] for each in decisions(tmp_path)}) == many


def allow(view: Window, running: Running, number: int) -> int:
    """Allow the card that is open, which is about this call. The id of its answer."""
    expect(view.page.locator(".hold.open")).to_contain_text(f"drop_{number} ")
    press(view, "approve")
    answer = running.hears()
    assert answer["result"]["content"][0]["text"] == f"drop_{number}"
    return int(answer["id"])


def is_refused(answer: dict[str, Any], ident: int) -> bool:
    """Whether a call was answered with what the rule says for when nobody decides."""
    text = answer["result"]["content"][0]["text"]
    return answer["id"] == ident and answer["result"]["isError"] is True and "Held by policy" in text
