"""Made-up secrets and people. Every secret is put together here, so that no file holds one in a piece."""

import hashlib
import json
import random
import string
from typing import Any

from interpose.core.policy.redact.detectors import DETECTORS
from interpose.core.policy.redact.placeholders import Placeholders
from interpose.core.policy.redact.redactor import Options, Redaction, Redactor

_chance = random.Random(20260728)
_ALL = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"


def letters(count: int, alphabet: str = _ALL) -> str:
    return "".join(_chance.choices(alphabet, k=count))


def _dashed(*pieces: str) -> str:
    return "-".join(pieces)


AWS = "AK" + "IA" + letters(16, string.ascii_uppercase + "234567")
GITHUB = "gh" + "p_" + letters(36)
PEM_BODY = "\n".join(letters(64) for _ in range(8))
PEM = f"-----BEGIN {'PRIVATE'} KEY-----\n{PEM_BODY}\n-----END {'PRIVATE'} KEY-----"
JWT = "ey" + "JhbGciOiJIUzI1NiJ9." + "ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0." + letters(43)

# By label of the placeholder: a text, and the part of it that must go.
SECRETS: list[tuple[str, str, str]] = [
    ("aws-key", AWS, AWS),
    ("aws-key", f"id={AWS},", AWS),
    *[
        (label, text, text)
        for label, text in (
            ("gcp-key", "AI" + "za" + letters(35)),
            ("gcp-token", "ya" + "29." + letters(60)),
            ("gcp-oauth", "GOC" + "SPX-" + letters(28)),
            ("azure-secret", "abc" + "8Q~" + letters(34)),
            ("github-token", GITHUB),
            ("github-token", "gh" + "s_" + letters(36)),
            ("github-token", "github" + "_pat_" + letters(22) + "_" + letters(59)),
            ("gitlab-token", "gl" + "pat-" + letters(20)),
            ("slack-token", _dashed("xo" + "xb", letters(12, string.digits), letters(12, string.digits), letters(24))),
            ("slack-token", _dashed("xa" + "pp", "1", letters(11), letters(13, string.digits), letters(64, _HEX))),
            ("stripe-key", "sk" + "_live_" + letters(24)),
            ("stripe-key", "rk" + "_test_" + letters(24)),
            ("stripe-key", "wh" + "sec_" + letters(32)),
            ("anthropic-key", _dashed("sk", "ant", "api03", letters(93), letters(6))),
            ("openai-key", "sk" + "-" + letters(20) + "T3Blbk" + "FJ" + letters(20)),
            ("openai-key", _dashed("sk", "proj", letters(80))),
            ("npm-token", "np" + "m_" + letters(36)),
            ("pypi-token", "py" + "pi-AgEI" + letters(120)),
            ("sendgrid-key", "S" + "G." + letters(22) + "." + letters(43)),
            ("twilio-key", "S" + "K" + letters(32, _HEX)),
            ("huggingface-token", "h" + "f_" + letters(34)),
            ("digitalocean-token", "do" + "p_v1_" + letters(64, _HEX)),
            ("shopify-token", "sh" + "pat_" + letters(32, _HEX)),
            ("databricks-token", "da" + "pi" + letters(32, _HEX)),
            ("telegram-token", "123456789:" + "AA" + letters(33)),
            ("vault-token", "hv" + "s." + letters(24)),
            ("atlassian-token", "ATA" + "TT3" + letters(180)),
            ("grafana-token", "gl" + "sa_" + letters(32) + "_" + letters(8, _HEX)),
            ("vendor-token", "gs" + "k_" + letters(52)),
            ("age-key", "AGE-SECRET" + "-KEY-1" + letters(58, string.ascii_uppercase + string.digits)),
            ("jwt", JWT),
            ("private-key", PEM),
            ("private-key", PEM.replace("PRIVATE", "RSA PRIVATE")),
        )
    ],
    *[
        (label, before + (secret := letters(count, alphabet)) + after, secret)
        for label, before, count, alphabet, after in (
            ("aws-secret", "aws_secret_access_key = ", 40, _ALL + "+/", ""),
            ("aws-secret", 'AWS_SECRET_ACCESS_KEY="', 40, _ALL + "+/", '"'),
            ("azure-key", "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=", 86, _ALL + "+/", ";"),
            ("azure-sas", "https://x.blob.core.windows.net/c?sv=2022-11-02&sig=", 46, _ALL, "&x=y"),
            ("slack-hook", "https://hooks.slack.com/" + "services/", 44, _ALL, ""),
            ("discord-hook", "https://discord.com/api/" + "webhooks/123456789012345678/", 68, _ALL, ""),
            ("url-password", "postgres://app:", 12, _ALL, "@db.internal:5432/prod"),
            ("url-password", "https://user:", 9, _ALL + "!@", "@host.example/x?y=z"),
            ("bearer-token", "Authorization: Bearer ", 40, _ALL + "._-", ""),
            ("credential", "password=", 12, _ALL, ""),
            ("credential", "DB_PASSWORD: ", 14, _ALL, "\n"),
            ("credential", "'clientSecret': '", 24, _ALL, "',"),
            ("credential", '"api_key": "', 32, _HEX, '"'),
            ("credential", '{"apiKey":"', 24, _ALL, '"}'),
            ("credential", "?access_token=", 30, _ALL, "&x=1"),
            ("credential", "X-Api-Key: ", 32, _HEX, ""),
            ("credential", "--token ", 24, _ALL, " --verbose"),
        )
    ],
    ("basic-auth", "Authorization: Basic " + "dXNlcjpw" + "YXNzd29yZDEyMw==", "dXNlcjpw" + "YXNzd29yZDEyMw=="),
    ("credential", "password=hunter" + "22", "hunter22"),
]

PEOPLE: list[tuple[str, str, str]] = [
    *[
        ("email", f"mail <{address}>, please", address)
        for address in ("bob@example.org", "first.last+tag@sub.example.co.uk", "o'neil_2@x-y.example.com", "A1%b@ex.io")
    ],
    *[
        ("phone", f"call {number} today", number)
        for number in (
            *("+49 30 12345678", "+1-202-555-0143", "+442079460958", "+1 (202) 555-0143", "(202) 555-0143"),
            *("202-555-0143", "202.555.0143", "+33 1 23 45 67 89"),
        )
    ],
    ("phone", "Tel: 030 1234567", "030 1234567"),
    ("phone", '"phone": "0151/23456789"', "0151/23456789"),
    *[
        ("card", f"card {number}.", number)
        for number in (
            *("4111111111111111", "4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005"),
            *("3782 822463 10005", "6011111111111117", "30569309025904", "3530111333300000", "2223003122003222"),
        )
    ],
    *[
        ("iban", f"to {account} now", account)
        for account in (
            *("DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB82 WEST 1234 5698 7654 32"),
            *("NL91ABNA0417164300", "FR1420041010050500013M02606", "NO9386011117947"),
        )
    ],
    *[
        ("ip", f"from {address} port 22", address)
        for address in (
            *("8.8.8.8", "192.168.1.17", "10.0.0.5", "203.0.113.9", "2001:db8::1", "fe80::1ff:fe23:4567:890a"),
            *("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "fd12:3456:789a:1::1"),
        )
    ],
    ("ip", "http://172.16.4.2:8080/x", "172.16.4.2"),
]

EVERYTHING = Redactor(Options(detectors=tuple(DETECTORS)))


def placeholders() -> Placeholders:
    return Placeholders(lambda plain: hashlib.blake2b(plain, key=b"a session's key").digest())


def text_result(*texts: str, **members: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {"content": [{"type": "text", "text": text} for text in texts], **members},
    }


def redact(message: Any, redactor: Redactor = EVERYTHING) -> Redaction:
    raw = message if isinstance(message, bytes) else json.dumps(message).encode()
    return redactor.redact(raw, placeholders())


def masked(message: Any, redactor: Redactor = EVERYTHING) -> Any:
    """The message after redaction, as values."""
    return json.loads(redact(message, redactor).raw)
