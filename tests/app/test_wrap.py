"""`interpose wrap` and `unwrap` as people run them: on files in a home folder of their own."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.core.wiring.files import FILES, name

from interpose.app.cli.main import cli
from interpose.app.clients import keeping
from interpose.app.clients.places import CLIENTS, owner
from interpose.core.errors import UsageError
from interpose.core.wiring.place import ConfigError

ONE = '{\n  "mcpServers": {\n    "a": { "command": "npx", "args": ["-y", "a"] },\n    "b": { "command": "b" }\n  }\n}\n'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder and a project folder with nothing in them."""
    for variable in ("XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "OPENCODE_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "platform", "linux")
    (tmp_path / "home").mkdir()
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    yield tmp_path / "home"
    assert not list(tmp_path.rglob("*-lock"))


def run(*arguments: object, answer: str | None = None) -> Result:
    return CliRunner().invoke(cli, [str(each) for each in arguments], input=answer, standalone_mode=False)


def good(*arguments: object) -> Result:
    done = run(*arguments)
    assert (done.exception, done.return_value) == (None, 0), (done.exception, done.stdout)
    return done


def refused(*arguments: object) -> str:
    done = run(*arguments)
    assert isinstance(done.exception, UsageError | ConfigError), done.exception
    assert done.exception.exit_code == 2
    return str(done.exception)


def written(path: Path, text: str = ONE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def servers(path: Path) -> Any:
    return json.loads(path.read_bytes())["mcpServers"]


@pytest.mark.parametrize("path", FILES, ids=name)
def test_wrapped_and_unwrapped_a_file_is_the_same_to_the_byte(path: Path, home: Path) -> None:
    target = path.name
    if path.parent.name in CLIENTS:
        places = {
            "codex": ".codex/config.toml",
            "opencode": f"opencode{path.suffix}",
            "zed": ".config/zed/settings.json",
        }
        names = {
            "claude-desktop": "claude_desktop_config.json",
            "claude-code": ".mcp.json",
            "vscode": ".vscode/mcp.json",
        }
        names |= {"cursor": ".cursor/mcp.json", "windsurf": "mcp_config.json", "gemini": ".gemini/settings.json"}
        target = (places | names | {"cline": "cline_mcp_settings.json"})[path.parent.name]
    file = home / target
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(path.read_bytes())
    client = owner(str(file))
    assert (client.name if client is not None else "generic") == path.parent.name
    wrapped = run("wrap", file, "--yes")
    assert wrapped.exception is None
    changed = file.read_bytes() != path.read_bytes()
    assert changed == Path(keeping.kept(str(file))).exists()
    again = run("wrap", file, "--yes")
    assert (again.return_value, again.stdout) == (wrapped.return_value, "")
    good("unwrap", file, "--yes")
    assert file.read_bytes() == path.read_bytes()
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_the_difference_is_shown_and_the_file_as_it_was_is_kept(home: Path) -> None:
    file = written(home / ".cursor" / "mcp.json")
    file.chmod(0o640)
    done = good("wrap", "cursor", "a", "-y")
    assert '-    "a": { "command": "npx", "args": ["-y", "a"] },\n+    "a": {' in done.stdout
    assert servers(file)["b"] == {"command": "b"}
    command, args = servers(file)["a"]["command"], servers(file)["a"]["args"]
    assert os.path.isabs(command)
    assert args[-6:] == ["--name", "a", "--", "npx", "-y", "a"]
    kept = Path(keeping.kept(str(file)))
    assert kept.read_text() == ONE
    assert (stat.S_IMODE(kept.stat().st_mode), stat.S_IMODE(file.stat().st_mode)) == (0o600, 0o640)


def test_secrets_do_not_show_in_the_difference(home: Path) -> None:
    entry = {"url": "https://x/mcp", "headers": {"Authorization": "Bearer sk-1"}}
    both = {"s": entry, "t": {**entry, "env": {"K": "sk-2"}}}
    written(home / ".cursor" / "mcp.json", json.dumps({"mcpServers": both}))
    done = good("wrap", "cursor", "-y")
    assert "sk-" not in done.stdout
    assert '"INTERPOSE_HEADER_AUTHORIZATION": "***"' in done.stdout
    assert "Authorization: ***" in done.stdout
    assert "sk-" not in good("unwrap", "cursor", "-y").stdout


def test_options_are_absolute_and_stay_when_wrapped_again(home: Path) -> None:
    file = written(home / ".cursor" / "mcp.json")
    Path("p.toml").write_text('[[rule]]\nname = "x"\nask = "sampling"\ndo = "block"\n')
    good("wrap", "cursor", "a", "--record", "kept", "--policy", "p.toml", "-y")
    here = os.getcwd()
    expected = ["run", "--record", f"{here}/kept/", "--policy", f"{here}/p.toml", "--name", "a", "--", "npx", "-y", "a"]
    assert servers(file)["a"]["args"][-len(expected) :] == expected
    good("wrap", "cursor", "-y")
    assert servers(file)["a"]["args"][-len(expected) :] == expected
    good("unwrap", "cursor", "-y")
    assert file.read_text() == ONE


def test_nothing_is_written_on_a_dry_run(home: Path) -> None:
    file = written(home / ".cursor" / "mcp.json")
    assert "+    " in good("wrap", "cursor", "--dry-run").stdout
    assert [file.read_text(), *file.parent.iterdir()] == [ONE, file]


def test_without_a_terminal_yes_is_wanted(home: Path) -> None:
    file = written(home / ".cursor" / "mcp.json")
    assert "add --yes" in refused("wrap", "cursor")
    assert [file.read_text(), *file.parent.iterdir()] == [ONE, file]


@pytest.mark.parametrize(("answer", "wrapped"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_on_a_terminal_it_asks(home: Path, answer: str, wrapped: bool) -> None:
    file = written(home / ".cursor" / "mcp.json")
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "interpose", "wrap", "cursor"]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        os.write(ours, answer.encode())
        _, said = process.communicate(timeout=30)
        os.close(ours)
    assert "Wrap a, b?" in said.decode()
    assert (process.returncode, file.read_text() != ONE) == ((0, True) if wrapped else (1, False))


def test_both_scopes_unless_one_is_named(home: Path) -> None:
    user, project = written(home / ".cursor" / "mcp.json"), written(Path(".cursor", "mcp.json"))
    good("wrap", "cursor", "--scope", "project", "-y")
    assert (user.read_text() == ONE, project.read_text() == ONE) == (True, False)
    good("wrap", "cursor", "-y")
    assert (user.read_text() == ONE, project.read_text() == ONE) == (False, False)
    good("unwrap", "cursor", "-y")
    assert (user.read_text() == ONE, project.read_text() == ONE) == (True, True)


def test_a_link_stays_a_link(home: Path) -> None:
    real = written(home / "dotfiles" / "mcp.json")
    link = home / ".cursor" / "mcp.json"
    link.parent.mkdir()
    link.symlink_to(real)
    good("wrap", "cursor", "-y")
    assert link.is_symlink()
    assert real.read_text() != ONE
    good("unwrap", "cursor", "-y")
    assert (link.is_symlink(), real.read_text()) == (True, ONE)


def test_what_the_user_added_since_stays_and_what_was_kept_too(home: Path) -> None:
    file = written(home / ".cursor" / "mcp.json")
    good("wrap", "cursor", "-y")
    added = '"mcpServers": {\n    "new": { "command": "new" },'
    file.write_text(file.read_text().replace('"mcpServers": {', added))
    good("unwrap", "cursor", "-y")
    assert file.read_text() == ONE.replace('"mcpServers": {', added)
    assert Path(keeping.kept(str(file))).read_text() == ONE


def test_a_server_wrapped_later_is_kept_as_it_was_too(home: Path) -> None:
    file = written(home / ".cursor" / "mcp.json")
    good("wrap", "cursor", "a", "-y")
    added = file.read_text().replace('"b" }', '"b", "env": {} }')
    file.write_text(added)
    good("wrap", "cursor", "-y")
    good("unwrap", "cursor", "-y")
    assert file.read_text() == ONE.replace('"b" }', '"b", "env": {} }')


def test_a_wrapping_edited_by_hand_stays(home: Path) -> None:
    file = written(home / ".cursor" / "mcp.json")
    good("wrap", "cursor", "-y")
    file.write_text(file.read_text().replace('"--", "npx"', '"npx"'))
    edited = servers(file)["a"]
    done = run("unwrap", "cursor", "-y")
    assert (done.exception, done.return_value) == (None, 1)
    assert servers(file) == {"a": edited, "b": {"command": "b"}}
    assert run("wrap", "cursor", "a", "-y").return_value == 1
    assert servers(file)["a"] == edited
    good("wrap", "cursor", "b", "-y")
    assert Path(keeping.kept(str(file))).read_text() == ONE


def test_a_malformed_file_has_its_place_and_nothing_is_written(home: Path) -> None:
    user = written(home / ".cursor" / "mcp.json")
    project = written(Path(".cursor", "mcp.json"), '{\n  "mcpServers": {\n    "a": { "command": "x" }\n    "b": 1\n')
    message = refused("wrap", "cursor", "-y")
    assert message == f'{os.getcwd()}/.cursor/mcp.json:4:5: a `,` or `}}` should be here, not `"`'
    assert user.read_text() == ONE
    assert [each.name for each in project.parent.iterdir()] == ["mcp.json"]


def test_what_is_unknown_is_refused_with_something_to_paste() -> None:
    message = refused("wrap", "curser", "-y")
    assert "did you mean `cursor`?" in message
    assert '"command": "' in message
    assert '"run", "--name", "NAME", "--", "COMMAND"' in message


def test_other_mistakes(home: Path) -> None:
    assert "looked for" in refused("wrap", "zed")
    assert "say which client" in refused("wrap")
    written(home / ".cursor" / "mcp.json")
    assert "no server is called `c`; there are: a, b" in refused("wrap", "cursor", "c")
    assert "name a folder" in refused("wrap", "cursor", "--record", written(home / "x.jsonl"))
    assert "no such file" in refused("wrap", "cursor", "--policy", "nowhere.toml")


def test_an_address_that_the_client_has_to_keep_is_explained(home: Path) -> None:
    text = '{"mcpServers": {"s": {"url": "https://x/mcp", "oauth": {}}, "t": {"command": "t"}}}'
    file = written(home / ".cursor" / "mcp.json", text)
    assert run("wrap", "cursor", "-y").return_value == 1
    assert servers(file)["s"] == {"url": "https://x/mcp", "oauth": {}}
    assert servers(file)["t"]["args"][-2:] == ["--", "t"]


def test_the_list_names_all_that_is_here(home: Path) -> None:
    written(home / ".cursor" / "mcp.json")
    written(home / ".codex" / "config.toml", '[mcp_servers.c]\nurl = "https://x"\n')
    good("wrap", "cursor", "a", "-y")
    rows = [line.split()[:4] for line in good("wrap", "--list").stdout.splitlines()]
    assert rows == [
        ["cursor", "a", "stdio", "wrapped"],
        ["cursor", "b", "stdio", "-"],
        ["codex", "c", "http", "-"],
    ]
    written(home / ".gemini" / "settings.json", "{")
    done = run("wrap", "--list")
    assert (done.return_value, len(done.stdout.splitlines())) == (2, 3)


def test_a_client_that_writes_meanwhile_loses_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading and writing, the file gets another server: the change is made anew on what is there."""
    file = written(home / ".cursor" / "mcp.json")
    save, late = keeping.save, ONE.replace('"b": {', '"late": { "command": "late" },\n    "b": {')

    def slow(path: str, read: bytes, new: bytes) -> None:
        if b"late" not in read:
            file.write_text(late)
        save(path, read, new)

    monkeypatch.setattr(keeping, "save", slow)
    good("wrap", "cursor", "-y")
    assert set(servers(file)) == {"a", "b", "late"}
    good("unwrap", "cursor", "-y")
    assert file.read_text() == late


def test_many_wraps_at_once_lose_nothing(home: Path) -> None:
    names = [f"s{number}" for number in range(6)]
    text = json.dumps({"mcpServers": {each: {"command": each} for each in names}}, indent=1)
    file = written(home / ".cursor" / "mcp.json", text)
    command = [sys.executable, "-m", "interpose", "wrap", "cursor", "-y"]
    quiet = subprocess.DEVNULL
    running = [subprocess.Popen([*command, each], stdin=quiet, stdout=quiet, stderr=quiet) for each in names]
    assert [each.wait(30) for each in running] == [0] * len(names)
    assert all(each["args"][-2:] == ["--", called] for called, each in servers(file).items())
    good("unwrap", "cursor", "-y")
    assert file.read_text() == text


def test_a_lock_that_is_held_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(home / ".cursor" / "mcp.json")
    monkeypatch.setattr(keeping, "_PATIENCE", 0.05)
    with keeping.locked(str(file)):
        assert "another interpose is changing it" in refused("wrap", "cursor", "-y")
    assert file.read_text() == ONE


def test_where_nothing_can_be_written_nothing_is_changed(home: Path) -> None:
    file = written(home / ".cursor" / "mcp.json")
    in_the_way = file.with_name("mcp.json.interpose-lock")
    in_the_way.mkdir()
    assert "cannot be changed" in refused("wrap", "cursor", "-y")
    in_the_way.rmdir()
    Path(keeping.kept(str(file))).mkdir()
    assert "before-interpose: cannot be" in refused("wrap", "cursor", "-y")
    assert file.read_text() == ONE
