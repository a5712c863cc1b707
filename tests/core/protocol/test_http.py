"""Headers that mirror the body of a 2026-07-28 request, against the SDK's own reading of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared import inbound

from interpose.core.protocol.http import decode, disagreement, encode, mirrored_headers, param_headers, status_for
from interpose.core.wire.message import Message, read

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
PLACES = {"Region": ("region",), "Depth": ("how", "deep"), "Dry": ("dry",)}


def message(method: str = "tools/call", meta: Any = META, **params: Any) -> Message:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta, **params}}
    return read(json.dumps(body).encode())


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def wants(suffix: Any, kind: Any = "string") -> dict[str, Any]:
    return {"type": kind, "x-mcp-header": suffix}


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (message("tools/call", name="t"), "t"),
        (message("prompts/get", name="p"), "p"),
        (message("resources/read", uri="file:///a"), "file:///a"),
        (message("tasks/get", taskId="t-1"), "t-1"),
        (message("tasks/update", taskId="t-1"), "t-1"),
        (message("tasks/cancel", taskId="t-1"), "t-1"),
        (message("tools/call", name="grüß"), "=?base64?Z3LDvMOf?="),
        (message("tools/call", name=7), None),
        (message("tools/call"), None),
        (message("tools/list", name="x"), None),
        (message("acme/x", name="x"), None),
    ],
)
def test_version_method_and_name_are_mirrored(sent: Message, name: str | None) -> None:
    expected = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", sent.method)]
    if name is not None:
        expected.append(("Mcp-Name", name))
    assert list(mirrored_headers(sent)) == expected


@pytest.mark.parametrize("meta", [None, {}, 7, {"io.modelcontextprotocol/protocolVersion": "2025-11-25"}])
def test_another_era_mirrors_nothing_and_disagrees_about_nothing(meta: Any) -> None:
    assert mirrored_headers(message(meta=meta)) == ()
    assert disagreement([("Mcp-Method", "other")], message(meta=meta)) is None
    assert mirrored_headers(read(b'{"jsonrpc":"2.0","id":1,"result":{}}')) == ()


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        ({"region": "eu", "how": {"deep": 3}, "dry": True}, {"Region": "eu", "Depth": "3", "Dry": "true"}),
        ({"region": " eu", "dry": False}, {"Region": "=?base64?IGV1?=", "Dry": "false"}),
        ({"region": None, "how": {"deep": 3.0}}, {"Depth": "3"}),
        ({"region": "", "how": {"deep": 12345678901234567890123}}, {"Region": "", "Depth": "12345678901234567890123"}),
        ({"region": [1], "how": {"deep": 1.5}, "dry": {}}, {}),
        ({"how": 7}, {}),
        (7, {}),
    ],
)
def test_annotated_arguments_are_mirrored(arguments: Any, headers: dict[str, str]) -> None:
    sent = message(name="t", arguments=arguments)
    found = {name: value for name, value in mirrored_headers(sent, PLACES) if name.startswith("Mcp-Param-")}
    assert found == {f"Mcp-Param-{suffix}": value for suffix, value in headers.items()}
    assert disagreement(mirrored_headers(sent, PLACES), sent, PLACES) is None


def test_a_number_of_more_digits_than_python_spells_is_not_mirrored() -> None:
    raw = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":%s,"arguments":{"region":%s}}}'
    sent = read(raw % (json.dumps(META).encode(), b"9" * 5000))
    assert all("Param" not in name for name, _ in mirrored_headers(sent, PLACES))


@given(st.text())
def test_any_text_survives_as_a_header(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert encode(text) == inbound.encode_header_value(text)
    assert decode(encode(text)) == text


_ASCII = st.text(st.characters(max_codepoint=127))


@given(_ASCII | st.binary().map(lambda raw: f"=?base64?{raw.hex()}?=") | _ASCII.map("=?base64?{}?=".format))
def test_header_values_are_read_as_the_sdk_reads_them(value: str) -> None:
    assert decode(value) == inbound.decode_header_value(value)


@pytest.mark.parametrize("value", ["=?base64?\x80?=", "=?base64?/w==?=", "=?base64?A?=", "=?base64?dB==?="])
def test_a_sentinel_without_canonical_base64_of_text_is_no_text(value: str) -> None:
    assert decode(value) is None


@given(st.characters(categories=["Cs"]))
def test_a_lone_surrogate_has_no_header_form_but_breaks_nothing(text: str) -> None:
    assert isinstance(encode(text), str)


@pytest.mark.parametrize(
    ("given_schema", "found"),
    [
        (schema(region=wants("Region")), {"Region": ("region",)}),
        (schema(how=schema(deep=wants("Depth", "integer"))), {"Depth": ("how", "deep")}),
        (schema(a=wants("A", "boolean"), b={"type": "string"}), {"A": ("a",)}),
        (schema(a={"type": "object", "default": {"x-mcp-header": "No"}}), {}),
        (schema(**{"x-mcp-header": {"type": "string"}}), {}),
        (schema(a=wants("A"), b=wants("a")), {}),
        (schema(a=wants("A", "number")), {}),
        (schema(a=wants("A", ["string"])), {}),
        (schema(a=wants("A b")), {}),
        (schema(a=wants("")), {}),
        (schema(a=wants(7)), {}),
        ({"x-mcp-header": "Root", "type": "string"}, {}),
        (schema(a={"type": "array", "items": wants("A")}, b=wants("B")), {}),
        ({"anyOf": [schema(a=wants("A"))]}, {}),
        (None, {}),
        ([], {}),
    ],
)
def test_a_tool_names_the_arguments_it_wants_mirrored(given_schema: Any, found: dict[str, Any]) -> None:
    assert param_headers(given_schema) == found
    if isinstance(given_schema, dict) and inbound.find_invalid_x_mcp_header(given_schema) is None:
        assert {path: suffix for suffix, path in found.items()} == inbound.x_mcp_header_map(given_schema)


GOOD = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "t")]


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        (GOOD, None),
        ([*GOOD, ("Mcp-Param-Other", "x")], None),
        (GOOD[:2], "header `Mcp-Name` is missing"),
        ([*GOOD[:2], ("Mcp-Name", "T")], "header `Mcp-Name` differs from the body"),
        ([*GOOD[:2], ("Mcp-Name", "=?base64?dA==?=")], None),
        ([*GOOD[:2], ("Mcp-Name", "=?base64?dB==?=")], "header `Mcp-Name` differs from the body"),
        ([*GOOD, ("MCP-METHOD", "tools/call")], "header `Mcp-Method` is there 2 times"),
        ([*GOOD, ("Mcp-Param-Region", "eu")], "header `Mcp-Param-Region` mirrors an argument that is not there"),
    ],
)
def test_headers_must_say_what_the_body_says(headers: list[tuple[str, str]], why: str | None) -> None:
    assert disagreement(headers, message(name="t"), PLACES) == why


@pytest.mark.parametrize(
    ("value", "said", "agrees"),
    [
        (42, "42", True),
        (42, "42.0", True),
        (42, "042", True),
        (42.0, "42", True),
        (42, "43", False),
        (42, "4_2", False),
        (42, "=?base64?*?=", False),
        (True, "true", True),
        (True, "1", False),
        ("eu", "EU", False),
    ],
)
def test_integers_compare_as_numbers_and_text_as_text(value: Any, said: str, agrees: bool) -> None:
    sent = message(name="t", arguments={"region": value})
    found = disagreement([*GOOD, ("Mcp-Param-Region", said)], sent, PLACES)
    assert (found is None) is agrees


def test_an_extensions_methods_may_leave_the_name_out_but_not_lie_about_it() -> None:
    sent = message("tasks/get", taskId="t-1")
    headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tasks/get")]
    assert disagreement(headers, sent) is None
    assert disagreement([*headers, ("mcp-name", "t-2")], sent) == "header `Mcp-Name` differs from the body"


def test_a_missing_parameter_header_is_named() -> None:
    sent = message(name="t", arguments={"region": "eu"})
    assert disagreement(GOOD, sent, PLACES) == "header `Mcp-Param-Region` is missing"


@pytest.mark.parametrize(
    ("code", "status"), [(-32601, 404), (-32602, 400), (-32020, 400), (-32022, 400), (-32603, 200), (7, 200)]
)
def test_an_error_goes_with_a_status(code: int, status: int) -> None:
    assert status_for(code) == status
