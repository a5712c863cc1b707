"""Recordings looked into without a run: large ones, several, compared, rehearsed, exported."""

import json
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.chromium import Window, interpose, rss, window
from tests.core.formats.tape import Tape, modern

GOLDEN = Path(__file__).parents[2] / "recordings"
POLICIES = Path(__file__).parents[2] / "policies"
MANY = 100_000
SCROLL = """async () => {
  const box = document.querySelector(".timeline"), frames = [];
  let most = 0, blank = 0;
  for (let step = 0; step < 150; step++) {
    const began = performance.now();
    box.scrollTop = (box.scrollHeight / 150) * step + (step % 7) * 40;
    await new Promise(requestAnimationFrame);
    frames.push(performance.now() - began);
    most = Math.max(most, document.querySelectorAll("*").length);
  }
  frames.sort((one, other) => one - other);
  return { median: frames[75], late: frames[142], most };
}"""


COVERED = """() => {
  const parts = ["time", ".number", ".lane", ".label", ".outcome", ".marks", ".text"], found = [];
  for (const row of document.querySelectorAll(".row")) {
    const box = (part) => row.querySelector(part)?.getBoundingClientRect();
    const boxes = parts.map((part) => [part, box(part)]).filter(([, found]) => found?.width);
    for (const [one, a] of boxes)
      for (const [other, b] of boxes)
        if (one < other && a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
          found.push(`${one} lies on ${other}`);
  }
  return found;
}"""


OUTSIDE = """() => [...document.querySelectorAll("button, input, select")]
  .filter((each) => each.checkVisibility() && !each.closest(".chips"))
  .filter((each) => each.getBoundingClientRect().right > innerWidth)
  .map((each) => each.textContent || each.ariaLabel)"""


def large(path: Path) -> Path:
    """So many entries, requests and answers in turn."""
    tape = Tape().opens()
    for number in range(1, MANY // 2):
        name = f"tool-{number % 40}"
        tape.client(id=number, method="tools/call", params={"name": name, "arguments": {"n": number}})
        tape.server(id=number, result={"content": [{"type": "text", "text": f"answer {number}"}]})
    return tape.ends().write(path)


def test_a_hundred_thousand_entries_scroll(chromium: Browser, tmp_path: Path) -> None:
    path = large(tmp_path / "large.jsonl")
    with interpose(tmp_path, "ui", str(path)) as running, window(chromium, running.address) as view:
        began = time.monotonic()
        view.shows("tools/call tool-1")
        first = time.monotonic() - began
        last = view.page.locator(f'.row[aria-setsize="{MANY // 2 + 1}"]').first
        last.wait_for(timeout=90_000)
        whole = time.monotonic() - began
        found = view.page.evaluate(SCROLL)
        print(f"first rows after {first:.1f} s, all after {whole:.1f} s; frames {found}; {rss(running)} MB")
        assert found["most"] < 1500
        assert found["median"] < 1000 / 30
        view.page.keyboard.press("G")
        view.shows(f"answer {MANY // 2 - 1}")
        view.page.keyboard.press("/")
        view.page.keyboard.type("tool:tool-7 49967")
        view.shows("n=49967")
        expect(view.page.locator(".row")).to_have_count(1, timeout=30_000)
        assert rss(running) < 200


def many(view: Window) -> int:
    """How many rows there are, shown or not."""
    return int(view.page.locator(".row").first.get_attribute("aria-setsize") or 0)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A folder with recordings and a policy."""
    for name in ("py-http-py", "everything-stdio-ts1"):
        (tmp_path / f"{name}.jsonl").write_bytes((GOLDEN / "2025-11-25" / f"{name}.jsonl").read_bytes())
    (tmp_path / "old.jsonl").write_bytes((GOLDEN / "2025-06-18" / "py-http-py.jsonl").read_bytes())
    (tmp_path / "block.toml").write_bytes((POLICIES / "block-sampling.toml").read_bytes())
    return tmp_path


def test_recordings_are_listed_opened_compared_and_rehearsed(chromium: Browser, library: Path) -> None:
    with interpose(library, "ui", str(library)) as running, window(chromium, running.address) as view:
        page = view.page
        page.get_by_role("button", name="See the recordings").click()
        expect(page.locator("tbody tr")).to_have_count(3)
        page.get_by_label("pick py-http-py.jsonl").check()
        page.get_by_label("pick old.jsonl").check()
        page.get_by_role("button", name="Compare two").click()
        expect(page.locator(".told")).to_contain_text("$.params.protocolVersion", timeout=30_000)
        page.get_by_label("pick old.jsonl").uncheck()
        page.get_by_label("policy").select_option(label="block.toml")
        page.get_by_role("button", name="Rehearse").click()
        expect(page.locator(".told")).to_contain_text("blocked", timeout=30_000)
        expect(page.locator(".told")).to_contain_text("no-sampling")
        page.get_by_label("find a recording").fill("everything")
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_role("button", name="everything-stdio-ts1.jsonl", exact=True).click()
        view.shows("initialize")
        expect(page.locator(".about")).to_contain_text("mcp-servers/everything")


def test_a_recording_is_played_as_a_server_until_it_is_stopped(chromium: Browser, library: Path) -> None:
    name = "py-http-py.jsonl"
    grants = {"permissions": ["clipboard-read", "clipboard-write"]}
    with interpose(library, "ui", str(library)) as running, window(chromium, running.address, **grants) as view:
        page = view.page
        page.get_by_role("button", name="See the recordings").click()
        row = page.locator("tbody tr", has_text=name)
        row.get_by_role("button", name="copy command").click()
        assert page.evaluate("navigator.clipboard.readText()") == f"interpose replay server {library / name}"
        row.get_by_role("button", name=f"play {name}").click()
        url = row.locator("code").inner_text(timeout=30_000)
        assert "serverInfo" in asked(url, library / name)
        row.get_by_role("button", name=f"stop {name}").click()
        row.get_by_role("button", name=f"play {name}").wait_for()
        with pytest.raises(URLError):
            asked(url, library / name)
        row.get_by_role("button", name=f"play {name}").click()
        url = row.locator("code").inner_text(timeout=30_000)
        page.reload()
        page.get_by_role("button", name="See the recordings").click()
        expect(row.locator("code")).to_have_text(url)
    with pytest.raises(URLError):
        asked(url, library / name)


def asked(url: str, recording: Path) -> str:
    """What a server says to the first message of a recording."""
    entries = map(json.loads, recording.read_text().splitlines()[1:])
    message = next(entry["message"] for entry in entries if entry.get("kind") == "message")
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    with urlopen(Request(url, json.dumps(message).encode(), headers), timeout=10) as response:
        return str(response.read().decode())


@pytest.mark.parametrize(
    ("word", "ending"),
    [
        ("one page", ".html"),
        ("sequence", ".mmd"),
        ("HAR", ".har"),
        ("spans", ".otlp.json"),
        ("recording itself", ".jsonl"),
    ],
)
def test_a_session_is_exported(chromium: Browser, library: Path, word: str, ending: str) -> None:
    with (
        interpose(library, "ui", str(library / "py-http-py.jsonl")) as running,
        window(chromium, running.address) as view,
    ):
        view.shows("initialize")
        choice = view.page.locator("select.export option", has_text=word).get_attribute("value")
        with view.page.expect_download(timeout=30_000) as download:
            view.page.locator("select.export").select_option(choice)
        assert download.value.suggested_filename == f"py-http-py{ending}"
        assert Path(download.value.path()).stat().st_size > 1000


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("method:tools/call status:error", "tool"),
        ("kind:notification progress", "progress"),
        ("dir:server sampling", "sampling/createMessage"),
        ("-kind:request initialized", "initialized"),
    ],
)
def test_a_search_finds(chromium: Browser, library: Path, text: str, wanted: str) -> None:
    with (
        interpose(library, "ui", str(library / "py-http-py.jsonl")) as running,
        window(chromium, running.address) as view,
    ):
        view.shows("initialize")
        expect(view.page.locator(".about")).to_contain_text("client ended the session")
        before = many(view)
        view.page.locator("#search").fill(text)
        expect(view.page.locator(f'.row[aria-setsize="{before}"]')).to_have_count(0)
        expect(view.page.locator(".row").first).to_contain_text(wanted)
        assert 0 < many(view) < before
        view.page.locator("#search").fill("nothing is like this")
        view.page.get_by_role("button", name="Show everything").click()
        view.page.locator(f'.row[aria-setsize="{before}"]').first.wait_for()


def test_a_recording_that_another_process_writes_goes_on(chromium: Browser, tmp_path: Path) -> None:
    tape = Tape().opens()
    path = tape.write(tmp_path / "growing.jsonl")
    with interpose(tmp_path, "ui", str(path)) as running, window(chromium, running.address) as view:
        view.shows("initialized")
        tape.client(id=7, method="tools/call", params={"name": "later"})
        tape.write(path)
        view.shows("tools/call later")
        expect(view.page.locator(".wait .who")).to_have_text("SERVER")
        tape.server(id=7, result={"content": []}).ends().write(path)
        expect(view.page.locator(".about")).to_contain_text("client closed")


def test_a_damaged_recording_says_where(chromium: Browser, tmp_path: Path) -> None:
    lines = Tape().opens().client(id=7, method="ping").ends().lines
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(b"".join((*lines[:3], b"no entry\n", *lines[3:])))
    with interpose(tmp_path, "ui", str(path)) as running, window(chromium, running.address) as view:
        expect(view.page.locator(".about .bad")).to_contain_text("line 4")
        view.shows("initialize")


def test_changes_are_told_with_their_rule(chromium: Browser, tmp_path: Path) -> None:
    lines = Tape().opens().client(id=7, method="tools/call", params={"name": "t", "arguments": {"a": 1}}).lines
    entry = json.loads(lines[-1])
    entry["verdict"] = {"decision": "edit", "rules": [{"rule": "less", "do": "set", "why": "too much"}]}
    entry["delivered"] = {**entry["message"], "params": {"name": "t", "arguments": {"a": 2}}}
    path = tmp_path / "edited.jsonl"
    path.write_bytes(b"".join((*lines[:-1], json.dumps(entry).encode() + b"\n")))
    with interpose(tmp_path, "ui", str(path)) as running, window(chromium, running.address) as view:
        view.page.locator(".row", has_text="changed").click()
        view.page.locator("#tab-changes").click()
        for words in ("less", "too much", "$.params.arguments.a", "− 1", "+ 2"):
            expect(view.page.locator(".panel")).to_contain_text(words)
        for text, count in (("rule:less", 1), ("rule:more", 0), ("fate:any", 1), ("fate:stopped", 0), ("tool:t", 1)):
            view.page.locator("#search").fill(text)
            expect(view.page.locator(".row")).to_have_count(count)


@pytest.mark.parametrize(
    ("chip", "holds"),
    [
        ("Requests", ".request"),
        ("Asks", ".ask"),
        ("Notifications", ".notification"),
        ("Held", ":has(.badge.held)"),
        ("Changed", ":has(.badge.changed)"),
        ("Errors", ".failed"),
    ],
)
def test_a_press_shows_one_kind_only(chromium: Browser, tmp_path: Path, chip: str, holds: str) -> None:
    path = tmp_path / "kinds.jsonl"
    path.write_bytes(of_every_kind())
    with interpose(tmp_path, "ui", str(path)) as running, window(chromium, running.address) as view:
        expect(view.page.locator(".about")).to_contain_text("client closed")
        view.shows("tools/call edit")
        before = view.page.locator(".row").count()
        view.page.get_by_role("button", name=chip, exact=True).click()
        expect(view.page.locator(f".row:not({holds})")).to_have_count(0)
        assert 0 < view.page.locator(f".row{holds}").count() < before
        view.page.get_by_role("button", name="All", exact=True).click()
        expect(view.page.locator(".row")).to_have_count(before)


def test_a_press_is_not_undone_by_what_was_typed_before(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "kinds.jsonl"
    path.write_bytes(of_every_kind())
    with interpose(tmp_path, "ui", str(path)) as running, window(chromium, running.address) as view:
        view.shows("tools/call edit")
        view.page.locator("#search").fill("edit")
        view.page.evaluate(  # on a machine that is slow to draw
            "() => { document.querySelector('.chips button:last-child').click();"
            " for (const until = performance.now() + 400; performance.now() < until; ); }"
        )
        view.page.wait_for_timeout(500)
        expect(view.page.locator("#search")).to_have_value("status:error")
        expect(view.page.locator(".row:not(.failed)")).to_have_count(0)


def of_every_kind() -> bytes:
    """One of each: an error, an ask inside a result, a notification, something held, something changed."""
    tape, about = Tape(), {"_meta": modern()}
    tape.client(id=2, method="tools/call", params={"name": "lost", **about})
    tape.server(id=2, error={"code": -1, "message": "no"})
    tape.client(id=3, method="tools/call", params={"name": "asks", **about})
    asked = {"a": {"method": "elicitation/create", "params": {"message": "Who?", "requestedSchema": {}}}}
    tape.server(id=3, result={"resultType": "input_required", "inputRequests": asked})
    tape.server(method="notifications/message", params={"level": "info", "data": "said"})
    tape.client(id=4, method="tools/call", params={"name": "hold", **about})
    tape.client(id=5, method="tools/call", params={"name": "edit", **about})
    *first, held, changed, last = tape.ends().lines
    return b"".join((*first, judged(held, "hold"), judged(changed, "edit"), last))


def judged(line: bytes, fate: str, **more: Any) -> bytes:
    """A line of a recording with a verdict on it."""
    entry = json.loads(line)
    entry["verdict"] = {"decision": fate, "rules": [{"rule": "careful", "do": fate, **more}]}
    return json.dumps(entry).encode() + b"\n"


def test_a_tree_folds_and_unfolds(chromium: Browser, tmp_path: Path) -> None:
    arguments = {"deep": {"deeper": [1, {"deepest": 12345678901234567890}]}}
    path = (
        Tape()
        .opens()
        .client(id=7, method="tools/call", params={"name": "t", "arguments": arguments})
        .write(tmp_path / "tree.jsonl")
    )
    with interpose(tmp_path, "ui", str(path)) as running, window(chromium, running.address) as view:
        view.page.locator(".row", has_text="tools/call t").click()
        tree = view.page.locator(".panel .tree")
        expect(tree).not_to_contain_text("deeper")
        for name in ("deep", "deeper", "1"):
            tree.locator('[aria-expanded="false"] > .fold').filter(has_text=name).first.click()
        expect(tree).to_contain_text("12345678901234567890")
        tree.locator(".fold", has_text="params").first.click()
        expect(tree).not_to_contain_text("deep")


@pytest.mark.parametrize("width", [390, 800, 1100, 1400])
def test_no_badge_lies_on_a_text(chromium: Browser, tmp_path: Path, width: int) -> None:
    tape = Tape().opens()
    for number in range(7, 11):
        tape.client(id=number, method="tools/call", params={"name": "t" * 90, "arguments": {"text": "long " * 40}})
    fates = ("hold", "edit", "block", "answer")
    path = tmp_path / "ruled.jsonl"
    path.write_bytes(b"".join((*tape.lines[:-4], *map(judged, tape.lines[-4:], fates))))
    shown = {"viewport": {"width": width, "height": 800}}
    with interpose(tmp_path, "ui", str(path)) as running, window(chromium, running.address, **shown) as view:
        expect(view.page.locator(".row .badge")).to_have_count(4)
        assert view.page.evaluate(COVERED) == []
        view.page.locator(".row", has=view.page.locator(".badge")).first.click()
        view.page.locator(".detail").wait_for()
        assert view.page.evaluate(COVERED) == []


def test_phone_and_dark(chromium: Browser, library: Path) -> None:
    """Nothing sticks out at the side, and the detail covers the list."""
    phone = {"viewport": {"width": 390, "height": 800}, "color_scheme": "dark", "has_touch": True}
    with (
        interpose(library, "ui", str(library / "py-http-py.jsonl"), str(library)) as running,
        window(chromium, running.address, **phone) as view,
    ):
        view.shows("initialize")
        for button in ("Tasks", "Recordings", "Timeline"):
            view.page.get_by_role("button", name=button, exact=True).click()
            assert view.page.evaluate("document.documentElement.scrollWidth") <= 390
            assert view.page.evaluate(OUTSIDE) == []
        view.page.locator(".row").first.tap()
        expect(view.page.locator(".detail")).to_be_visible()
        assert view.page.evaluate("document.querySelector('.detail').getBoundingClientRect().width") == 390
        view.page.locator(".detail .close").tap()
        expect(view.page.locator(".detail")).to_have_count(0)
