"""Which certificates are trusted by whom: bundles of certificates as files, in PEM."""

import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path

from interpose.core.errors import UsageError

_PLACES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
FULL = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT")
ADDED = ("NODE_EXTRA_CA_CERTS", "DENO_CERT")


def checked(path: str) -> str:
    """A file with certificates. Raises UsageError when it is none."""
    try:
        ssl.create_default_context().load_verify_locations(path)
    except OSError as error:
        raise UsageError(f"--upstream-ca {path}: {error.strerror or error}; want certificates in PEM") from None
    return path


def system() -> str:
    """The certificates that this machine trusts."""
    paths = ssl.get_default_verify_paths()
    for place in (paths.cafile, paths.openssl_cafile, *_PLACES):
        if place and (text := _read(place)):
            return text
    found = ssl.create_default_context().get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, found))


def write(path: Path, parts: Iterable[str]) -> str:
    """One bundle of several. The path as text."""
    path.write_text("\n".join(parts), encoding="ascii", errors="replace")
    return str(path)


def for_client(environment: Mapping[str, str], folder: Path, authorities: Iterable[str]) -> dict[str, str]:
    """The variables by which a client trusts the certificates in these files too, beside those it trusted before."""
    added = [_read(path) for path in authorities]
    variables: dict[str, str] = {}
    for name in (*FULL, *ADDED):
        own = _read(environment.get(name, ""))
        before = own or (system() if name in FULL else "")
        variables[name] = write(folder / f"{name.lower()}.pem", (before, *added))
    return variables


def _read(path: str) -> str:
    """A file's text; nothing when it cannot be read."""
    try:
        return Path(path).read_text(encoding="ascii", errors="replace") if path else ""
    except OSError:
        return ""
