"""Where each client keeps its configuration, on every platform: a pure function of what the machine says."""

import pytest

from interpose.app.clients.places import CLIENTS, Client, Machine, owner

LINUX = Machine("linux", "/home/ada", {}, "/work")
MAC = Machine("darwin", "/Users/ada", {}, "/work")
WINDOWS = Machine("win32", r"C:\Users\ada", {"APPDATA": r"C:\Users\ada\AppData\Roaming"}, r"D:\work")
SUPPORT = "/Users/ada/Library/Application Support"
ROAMING = r"C:\Users\ada\AppData\Roaming"
CLINE = "globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"


@pytest.mark.parametrize(
    ("client", "machine", "user", "project"),
    [
        ("claude-desktop", LINUX, "/home/ada/.config/Claude/claude_desktop_config.json", None),
        ("claude-desktop", MAC, f"{SUPPORT}/Claude/claude_desktop_config.json", None),
        ("claude-desktop", WINDOWS, rf"{ROAMING}\Claude\claude_desktop_config.json", None),
        ("claude-code", LINUX, "/home/ada/.claude.json", "/work/.mcp.json"),
        ("claude-code", WINDOWS, r"C:\Users\ada\.claude.json", r"D:\work\.mcp.json"),
        ("cursor", MAC, "/Users/ada/.cursor/mcp.json", "/work/.cursor/mcp.json"),
        ("vscode", LINUX, "/home/ada/.config/Code/User/mcp.json", "/work/.vscode/mcp.json"),
        ("vscode", MAC, f"{SUPPORT}/Code/User/mcp.json", "/work/.vscode/mcp.json"),
        ("vscode", WINDOWS, rf"{ROAMING}\Code\User\mcp.json", r"D:\work\.vscode\mcp.json"),
        ("windsurf", LINUX, "/home/ada/.codeium/windsurf/mcp_config.json", None),
        ("windsurf", WINDOWS, r"C:\Users\ada\.codeium\windsurf\mcp_config.json", None),
        ("zed", LINUX, "/home/ada/.config/zed/settings.json", "/work/.zed/settings.json"),
        ("zed", MAC, "/Users/ada/.config/zed/settings.json", "/work/.zed/settings.json"),
        ("zed", WINDOWS, rf"{ROAMING}\Zed\settings.json", r"D:\work\.zed\settings.json"),
        ("codex", LINUX, "/home/ada/.codex/config.toml", "/work/.codex/config.toml"),
        ("gemini", LINUX, "/home/ada/.gemini/settings.json", "/work/.gemini/settings.json"),
        ("opencode", LINUX, "/home/ada/.config/opencode/opencode.json", "/work/opencode.json"),
        ("cline", LINUX, f"/home/ada/.config/Code/User/{CLINE}", None),
        ("cline", MAC, f"{SUPPORT}/Code/User/{CLINE}", None),
    ],
)
def test_places(client: str, machine: Machine, user: str, project: str | None) -> None:
    files = CLIENTS[client].files(machine)
    assert str(files["user"][0]) == user
    assert (str(files["project"][0]) if "project" in files else None) == project


@pytest.mark.parametrize(
    ("client", "variable", "value", "path"),
    [
        ("codex", "CODEX_HOME", "/srv/codex", "/srv/codex/config.toml"),
        ("claude-code", "CLAUDE_CONFIG_DIR", "/srv/claude", "/srv/claude/.claude.json"),
        ("zed", "XDG_CONFIG_HOME", "/srv/xdg", "/srv/xdg/zed/settings.json"),
        ("vscode", "XDG_CONFIG_HOME", "/srv/xdg", "/srv/xdg/Code/User/mcp.json"),
        ("opencode", "OPENCODE_CONFIG", "/srv/oc.json", "/srv/oc.json"),
    ],
)
def test_variables_that_move_a_place(client: str, variable: str, value: str, path: str) -> None:
    machine = Machine("linux", "/home/ada", {variable: value}, "/work")
    assert str(CLIENTS[client].files(machine)["user"][0]) == path


@pytest.mark.parametrize("machine", [LINUX, MAC, WINDOWS], ids=lambda machine: str(machine.platform))
@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_a_place_says_whose_it_is(client: Client, machine: Machine) -> None:
    for paths in client.files(machine).values():
        for path in paths:
            assert owner(str(path)) is client


@pytest.mark.parametrize("path", ["/x/mcp.json", "/x/settings.json", "/x/notmcp_config.json", "/x/a.json"])
def test_other_files_are_nobodys(path: str) -> None:
    assert owner(path) is None
