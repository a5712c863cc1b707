"""The reader of JSON with comments: what it accepts, and where it says that something is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.wiring.files import FILES, document

from interpose.core.wiring import jsonc
from interpose.core.wiring.node import Node
from interpose.core.wiring.place import ConfigError, MalformedError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
STRICT = [
    path.read_bytes().decode("utf-8-sig") for path in FILES if path.suffix == ".json" and path.stat().st_size < 1000
]


@given(VALUES, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_it_reads_what_json_writes(value: Any, indent: Any, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert jsonc.Reader(text).document().plain() == value


@given(st.data())
def test_it_refuses_what_json_refuses(data: st.DataObject) -> None:
    """A file with a character more, less or other: as `json` sees it, comments and last commas apart."""
    text = data.draw(st.sampled_from(STRICT))
    place = data.draw(st.integers(0, len(text)))
    drop = data.draw(st.integers(0, 2))
    text = (
        text[:place]
        + data.draw(st.sampled_from(["", ",", '"', "}", "{", ":", "\\", "1", "x", "\n"]))
        + text[place + drop :]
    )
    reader = jsonc.Reader(text)
    accepted, value = _as_json(text)
    try:
        found: Any = reader.document().plain()
    except MalformedError:
        assert not accepted
    else:
        assert (accepted, value) == (True, found) or reader.comments or reader.commas


def _as_json(text: str) -> tuple[bool, Any]:
    try:
        return True, json.loads(text)
    except ValueError:
        return False, None


def test_every_place_is_where_the_value_stands() -> None:
    text = '\ufeff{ /* c */ "a" : [ 1, "x\\"y" ], // d\n "b":{"c":true , } }'
    root = jsonc.Reader(text).document()
    found = {text[each.start : each.key_end]: text[each.node.start : each.node.end] for each in _members(root)}
    assert found == {'"a"': '[ 1, "x\\"y" ]', '"b"': '{"c":true , }', '"c"': "true"}


def _members(node: Node) -> list[Any]:
    return [found for table in node.tables() for found in table.members or ()]


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("", (1, 1), "empty"),
        ("{", (1, 2), "not the end"),
        ('{\n  "a": 1\n  "b": 2}', (3, 3), "a `,` or `}` should be here"),
        ('{"a" 1}', (1, 6), "a `:` should be here, not `1`"),
        ("{'a': 1}", (1, 2), "a name in double quotes"),
        ('{"a": tru}', (1, 7), "a value should be here"),
        ('{"a": 01}', (1, 7), "a value should be here"),
        ('\r\n{"a": "C:\\Users"}', (2, 10), "`\\U` means nothing"),
        ('{"a": "x\n"}', (1, 9), "a line break or tab"),
        ('{"a": "x', (1, 9), "does not end"),
        ('\ufeff{"a": 1}}', (1, 9), "after the end"),
        ("{} /* x", (1, 4), "a comment that does not end"),
        ("[1]", (1, 1), "begins with `{`"),
        ("[" * 300, (1, 201), "inside each other"),
        ('{"a": [1,,2]}', (1, 10), "a value should be here, not `,`"),
    ],
)
def test_what_is_wrong_has_its_place(text: str, place: tuple[int, int], problem: str) -> None:
    with pytest.raises(ConfigError, match=r"^x\.json:") as caught:
        document(text)
    assert (caught.value.line, caught.value.column) == place
    assert problem in caught.value.problem


@pytest.mark.parametrize("raw", [b'{"a": "\xff"}', b"\xff\xfe{\x00}\x00", b'{\n "\xc3'])
def test_what_is_no_utf_8_is_refused(raw: bytes) -> None:
    with pytest.raises(ConfigError, match="UTF-8"):
        document(raw)
