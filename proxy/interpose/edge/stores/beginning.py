"""When a recording began."""

from datetime import datetime

from interpose.core.recording.entry import Header


def began(header: Header) -> int:
    """In nanoseconds since 1970; 0 where it does not say."""
    try:
        moment = datetime.fromisoformat(header.started)
    except ValueError:
        return 0
    return round(moment.timestamp() * 1_000_000) * 1000
