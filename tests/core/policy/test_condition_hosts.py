"""Hosts of URLs: read only where no two parsers could disagree."""

from typing import Any

import pytest

from interpose.core.policy.fault import RuleFault
from interpose.core.policy.host import check_host, host_of, hosts


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.com", "example.com"),
        ("https://Example.COM./a?b#c", "example.com"),
        ("http://example.com:8080/x", "example.com"),
        ("HTTPS://a_b.example.com/x@y", "a_b.example.com"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("http://127.0.0.1:3000/", "127.0.0.1"),
        ("http://[::1]:3000/", "[::1]"),
        ("wss://example.com/socket", "example.com"),
        ("https://example.com/?next=https://evil.example", "example.com"),
    ],
)
def test_the_host_of_a_plain_url(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    "url",
    [
        "https://good.example@evil.example/",
        "https://good.example\\@evil.example/",
        "https://evil.example\\.good.example/",
        "https:/evil.example",
        "https:///evil.example",
        "//evil.example",
        " https://evil.example",
        "https://evil.example\n",
        "https://ev\til.example",
        "https://evil%2eexample/",
        "https://bücher.example/",
        "https://evil。example/",
        "https://good.example/\u202e",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://1.2.3.256/",
        "https://example.com:80:80/",
        "https://-a.example/",
        "https://a..example/",
        "https://",
        "",
        None,
        5,
        ["https://example.com"],
    ],
    ids=repr,
)
def test_a_doubtful_url_has_no_host(url: Any) -> None:
    with pytest.raises(RuleFault):
        host_of(url)


@pytest.mark.parametrize(
    ("names", "host", "expected"),
    [
        (["example.com"], "example.com", True),
        (["example.com"], "a.example.com", False),
        (["example.com"], "badexample.com", False),
        (["*.example.com"], "a.b.example.com", True),
        (["*.example.com"], "example.com", False),
        (["*.example.com"], "badexample.com", False),
        (["*.example.com", "example.com"], "example.com", True),
        (["[::1]"], "[::1]", True),
    ],
)
def test_hosts_are_compared_whole(names: list[str], host: str, expected: bool) -> None:
    assert hosts(names)(host) is expected


def test_a_rule_may_name_a_host_in_any_letter_case() -> None:
    assert check_host("Example.com") == "example.com"
