"""Times as other formats spell them."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from interpose.core.exporting.moment import iso, nanoseconds


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2999, 12, 31)))
def test_every_moment_is_spelled_as_the_calendar_has_it(moment: datetime) -> None:
    since = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert iso(since * 1000) == moment.isoformat(timespec="microseconds") + "Z"


def test_a_recordings_microseconds_survive() -> None:
    assert nanoseconds(1_000_000_000, 0.000162) == 1_000_162_000
    assert iso(nanoseconds(0, 1.5)) == "1970-01-01T00:00:01.500000Z"
