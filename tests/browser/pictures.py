"""`tools/screenshots`: the pictures in docs/images; with a FOLDER all of them, light and dark, wide and narrow."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from tests.browser.chromium import PUPPET, Window, executable, interpose, run, window
from tests.browser.test_holds import elicit, policy, sample

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "recordings" / "2025-11-25" / "everything-http-ts1.jsonl"
WIDE = {"viewport": {"width": 1400, "height": 850}}
PHONE = {"viewport": {"width": 390, "height": 800}, "device_scale_factor": 2, "has_touch": True}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {**WIDE, "color_scheme": "light"},
    "dark": {**WIDE, "color_scheme": "dark"},
    "phone-light": {**PHONE, "color_scheme": "light"},
    "phone-dark": {**PHONE, "color_scheme": "dark"},
}
SHOWN = ("approval-dark.png", "timeline-light.png", "call-dark.png", "approval-phone-dark.png")


@contextmanager
def looking(browser: Browser, address: str, look: str) -> Iterator[Window]:
    with window(browser, address, **LOOKS[look]) as view:
        view.page.wait_for_timeout(700)
        yield view


def recorded(browser: Browser, work: Path, to: Path, look: str) -> None:
    """A recording: its conversation, one call in detail, its tasks, the folder."""
    shown = (str(GOLDEN), str(ROOT / "recordings"), str(ROOT / "policies"))
    with interpose(work, "ui", *shown) as running, looking(browser, running.address, look) as view:
        page = view.page
        page.locator(".chips button", has_text="All").click()
        page.screenshot(path=to / f"timeline-{look}.png")
        page.locator("#search").fill("sampling")
        page.wait_for_timeout(600)
        page.locator(".row.request", has_text="tools/call").first.click()
        page.locator("#tab-call").click()
        page.wait_for_timeout(400)
        page.screenshot(path=to / f"call-{look}.png")
        page.locator("#tab-message").click()
        page.wait_for_timeout(300)
        page.screenshot(path=to / f"message-{look}.png")
        page.locator(".detail .close").click()
        page.get_by_role("button", name="Tasks").click()
        page.wait_for_timeout(300)
        page.screenshot(path=to / f"tasks-{look}.png")
        page.get_by_role("button", name="Recordings", exact=True).click()
        page.wait_for_timeout(500)
        page.screenshot(path=to / f"recordings-{look}.png")


def held(browser: Browser, work: Path, to: Path, look: str) -> None:
    """What waits, and what is to be approved."""
    shutil.copy(PUPPET[-1], work / "server.py")
    started = run(work, *policy(work), "--name", "deploy", server=("python3", "server.py"))
    with started as running, looking(browser, running.address, look) as view:
        running.call("plan", city="Oslo")
        running.hears()
        url = "https://accounts.example.com:8443/sign-in?for=deploy&next=/consent"
        running.asks(elicit(mode="url", message="Sign in to the cloud account", url=url, elicitationId="1"))
        running.asks(sample("Plan the rollout of shop in one sentence.", systemPrompt="You plan rollouts."))
        running.call("drop_table", table="customers", because="nobody buys any more")
        view.page.locator(".hold.open .consent").wait_for()
        view.page.wait_for_timeout(6000)
        view.page.screenshot(path=to / f"approval-{look}.png")
        view.page.locator(".hold", has_text="sampling").locator(".plainly").first.click()
        view.page.wait_for_timeout(1000)
        view.page.screenshot(path=to / f"sampling-{look}.png")


def main(folder: str | None = None) -> None:
    with tempfile.TemporaryDirectory() as spare, sync_playwright() as driver:
        to = Path(folder or spare)
        to.mkdir(parents=True, exist_ok=True)
        browser = driver.chromium.launch(executable_path=executable(), args=["--no-sandbox", "--disable-gpu"])
        for look in LOOKS:
            for take in (recorded, held):
                with tempfile.TemporaryDirectory() as work:
                    take(browser, Path(work), to, look)
        browser.close()
        for name in () if folder else SHOWN:
            shutil.copy(to / name, ROOT / "docs" / "images" / name)


if __name__ == "__main__":
    main(*sys.argv[1:])
