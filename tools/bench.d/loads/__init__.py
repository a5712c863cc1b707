"""The loads by name, in the order in which they run. To add one, write it and list it."""

from collections.abc import Callable

from given import Given
from sheet import Sheet

from loads.calls import http, stateless, stdio
from loads.large import large_http, large_stdio
from loads.long import long
from loads.memory import memory
from loads.scan import scan
from loads.start import start
from loads.stream import stream
from loads.viewer import viewer

LOADS: dict[str, Callable[[Given], Sheet]] = {
    "stdio": stdio,
    "http": http,
    "stateless": stateless,
    "large-stdio": large_stdio,
    "large-http": large_http,
    "stream": stream,
    "viewer": viewer,
    "start": start,
    "memory": memory,
    "long": long,
    "scan": scan,
}
