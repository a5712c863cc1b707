"""Where each client keeps its configuration: a pure function of the platform, the home folder and the environment."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Literal, get_args

from interpose.core.wiring.layout import LAYOUTS, Layout

Scope = Literal["user", "project"]
SCOPES = get_args(Scope)
_SHARED = "mcp.json"


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides about places: `platform` as `sys.platform` says it, the home folder, the folder we are in."""

    platform: str
    home: str
    environment: Mapping[str, str]
    folder: str

    def path(self, *parts: str) -> PurePath:
        return (PureWindowsPath if self.platform == "win32" else PurePosixPath)(*parts)

    def at_home(self, *parts: str) -> PurePath:
        return self.path(self.home, *parts)

    def here(self, *parts: str) -> PurePath:
        return self.path(self.folder, *parts)

    def config(self) -> PurePath:
        """Where programs of this platform keep their settings."""
        if self.platform == "win32":
            return self.path(self.environment.get("APPDATA") or str(self.at_home("AppData", "Roaming")))
        if self.platform == "darwin":
            return self.at_home("Library", "Application Support")
        return self.xdg()

    def xdg(self) -> PurePath:
        return self.path(self.environment.get("XDG_CONFIG_HOME") or str(self.at_home(".config")))

    def named(self, variable: str, *otherwise: str) -> PurePath:
        """The folder that a variable names, or one in the home folder."""
        return self.path(self.environment.get(variable) or str(self.at_home(*otherwise)))


@dataclass(frozen=True, slots=True)
class Client:
    """One client. `files` are its places, whether or not anything is there; a path that `known_by` fits is its own."""

    name: str
    title: str
    files: Callable[[Machine], dict[Scope, list[PurePath]]]
    known_by: str

    @property
    def layout(self) -> Layout:
        return LAYOUTS[self.name]


def _claude_code(machine: Machine) -> dict[Scope, list[PurePath]]:
    return {"user": [machine.named("CLAUDE_CONFIG_DIR") / ".claude.json"], "project": [machine.here(".mcp.json")]}


def _vscode(machine: Machine) -> dict[Scope, list[PurePath]]:
    user = machine.config() / "Code" / "User" / _SHARED
    return {"user": [user], "project": [machine.here(".vscode", _SHARED)]}


def _windsurf(machine: Machine) -> dict[Scope, list[PurePath]]:
    codeium = machine.at_home(".codeium")
    return {"user": [codeium / "windsurf" / "mcp_config.json", codeium / "mcp_config.json"]}


def _zed(machine: Machine) -> dict[Scope, list[PurePath]]:
    folder = machine.config() / "Zed" if machine.platform == "win32" else machine.xdg() / "zed"
    return {"user": [folder / "settings.json"], "project": [machine.here(".zed", "settings.json")]}


def _codex(machine: Machine) -> dict[Scope, list[PurePath]]:
    user = machine.named("CODEX_HOME", ".codex") / "config.toml"
    return {"user": [user], "project": [machine.here(".codex", "config.toml")]}


def _gemini(machine: Machine) -> dict[Scope, list[PurePath]]:
    places = machine.at_home(".gemini", "settings.json"), machine.here(".gemini", "settings.json")
    return {"user": [places[0]], "project": [places[1]]}


def _opencode(machine: Machine) -> dict[Scope, list[PurePath]]:
    names = ("opencode.json", "opencode.jsonc")
    named = machine.environment.get("OPENCODE_CONFIG")
    user = [machine.path(named)] if named else []
    return {
        "user": user + [machine.xdg() / "opencode" / name for name in names],
        "project": [machine.here(name) for name in names],
    }


def _cline(machine: Machine) -> dict[Scope, list[PurePath]]:
    name = "cline_mcp_settings.json"
    extension = machine.config() / "Code" / "User" / "globalStorage" / "saoudrizwan.claude-dev" / "settings" / name
    return {"user": [extension, machine.at_home("Documents", "Cline", "MCP", name)]}


def _cursor(machine: Machine) -> dict[Scope, list[PurePath]]:
    return {"user": [machine.at_home(".cursor", _SHARED)], "project": [machine.here(".cursor", _SHARED)]}


def _claude_desktop(machine: Machine) -> dict[Scope, list[PurePath]]:
    return {"user": [machine.config() / "Claude" / "claude_desktop_config.json"]}


CLIENTS: dict[str, Client] = {
    client.name: client
    for client in (
        Client("claude-desktop", "Claude Desktop", _claude_desktop, r"claude_desktop_config\.json"),
        Client("claude-code", "Claude Code", _claude_code, r"\.mcp\.json|\.claude\.json"),
        Client("cursor", "Cursor", _cursor, r"\.cursor/mcp\.json"),
        Client("vscode", "VS Code", _vscode, r"(?:\.vscode|Code/User)/(?:mcp|settings)\.json"),
        Client("windsurf", "Windsurf", _windsurf, r"mcp_config\.json"),
        Client("zed", "Zed", _zed, r"\.?zed/settings\.json"),
        Client("codex", "Codex", _codex, r".*\.toml"),
        Client("gemini", "Gemini CLI", _gemini, r"\.gemini/settings\.json"),
        Client("opencode", "OpenCode", _opencode, r"opencode\.jsonc?"),
        Client("cline", "Cline", _cline, r"cline_mcp_settings\.json"),
    )
}


def owner(path: str) -> Client | None:
    """Whose file this is, by its name alone."""
    plain = path.replace("\\", "/")
    return next(
        (each for each in CLIENTS.values() if re.search(rf"(?:^|/)(?:{each.known_by})$", plain, re.IGNORECASE)), None
    )
