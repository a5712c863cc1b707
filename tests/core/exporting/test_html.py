"""Pages: everything that ends say is text in them, and what they may do is fixed by digests."""

import base64
import hashlib
import re
from html.parser import HTMLParser

from tests.core.exporting.exported import HEADER, HOSTILE, entries, hostile, nested, ruled, surveyed
from tests.core.formats.tape import Tape
from tests.core.test_holding import Play

from interpose.core.exporting.html import HtmlPage, text
from interpose.core.exporting.ruled import touched
from interpose.core.exporting.steps import steps
from interpose.core.recording.entry import Entry

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "h1", "p", "div", "input", "button", "span", "main"),
    *("ol", "li", "details", "summary", "time", "i", "a", "pre", "footer", "script"),
}
CALL = {"id": 1, "method": "tools/call", "params": {"name": "drop_table", "arguments": {}}}


class Seen(HTMLParser):
    """What a browser finds in a page: elements, their attributes, and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def page(found: list[Entry]) -> str:
    survey = surveyed(found)
    made = HtmlPage(HEADER, survey, 36_000.0, "today", between=any(map(touched, found)))
    return "".join(made.written(steps(found, survey), ["line 3: <b>odd</b>"]))


def test_only_the_pages_own_elements_are_in_it_and_none_of_them_acts_or_fetches() -> None:
    for made in (entries(nested()), entries(hostile())):
        for tag, attributes in Seen(page(made)).tags:
            assert tag in TAGS
            assert not any(name.startswith("on") or name in ("src", "style", "srcset") for name in attributes)
            assert re.fullmatch(r"#[cs]\d+", attributes.get("href") or "#c1")


def test_what_ends_say_is_there_as_text() -> None:
    seen = Seen(page(entries(hostile())))
    shown = "".join(seen.texts)
    assert HOSTILE[0] in shown
    assert "<img src=x onerror=alert(1)>" in shown
    assert "<b>odd</b>" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_the_policy_of_the_page_knows_its_script_and_its_style_by_digest() -> None:
    made = page(entries(nested()))
    [policy] = [
        attributes["content"] or ""
        for tag, attributes in Seen(made).tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    for tag in ("script", "style"):
        [source] = re.findall(rf"<{tag}>(.*?)</{tag}>", made, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


def test_a_nested_question_leads_to_its_call() -> None:
    made = page(entries(nested()))
    assert '<li class="request client" id="c2">' in made
    assert '<li class="request server inside" id="s1">' in made
    assert '<span class="where">in <a href="#c2">#2</a></span>' in made


def test_a_request_tells_how_it_ended_and_an_open_one_that_it_has_not() -> None:
    made = page(entries(nested())[:-4])
    assert re.search(r'id="c1".*?<span class="good">ok</span> <span class="took">100 ms</span>', made)
    assert re.search(r'id="c2".*?<span class="warn">no answer</span></span>|<span class="warn">no answer</span>', made)
    assert '<p class="warn">waiting on USER' in made


def test_what_a_policy_did_stands_beside_the_message() -> None:
    blocked = ruled('[[rule]]\nname = "no-drops"\ntool = "drop_*"\ndo = "block"', ("client", CALL)).lines
    made = page(blocked)
    assert re.search(r'<li class="request client [a-z ]*stopped" id="c1">', made)
    assert re.search(r'<span class="ruled">answered in the other end&#39;s place by no-drops', made)
    assert re.search(r'<li class="answer server [a-z ]*own">', made)
    assert "<span>interpose</span>" in made


def test_what_went_on_instead_is_shown_too() -> None:
    policy = '[[rule]]\nname = "few"\nmethod = "tools/call"\ndo = "set"\npath = "$.arguments.limit"\nvalue = 3'
    play = Play(policy)
    play.hear("client", CALL)
    assert '<p class="caption">what went on instead</p>' in page(play.lines)


def test_every_character_that_ends_text_is_a_reference() -> None:
    assert text("<a href='x' class=\"y\">&") == "&lt;a href=&#39;x&#39; class=&quot;y&quot;&gt;&amp;"


def test_of_very_many_waits_the_first_are_told() -> None:
    tape = Tape().opens()
    for number in range(60):
        tape.client(id=number + 1, method="tools/call", params={"name": "a"})
    made = page(entries(tape))
    assert '<p class="warn">and 10 more</p>' in made
    assert made.count('<p class="warn">waiting on') == 50
