"""A certificate authority for tests, made with the `openssl` command, and what it signs."""

from __future__ import annotations

import subprocess
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30")
_IS_AUTHORITY = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
NAMES = "DNS:localhost,DNS:mcp.example.test,IP:127.0.0.1"


class Authority:
    """Keys and certificates in a folder. `certificate` is what to trust."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.certificate = folder / "authority.pem"
        self._key = folder / "authority.key"
        self._make("authority", *_IS_AUTHORITY)

    def sign(self, name: str, names: str = NAMES) -> tuple[Path, Path]:
        """A certificate for these names, and its key."""
        signed = ("-CA", str(self.certificate), "-CAkey", str(self._key), "-addext", f"subjectAltName={names}")
        return self._make(name, *signed, "-addext", "basicConstraints=CA:FALSE")

    def _make(self, name: str, *extra: str) -> tuple[Path, Path]:
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        files = ("-keyout", str(key), "-out", str(certificate), "-subj", f"/CN=interpose test {name}")
        subprocess.run(["openssl", "req", "-x509", *_KEY, *files, *extra], check=True, capture_output=True)
        return certificate, key
