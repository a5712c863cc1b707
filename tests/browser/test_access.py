"""The page for everybody: contrast in both schemes, a name for every control, a focus that is seen, keys for all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.chromium import Window, interpose, run, window
from tests.browser.test_holds import SCHEMA, elicit, policy, press, sample

GOLDEN = Path(__file__).parents[2] / "recordings" / "2025-11-25"
TASKS = GOLDEN / "everything-stdio-ts1.jsonl"
ENOUGH, ENOUGH_FOR_LINES = 4.5, 3.0
FAINT = """() => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, below) => Object.fromEntries(
    [..."rgb"].map((each) => [each, top[each] * top.a + below[each] * (1 - top.a)]).concat([["a", 1]]));
  const light = ({ r, g, b }) => {
    const straight = (part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map((part) => straight(part / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (one, other) => {
    const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (node) => {
    const layers = [];
    for (let each = node; each; each = each.parentElement) layers.push(parse(getComputedStyle(each).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
  };
  const opacity = (node) => {
    let found = 1;
    for (let each = node; each; each = each.parentElement) found *= Number(getComputedStyle(each).opacity);
    return found;
  };
  window.contrast = (node, text) => {
    const below = ground(node), top = parse(text);
    return ratio(over({ ...top, a: top.a * opacity(node) }, below), below);
  };
  window.ground = ground;
  const ways = { checkOpacity: true, checkVisibilityCSS: true };
  const shown = (node) => node.checkVisibility(ways) && node.getClientRects().length;
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((each) => each.nodeType === Node.TEXT_NODE && each.data.trim());
    if (!shown(node) || node.closest("[disabled], option, noscript")) continue;
    const look = (part) => found.push([contrast(node, getComputedStyle(node, part).color), node]);
    if (own) look(null);
    if (node.placeholder && !node.value) look("::placeholder");
  }
  window.read = found.length;
  const told = ([each, node]) => `${each.toFixed(2)} ${node.className} ${node.textContent.slice(0, 40)}`;
  return found.filter(([each]) => each < LEAST).map(told);
}""".replace("LEAST", str(ENOUGH))
FOCUS = """() => {
  const node = document.activeElement;
  if (node === document.body) return null;
  const style = getComputedStyle(node), box = node.getBoundingClientRect();
  const name = node.getAttribute("aria-label") || node.textContent.slice(0, 30) || node.id || node.className;
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 0;
  return { name, seen, contrast: contrast(node.parentElement, style.outlineColor) };
}"""


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"color_scheme": request.param, "viewport": {"width": 1280, "height": 900}}


@contextmanager
def held(chromium: Browser, folder: Path, **options: Any) -> Iterator[Window]:
    """A session in which much waits."""
    with run(folder, *policy(folder)) as running, window(chromium, running.address, **options) as view:
        running.call("plan", city="Oslo")
        running.hears()
        running.asks(elicit(mode="form", message="Where to?", requestedSchema=SCHEMA))
        running.asks(sample("why?", systemPrompt="be brief"))
        running.call("drop_table", table="customers")
        expect(view.page.locator(".hold:not(.over)")).to_have_count(3)
        yield view


@contextmanager
def recorded(chromium: Browser, folder: Path, **options: Any) -> Iterator[Window]:
    """A recording with tasks, in a folder."""
    shown = (str(TASKS), str(GOLDEN))
    with interpose(folder, "ui", *shown) as running, window(chromium, running.address, **options) as view:
        view.shows("initialize")
        expect(view.page.locator(".about")).not_to_contain_text("reading")
        yield view


def while_held(view: Window, check: Callable[[], None]) -> None:
    """Look at the page in the states that deciding has."""
    page = view.page
    check()
    page.locator(".hold", has_text="elicitation/create").locator(".plainly").first.click()
    press(view, "answer")
    page.locator(".form").wait_for()
    check()
    page.locator(".hold", has_text="sampling/createMessage").locator(".plainly").first.click()
    press(view, "edit")
    page.locator(".form textarea").fill("no JSON")
    check()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    press(view, "decline")
    page.locator(".hold.over").wait_for()
    check()


def while_recorded(view: Window, check: Callable[[], None]) -> None:
    """Look at every view of a recording, at every tab of a message, and at the keys."""
    page = view.page
    page.locator(".row.request", has_text="tools/call").first.click()
    for tab in page.locator(".tabs button").all():
        tab.click()
        expect(page.locator(".panel")).not_to_have_text("Reading …")
        check()
    page.locator(".detail .close").click()
    page.locator("#search").fill("status:error")
    expect(page.locator('.row[aria-setsize="1"], .row.failed').first).to_be_visible()
    check()
    page.get_by_role("button", name="Tasks").click()
    page.locator(".life").first.wait_for()
    check()
    page.get_by_role("button", name="Recordings", exact=True).click()
    page.locator("tbody tr").first.wait_for()
    for box in page.locator('tbody input[type="checkbox"]').all()[:2]:
        box.check()
    page.get_by_role("button", name="Compare two").click()
    page.locator(".told .change, .told b").first.wait_for(timeout=30_000)
    page.get_by_role("button", name="keys").click()
    page.locator(".help-box").wait_for()
    check()


def test_all_text_can_be_read(chromium: Browser, tmp_path: Path, scheme: dict[str, Any]) -> None:
    for state, steps in ((held, while_held), (recorded, while_recorded)):
        with state(chromium, tmp_path, **scheme) as view:

            def check(view: Window = view) -> None:
                assert view.page.evaluate(FAINT) == []
                assert view.page.evaluate("window.read") > 20

            steps(view, check)


def test_every_control_has_a_name(chromium: Browser, tmp_path: Path) -> None:
    """As Chromium tells it to a screen reader."""
    for state, steps in ((held, while_held), (recorded, while_recorded)):
        with state(chromium, tmp_path) as view:
            driver = view.page.context.new_cdp_session(view.page)

            def check(driver: Any = driver) -> None:
                nodes = [node for node in driver.send("Accessibility.getFullAXTree")["nodes"] if can_be_used(node)]
                assert len(nodes) > 5
                assert [node["role"]["value"] for node in nodes if not node["name"]["value"].strip()] == []

            steps(view, check)


def can_be_used(node: dict[str, Any]) -> bool:
    """Whether it takes the focus, but for the page itself."""
    facts = {each["name"]: each["value"].get("value") for each in node.get("properties", ())}
    return bool(facts.get("focusable")) and not node["ignored"] and node["role"]["value"] != "RootWebArea"


@pytest.mark.parametrize("state", [held, recorded])
def test_the_focus_is_seen_wherever_it_goes(
    chromium: Browser, tmp_path: Path, scheme: dict[str, Any], state: Callable[..., Any]
) -> None:
    with state(chromium, tmp_path, **scheme) as view:
        view.page.evaluate(FAINT)
        names = []
        for _ in range(60):
            view.page.keyboard.press("Tab")
            found = view.page.evaluate(FOCUS)
            if found is None:
                break
            assert found["seen"], found
            assert found["contrast"] >= ENOUGH_FOR_LINES, found
            names.append(found["name"])
        assert {"session", "Timeline", "search", "All", "export", "conversation"} <= set(names)


def test_everything_is_reached_by_keys(chromium: Browser, tmp_path: Path) -> None:
    with recorded(chromium, tmp_path) as view:
        page, press_key = view.page, view.page.keyboard.press
        chosen = page.locator(".row.chosen")
        press_key("j")
        expect(chosen).to_contain_text("initialize")
        press_key("j")
        expect(chosen).to_have_attribute("aria-posinset", "2")
        press_key("k")
        expect(chosen).to_have_attribute("aria-posinset", "1")
        press_key("Enter")
        expect(page.locator("#tab-message")).to_be_focused()
        press_key("Escape")
        expect(page.locator(".detail")).to_have_count(0)
        press_key("G")
        last = page.locator(".row").first.get_attribute("aria-setsize")
        expect(chosen).to_have_attribute("aria-posinset", str(last))
        press_key("g")
        expect(chosen).to_have_attribute("aria-posinset", "1")
        press_key("?")
        expect(page.get_by_role("dialog", name="keys")).to_be_focused()
        press_key("Escape")
        expect(page.get_by_role("dialog", name="keys")).to_have_count(0)
        press_key("T")
        page.locator(".life").first.wait_for()
        press_key("R")
        page.locator("tbody tr").first.wait_for()
        press_key("t")
        press_key("/")
        expect(page.locator("#search")).to_be_focused()
        page.keyboard.type("initialized")
        expect(page.locator(".row")).to_have_count(1)
        press_key("Escape")
        press_key("Escape")
        press_key("Escape")
        expect(page.locator("#search")).to_have_value("")
