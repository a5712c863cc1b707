"""How sessions open, in both eras, and what is declared by it."""

import pytest
from msgspec import Raw
from tests.core.session.conversation import (
    CAPABILITIES,
    VERSION,
    Talk,
    error,
    modern,
    request,
    result,
    stateful,
    stateless,
)

from interpose.core.session.opening import Capabilities, Opening, capabilities
from interpose.core.session.reading import Info


def test_a_stateful_opening_holds_versions_names_and_capabilities_as_sent() -> None:
    opening = stateful(client={"roots": {}, "x": 1}).session.opening
    assert (opening.era, opening.state) == ("stateful", "ready")
    assert (opening.asked, opening.version) == ("2025-11-25", "2025-11-25")
    assert (opening.client, opening.server) == (Info("probe", "1"), Info("bench", "2"))
    assert opening.client_capabilities is not None
    assert opening.client_capabilities.raw == b'{"roots": {}, "x": 1}'


def test_a_server_may_choose_another_version_than_asked() -> None:
    talk = Talk()
    talk.client(request(1, "initialize", protocolVersion="2099-01-01", capabilities={}))
    assert talk.session.opening.state == "asked"
    talk.server(result(1, protocolVersion="2025-06-18", capabilities={}))
    assert (talk.session.opening.asked, talk.session.opening.version) == ("2099-01-01", "2025-06-18")


def test_a_refused_initialize_is_refused() -> None:
    talk = Talk()
    talk.client(request(1, "initialize", protocolVersion="2025-11-25"))
    talk.server(error(1, -32602))
    assert talk.session.opening.state == "refused"


def test_discover_opens_a_stateless_session() -> None:
    opening = stateless().session.opening
    assert (opening.era, opening.state, opening.version) == ("stateless", "ready", "2026-07-28")
    assert opening.server == Info("bench", "2")
    assert opening.server_capabilities is not None


def test_a_stateless_request_needs_no_opening_at_all() -> None:
    talk = Talk()
    seen = talk.client(modern(1, "tools/list", capabilities={"roots": {}}))
    assert (seen.era, seen.notes) == ("stateless", ())
    assert talk.session.opening.client_capabilities == Capabilities(b'{"roots": {}}', {"roots": {}})


def test_the_capabilities_of_the_latest_request_are_in_force() -> None:
    talk = stateless()
    talk.client(modern(1, "tools/list"))
    before = talk.session.opening
    talk.client(modern(2, "tools/list"))
    assert talk.session.opening is before
    seen = talk.client(modern(3, "tools/list", capabilities={"sampling": {}}))
    assert seen.call is not None
    assert seen.call.capabilities is not None
    assert seen.call.capabilities.declares(("sampling",))


def test_a_probe_answered_by_an_error_gives_way_to_initialize_on_the_same_process() -> None:
    talk = Talk()
    assert talk.client(modern(0, "server/discover")).era == "stateless"
    assert talk.session.opening.era == "stateless"
    assert talk.server(error(0, -32601)).method == "server/discover"
    assert talk.session.opening == Opening("stateful")
    talk.client(request(1, "initialize", protocolVersion="2025-11-25", capabilities={}))
    talk.server(result(1, protocolVersion="2025-11-25", capabilities={}))
    assert (talk.session.opening.era, talk.session.opening.state) == ("stateful", "open")


@pytest.mark.parametrize("code", [-32020, -32021, -32022])
def test_a_modern_refusal_of_the_probe_keeps_the_modern_era(code: int) -> None:
    talk = Talk()
    talk.client(modern(0, "server/discover"))
    talk.server(error(0, code))
    assert talk.session.opening.era == "stateless"


@pytest.mark.parametrize(("status", "era"), [(404, "stateless"), (400, "stateful")])
def test_over_http_an_unknown_method_is_modern_with_its_modern_status_only(status: int, era: str) -> None:
    talk = Talk()
    talk.posts("x1", modern(0, "server/discover"))
    talk.answers("x1", status)
    talk.server(error(0, -32601), "x1")
    assert talk.session.opening.era == era


def test_discover_without_its_envelope_is_still_of_the_stateless_era() -> None:
    talk = Talk()
    assert talk.client(request(1, "server/discover")).era == "stateless"
    assert talk.session.opening.version is None


def test_a_version_in_the_envelope_that_is_older_makes_no_stateless_request() -> None:
    talk = Talk()
    assert talk.client(request(1, "tools/list", _meta={VERSION: "2025-11-25", CAPABILITIES: {}})).era == "stateful"


@pytest.mark.parametrize(
    ("tree", "path", "declared"),
    [
        ({"tools": {}}, ("tools",), True),
        ({"tools": {}}, ("tools", "listChanged"), False),
        ({"tools": {"listChanged": False}}, ("tools", "listChanged"), False),
        ({"tools": None}, ("tools",), False),
        ({"tools": 1}, ("tools", "listChanged"), False),
        ({"elicitation": {}}, ("elicitation", "form"), True),
        ({"elicitation": {}}, ("elicitation", "url"), False),
        ({"elicitation": {"url": {}}}, ("elicitation", "form"), False),
    ],
)
def test_an_empty_object_declares_and_false_does_not(tree: object, path: tuple[str, ...], declared: bool) -> None:
    assert isinstance(tree, dict)
    assert Capabilities(b"", tree).declares(path) is declared


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"7"])
def test_capabilities_of_another_shape_count_as_unknown(raw: bytes) -> None:
    assert capabilities(Raw(raw)) is None
