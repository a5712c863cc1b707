"""Where the memory of large messages comes from."""

from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc: malloc.h
_LARGE = 1 << 20
_SPARE = 1 << 22


@cache
def return_large_blocks() -> None:
    """Have the memory of large blocks go back to the system at once.

    glibc learns from the first large block that is freed to keep such memory. Lines grow as they come, and each would
    leave holes that the next does not fit into: up to twice the memory. Nothing happens with another C library.
    """
    import ctypes  # not before there is a large line: it takes 3 ms

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_TRIM_THRESHOLD, _SPARE)


@cache
def keep_blocks_to_read_into(size: int) -> None:
    """Have blocks of this size come from memory that is there already.

    A read asks for a block of all that it may bring. glibc would get each from the system, page by page, and give it
    back, until a larger one has been freed.
    """
    bytearray(2 * size)
