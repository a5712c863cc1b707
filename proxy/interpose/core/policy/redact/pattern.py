"""A pattern of a detector: what to look for, and what must hold beyond the shape."""

from collections.abc import Callable
from dataclasses import dataclass

from interpose.core.policy.redact.engine import Spans

Check = Callable[[bytes, Spans], bool]


@dataclass(frozen=True, slots=True)
class Pattern:
    """`group` is the part of a match that is masked; `check` sees the text around the match as well.

    `kind` and `label` make the placeholder: `[kind:label-1]`. A lower `rank` wins where two patterns meet. `apart` says
    that a name and its value may stand in two strings, a member's key and its value; then `hint` finds both of them in
    the bytes of a message.
    """

    detector: str
    kind: str
    label: str
    expression: str
    check: Check | None = None
    group: int = 0
    rank: int = 0
    apart: bool = False
    hint: str = ""
    spaced: bool = False  # blanks and hyphens within do not make another value

    @property
    def stands_alone(self) -> bool:
        """Is the shape proof enough, even where two texts were only thought to be one."""
        return self.rank == 0 if self.kind == "secret" else self.label in ("card", "iban")

    def plain(self, text: bytes) -> bytes:
        """The value itself, however it was spaced."""
        return bytes(byte for byte in text if chr(byte).isalnum()) if self.spaced else text
