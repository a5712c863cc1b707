"""What a person is shown of an address, whatever it dresses up as."""

import pytest

from interpose.app.web.consent import address


@pytest.mark.parametrize(
    ("url", "host", "doubt"),
    [
        ("https://good.example/path?x=1#y", "good.example", None),
        ("https://GOOD.example:8443/", "good.example", None),
        ("http://good.example/", "good.example", "not https but http"),
        ("https://good.example@evil.test/", "evil.test", "before the @"),
        ("https://good.example:pw@evil.test:1/", "evil.test", "before the @"),
        ("https://gооd.example/", "xn--gd-", "other letters"),
        ("https://xn--gd-jbca.example/", "xn--gd-jbca.example", "other letters"),
        ("javascript:alert(1)", "", "not https but javascript"),
        ("data:text/html,<b>", "", "not https but data"),
        ("https://[::1", "", "no address"),
        ("", "", "nothing"),
        ("https://good.example\u202e/moc.elpmaxe", "good.example\\u202e", "other letters"),
    ],
)
def test_the_host_is_told_for_what_it_is(url: str, host: str, doubt: str | None) -> None:
    found = address(url)
    assert (host in found["host"]) if host else found["host"] == ""
    assert "\u202e" not in "".join(map(str, found.values()))
    if doubt is None:
        assert found["doubts"] == []
    else:
        assert any(doubt in each for each in found["doubts"])


def test_the_three_parts_are_the_whole_address() -> None:
    url = "https://user@good.example:8443/a/b?c=d#e"
    found = address(url)
    assert found["before"] + found["host"] + found["after"] == url
