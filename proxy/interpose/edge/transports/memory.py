"""Where the memory of large messages comes from. Nothing happens with another C library than glibc."""

from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc: malloc.h
_MB = 1 << 20


@cache
def return_large_blocks() -> None:
    """Have the memory of large blocks go back to the system at once.

    glibc learns from the first large block that is freed to keep such memory. Lines grow as they come, and each would
    leave holes that the next does not fit into: up to twice the memory.
    """
    _set(_MMAP_THRESHOLD, _MB)
    _set(_TRIM_THRESHOLD, 4 * _MB)


def keep_blocks_of(size: int) -> None:
    """If this is large, have the memory of such blocks stay here, up to 64 MB: it takes longer to get than to fill.

    For bodies that come in pieces and are joined once: they leave blocks into which the next ones fit.
    """
    if size > _MB:
        _keep_large_blocks()


@cache
def _keep_large_blocks() -> None:
    _set(_MMAP_THRESHOLD, 32 * _MB)  # the largest that there can be
    _set(_TRIM_THRESHOLD, 64 * _MB)


@cache
def keep_blocks_to_read_into(size: int) -> None:
    """Have blocks of this size come from memory that is here already.

    A read asks for a block of all that it may bring. glibc would get each from the system, page by page, and give it
    back, until a larger one has been freed.
    """
    bytearray(2 * size)


def _set(what: int, size: int) -> None:
    import ctypes  # not before there is a large message: it takes 3 ms

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(what, size)
