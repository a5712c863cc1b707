"""Times of a recording as other formats spell them: nanoseconds since 1970, and ISO 8601. Reads no clock."""

_DAY = 86_400
_ERA = 146_097  # days in 400 years
_MARCH = 719_468  # days from 0000-03-01 to 1970-01-01: a year that begins in March ends with its leap day


def nanoseconds(began: int, at: float) -> int:
    """A moment of a recording; `began` is when it started, in nanoseconds since 1970."""
    return began + round(at * 1_000_000) * 1000


def iso(moment: int) -> str:
    """Nanoseconds since 1970 as `2026-11-22T16:56:47.654321Z`."""
    seconds, rest = divmod(moment, 1_000_000_000)
    days, clock = divmod(seconds, _DAY)
    year, month, day = _date(days)
    hours, clock = divmod(clock, 3600)
    return f"{year:04}-{month:02}-{day:02}T{hours:02}:{clock // 60:02}:{clock % 60:02}.{rest // 1000:06}Z"


def _date(days: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar."""
    era, day = divmod(days + _MARCH, _ERA)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    in_year = day - (365 * year + year // 4 - year // 100)
    month = (5 * in_year + 2) // 153
    year += era * 400 + (month >= 10)
    return year, month + 3 if month < 10 else month - 9, in_year - (153 * month + 2) // 5 + 1
