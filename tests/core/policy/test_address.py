"""How a URI may be spelt, and what of it a rule about a resource catches."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpose.core.policy.address import spellings, uri_matcher
from interpose.core.policy.fault import RuleFault

ETC = "file:///etc/passwd"


@pytest.mark.parametrize(
    "uri",
    [
        ETC,
        "file://elsewhere/etc/passwd",
        "file://user@127.0.0.1/etc/passwd",
        "file:///etc/passwd#top",
        "file:///etc/passwd?x=1",
        "file:///etc/%252e/passwd",
        "file:\\\\\\etc\\passwd",
        " FILE:/etc/./passwd",
    ],
)
def test_one_address_in_many_spellings(uri: str) -> None:
    assert uri_matcher([ETC], every=False)(uri)
    assert uri_matcher(["file:///%65tc/../etc/passwd"], every=False)(uri)


@pytest.mark.parametrize("uri", ["file:///srv/etc/passwd", "http://elsewhere/etc/passwd", "etc/passwd"])
def test_another_address(uri: str) -> None:
    assert not uri_matcher([ETC], every=False)(uri)


@pytest.mark.parametrize("uri", ["file:///srv/../etc/passwd", "file:///srv/%2e%2e/etc", "file://elsewhere/srv/x"])
def test_what_permits_needs_every_spelling(uri: str) -> None:
    permits = uri_matcher(["file:///srv/*", "file://other/*"], every=True)
    assert permits("file:///srv/x y")
    assert permits("file:///srv/x%20y")
    assert not permits("file:///etc/passwd")
    assert not permits(uri)


@pytest.mark.parametrize("uri", ["file:///a%00b", "db://x/%ff", "db://x/%25252541", "db://x/\n"])
def test_what_stays_doubtful(uri: str) -> None:
    for every in (False, True):
        with pytest.raises(RuleFault):
            uri_matcher(["*"] if every else [ETC], every)(uri)
    assert uri_matcher(["*"], every=False)(uri)
    assert not uri_matcher([ETC], every=True)(uri)


@given(st.text("fileFILE:/%2e5.localhst#?x\\ ", max_size=24))
def test_tidying_ends(uri: Any) -> None:
    for spelling in spellings(uri)[1:]:
        assert spellings(spelling)[0] == spelling
    assert spellings(uri)[0] == uri
