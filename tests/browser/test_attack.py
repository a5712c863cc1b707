"""Pages of other origins, other programs on this machine and forged requests against the page: none gets anywhere."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser
from tests.browser.chromium import PUPPET, Running, interpose, run, window
from tests.browser.test_holds import decisions, policy

ATTACK = """<!doctype html><body><script>
const tried = {};
const target = %s, hold = %s;
const note = (name, promise) =>
  promise.then((found) => (tried[name] = found), (error) => (tried[name] = "refused: " + error.name));
const body = JSON.stringify({ hold, decision: "approve" });
(async () => {
  await note("post", fetch(target + "api/decide", { method: "POST", credentials: "include", body,
    headers: { "Content-Type": "application/json", "X-Interpose": "1" } }).then((r) => r.status));
  await note("simple", fetch(target + "api/decide", { method: "POST", credentials: "include", mode: "no-cors", body,
    headers: { "Content-Type": "text/plain" } }).then((r) => r.type));
  await note("read", fetch(target + "api/pending", { credentials: "include" }).then((r) => r.text()));
  await note("image", new Promise((done) => { const i = new Image(); i.onload = () => done("loaded");
    i.onerror = () => done("refused"); i.src = target + "api/decide?hold=" + hold + "&decision=approve"; }));
  await note("script", new Promise((done) => { const s = document.createElement("script");
    s.onload = () => done("loaded"); s.onerror = () => done("refused");
    s.src = target + "page.js"; document.body.append(s); }));
  await note("feed", new Promise((done) => {
    const f = new EventSource(target + "api/feed?session=", { withCredentials: true });
    f.onmessage = () => done("heard"); f.onopen = () => done("open"); f.onerror = () => done("refused"); }));
  await note("frame", new Promise((done) => { const f = document.createElement("iframe"); f.src = target;
    f.onload = () => { try { done(f.contentDocument ? "read" : "shut"); } catch { done("shut"); } };
    document.body.append(f); }));
  const form = document.createElement("form");
  form.method = "POST"; form.enctype = "text/plain"; form.action = target + "api/decide"; form.target = "hidden";
  const frame = document.createElement("iframe"); frame.name = "hidden"; document.body.append(frame);
  const field = document.createElement("input"); field.name = body.slice(0, -1) + ', "x": "'; field.value = '"}';
  form.append(field); document.body.append(form); form.submit();
  await new Promise((done) => setTimeout(done, 300));
  document.title = "done"; window.tried = tried;
})();
</script>"""


@contextmanager
def page_of_others(body: str) -> Iterator[str]:
    """Another site on this machine that a person happens to visit; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            cookies.append(self.headers.get("Cookie", ""))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    cookies: list[str] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join(5)
    assert set(cookies) <= {""}, "our cookie goes nowhere else"


class Asking:
    """Requests as a program makes them, with the cookie of a browser that was let in or without."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.netloc = parts.netloc
        status, headers, _ = self.ask("GET", f"{parts.path}?{parts.query}", cookie=False)
        assert status == 303
        self.place = headers["location"]
        self.cookie, _, self.rules = headers["set-cookie"].partition(";")

    def ask(
        self, method: str, path: str, body: str | None = None, *, cookie: bool = True, to: str = "", **headers: str
    ) -> tuple[int, dict[str, str], str]:
        sent = {"Host": self.netloc, **({"Cookie": self.cookie} if cookie else {})}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(to or self.netloc, timeout=10)
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        found = (
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read().decode(),
        )
        connection.close()
        return found

    def decide(self, hold: str, **headers: str) -> int:
        ours = {"Origin": f"http://{self.netloc}", "Content_Type": "application/json", "X_Interpose": "1"}
        kept = {name: value for name, value in (ours | headers).items() if value}
        body = json.dumps({"hold": hold, "decision": "approve"})
        return self.ask("POST", f"{self.place}api/decide", body, **kept)[0]

    def holds(self) -> list[str]:
        return [each["hold"] for each in json.loads(self.ask("GET", f"{self.place}api/pending")[2])["holds"]]


def held(running: Running) -> tuple[Asking, str]:
    """Something that waits, and who may see it."""
    asking = Asking(running.address)
    running.call("drop_table")
    for _ in range(200):
        if found := asking.holds():
            return asking, found[0]
    pytest.fail("nothing waits")


def test_69_a_page_of_another_origin_gets_nowhere(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path, *policy(tmp_path)) as running, window(chromium, running.address) as view:
        running.call("drop_table")
        hold = view.hold("drop_table").get_attribute("data-hold")
        with page_of_others(ATTACK % (json.dumps(view.page.url), json.dumps(hold))) as address:
            other = view.page.context.new_page()
            other.goto(address)
            other.wait_for_function("document.title === 'done'")
            tried = other.evaluate("window.tried")
            framed = [frame.url for frame in other.frames if frame.url.startswith(running.origin)]
            other.close()
        assert tried["post"].startswith("refused")
        assert tried["simple"].startswith("refused")
        assert tried["read"].startswith("refused")
        assert tried["image"] == tried["script"] == tried["feed"] == "refused"
        assert tried["frame"] == "shut"
        assert framed == []
        view.hold("drop_table")
    assert [each["decision"] for each in decisions(tmp_path)] == ["abandon"]


def test_69_a_name_that_is_bound_to_this_machine_shows_nothing(chromium: Browser, tmp_path: Path) -> None:
    with run(tmp_path) as running:
        port = urlsplit(running.address).port
        context = chromium.new_context()
        page = context.new_page()
        response = page.goto(running.address.replace("127.0.0.1", "evil.test"))
        assert response is not None
        assert (response.status, urlsplit(response.url).hostname) == (403, "evil.test")
        assert "does not name this" in page.content()
        context.close()
        asking = Asking(running.address)
        for host in ("evil.test", f"evil.test:{port}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1:{port}@evil.test", ""):
            assert asking.ask("GET", asking.place, Host=host)[0] in (400, 403), host


def test_69_the_address_lets_one_browser_in(tmp_path: Path) -> None:
    with run(tmp_path) as running:
        first = running.address
        asking = Asking(first)
        assert asking.rules.replace(" ", "").split(";") == [f"Path={asking.place}", "HttpOnly", "SameSite=Strict"]
        parts = urlsplit(first)
        assert asking.ask("GET", f"/?{parts.query}", cookie=False)[0] == 401
        assert asking.ask("GET", "/?token=", cookie=False)[0] == 401
        assert asking.ask("GET", "/?token=%ff&token=a", cookie=False)[0] == 401
        assert running.address != first
        assert Asking(running.address).cookie != asking.cookie


def test_69_without_the_cookie_nothing_is_told(tmp_path: Path) -> None:
    with run(tmp_path) as running:
        asking = Asking(running.address)
        for path in ("", "page.js", "api/sessions", "api/pending", "api/feed?session=", "api/recordings"):
            assert asking.ask("GET", asking.place + path, cookie=False)[0] == 401
            assert asking.ask("GET", "/" + path, cookie=True)[0] == 401
        wrong = asking.cookie[:-4] + "aaaa"
        assert asking.ask("GET", f"{asking.place}api/sessions", Cookie=wrong, cookie=False)[0] == 401
        for path in ("../door.py", "%2e%2e/door.py", "vendor/../../door.py", "..%2fdoor.py", "nothing.js", "vendor"):
            assert asking.ask("GET", asking.place + path)[0] == 404, path


def test_69_a_decision_needs_all_that_only_the_page_sends(tmp_path: Path) -> None:
    with run(tmp_path, *policy(tmp_path)) as running:
        asking, hold = held(running)
        for wrong in (
            {"Origin": ""},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:1"},
            {"Origin": f"https://{asking.netloc}"},
            {"Content_Type": "text/plain"},
            {"Content_Type": ""},
            {"X_Interpose": ""},
            {"Sec_Fetch_Site": "same-site"},
            {"Sec_Fetch_Site": "cross-site"},
        ):
            assert asking.decide(hold, **wrong) == 403, wrong
        path = f"{asking.place}api/decide"
        assert asking.ask("GET", f"{path}?hold={hold}&decision=approve")[0] == 405
        assert asking.ask("HEAD", path)[0] == 405
        assert asking.ask("PUT", path)[0] == 405
        assert asking.holds() == [hold]
        assert asking.decide("0" * 20) == 410
        assert asking.decide(hold) == 200
        assert asking.decide(hold) == 410
        assert running.hears()["result"]["content"][0]["text"] == "drop_table"
    assert [each["decision"] for each in decisions(tmp_path)] == ["approve"]


@pytest.mark.parametrize(
    "body", ["", "[]", "{", '{"hold": 1, "decision": "approve"}', '{"hold": "x", "decision": "expire"}']
)
def test_what_is_no_decision_is_refused(tmp_path: Path, body: str) -> None:
    with run(tmp_path, *policy(tmp_path)) as running:
        asking, hold = held(running)
        ours = {"Origin": f"http://{asking.netloc}", "Content_Type": "application/json", "X_Interpose": "1"}
        assert asking.ask("POST", f"{asking.place}api/decide", body, **ours)[0] == 400
        assert asking.holds() == [hold]


def test_every_answer_carries_the_strict_rules(tmp_path: Path) -> None:
    with run(tmp_path) as running:
        asking = Asking(running.address)
        for path in ("", "page.js", "api/sessions", "nothing", "api/nothing"):
            _, headers, _ = asking.ask("GET", asking.place + path)
            assert headers["content-security-policy"].startswith(
                "default-src 'none'; script-src 'self'; style-src 'self'"
            )
            assert "unsafe" not in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert headers["referrer-policy"] == "no-referrer"
        assert "<script>" not in asking.ask("GET", asking.place)[2]


def test_the_page_and_the_proxy_do_not_answer_for_each_other(tmp_path: Path) -> None:
    with interpose(tmp_path, "run", "--ui", "--listen", "127.0.0.1:0", "--", *PUPPET) as running:
        asking = Asking(running.address)
        proxy = running.find(r"listening on http://(\S+)/mcp")
        for path in (asking.place, f"{asking.place}api/sessions", f"/?{urlsplit(running.address).query}"):
            status, _, text = asking.ask("GET", path, Host=proxy, to=proxy)
            assert status in (400, 404, 405), path
            assert "<html" not in text
        status, _, text = asking.ask("POST", "/mcp", "{}", Content_Type="application/json")
        assert (status, "jsonrpc" in text) == (401, False)
