"""How the use of something that a rule took away is refused: as a peer that never had it would."""

import msgspec

METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
RESOURCE_NOT_FOUND = -32002  # up to 2025-11-25; since 2026-07-28 it is INVALID_PARAMS


class Denial(msgspec.Struct, frozen=True):
    """The error for the one who asked."""

    code: int
    text: str
