"""The uris of roots: what follows `file:///` may be masked, and they stay uris of files."""

import json
from typing import Any

import pytest
from tests.core.policy.redact.planted import AWS, EVERYTHING, redact

from interpose.core.policy.redact.redactor import Options, Redactor
from interpose.core.policy.redact.zones import Place, place

MASK = "[secret:aws-key-1]"


def answers(uri: str) -> list[dict[str, Any]]:
    """A list of roots as a result, and among the responses to what a result asked."""
    roots = {"roots": [{"uri": "file:///srv"}, {"uri": uri, "name": "x"}]}
    call = {"name": "t", "inputResponses": {"where": roots}}
    return [
        {"jsonrpc": "2.0", "id": 1, "result": roots},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call},
    ]


@pytest.mark.parametrize(
    ("uri", "instead"),
    [
        (f"file:///srv/{AWS}/x", f"file:///srv/{MASK}/x"),
        (f"file:///{AWS}", f"file:///{MASK}"),
        (f"File:///%41{AWS[1:]}", f"File:///{MASK}"),
        (f"file://host/{AWS}", f"file://host/{AWS}"),
        (f"https://x.example/?k={AWS}", f"https://x.example/?k={AWS}"),
    ],
)
def test_a_secret_in_the_path_of_a_root_is_masked(uri: str, instead: str) -> None:
    for before, after in zip(answers(uri), answers(instead), strict=True):
        done = redact(before, EVERYTHING)
        assert json.loads(done.raw) == after
        assert redact(done.raw, EVERYTHING).raw is done.raw


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        ("file:///home/[a-z]+", "file:///[custom:p-1]/src"),
        ("[a-z]+$", "file:///home/ada/[custom:p-1]"),
        (".+", "file:///[custom:p-1]"),
        ("^file:///", "file:///home/ada/src"),
        ("^file", "file:///home/ada/src"),
    ],
)
def test_what_a_users_pattern_finds_is_masked_after_the_scheme(pattern: str, instead: str) -> None:
    redactor = Redactor(Options(detectors=(), patterns={"p": pattern}))
    message = {"jsonrpc": "2.0", "id": 1, "result": {"roots": [{"uri": "file:///home/ada/src"}]}}
    assert json.loads(redact(message, redactor).raw)["result"]["roots"] == [{"uri": instead}]


def test_only_the_uri_of_a_root_is_a_roots() -> None:
    assert place(("result", "roots", 0, "uri"), is_key=False) is Place.ROOT
    assert place(("result", "roots", 0, "uri"), is_key=True) is Place.FIXED
    assert place(("result", "roots", 0, "name"), is_key=False) is Place.OPEN
    assert place(("result", "resources", 0, "uri"), is_key=False) is Place.REFERENCE
    assert place(("result", "structuredContent", "roots", 0, "uri"), is_key=False) is Place.OPEN
