"""Another message in the framing of one that came."""

import msgspec

from interpose.core.events import Frame
from interpose.core.wire.message import read


def reframed(frame: Frame, raw: bytes) -> Frame:
    """A frame that carries another message in the same framing; ids and names of an event stay."""
    message = read(raw)
    if frame.block is None:
        return msgspec.structs.replace(frame, raw=raw, message=message)
    ends = b"\r\n" if b"\r\n" in frame.raw else b"\n"
    kept = [line for line in frame.raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n") if line]
    fields = [line for line in kept if line.partition(b":")[0] != b"data"]
    block = ends.join((*fields, b"data: " + raw, b"", b""))
    return msgspec.structs.replace(frame, raw=block, message=message)
