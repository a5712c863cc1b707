"""What the core wants done, as values: the only things that come out of it. The runner carries them out in order."""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from interpose.core.events import Decision, End, Frame


class Append(msgspec.Struct, frozen=True, gc=False):
    """Write one entry to the recording. The pieces joined are one line; iterating those of a large one closes it."""

    pieces: Iterable[bytes]


class AppendAll(msgspec.Struct, frozen=True, gc=False):
    """Write several entries, each as `Append` has it."""

    lines: Sequence[Iterable[bytes]]


class Deliver(msgspec.Struct, frozen=True, gc=False):
    """Send a frame to an end, on a channel."""

    end: End
    channel: str
    frame: Frame


class Cut(msgspec.Struct, frozen=True, gc=False):
    """Break an end's connection off: over HTTP that of the exchange, over stdio that of the session."""

    end: End
    channel: str


class Wake(msgspec.Struct, frozen=True, gc=False):
    """Let the core hear `Ticked` once its time is `at` seconds or later. `hold` names what waits for that, if held."""

    at: float
    hold: str = ""


class Seek(msgspec.Struct, frozen=True, gc=False):
    """Seek somebody's approval of a held message: the core wants to hear `Decided` with `hold` before `until`.

    `at` is when it was held, `session` and `server` (as configured) whose it is. `rules` hold it and `approver` is whom
    they name; `message` is what would go on, `name` what it is about (a tool, a host). `may` are the decisions that can
    be made. Without one in time the core decides by itself, and `outcome` says in words what that is.
    """

    at: float
    session: str
    server: str
    hold: str
    until: float
    end: End
    method: str
    message: bytes
    rules: tuple[str, ...]
    may: tuple[Decision, ...]
    outcome: str
    name: str | None = None
    approver: str | None = None


class Release(msgspec.Struct, frozen=True, gc=False):
    """What approval was sought for waits no more: it was decided by somebody (`by`), or by nobody.

    `reload`: other rules are in force, and what they hold gets another name.
    """

    hold: str
    why: Decision | Literal["reload"]
    by: str = ""


class Store(msgspec.Struct, frozen=True, gc=False):
    """Put this into a file, in place of what is there."""

    path: str
    content: bytes


Effect = Append | AppendAll | Deliver | Cut | Wake | Seek | Release | Store
