"""RFC 3339 times as seconds since 1970."""

import re

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d+)?(?:[Zz]|([+-])(\d\d):?(\d\d))?",
    re.ASCII,
)
_DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


def seconds(text: str) -> float | None:
    """The moment that a text names, UTC where it names no offset; None where it is no time."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    if not (year and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        return None
    offset = (int(found[9] or 0) * 60 + int(found[10] or 0)) * (-60 if found[8] == "-" else 60)
    clock = (hour * 60 + minute) * 60 + second - offset
    return _days(year, month, day) * 86400 + clock + float(found[7] or 0)


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01."""
    leaps = year // 4 - year // 100 + year // 400
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    in_year = _DAYS_BEFORE[month - 1] + day - 1 - (is_leap and month <= 2)
    return (year - 1970) * 365 + leaps - 477 + in_year
