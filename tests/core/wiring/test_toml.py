"""The reader of TOML: values as `tomllib` reads them, and the place of each."""

import tomllib

import pytest
from tests.core.wiring.files import document

from interpose.core.wiring.node import Node
from interpose.core.wiring.place import ConfigError

TEXT = '''a.b."c d" = 'x' # comment
s = """one "two" \\"""
three""""
[t]
x = [1, [2, 3,], {y = "}"}, # ]
 "]" ,
]
[t.u]
d = 1979-05-27T07:32:00Z
"" = {}
[[l]]
n = 1
[l.m]
o = true
[[l]]
n = 0xff
"q#" = \'\'\'
it''s''\'\'\'
'''


@pytest.mark.parametrize("text", [TEXT, TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT], ids=["lf", "crlf", "mark"])
def test_values_are_those_of_the_standard_library(text: str) -> None:
    found = document(text, "x.toml")
    assert found.root.plain() == tomllib.loads(text.lstrip("\ufeff"))
    for node in _leaves(found.root):
        assert tomllib.loads("x = " + text[node.start : node.end].replace("\r\n", "\n"))["x"] == node.value


def _leaves(node: Node) -> list[Node]:
    if node.members is None and node.items is None:
        return [node]
    inner = (*(each.node for each in node.members or ()), *(node.items or ()))
    return [leaf for each in inner for leaf in _leaves(each)]


@pytest.mark.parametrize(
    ("text", "place"),
    [("a = ", (1, 5)), ("a = 1\r\nb = [1 2]\r\n", (2, 8)), ("a = 1\na = 2\n", (2, 6)), ("x = " + "[" * 5000, (1, 1))],
)
def test_what_is_wrong_has_its_place(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match=r"^x\.toml:") as caught:
        document(text, "x.toml")
    assert (caught.value.line, caught.value.column) == place
