"""Bundles of certificates and the variables that name them."""

from pathlib import Path

import pytest

from interpose.core.errors import UsageError
from interpose.edge.intercepting import client, mitmdump, trust


def test_a_client_trusts_what_it_did_and_the_interception(tmp_path: Path) -> None:
    own, ours = tmp_path / "own.pem", tmp_path / "ours.pem"
    own.write_text("OWN")
    ours.write_text("OURS")
    variables = trust.for_client({"NODE_EXTRA_CA_CERTS": str(own), "CURL_CA_BUNDLE": str(own)}, tmp_path, [str(ours)])
    texts = {name: Path(path).read_text().split() for name, path in variables.items()}
    assert texts["NODE_EXTRA_CA_CERTS"] == texts["CURL_CA_BUNDLE"] == ["OWN", "OURS"]
    assert texts["DENO_CERT"] == ["OURS"]
    assert "BEGIN" in texts["SSL_CERT_FILE"] or texts["SSL_CERT_FILE"][-1] == "OURS"
    assert texts["SSL_CERT_FILE"][-1] == "OURS"


def test_what_is_no_certificate_is_said(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing of the kind")
    with pytest.raises(UsageError, match="want certificates in PEM"):
        trust.checked(str(wrong))


def test_options_for_node_are_added_to(tmp_path: Path) -> None:
    options = client.proxies({"NODE_OPTIONS": "--no-warnings"}, "http://127.0.0.1:1")["NODE_OPTIONS"]
    assert options.startswith('--no-warnings --require "')
    assert Path(options.rpartition('--require "')[2].removesuffix('"')).is_file()


def test_mitmdump_is_found_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "mitmdump"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setattr("sys.prefix", str(tmp_path / "venv"))
    assert mitmdump.find(None) == str(program)
    beside = tmp_path / ".venv-tls" / "bin" / "mitmdump"
    beside.parent.mkdir(parents=True)
    program.rename(beside)
    assert mitmdump.find(None) == str(beside)
    beside.unlink()
    with pytest.raises(UsageError, match="uv tool install mitmproxy"):
        mitmdump.find(None)
