"""What is loaded stays to the end: nobody need look through it for garbage, neither while it is loaded nor later."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import within the block."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
