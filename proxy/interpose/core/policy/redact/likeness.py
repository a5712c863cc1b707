"""Does a value assigned to a name look like a secret: neither a word, a number, a reference nor a stand-in."""

import re

from interpose.core.policy.redact.checksum import entropy
from interpose.core.policy.redact.words import words

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN = re.compile(r"[^A-Za-z0-9]+")
_WEAK = (
    "password",
    "passwd",
    "passwort",
    "pwd",
    "passphrase",
    "passcode",
    "secret",
    "secrets",
    "credential",
    "credentials",
)
_STRONG = ("apikey", "accesskey", "privatekey", "secretkey", "authkey", "signingkey", "encryptionkey", "accountkey")
_KEY_OF = words(
    "api access private secret auth signing encryption account master shared storage subscription service admin"
)
# Tokens that count, name a place in a list, or belong to a tokenizer.
_NO_TOKEN = words(
    "max min num total input output prompt completion cached reasoning progress page next prev previous "
    "continuation continue sync cancel cancellation pagination cursor eos bos pad unk sep cls mask stop special "
    "per budget design resume change idempotency"
)
# What follows a secret's name and makes it a name of something else.
_ABOUT = words(
    "type types name names id ids policy length url uri path file field fields expires expiry expiration hint "
    "count limit version manager arn ref reference regex pattern format ttl age enabled required reset label "
    "placeholder description source mode env var rotation usage scope scopes status kind class strength lifetime "
    "endpoint at in issuer algorithm budget window size"
)

_UUID = re.compile(rb"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")
_DATE = re.compile(rb"\d{4}-\d\d-\d\d(?:[T ]|\Z)")
_STAND_IN = re.compile(
    rb"(?i)\A(?:your|my[-_]|example|sample|dummy|change|placeholder|redacted|insert|replace|enter|none\b|null\b|todo|"
    rb"process\.|os\.|env[.:]|vault:|secret:|ref:|arn:|projects/|sha(?:1|256|384|512)[:-])|x{4}|\*{3}|\.{3}|_here\Z"
)
_REFERENCE = re.compile(rb"\A(?:[$%@~.!*#/\[<{]|https?:|file:|[A-Za-z]:[/\\]|[a-z_]+(?:\.[a-z_]\w*)+\Z)")
_CONSTANT = re.compile(rb"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\Z")
_VERSION = re.compile(rb"v?\d+(?:\.\w+)+(?:[-+][\w.]+)?\Z")
_MEDIA = re.compile(rb"(?:application|audio|font|image|model|multipart|text|video)/")


def names_secret(name: str) -> int:
    """How much a name promises: 0 no secret, 1 one that people may choose, 2 one that machines make."""
    parts = [word.lower() for word in _BETWEEN.split(_CAMEL.sub(" ", name)) if word]
    while parts and parts[-1].isdigit():
        parts.pop()
    if not parts or parts[-1] in _ABOUT:
        return 0
    if parts[-1].endswith("token"):
        before = parts[-1].removesuffix("token") or (parts[-2] if len(parts) > 1 else "")
        return 0 if before in _NO_TOKEN else 2
    if parts[-1].endswith(_STRONG) or (parts[-1] == "key" and len(parts) > 1 and parts[-2] in _KEY_OF):
        return 2
    return 1 if any(word.endswith(_WEAK) for word in parts) else 0


def is_secret(value: bytes, promise: int) -> bool:
    """Is the value assigned to such a name a secret rather than a word about one."""
    if not (6 if promise == 1 else 12) <= len(value) <= 4096 or is_stand_in(value):
        return False
    return is_mixed(value) and entropy(value) >= (2.5 if promise == 1 else 3.0)


def is_stand_in(value: bytes) -> bool:
    """Something that stands where a secret would: a variable, an example, a path, an id."""
    if _STAND_IN.search(value) or _REFERENCE.match(value) or _CONSTANT.match(value):
        return True
    if _UUID.match(value) or _DATE.match(value) or _VERSION.match(value) or _MEDIA.match(value):
        return True
    parts = value.split(b"/")
    return len(parts) > 2 and max(map(len, parts)) < 16


def is_mixed(value: bytes) -> bool:
    """Letters, and something that no word has: digits, or signs between cases."""
    letters = any(65 <= byte <= 90 or 97 <= byte <= 122 for byte in value)
    return letters and any(48 <= byte <= 57 for byte in value)


def is_random(value: bytes, least: float = 3.0) -> bool:
    """Letters and digits without much repetition."""
    return is_mixed(value) and entropy(value) >= least
