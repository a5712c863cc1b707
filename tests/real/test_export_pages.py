"""Exports as the programs take them that they are made for: a page in a browser, a diagram in Mermaid."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.core.exporting.exported import HOSTILE, hostile
from tests.core.formats.tape import Tape
from tests.real.browser import CHROMIUM, listening, shown

from interpose.app.cli.main import cli

pytestmark = pytest.mark.real
HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / "recordings"
FILES = [*sorted(FOLDER.glob("2025-11-25/*.jsonl")), *sorted(FOLDER.glob("2026-07-28/*.jsonl"))]
MERMAID = HERE / "node_modules" / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js"
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

_RENDER = """<!doctype html><meta charset="utf-8"><body><script src="%s"></script><script>
(async () => {
  mermaid.initialize({startOnLoad: false, maxTextSize: 10000000});
  const drawn = [];
  for (const source of %s) {
    try { drawn.push((await mermaid.render("d" + drawn.length, source)).svg); }
    catch (error) { drawn.push("failed: " + error.message); }
  }
  const said = document.createElement("pre");
  said.textContent = JSON.stringify(drawn.map((svg) => {
    if (svg.startsWith("failed")) return {error: svg};
    document.body.innerHTML = svg;
    const texts = Array.from(document.querySelectorAll("text"), (each) => each.textContent);
    const others = Array.from(document.querySelectorAll("svg *"), (each) => each.localName);
    return {texts, elements: Array.from(new Set(others))};
  }));
  document.body.replaceChildren(said);
})();
</script>"""
_ELEMENTS = {
    "g",
    "rect",
    "text",
    "tspan",
    "line",
    "style",
    "defs",
    "symbol",
    "path",
    "marker",
    "circle",
    "filter",
    "feDropShadow",
}
_PRESSED = """
document.getElementById("search").value = "ask_form";
document.getElementById("search").dispatchEvent(new Event("input"));
document.getElementById("sequence").click();
"""


def exported(path: Path, kind: str) -> str:
    done = CliRunner().invoke(cli, ["export", str(path), "--format", kind], standalone_mode=False)
    assert done.exception is None
    return done.stdout


def rendered(sources: list[str], folder: Path) -> list[dict[str, list[str]]]:
    page = folder / "render.html"
    page.write_text(_RENDER % (MERMAID.as_uri(), json.dumps(sources).replace("<", "\\u003c")))
    found = re.search(r"<pre>(.*)</pre>", shown(page, folder / "profile").document, re.DOTALL)
    assert found, "the page did not get there"
    text = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return list(json.loads(text))


@needs_browser
def test_mermaid_draws_every_recording(npm: Path, tmp_path: Path) -> None:
    for path, drawn in zip(FILES, rendered([exported(path, "mermaid") for path in FILES], tmp_path), strict=True):
        assert "error" not in drawn, (path, drawn)
        assert any("tools/call" in text for text in drawn["texts"])


@needs_browser
def test_mermaid_shows_hostile_text_as_text(npm: Path, tmp_path: Path) -> None:
    path = hostile().write(tmp_path / "hostile.jsonl")
    [drawn] = rendered([exported(path, "mermaid")], tmp_path)
    assert "error" not in drawn, drawn
    assert set(drawn["elements"]) <= _ELEMENTS
    texts = " ".join(drawn["texts"])
    for hint in ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "%% d -->> e : f", "$$x^2$$", "&lt;"):
        assert hint in texts, hint
    assert len(HOSTILE) == sum(text.startswith("#") and "error -32000" in text for text in drawn["texts"])


def test_mermaid_reads_every_diagram_without_a_browser_too(npm: Path, tmp_path: Path) -> None:
    """Its parser alone, in node, which has no document: what is read there is what a browser draws."""
    sources = tmp_path / "sources.json"
    hostile_path = hostile().write(tmp_path / "hostile.jsonl")
    sources.write_text(json.dumps([exported(path, "mermaid") for path in (*FILES, hostile_path)]))
    script = tmp_path / "parse.mjs"
    script.write_text(
        'import fs from "node:fs";\nimport vm from "node:vm";\n'
        f"vm.runInThisContext(fs.readFileSync({json.dumps(str(MERMAID))}, 'utf8'));\n"
        "globalThis.mermaid.initialize({maxTextSize: 10000000});\n"
        f"for (const source of JSON.parse(fs.readFileSync({json.dumps(str(sources))})))\n"
        "  console.log((await globalThis.mermaid.parse(source)).diagramType);\n"
    )
    done = subprocess.run(["node", str(script)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["sequence"] * (len(FILES) + 1)


@needs_browser
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_page_opens_without_a_complaint(path: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(exported(path, "html"))
    found = shown(page, tmp_path / "profile")
    assert found.complaints == ()
    assert '<div class="tools">' in found.document  # the script ran: it shows what needs it


@needs_browser
def test_no_request_leaves_a_page_whatever_an_end_said(tmp_path: Path) -> None:
    with listening() as (address, came):
        tape = Tape().opens()
        for number, lure in enumerate(
            (
                f'<img src="{address}/i">',
                f'<script src="{address}/s"></script>',
                f'"><style>@import url({address}/c)</style>',
                f"<link rel=stylesheet href={address}/l><iframe src={address}/f></iframe>",
                f"</pre></details><svg onload=fetch('{address}/o')>",
            ),
            1,
        ):
            tape.client(id=number, method="tools/call", params={"name": lure, "arguments": {"a": lure}})
            tape.server(id=number, result={"content": [{"type": "text", "text": lure}]})
        page = tmp_path / "page.html"
        page.write_text(exported(tape.ends().write(tmp_path / "r.jsonl"), "html"))
        found = shown(page, tmp_path / "profile")
        assert found.complaints == ()
        assert came == []
        broken = tmp_path / "broken.html"  # what it looks like when text does get out: the policy of the page holds
        broken.write_text(page.read_text().replace("<ol ", f'<img src="{address}/out"><ol ', 1))
        assert any("Content Security Policy" in each for each in shown(broken, tmp_path / "profile").complaints)
        assert came == []


@needs_browser
def test_one_finds_a_call_and_sees_it_as_a_sequence(tmp_path: Path) -> None:
    made = exported(FOLDER / "2025-11-25" / "py-http-py.jsonl", "html")
    page = tmp_path / "page.html"  # pressed from a second script, for which the policy is taken out
    page.write_text(
        re.sub(r"<meta http-equiv[^>]*>", "", made).replace("</body>", f"<script>{_PRESSED}</script></body>")
    )
    document = shown(page, tmp_path / "profile").document
    assert '<main class="sequence">' in document
    match = re.search(r'role="status">(\d+) of (\d+)<', document)
    assert match
    assert 0 < int(match[1]) < int(match[2])
    rows = re.findall(r"<li class=[^>]*>.*?</li>", document, re.DOTALL)
    assert [row for row in rows if " hidden" not in row.partition(">")[0]] == [row for row in rows if "ask_form" in row]
