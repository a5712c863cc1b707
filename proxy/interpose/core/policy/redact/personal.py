"""What points to a person or a machine: e-mail, phone, card, IBAN, IP. Checksums and contexts keep numbers apart."""

import re

from interpose.core.policy.redact.checksum import luhn, mod97
from interpose.core.policy.redact.engine import Expression, Spans
from interpose.core.policy.redact.pattern import Check, Pattern
from interpose.core.policy.redact.words import words

_FILE_ENDINGS = words(
    "png jpg jpeg gif svg webp avif ico bmp css js mjs cjs ts tsx jsx json html htm md txt xml yaml yml toml py "
    "rs go rb java php sh log pdf zip gz tar whl exe dll so map lock service socket timer target mount scope "
    "slice local"
)
_VERSION_LABEL = re.compile(rb"v?\d+\Z|\d+-")
_IN_URL = re.compile(rb"://[^\s/@]*\Z")
_NOT_DIGIT = re.compile(rb"\D+")
_CARD_GROUPS = frozenset(((4, 4, 4, 4), (4, 6, 5), (4, 6, 4)))
# Prefix, lengths (ISO/IEC 7812 issuers as in use).
_CARDS = re.compile(
    rb"(?:4\d{15}|(?:5[1-5]|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d+|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"
    rb"|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14})\Z"
)
_IBAN_SIZE = {
    pair[:2]: int(pair[3:])
    for pair in words(
        "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DK:18 "
        "DO:28 EE:20 EG:29 ES:24 FI:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 "
        "IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 "
        "MR:27 MT:31 MU:30 NL:18 NO:15 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 SA:24 SC:31 SD:18 SE:24 SI:19 "
        "SK:24 SM:27 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20"
    )
}
_VERSION_BEFORE = Expression(
    r"(?i)(?:(?:version|ver|release|build|assembly|firmware|driver|kernel)\w{0,8}[\"']?\s{0,2}[:=(]?\s{0,2}[\"']?"
    r"|[=<>~^]=\s?|[<>~^]\s?|[A-Za-z]/|[A-Za-z0-9.]-|(?:section|chapter|clause|step|oid|rule|figure|table)\s?)\z"
)
_VERSION_AFTER = re.compile(
    rb"[\w.]*-?(?:alpha|beta|rc|dev|snapshot|final|preview|tar|zip|whl|jar|dll|deb|rpm|exe|msi)"
)
_IPV6_FIRST = re.compile(rb"(?i)[23][0-9a-f]{3}|f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]|ff[0-9a-f]{2}")
_COUNTRY = re.compile(
    rb"\+(?:1[2-9]|7[3-9]|2[07]|2[1-689]\d|3[0-469]|3[578]\d|4[013-9]|42\d|5[1-8]|5[09]\d|6[0-6]|6[789]\d|8[1246]|8[0578]\d"
    rb"|9[0-58]|9[679]\d)"
)


def _email(text: bytes, spans: Spans) -> bool:
    start, end = spans[0]
    local, _, domain = text[start:end].partition(b"@")
    if local.lower() == b"git" or local.endswith(b".") or b".." in local:
        return False
    labels = domain.lower().split(b".")
    if labels[-1].decode() in _FILE_ENDINGS or _VERSION_LABEL.match(labels[0]):
        return False
    return _IN_URL.search(text, max(0, start - 300), start) is None and text[end : end + 1] not in (b"_", b"@")


def _phone(text: bytes, spans: Spans) -> bool:
    start, end = spans[0]
    if _touches(text, start, end, b"+-./=&%#_"):
        return False
    found = text[start:end]
    digits = _NOT_DIGIT.sub(b"", found)
    if not found.startswith(b"+"):
        return len(digits) == 10 and digits[1:3] != b"11" and digits[4:6] != b"11"
    plain = len(digits) + 1 == len(found)
    return (10 if plain else 8) <= len(digits) <= 15 and _COUNTRY.match(b"+" + digits) is not None


def _labelled_phone(text: bytes, spans: Spans) -> bool:
    digits = _NOT_DIGIT.sub(b"", text[slice(*spans[1])])
    return 7 <= len(digits) <= 15 and len(set(digits)) > 1


def _card(text: bytes, spans: Spans) -> bool:
    start, end = spans[0]
    groups = tuple(len(part) for part in re.split(rb"[ -]", text[start:end]))
    if (len(groups) > 1 and groups not in _CARD_GROUPS) or _touches(text, start, end, b".-_/=+#"):
        return False
    digits = _NOT_DIGIT.sub(b"", text[start:end])
    return _CARDS.match(digits) is not None and len(digits) in (14, 15, 16) and luhn(digits) and len(set(digits)) > 1


def _iban(text: bytes, spans: Spans) -> bool:
    account = text[slice(*spans[0])].replace(b" ", b"")
    return len(account) == _IBAN_SIZE.get(account[:2].decode(), 0) and mod97(account)


def _ipv4(text: bytes, spans: Spans) -> bool:
    start, end = spans[0]
    parts = [int(part) for part in text[start:end].split(b".")]
    if (
        max(parts) > 255
        or parts[0] in (0, 127, 255)
        or any(len(p) > 1 and p[:1] == b"0" for p in text[start:end].split(b"."))
    ):
        return False
    if parts[2:] == [0, 0] and text[end : end + 1] != b"/":
        return False  # 6.0.0.0 is an assembly; a network says how wide it is
    after = text[end : end + 2]
    if after[:1] == b"." and after[1:].isalnum():
        return False
    if _VERSION_BEFORE.first(text[max(0, start - 32) : start]) or _VERSION_AFTER.match(text, end, end + 16):
        return False
    return text[start - 1 : start] != b"."


def _ipv6(text: bytes, spans: Spans) -> bool:
    start, end = spans[0]
    if text[start - 1 : start] in (b":", b".", b"-") or text[end : end + 1] == b":":
        return False
    found = text[start:end]
    groups = [group for group in found.split(b":") if group]
    if not all(len(group) <= 4 for group in groups) or found.count(b"::") > 1:
        return False
    whole = len(groups) == 8 if b"::" not in found else 2 <= len(groups) < 8
    return whole and _IPV6_FIRST.match(groups[0]) is not None and len(groups[0]) == 4


def _touches(text: bytes, start: int, end: int, signs: bytes) -> bool:
    """Is the match only a part of something longer."""
    before, after = text[start - 1 : start] if start else b"", text[end : end + 2]
    if before and (before.isalnum() or before in signs):
        return True
    return len(after) == 2 and after[0] in signs and after[1:].isalnum()


def _personal(name: str, expression: str, check: Check, group: int = 0, rank: int = 2) -> Pattern:
    return Pattern(name, "personal", name, expression, check, group, rank, spaced=name in ("phone", "card", "iban"))


EMAIL = (_personal("email", r"[A-Za-z0-9_%+'-][A-Za-z0-9._%+'-]*@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}\b", _email),)
PHONE = (
    _personal("phone", r"\+\d[\d]{0,3}(?:[ .-]?\(\d{1,4}\))?(?:[ .-]?\d{1,5}){1,6}\b", _phone, rank=4),
    _personal("phone", r"\([2-9]\d\d\) ?[2-9]\d\d[-. ]\d{4}\b", _phone, rank=4),
    _personal("phone", r"\b[2-9]\d\d-[2-9]\d\d-\d{4}\b|\b[2-9]\d\d\.[2-9]\d\d\.\d{4}\b", _phone, rank=4),
    _personal(
        "phone",
        r"""(?i)\b(?:phone|tel|telephone|mobile|cell|fax|whatsapp)(?:[ _.-]?(?:number|no|nr))?\.?["']?"""
        r"""[ \t]*[:=][ \t]*["']?((?:\+|\(|\b)\d[\d ()./-]{5,20}\d)\b""",
        _labelled_phone,
        group=1,
        rank=4,
    ),
)
CARD = (
    _personal("card", r"\b(?:[2-6]\d{13,15}|[2-6]\d{3}(?:[ -]\d{4}){3}|3\d{3}[ -]\d{6}[ -]\d{4,5})\b", _card, rank=2),
)
IBAN = (_personal("iban", r"\b[A-Z]{2}\d{2}(?:[A-Z0-9]{11,28}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)\b", _iban),)
IP = (
    _personal("ip", r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", _ipv4, rank=3),
    _personal("ip", r"\b[23fF][0-9a-fA-F]{3}:(?:[0-9a-fA-F]{0,4}:){1,7}[0-9a-fA-F]{0,4}", _ipv6, rank=3),
)
