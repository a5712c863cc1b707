"""What 2026-07-28 says twice: the HTTP headers that mirror a request's body, and the status that goes with an error.

Values only, no HTTP. Headers are spelled here as the specification spells them; they are compared without case.
"""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from interpose.core.protocol import EXTENSIONS, era, table
from interpose.core.wire.message import Message

Path = tuple[str, ...]
ParamHeaders = Mapping[str, Path]

VERSION_HEADER = "MCP-Protocol-Version"
METHOD_HEADER = "Mcp-Method"
NAME_HEADER = "Mcp-Name"
PARAM_PREFIX = "Mcp-Param-"

_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
_ANNOTATION = "x-mcp-header"
_SENTINEL = re.compile(r"=\?base64\?(.*)\?=")
_PLAIN = re.compile(r"[\x20-\x7e]*")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_INTEGER = re.compile(r"(-?\d{1,4000})(?:\.0+)?", re.ASCII)
_SCALARS = ("string", "integer", "boolean")
# Schema keywords whose members are names of schemas, and those that hold plain data.
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_DATA = frozenset({"default", "const", "enum", "examples"})

_STATUS = {-32601: 404, -32700: 400, -32600: 400, -32602: 400, -32020: 400, -32021: 400, -32022: 400}
_NO_PARAMS: ParamHeaders = {}


def status_for(error_code: int) -> int:
    """The HTTP status of a JSON answer with this error; the text leaves those not named open, and servers say 200."""
    return _STATUS.get(error_code, 200)


def encode(value: str) -> str:
    """A header value for any text: as it is where that survives, else in the base64 sentinel."""
    if _PLAIN.fullmatch(value) and value == value.strip() and not _SENTINEL.fullmatch(value):
        return value
    return f"=?base64?{b64encode(value.encode('utf-8', 'surrogatepass')).decode()}?="


def decode(value: str) -> str | None:
    """The text of a header value; None for a sentinel that holds no canonical base64 of UTF-8."""
    found = _SENTINEL.fullmatch(value)
    if found is None:
        return value
    try:
        payload = b64decode(found[1], validate=True)
        return payload.decode() if b64encode(payload).decode() == found[1] else None
    except (binascii.Error, ValueError):
        return None


def mirrored_headers(message: Message, param_headers: ParamHeaders = _NO_PARAMS) -> tuple[tuple[str, str], ...]:
    """The headers that must accompany a request; none for a message of another era."""
    return tuple((name, encode(_text(value) or "")) for name, value in _mirrored(message, param_headers))


def param_headers(tool_input_schema: Any) -> dict[str, Path]:
    """The arguments a tool wants mirrored: header suffix to property path.

    Empty when any annotation is invalid: a client must not offer such a tool, so nothing is mirrored for it.
    """
    found: dict[str, Path] = {}
    seen: set[str] = set()
    for path, schema in _schemas(tool_input_schema):
        suffix = schema.get(_ANNOTATION)
        if _ANNOTATION not in schema:
            continue
        if not path or not _is_name(suffix) or schema.get("type") not in _SCALARS or suffix.lower() in seen:
            return {}
        seen.add(suffix.lower())
        found[suffix] = path
    return found


def disagreement(
    headers: Iterable[tuple[str, str]], message: Message, param_headers: ParamHeaders = _NO_PARAMS
) -> str | None:
    """Why a request's headers and body do not say the same (error -32020); None when they do."""
    given: dict[str, list[str]] = {}
    for name, value in headers:
        given.setdefault(name.lower(), []).append(value)
    mirrored = dict(_mirrored(message, param_headers))
    if not mirrored:
        return None
    expected = {PARAM_PREFIX + suffix: None for suffix in param_headers} | mirrored
    if not given.get(NAME_HEADER.lower()) and message.method not in table(mirrored[VERSION_HEADER]).methods:
        expected.pop(NAME_HEADER, None)  # an extension's methods: clients leave it out, and servers take that
    for name, value in expected.items():
        fault = _fault(name, given.get(name.lower(), []), value)
        if fault is not None:
            return fault
    return None


def _fault(name: str, values: list[str], expected: Any) -> str | None:
    if len(values) > 1:
        return f"header `{name}` is there {len(values)} times"
    if not values:
        return None if expected is None else f"header `{name}` is missing"
    if expected is None:
        return f"header `{name}` mirrors an argument that is not there"
    return None if _agrees(decode(values[0]), expected) else f"header `{name}` differs from the body"


def _agrees(said: str | None, expected: Any) -> bool:
    if isinstance(expected, int) and not isinstance(expected, bool) and said is not None:
        number = _INTEGER.fullmatch(said)  # integers compare as numbers, exact at any size
        return number is not None and int(number[1]) == expected
    return said == _text(expected)


def _mirrored(message: Message, param_headers: ParamHeaders) -> list[tuple[str, Any]]:
    params = message.section("params")
    version = _at(params, ("_meta", _VERSION_KEY))
    if not isinstance(version, str) or era(version) != "stateless" or message.method is None:
        return []
    found: list[tuple[str, Any]] = [(VERSION_HEADER, version), (METHOD_HEADER, message.method)]
    method = table(version, EXTENSIONS).get(message.method)
    if method is not None and method.name_param is not None and isinstance(params.get(method.name_param), str):
        found.append((NAME_HEADER, params[method.name_param]))
    for suffix, path in param_headers.items():
        value = _scalar(_at(params, ("arguments", *path)))
        if value is not None:
            found.append((PARAM_PREFIX + suffix, value))
    return found


def _scalar(value: Any) -> Any:
    """The value as it is mirrored; None for what has no header form."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if _text(value) is not None else None


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)  # the parser takes no more digits than this does
    return value if isinstance(value, str) else None


def _at(value: Any, path: Path) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _is_name(suffix: Any) -> TypeGuard[str]:
    return isinstance(suffix, str) and _TOKEN.fullmatch(suffix) is not None


def _schemas(root: Any) -> Iterable[tuple[Path, dict[str, Any]]]:
    """Every schema in a schema, with its path when only `properties` lead to it, else with an empty path."""
    stack: list[tuple[Path | None, Any]] = [((), root)]
    while stack:
        path, schema = stack.pop()
        if isinstance(schema, list):
            stack.extend((None, each) for each in schema)
        elif isinstance(schema, dict):
            yield path or (), schema
            stack.extend(_inner(path, schema))


def _inner(path: Path | None, schema: dict[str, Any]) -> Iterable[tuple[Path | None, Any]]:
    for keyword, value in schema.items():
        if keyword in _NAMED and isinstance(value, dict):
            pure = path is not None and keyword == "properties"
            for name, each in value.items():
                yield ((*path, name) if pure and path is not None else None), each
        elif keyword not in _DATA and isinstance(value, dict | list):
            yield None, value
