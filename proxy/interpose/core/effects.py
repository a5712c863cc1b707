"""What the core wants done, as values: the only things that come out of it. The runner carries them out in order."""

import msgspec

from interpose.core.events import End, Frame


class Append(msgspec.Struct, frozen=True, gc=False):
    """Write one entry to the recording. The pieces joined are one line."""

    pieces: tuple[bytes, ...]


class Deliver(msgspec.Struct, frozen=True, gc=False):
    """Send a frame to an end, on a channel."""

    end: End
    channel: str
    frame: Frame


Effect = Append | Deliver
