"""`when`: an expression in CEL, where the extra is installed."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.core.policy.watched import URL_ASK, Watched, in_request, in_result, selector
from tests.core.session.conversation import request, stateful

try:
    import cel_expr_python as cel  # type: ignore[import-not-found,import-untyped,unused-ignore]
except ImportError:
    cel = None
needs_cel = pytest.mark.skipif(cel is None, reason="the extra `cel` is not installed")


@pytest.mark.skipif(cel is not None, reason="the extra `cel` is installed")
def test_without_the_extra_it_says_what_to_install() -> None:
    with pytest.raises(ValidationError, match=r"pip install interpose\[cel\]"):
        selector(when="true")


def sampling(**params: Any) -> Watched:
    return in_request({"method": "sampling/createMessage", "params": params})


@needs_cel
@pytest.mark.parametrize(
    ("when", "params", "expected"),
    [
        ("value.maxTokens > 1000", {"maxTokens": 2000}, True),
        ("value.maxTokens > 1000", {"maxTokens": 20}, False),
        ("value.maxTokens > 1000", {"maxTokens": 1000.5}, True),
        ("value.maxTokens > 1000", {}, "doubt"),
        ("value.maxTokens > 1000", {"maxTokens": "many"}, "doubt"),
        ("value.maxTokens > 1000", {"maxTokens": 2**70}, "doubt"),
        ("value.flag", {"flag": True}, True),
        ("value.flag", {"flag": "yes"}, "doubt"),
        ("value.text == 'x'", {"text": "\ud800"}, "doubt"),
        ("has(value.tools) && size(value.tools) > 1", {}, False),
        ("value.many.all(i, value.many.all(j, i + j >= 0))", {"many": list(range(1500))}, "doubt"),
        ("ask == 'sampling' && server == 'files' && kind == 'request' && sender == 'server' && mode == ''", {}, True),
    ],
)
def test_an_expression_is_true_false_or_doubtful(when: str, params: dict[str, Any], expected: bool | str) -> None:
    assert sampling(**params).matches(ask="sampling", when=when) == expected


@needs_cel
def test_an_expression_sees_the_same_in_every_era() -> None:
    for carrier in (in_request, in_result):
        assert (
            carrier(URL_ASK).matches(ask="elicitation", when="mode == 'url' && value.url.startsWith('https:')") is True
        )
    call = Watched(stateful()).client(request(1, "tools/call", name="read"))
    assert call.matches(when="method == 'tools/call' && name == 'read' && era == 'stateful' && ask == ''") is True


@needs_cel
@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ("value.x >", "is no CEL"),
        ("1 + 1", "must be true or false"),
        ("foo == 1", "undeclared reference"),
        ("method > 3", "no matching overload"),
    ],
)
def test_what_is_no_expression_is_refused(when: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        selector(when=when)
