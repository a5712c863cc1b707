"""What is loaded stays to the end: nobody need look through it for garbage, neither while it is loaded nor later."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Objects that were made and not let go: a crowd of requests in flight is not garbage to look for.
_MADE = 5_000


@contextmanager
def loading() -> Iterator[None]:
    """Import within the block."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(_MADE)
        gc.enable()
