"""Bytes on their way out, piece by piece: at once, or spread evenly over some seconds. Waits for nothing itself."""

from collections.abc import Iterator

_STEPS = 20
_PAUSE = 0.5  # between two steps: longer, and a peer takes slowness for silence


def paced(data: bytes, over: float, most: int) -> Iterator[tuple[memoryview, float]]:
    """The pieces of `data`, none larger than `most` bytes, and how many seconds to wait before each: `over` in all."""
    view = memoryview(data)
    if not over:
        for start in range(0, len(view), most):
            yield view[start : start + most], 0.0
        return
    size = min(most, max(1, int(len(view) / max(_STEPS, over / _PAUSE))))
    for start in range(0, len(view), size):
        piece = view[start : start + size]
        yield piece, over * len(piece) / len(view)
