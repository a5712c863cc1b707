"""Times as HAR files spell them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpose.core.importing.moment import seconds


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.integers(-1439, 1439))
def test_a_time_is_what_the_calendar_says(naive: datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    assert seconds(moment.isoformat()) == pytest.approx(since.total_seconds(), abs=1e-5)


@pytest.mark.parametrize("text", ["2026-11-22T19:30:54.5Z", "2026-11-22t19:30:54.5z", "2026-11-22 19:30:54.5+0000"])
def test_spellings_of_one_time(text: str) -> None:
    assert seconds(text) == datetime(2026, 11, 22, 19, 30, 54, 500000, UTC).timestamp()


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01", "2026-01-01T25:00:00Z"])
def test_what_is_no_time(text: str) -> None:
    assert seconds(text) is None
