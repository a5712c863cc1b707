"""`interpose policy`: what it prints about files that are sound, and files that are not."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from interpose.app.cli.policy import command
from interpose.app.policies import read
from interpose.core.errors import UsageError
from interpose.core.policy.actions.lock import Locked, lock_text
from interpose.core.policy.reading import PolicyError
from interpose.core.policy.rule import Pin

SOUND = """\
[[rule]]
name = "no-sampling"
ask = "sampling"
do = "block"

[[rule]]
name = "no-links"
ask = "elicitation"
mode_is = "url"
do = "answer"
outcome = "decline"

[[rule]]
name = "secrets"
all = true
do = "redact"
find = "secrets"

[[rule]]
name = "watch"
mode = "audit"
tool = "delete_*"
do = "block"
"""


def policy(*words: str) -> tuple[int, str]:
    """The exit code and what was printed."""
    done = CliRunner().invoke(command, words, standalone_mode=False)
    assert done.exception is None
    return done.return_value, done.stdout


def test_a_sound_file_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "careful.toml"
    file.write_text(SOUND)
    assert policy("check", str(file)) == (0, f"{file}: ok, 4 rules (2 deny, 1 edit, 1 audit)\n")


def test_one_rule_is_one_rule(tmp_path: Path) -> None:
    file = tmp_path / "one.toml"
    file.write_text(SOUND.partition("\n\n")[0])
    assert policy("check", str(file)) == (0, f"{file}: ok, 1 rule (1 deny)\n")


def test_every_file_is_checked_and_every_mistake_told(tmp_path: Path) -> None:
    good, bad, odd = tmp_path / "good.toml", tmp_path / "bad.toml", tmp_path / "odd.toml"
    good.write_text(SOUND)
    bad.write_text(SOUND.replace("outcome", "outcom").replace('find = "secrets"', 'find = "secret"'))
    odd.write_bytes(b"a = 1\nb = '\xff'\n")
    status, said = policy("check", str(bad), str(odd), str(good), str(tmp_path / "none.toml"))
    assert status == 2
    assert said.splitlines() == [
        f"{bad}:11:1: rule `no-links`: unknown key `outcom`; did you mean `outcome`?",
        f"{bad}:17:1: rule `secrets`: `find`: there is no detector `secret`; there are secrets, email, phone, card, "
        "iban, ip; did you mean `secrets`?",
        f"{odd}:2:6: no UTF-8; save the file as UTF-8",
        f"{good}: ok, 4 rules (2 deny, 1 edit, 1 audit)",
    ]


def test_a_policy_is_loaded_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "careful.toml"
    with pytest.raises(UsageError, match="no such file"):
        read(str(file))
    file.write_text("")
    with pytest.raises(PolicyError, match="holds no rule"):
        read(str(file))
    file.write_text(SOUND)
    assert read(str(file)).name == "careful"


def test_the_schema_is_json() -> None:
    status, said = policy("schema")
    assert status == 0
    assert json.loads(said)["properties"]["rule"]["type"] == "array"


PINNED = '[[rule]]\nname = "same"\ndo = "pin"\nfile = "locks/tools.json"\n'


def pinned(folder: Path, content: bytes | None) -> Path:
    """A policy with a pin, and its lock file."""
    (folder / "locks").mkdir()
    if content is not None:
        (folder / "locks" / "tools.json").write_bytes(content)
    file = folder / "p.toml"
    file.write_text(PINNED)
    return file


def test_a_lock_is_read_beside_its_policy(tmp_path: Path) -> None:
    content = lock_text({"add": Locked({"title": "a" * 64})})
    policy_read = read(str(pinned(tmp_path, content)))
    lock = str(tmp_path / "locks" / "tools.json")
    assert policy_read.locks == {lock: content}
    assert [rule.file for rule in policy_read.rules if isinstance(rule, Pin)] == [lock]


def test_a_lock_that_is_not_there_is_worth_a_note(tmp_path: Path) -> None:
    file = pinned(tmp_path, None)
    assert read(str(file)).locks == {}
    code, said = policy("check", str(file))
    assert code == 0
    assert said.splitlines()[1] == (
        f"{file}: rule `same`: note: {tmp_path / 'locks' / 'tools.json'} is not there; it is written once tools "
        "were listed"
    )


def test_a_lock_that_cannot_be_used_is_a_mistake_with_its_file_and_line(tmp_path: Path) -> None:
    file = pinned(tmp_path, b'{\n  "add": 1\n}')
    code, said = policy("check", str(file))
    assert code == 2
    assert said.startswith(f"{tmp_path / 'locks' / 'tools.json'}:2: the tool 'add' is no object with `sha256`")


def test_a_lock_that_cannot_be_read_or_written_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text(PINNED)
    with pytest.raises(PolicyError, match=r"rule `same`: `file` is in no folder: .*locks"):
        read(str(file))
    (tmp_path / "locks" / "tools.json").mkdir(parents=True)
    with pytest.raises(PolicyError, match=r"tools\.json: cannot be read"):
        read(str(file))


def test_two_rules_cannot_share_a_lock(tmp_path: Path) -> None:
    file = pinned(tmp_path, None)
    file.write_text(PINNED + PINNED.replace("same", "other").replace("locks/", "locks/../locks/./"))
    with pytest.raises(PolicyError, match="`file` is that of the rule `same`"):
        read(str(file))
