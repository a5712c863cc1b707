"""Which format a file has, by its first bytes."""

from urllib.parse import urlsplit

from interpose.core.importing.exchange import Capture
from interpose.core.importing.flows import read_flows
from interpose.core.importing.har import read_har

_BOM = b"\xef\xbb\xbf"
_YEAR_9999 = 253370764800


def read_capture(data: bytes) -> Capture:
    """A HAR file or a mitmproxy flow file as exchanges. Raises ValueError: where what is wrong, and what to do."""
    start = data[:64].removeprefix(_BOM).lstrip()
    if not start:
        raise ValueError("the file is empty")
    if start.startswith(b'{"interpose":'):
        raise ValueError("this is a recording of interpose already: `interpose show` reads it")
    if start.startswith(b"{"):
        return _checked(read_har(data))
    if start[:1].isdigit() and b":" in start[:13]:
        return _checked(read_flows(data))
    raise ValueError("neither a HAR file nor a mitmproxy flow file: export one of the two")


def _checked(capture: Capture) -> Capture:
    """Raises ValueError for addresses, statuses and times that are none."""
    for number, exchange in enumerate(capture.exchanges, 1):
        try:
            urlsplit(exchange.url)
        except ValueError:
            raise ValueError(f"exchange {number}: its address is none") from None
        if exchange.status is not None and not 0 < exchange.status < 1000:
            raise ValueError(f"exchange {number}: {exchange.status} is no HTTP status")
        for at in (exchange.asked, exchange.answer_began, exchange.answer_ended):
            if not 0 <= at < _YEAR_9999:
                raise ValueError(f"exchange {number}: {at} seconds since 1970 is no time")
    return capture
