"""A condition of a rule: what a value in a message must be like."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from interpose.core.policy.directory import inside
from interpose.core.policy.fault import RuleFault, decide
from interpose.core.policy.field import Directory, Host, JsonPath, Model, Pattern, Several
from interpose.core.policy.host import host_of, hosts
from interpose.core.policy.redact.engine import Expression

_TESTS = ("equals", "in", "matches", "longer_than", "host", "inside", "exists")
Test = Callable[[Any], bool]


def _check_json(value: Any) -> Any:
    """Dates and times are values in TOML, not in JSON."""
    if isinstance(value, list):
        for item in value:
            _check_json(item)
    elif isinstance(value, dict):
        for item in value.values():
            _check_json(item)
    elif value is not None and not isinstance(value, str | int | float):
        raise ValueError("a date or time; messages have none, write it as text in quotes")
    return value


JsonValue = Annotated[Any, AfterValidator(_check_json)]


class Condition(Model):
    """One condition on the values at a path: the path and exactly one test."""

    path: JsonPath = Field(
        description="Where to look, as JSONPath (RFC 9535, without filters). `$` is the parameters of an ask, a "
        "request or a notification, the result of a result, the error of an error.",
        examples=["$.arguments.path", "$..text", "$.messages[*].role"],
    )
    equals: JsonValue = Field(
        default=None, description='The value is this one. Types count: `5` is not `"5"`.', examples=["main", 5, True]
    )
    among: list[JsonValue] | None = Field(
        default=None, alias="in", min_length=1, description="The value is one of these.", examples=[["main", "master"]]
    )
    matches: Several[Pattern] | None = Field(
        default=None,
        description="The text has a match of this RE2 pattern, or of one of these, anywhere in it; `^` and `$` tie it "
        "to the ends.",
        examples=["(?i)drop +table", "^rm "],
    )
    longer_than: int | None = Field(
        default=None,
        ge=0,
        description="The text has more characters than this, the list more items, the object more members.",
        examples=[10000],
    )
    host: Several[Host] | None = Field(
        default=None,
        description="The text is a URL with one of these hosts. `*.example.com` is every host below it. A URL that two "
        "readers could understand in two ways makes the rule fail.",
        examples=["example.com", ["*.example.com"]],
    )
    inside: Several[Directory] | None = Field(
        default=None,
        description="The text is a path in one of these directories, or a `file:` URL of one. `..`, `//` and `.` are "
        "resolved; links are not followed. `.` is every relative path that stays below where it starts. A path that "
        "two readers could understand in two ways makes the rule fail.",
        examples=["/home/me/project", ["/srv/data", "."]],
    )
    exists: bool | None = Field(
        default=None, description="There is a value at the path (`true`), or there is none (`false`)."
    )

    @model_validator(mode="after")
    def _has_one_test(self) -> "Condition":
        given = [name for name in _TESTS if (name if name != "in" else "among") in self.model_fields_set]
        if len(given) != 1:
            said = "none" if not given else " and ".join(f"`{name}`" for name in given)
            raise ValueError(f"a condition needs exactly one of {', '.join(_TESTS)}; it has {said}")
        return self


def compile_condition(condition: Condition, every: bool) -> Callable[[Sequence[Any]], bool]:
    """Whether the values at the path meet the condition: one of them, or all of them and at least one.

    Raises (when called): RuleFault where the doubtful values decide.
    """
    if condition.exists is not None:
        expected = condition.exists
        return lambda values: bool(values) is expected
    test, path = _test(condition), condition.path

    def met(values: Sequence[Any]) -> bool:
        if not values:
            return False
        try:
            return test(values[0]) if len(values) == 1 else decide(values, test, every)
        except RuleFault as fault:
            raise RuleFault(f"{fault} (at `{path}`)") from None

    return met


def _test(condition: Condition) -> Test:
    if condition.matches is not None:
        return _matches(condition.matches)
    if condition.longer_than is not None:
        return _longer_than(condition.longer_than)
    if condition.host is not None:
        is_host = hosts(condition.host)
        return lambda value: is_host(host_of(value))
    if condition.inside is not None:
        return inside(condition.inside)
    return _one_of([condition.equals] if condition.among is None else condition.among)


def _matches(patterns: tuple[str, ...]) -> Test:
    expressions = [Expression(pattern, utf8=True) for pattern in patterns]

    def test(value: Any) -> bool:
        if not isinstance(value, str):
            raise RuleFault(f"a pattern is for text, not for {_type(value)}")
        try:
            text = value.encode()
        except UnicodeEncodeError:
            raise RuleFault("a text is no valid Unicode") from None
        return any(expression.first(text) is not None for expression in expressions)

    return test


def _longer_than(size: int) -> Test:
    def test(value: Any) -> bool:
        if not isinstance(value, str | list | dict):
            raise RuleFault(f"{_type(value)} has no length")
        return len(value) > size

    return test


def _one_of(options: list[Any]) -> Test:
    types = {_type(option) for option in options}
    texts = frozenset(option for option in options if isinstance(option, str))

    def test(value: Any) -> bool:
        if texts and type(value) is str:
            return value in texts
        if any(_same(value, option) for option in options):
            return True
        # A lenient peer may read `"5"` as 5 and `["main"]` as `main`: another type decides nothing.
        if value is not None and _type(value) not in types:
            raise RuleFault(f"{_type(value)} stands where {' or '.join(sorted(types))} is expected")
        return False

    return test


def _same(value: Any, option: Any) -> bool:
    """Equality of JSON: `true` is not 1, but 1.0 is."""
    if isinstance(option, dict):
        return (
            isinstance(value, dict)
            and value.keys() == option.keys()
            and all(_same(value[name], each) for name, each in option.items())
        )
    if isinstance(option, list):
        return (
            isinstance(value, list)
            and len(value) == len(option)
            and all(_same(one, other) for one, other in zip(value, option, strict=True))
        )
    return _type(value) == _type(option) and bool(value == option)


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    names = {str: "text", list: "a list", dict: "an object", int: "a number", float: "a number"}
    return names.get(type(value), "null")
