"""Every case that belongs here has a test of its number."""

import ast
from pathlib import Path

from tests.trust.scene import case

CASES = {*range(1, 20), *range(32, 49), *range(51, 63), *range(65, 69)}


def test_every_case_has_a_test() -> None:
    trees = [ast.parse(path.read_text()) for path in sorted(Path(__file__).parent.glob("test_*.py"))]
    names = [
        node.name
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]
    assert CASES - {case(name) for name in names} == set()
    assert len(names) == len(set(names))
