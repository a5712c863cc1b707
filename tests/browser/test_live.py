"""A session seen while it goes on: what is said, who is waited for, tasks; quickly, and by whom it is read anew."""

import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.chromium import ADDRESS, interpose, run, window
from tests.browser.test_holds import CALL, MODEL, USER, elicit, sample

DEMO = [sys.executable, "-m", "interpose.app.demo.client", "--era"]
SERVER = [sys.executable, "-m", "interpose.app.demo.server"]
MANY = 600
TRIES = 3
SOON, FAST = 200, 180  # milliseconds, and messages a second
FORMS = USER.replace("do =", 'mode_is = "form"\ndo =')
WATCH = """() => {
  window.seen = [];
  const known = new Set();
  new MutationObserver(() => {
    for (const each of document.querySelectorAll(".row .text")) {
      const found = /log (\\d+) at ([\\d.]+)/.exec(each.textContent);
      if (!found || known.has(found[1])) continue;
      known.add(found[1]);
      window.seen.push({ number: Number(found[1]), crossed: Number(found[2]) * 1000, shown: Date.now() });
    }
  }).observe(document.querySelector(".timeline"), { childList: true, subtree: true, characterData: true });
}"""


def test_a_call_and_what_it_asks_are_seen_as_they_happen(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path) as running, window(chromium, running.address) as view:
        view.shows("initialize")
        running.asks(elicit(mode="form", message="Which way?", requestedSchema={"type": "object", "properties": {}}))
        assert running.hears()["method"] == "elicitation/create"
        wait = view.page.locator(".wait", has_text="elicitation/create form")
        expect(wait.locator(".who")).to_have_text("USER")
        expect(wait).to_contain_text("blocks #2")
        tops = [view.page.locator(each).bounding_box() for each in (".waiting", ".search", ".timeline")]
        assert tops == sorted(tops, key=lambda box: box["y"] if box else 0.0)
        expect(view.page.locator(".row.inside", has_text="Which way?")).to_be_visible()
        expect(wait).to_have_class("wait warn", timeout=10_000)
        running.send(id="e-1", result={"action": "decline"})
        expect(wait).to_have_count(0)
        expect(view.page.locator(".row", has_text="elicitation/create")).to_contain_text("declined")
        running.asks(sample("why?"))
        expect(view.page.locator(".wait", has_text="sampling/createMessage").locator(".who")).to_have_text("MODEL")


def test_a_call_is_told_with_all_that_happened_inside_it(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path) as running, window(chromium, running.address) as view:
        ident = running.call("say", messages=[sample("why?")], reply="because")
        running.hears()
        running.hears()
        running.send(id="s-1", result={"role": "assistant", "content": {"type": "text", "text": "42"}, "model": "m"})
        assert ident == 2
        view.page.locator(".row", has_text="tools/call say").click()
        view.page.locator("#tab-call").click()
        steps = view.page.locator(".sequence .step")
        expect(steps.filter(has_text="sampling/createMessage").first).to_have_class("step request server nested")
        expect(steps.first).to_contain_text("#2")
        view.page.locator("#tab-answer").click()
        view.page.locator(".panel .fold", has_text="0").click()
        expect(view.page.locator(".panel")).to_contain_text("because")


def test_two_browsers_and_a_reload_see_the_whole_session(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path) as running, window(chromium, running.address) as one:
        address = running.address
        with window(chromium, address) as other:
            running.call("first")
            one.shows("tools/call first")
            other.shows("tools/call first")
            one.page.reload()
            running.call("second")
            for view in (one, other):
                view.shows("tools/call first")
                view.shows("tools/call second")


def test_the_feed_goes_on_where_it_broke_off(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path) as running, window(chromium, running.address) as view:
        running.call("before")
        view.shows("tools/call before")
        view.page.context.set_offline(True)
        running.call("between")
        view.page.context.set_offline(False)
        running.call("after")
        view.shows("tools/call after")
        view.shows("tools/call between")
        numbers = view.page.locator(".row.request .number").all_inner_texts()
        assert numbers == ["#1", "#2", "#3", "#4"]
        view.complaints.clear()


def test_who_scrolls_back_stays_there_though_more_comes(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path) as running, window(chromium, running.address) as view:
        box = view.page.locator(".timeline")
        running.call("say", logs=500, apart=1 / 100)
        later = re.compile(r"log ([6-9]\d|\d{3}) at")  # a page that lags may never show this one or that
        view.page.locator(".row").filter(has_text=later).first.wait_for(timeout=15_000)
        box.hover()
        for _ in range(5):
            view.page.mouse.wheel(0, -200)
        view.page.wait_for_timeout(300)
        left = box.evaluate("box => box.scrollTop")
        view.page.wait_for_timeout(1000)
        assert box.evaluate("box => box.scrollTop") == left
        for _ in range(100):  # while more comes, the end moves on under the wheel
            view.page.mouse.wheel(0, 1_000_000)
            view.page.wait_for_timeout(100)
            if view.page.locator(".row", has_text="log 499 at").count():
                break
        view.shows("log 499 at")


@pytest.mark.parametrize("recorded", [True, False])
def test_a_message_is_shown_soon_after_it_crossed(chromium: Browser, tmp_path: Path, recorded: bool) -> None:
    """At 200 messages a second, of which the machine's other work may keep some tries."""
    kept = ("--record", "session.jsonl") if recorded else ()
    found = []
    for at in range(TRIES):
        folder = tmp_path / str(at)
        folder.mkdir()
        found.append(_late(chromium, folder, *kept))
        print(f"crossed to shown: median {found[-1].delay:.0f} ms at {found[-1].rate:.0f} messages a second")
        if found[-1].delay < SOON and found[-1].rate > FAST:
            return
    pytest.fail(f"shown too late in each of {TRIES} tries: {found}")


class Late(NamedTuple):
    """Milliseconds from a message's crossing to its row, the median of all; how many messages a second there were."""

    delay: float
    rate: float


def _late(chromium: Browser, folder: Path, *options: str) -> Late:
    with run(folder, *options) as running, window(chromium, running.address) as view:
        view.shows("initialize")
        view.page.evaluate(WATCH)
        running.call("say", logs=MANY, apart=1 / 200)
        for _ in range(MANY + 1):
            running.hears()
        view.shows(f"log {MANY - 1} at")
        seen = view.page.evaluate("window.seen")
    assert len(seen) > MANY * 0.6  # what scrolls by between two pictures is never drawn
    first, last = seen[0], seen[-1]
    rate = (last["number"] - first["number"]) / (last["crossed"] - first["crossed"]) * 1000
    return Late(statistics.median(each["shown"] - each["crossed"] for each in seen), rate)


@pytest.mark.parametrize("era", ["stateful", "stateless"])
def test_the_demo_goes_all_its_way_while_a_person_allows_what_is_held(
    chromium: Browser, tmp_path: Path, era: str
) -> None:
    """Sampling, forms, addresses and tasks of both eras, each approved on the page."""
    record = tmp_path / "demo.jsonl"
    policy = tmp_path / "policy.toml"
    policy.write_text("".join(rule.format(60) for rule in (CALL, FORMS, MODEL)))
    shim = [sys.executable, "-m", "interpose", "run", "--ui", "--policy", str(policy), "--record", str(record), "--"]
    log = tmp_path / "demo.log"
    with log.open("wb") as sink:
        demo = subprocess.Popen([*DEMO, era, "--", *shim, *SERVER], stdin=subprocess.DEVNULL, stderr=sink)
    try:
        address = _address(log, demo)
        allowed = 0
        with window(chromium, address) as view:
            while demo.poll() is None:
                ready = view.page.locator(".hold.open", has=view.page.locator('[data-way="approve"]:not([disabled])'))
                if ready.count():
                    hold = ready.get_attribute("data-hold")
                    ready.locator('[data-way="approve"]').click()
                    allowed += 1
                    view.page.locator(f'.hold.over[data-hold="{hold}"]').wait_for()
                view.page.wait_for_timeout(50)
            view.complaints.clear()  # the run has ended, and its page with it
        assert demo.returncode == 0, log.read_text()
        assert allowed >= 3
    finally:
        demo.kill()
        demo.wait()
    with interpose(tmp_path, "ui", str(record)) as running, window(chromium, running.address) as view:
        view.shows("tools/call plan_deploy")
        view.page.get_by_role("button", name="Tasks").click()
        expect(view.page.locator(".life").first).to_contain_text("completed")
        view.page.get_by_role("button", name="Timeline").click()
        view.page.get_by_role("button", name="Held").click()
        expect(view.page.locator(".row .badge.held").first).to_be_visible()


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    for _ in range(1000):
        if found := ADDRESS.findall(log.read_text()):
            return str(found[-1])
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
        break
    pytest.fail(log.read_text())
