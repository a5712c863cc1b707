"""Part D, 57: a rule about a directory, and all the ways to spell a path into it."""

from pathlib import Path
from typing import Any

import pytest
from tests.core.policy.test_condition import EVASIONS
from tests.trust.scene import Scene, denied, dump, lives, passed

from interpose.core.policy.condition import Condition
from interpose.core.policy.reading import PolicyError, read_policy

NO_ETC = (
    '[[rule]]\nname = "no-etc"\ntool = "*"\nkind = "request"\ndo = "block"\n'
    'given = { path = "$.arguments.*", inside = "/etc" }\n'
)
ONLY_PROJECT = (
    '[[rule]]\nname = "only-project"\ntool = "*"\nkind = "request"\ndo = "block"\n'
    'unless = { path = "$.arguments.path", inside = "/srv/project" }\n'
)
MORE: list[Any] = [
    "/tmp/../../etc/passwd",
    "/etc/passwd.",
    "/etc/passwd\x00.txt",
    "/tmp/%2e%2e/%2e%2e/etc/passwd",
    "file:///etc/passwd%00",
    ["/tmp/x", "/etc/passwd"],
    "/etc/ssl/../passwd",
    "/proc/self/root/../../../etc/passwd",
]


def reads(scene: Scene, **arguments: Any) -> Any:
    return scene.call(1, "read_file", arguments=arguments)


@pytest.mark.parametrize("path", EVASIONS + MORE, ids=repr)
def test_57_no_spelling_of_a_path_gets_past_a_rule_about_its_directory(path: Any) -> None:
    scene = Scene(NO_ETC)
    heard = reads(scene, path=path)
    denied(heard, "client", 1, "no-etc")
    lives(scene)
    denied(reads(Scene(ONLY_PROJECT), path=path), "client", 1, "only-project")


@pytest.mark.parametrize(
    "key", ["path", "Path", "PATH", "file", "target", "p\u0430th", "", "a b", "src/x", "\u200bpath"]
)
def test_57_the_name_of_the_argument_does_not_matter(key: str) -> None:
    denied(reads(Scene(NO_ETC), **{key: "//etc/passwd"}), "client", 1, "no-etc")
    denied(reads(Scene(ONLY_PROJECT), **{key: "//etc/passwd"}), "client", 1, "only-project")


@pytest.mark.parametrize("path", ["/srv/project/a", "file:///srv/project/a%20b", "/srv/project/./x/../y"])
def test_57_plain_paths_inside_pass_as_they_came(path: str) -> None:
    call = {"id": 1, "method": "tools/call", "params": {"name": "read_file", "arguments": {"path": path}}}
    passed(Scene(ONLY_PROJECT).client(call), "client", dump(call))
    passed(Scene(NO_ETC).client(call), "client", dump(call))


@pytest.mark.parametrize("directory", ["/etc/**", "/etc/*", "etc", "/etc/../x", "/etc/./x", "~/x", "C:\\etc"])
def test_57_a_directory_that_cannot_be_compared_plainly_is_refused_at_load(directory: str) -> None:
    text = NO_ETC.replace('"/etc"', repr(directory))
    with pytest.raises(PolicyError) as refusal:
        read_policy(text, "p.toml")
    assert str(refusal.value).startswith("p.toml:6:1: rule `no-etc`: `inside`:")


def test_57_links_are_not_followed_and_the_guide_of_the_key_says_so(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    call = {"id": 1, "method": "tools/call", "params": {"name": "r", "arguments": {"path": f"{tmp_path}/link/passwd"}}}
    passed(Scene(NO_ETC).client(call), "client", dump(call))
    denied(Scene(ONLY_PROJECT).client(call), "client", 1, "only-project")
    assert "links are not followed" in (Condition.model_fields["inside"].description or "")


ADDRESSES = [
    "file:////etc/passwd",
    "file:///tmp/../etc/passwd",
    "file:///%65tc/passwd",
    "file://localhost/etc/passwd",
    "FILE:///etc/passwd",
    "file:///etc%2fpasswd",
    "file:/etc/passwd",
]


def read_resource(scene: Scene, uri: str) -> Any:
    return scene.client({"id": 1, "method": "resources/read", "params": {"uri": uri}})


@pytest.mark.parametrize("uri", ADDRESSES)
def test_57_no_spelling_of_an_address_gets_past_a_rule_about_a_resource(uri: str) -> None:
    rules = '[[rule]]\nname = "no-etc"\nresource = "file:///etc/*"\nkind = "request"\ndo = "block"\n'
    denied(read_resource(Scene(rules), "file:///etc/passwd"), "client", 1, "no-etc")
    denied(read_resource(Scene(rules), uri), "client", 1, "no-etc")


@pytest.mark.parametrize("uri", ADDRESSES)
def test_57_a_condition_on_the_address_catches_every_spelling(uri: str) -> None:
    rules = (
        '[[rule]]\nname = "no-etc"\nresource = "*"\nkind = "request"\ndo = "block"\n'
        'given = { path = "$.uri", inside = "/etc" }\n'
    )
    denied(read_resource(Scene(rules), uri), "client", 1, "no-etc")
