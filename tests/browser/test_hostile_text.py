"""Text of strangers that tries to be more than text."""

from pathlib import Path

from playwright.sync_api import Browser, expect
from tests.browser.chromium import run, window
from tests.browser.test_holds import elicit, policy, sample

LURES = (
    '<img src=x onerror="window.pwned=1">',
    "<script>window.pwned=1</script>",
    '"><svg onload=window.pwned=1>',
    "{{constructor.constructor('window.pwned=1')()}}",
    "${window.pwned=1}",
    "<a href='javascript:window.pwned=1'>click</a>",
    "\u202etxt.exe\u202c \u2066hidden\u2069",
    "</textarea><img src=x onerror=window.pwned=1>",
)


def test_69_text_that_tries_to_be_html_is_text(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path, *policy(tmp_path), "--name", LURES[0]) as running, window(chromium, running.address) as view:
        asked: list[str] = []
        view.page.context.on("request", lambda request: asked.append(request.url))
        running.send(id=LURES[2], method="ping")
        for lure in LURES:
            running.call(lure, a=lure, reply=lure)
            running.send(method=f"notifications/{lure}", params={"level": lure, "data": lure, lure: lure})
        for lure in LURES[:6]:
            view.page.locator(".row.request .label", has_text=lure[:20]).first.wait_for()
        for row in view.page.locator(".row.request").all():
            row.click()
            for tab in ("tab-message", "tab-answer", "tab-call", "tab-raw", "tab-facts"):
                if view.page.locator(f"#{tab}").count():
                    view.page.locator(f"#{tab}").click()
        view.page.keyboard.press("Escape")
        assert view.page.evaluate("window.pwned") is None
        assert view.page.locator("img").count() == 1
        assert view.page.locator(".row script, .row svg, .row a, .detail a").count() == 0
        assert "\u202e" not in view.page.locator("body").inner_text()
        assert all(each.startswith(running.origin) for each in asked)


def test_69_what_is_to_be_approved_cannot_dress_up(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path, *policy(tmp_path)) as running, window(chromium, running.address) as view:
        schema = {
            "type": "object",
            "properties": {LURES[0]: {"type": "string", "title": LURES[1], "enum": list(LURES)}},
        }
        running.asks(elicit(mode="form", message="\n".join(LURES), requestedSchema=schema))
        card = view.hold("elicitation/create")
        expect(card.locator(".consent")).to_contain_text(LURES[0])
        view.page.locator('[data-way="answer"]:not([disabled])').click()
        view.page.locator('[data-way="edit"]').click()
        expect(view.page.locator(".form textarea")).to_be_visible()
        running.asks({**elicit(mode="url", message="m", url="javascript:window.pwned=1//"), "id": "e-2"})
        running.asks({**sample(LURES[4], systemPrompt=LURES[3]), "id": "s-2"})
        for _ in range(2):
            view.page.keyboard.press("Escape")
            view.page.keyboard.press("]")
            view.page.locator(".hold.open .consent").wait_for()
        assert view.page.evaluate("window.pwned") is None
        assert view.page.locator(".hold a, .hold img, .hold script").count() == 0
