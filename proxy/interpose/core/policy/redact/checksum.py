"""Sums that tell a number made by a rule from one that only looks like it."""

import math
from collections import Counter


def luhn(digits: bytes) -> bool:
    """ISO/IEC 7812-1: the check digit of payment cards."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = digit - 0x30
        if place % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def mod97(account: bytes) -> bool:
    """ISO 13616: the check digits of an IBAN, written without blanks."""
    turned = account[4:] + account[:4]
    return int("".join(str(int(chr(byte), 36)) for byte in turned)) % 97 == 1


def entropy(text: bytes) -> float:
    """Bits a byte, by the text's own frequencies."""
    if not text:
        return 0.0
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values())
