"""Part D, 52: the ways to spell a secret, and which of them redaction reads. The table stands in docs/policy.md."""

import base64
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.trust.scene import Scene, dump

AWS = "AKIA" + "IOSFODNN7EXAMPLQ"
SECRETS = '[[rule]]\nname = "secrets"\nall = true\ndo = "redact"\nfind = "secrets"\n'
GUIDE = Path(__file__).parents[2] / "docs" / "policy.md"
SECTION = "## What redaction finds"


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in text)


def shifted(start: int) -> Callable[[str], str]:
    """Each letter as the one so far above it."""
    return lambda text: "".join(chr(ord(letter) + start) for letter in text)


def bold(text: str) -> str:
    return "".join(chr(0x1D7CE + int(each)) if each.isdigit() else chr(0x1D400 + ord(each) - 65) for each in text)


# What a row of the table means: the texts of one result, one for each content block.
SPELLINGS: dict[str, list[str]] = {
    "as it is": [f"key {AWS}."],
    "JSON in text, with `\\u` escapes": [f'{{"a": "{escaped(AWS)}"}}'],
    "JSON in JSON in text": [json.dumps({"b": json.dumps({"a": f"x\n{AWS}"})})],
    "percent signs (`%41`)": ["https://x.example/?k=" + "".join(f"%{ord(letter):02X}" for letter in AWS)],
    "base64": [coded(f"the key is {AWS}")],
    "base64url": [base64.urlsafe_b64encode(f"the?>~ key is {AWS}?>~".encode()).decode()],
    "base64 in base64": [coded(coded(f"the key is {AWS}!!"))],
    "hexadecimal": [f"key {AWS}".encode().hex()],
    "zero-width characters between letters": ["\u200b".join(AWS)],
    "soft hyphens between letters": ["\u00ad".join(AWS)],
    "full-width letters": [shifted(0xFEE0)(AWS)],
    "mathematical letters": [bold(AWS)],
    "tag characters": ["hello" + shifted(0xE0000)(f" {AWS}")],
    "bidirectional controls around it": [f"\u202e{AWS}\u202c"],
    "cut by the border of two neighbouring text blocks": [f"the key is {AWS[:9]}", f"{AWS[9:]} and more"],
    "cut by the border of two messages or events": [],
    "written backwards": [AWS[::-1]],
    "changed case": [AWS.lower()],
    "blanks between letters": [" ".join(AWS)],
    "letters of another alphabet that look alike": [AWS.replace("A", "\u0410")],
    "HTML entities": ["".join(f"&#{ord(letter)};" for letter in AWS)],
    "hexadecimal with separators": [AWS.encode().hex(":")],
    "base32": [base64.b32encode(AWS.encode()).decode()],
    "base64 of UTF-16": [base64.b64encode(AWS.encode("utf-16")).decode()],
    "compressed, then base64": [base64.b64encode(gzip.compress(AWS.encode() * 40, mtime=0)).decode()],
}


def table() -> dict[str, bool]:
    """What the guide says: whether redaction reads each of these."""
    _, _, rest = GUIDE.read_text().partition(SECTION)
    rows = re.findall(r"^\| (.+?) \| (yes|no) \|$", rest.partition("\n## ")[0], re.MULTILINE)
    return {name: found == "yes" for name, found in rows}


def halves(scene: Scene) -> list[bytes]:
    """A secret in two logs, one after the other."""
    logs = [
        {"method": "notifications/message", "params": {"level": "info", "data": half}} for half in (AWS[:9], AWS[9:])
    ]
    return [scene.server(log).client[0] for log in logs]


def test_52_the_guide_names_every_spelling_and_no_other() -> None:
    assert list(table()) == list(SPELLINGS)


@pytest.mark.parametrize("name", SPELLINGS)
def test_52_a_spelling_is_found_where_the_guide_says_so(name: str) -> None:
    scene = Scene(SECRETS)
    scene.call(1)
    if not SPELLINGS[name]:
        said = halves(scene)
        assert ("[secret:" in b"".join(said).decode()) is table()[name]
        return
    blocks = [{"type": "text", "text": text} for text in SPELLINGS[name]]
    more = {"structuredContent": {"a": SPELLINGS[name]}} if len(blocks) == 1 else {}
    came = dump({"id": 1, "result": {"content": blocks, **more}})
    heard = scene.server(came)
    [told] = heard.client
    found = told != came
    assert found is table()[name]
    assert heard.rules == (["secrets"] if found else [])
    for text in SPELLINGS[name] if found else []:
        assert json.dumps(text)[1:-1].encode() not in told
        assert json.dumps(text)[1:-1] not in str(heard.entries[0].message)
    assert json.loads(told)["result"].keys() == {"content", *more}
