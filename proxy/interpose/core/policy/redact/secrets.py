"""What gives access: the keys and tokens of the common providers, and values assigned to names that say so."""

import binascii
import re

from interpose.core.policy.redact.engine import Spans
from interpose.core.policy.redact.likeness import is_random, is_secret, is_stand_in, names_secret
from interpose.core.policy.redact.pattern import Check, Pattern

NAME = "secrets"
_NAME_BEFORE = re.compile(rb"[A-Za-z0-9_.-]{0,60}\Z")
_NO_BODY = re.compile(rb"-----(?:BEGIN|END)[A-Z0-9 ]*-----|\s+")
_NAMES = (
    r"(?:passw(?:or)?[dt]|pwd|passphrase|passcode|secret|token|api[_.-]?key|access[_.-]?key|private[_.-]?key|auth[_.-]?key"
    r"|signing[_.-]?key|encryption[_.-]?key|account[_.-]?key|master[_.-]?key|shared[_.-]?key|storage[_.-]?key"
    r"|subscription[_.-]?key|service[_.-]?key|admin[_.-]?key|credential)"
)
_VALUE = r"""([^\s"'`,;<>(){}\[\]\\&|]{6,})"""


def _assigned(text: bytes, spans: Spans) -> bool:
    start = spans[0][0]
    before = _NAME_BEFORE.search(text, max(0, start - 60), start)
    name = (before.group() if before else b"") + text[start : spans[1][1]]
    promise = names_secret(name.decode("latin-1").lstrip("-."))
    return promise > 0 and is_secret(_trimmed(text[slice(*spans[2])]), promise)


def _trimmed(value: bytes) -> bytes:
    return value.rstrip(b".:!?")


def _bearer(text: bytes, spans: Spans) -> bool:
    value = text[slice(*spans[1])]
    return is_random(value) and not is_stand_in(value)


def _basic(text: bytes, spans: Spans) -> bool:
    value = text[slice(*spans[1])].rstrip(b"=")
    try:
        plain = binascii.a2b_base64(value + b"=" * (-len(value) % 4))
    except binascii.Error:
        return False
    return b":" in plain and plain.isascii() and plain.decode("ascii").isprintable()


def _random(text: bytes, spans: Spans) -> bool:
    return is_random(text[slice(*spans[0])])


def _password_in_url(text: bytes, spans: Spans) -> bool:
    value = text[slice(*spans[1])]
    return len(value) <= 512 and re.match(rb"[$<{*%\[]|x{3}|\d{1,5}\Z|(?i:password|pass|pw|secret)\Z", value) is None


def _key_body(text: bytes, spans: Spans) -> bool:
    return len(_NO_BODY.sub(b"", text[slice(*spans[0])])) >= 40


def _secret(label: str, expression: str, check: Check | None = None, *, group: int = 0, apart: bool = False) -> Pattern:
    return Pattern(NAME, "secret", label, expression, check, group, apart=apart)


PATTERNS: tuple[Pattern, ...] = (
    _secret(
        "private-key",
        r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:"
        r"[A-Za-z0-9+/=\s\\:,.-]*?-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
        r"|\s*(?:[A-Za-z0-9+/=]{32,}\s*)+[A-Za-z0-9+/=]*)",
        _key_body,
    ),
    _secret("age-key", r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    _secret("aws-key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    _secret(
        "aws-secret",
        r"""(?i)aws[a-z0-9_ .-]{0,20}(?:secret|key)[a-z0-9_ .-]{0,16}["']?\s*[:=]\s*["']?"""
        r"""([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)""",
        lambda text, spans: is_random(text[slice(*spans[1])]),
        group=1,
        apart=True,
    ),
    _secret("gcp-key", r"\bAIza[0-9A-Za-z_-]{35}"),
    _secret("gcp-token", r"\bya29\.[0-9A-Za-z_-]{20,}"),
    _secret("gcp-oauth", r"\bGOCSPX-[0-9A-Za-z_-]{20,}"),
    _secret("azure-key", r"(?i)\b(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,}={0,2})", group=1),
    _secret("azure-sas", r"[?&]sig=([A-Za-z0-9%+/_-]{40,}(?:%3D|=){0,2})", group=1),
    _secret("azure-secret", r"\b[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}"),
    _secret("github-token", r"\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{22,}"),
    _secret("gitlab-token", r"\bgl(?:pat|dt|rt|ft|soat|cbt|ptt|agent|oas|imt|ffct)-[A-Za-z0-9_-]{20,}"),
    _secret("slack-token", r"\bxox[abceoprs]-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{20,}", _random),
    _secret("slack-hook", r"\bhooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9+/_-]{20,})", group=1),
    _secret("stripe-key", r"\b[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}|\bwhsec_[A-Za-z0-9+/]{24,}={0,2}", _random),
    _secret("anthropic-key", r"\bsk-ant-[A-Za-z0-9_-]{20,}", _random),
    _secret("openai-key", r"\bsk-(?:proj|svcacct|admin|or-v1)-[A-Za-z0-9_-]{20,}|\bsk-[A-Za-z0-9]{20,}", _random),
    _secret("npm-token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    _secret("pypi-token", r"\bpypi-Ag[EN][A-Za-z0-9_-]{40,}"),
    _secret("sendgrid-key", r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"),
    _secret("twilio-key", r"\bSK[0-9a-f]{32}\b"),
    _secret("huggingface-token", r"\bhf_[A-Za-z0-9]{34,}\b"),
    _secret("digitalocean-token", r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    _secret("shopify-token", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"),
    _secret("databricks-token", r"\bdapi[a-f0-9]{32}\b"),
    _secret("telegram-token", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b"),
    _secret("discord-hook", r"\bdiscord(?:app)?\.com/api/webhooks/\d{15,20}/([A-Za-z0-9_-]{50,})", group=1),
    _secret("vault-token", r"\bhv[sbr]\.[A-Za-z0-9_-]{24,}"),
    _secret("atlassian-token", r"\bATATT3[A-Za-z0-9_=-]{60,}"),
    _secret("grafana-token", r"\bgl(?:sa_[A-Za-z0-9]{32}_[a-f0-9]{8}|c_[A-Za-z0-9+/]{32,}={0,2})"),
    _secret(
        "vendor-token",
        r"\b(?:gsk_[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{60,}|pplx-[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{37}|lin_api_[A-Za-z0-9]{32,}"
        r"|dckr_pat_[A-Za-z0-9_-]{20,}|rubygems_[a-f0-9]{48}|sntry[su]_[A-Za-z0-9+/=_-]{40,}|PMAK-[a-f0-9]{24}-[a-f0-9]{34}"
        r"|NRAK-[A-Z0-9]{27}|sbp_[a-f0-9]{40}|pscale_(?:tkn|pw)_[A-Za-z0-9_-]{30,}|dp\.(?:pt|st)\.[A-Za-z0-9._-]{40,})",
    ),
    _secret("jwt", r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){0,2}"),
    _secret(
        "url-password",
        r"""\b[a-z][a-z0-9+.-]{1,20}://[^\s"'<>/:@]*:([^\s"'<>/]+)@[A-Za-z0-9\[]""",
        _password_in_url,
        group=1,
    ),
    _secret("bearer-token", r"(?i)\bbearer[ \t]+([A-Za-z0-9._~+/-]{16,}={0,2})", _bearer, group=1),
    _secret("basic-auth", r"(?i)\bbasic[ \t]+([A-Za-z0-9+/_-]{8,}={0,2})", _basic, group=1),
    Pattern(
        NAME,
        "secret",
        "credential",
        rf"""(?i){_NAMES}([A-Za-z0-9_.-]{{0,30}})["']?[ \t]*(?:=>|:=|==?|:)[ \t]*["']?{_VALUE}""",
        _assigned,
        group=2,
        rank=1,
        apart=True,
        hint=rf"""(?i){_NAMES}[A-Za-z0-9_.-]{{0,30}}["']?\s*(?:=>|:=|==?|:)[\s\[]*["']?{_VALUE}""",
    ),
    Pattern(
        NAME,
        "secret",
        "credential",
        rf"""(?i)--[a-z-]{{0,20}}{_NAMES}([a-z-]{{0,10}})[ \t]+{_VALUE}""",
        _assigned,
        group=2,
        rank=1,
    ),
)
