"""What a client says while we still load. One line goes to the server at once; it is recorded before anything follows.

See docs/decisions/0010: a single line may be handed on before its recording, where everything passes as it comes.
"""

import os
import select
import stat
from typing import NamedTuple

_MOST = 1 << 14  # what an empty pipe takes on every system without a wait


class Ahead(NamedTuple):
    """Bytes of the client that were read already, and whether the server has them."""

    data: bytes = b""
    passed: bool = False


def hand_on(sink: int, source: int = 0) -> Ahead:
    """Read what a client has said by now; a single line, or a part of one, is written on. Never waits."""
    kind = os.fstat(source).st_mode
    if not (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)) or not select.select([source], [], [], 0)[0]:
        return Ahead()
    try:
        data = os.read(source, _MOST)
    except OSError:
        return Ahead()  # whoever reads next will be told, too
    if not data or data.count(b"\n") > 1:
        return Ahead(data)
    try:
        return Ahead(data, passed=os.write(sink, data) == len(data))
    except OSError:
        return Ahead(data)
