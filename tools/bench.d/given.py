"""What a load is told: how much to measure, and with whom."""

from dataclasses import dataclass

from scene import Scene
from turns import Plan


@dataclass(frozen=True)
class Given:
    """The scene, the plan, the size of a call in bytes, calls in flight, whether peers take part.

    `calls` is a fixed number of calls a turn; without it, as many as fill the turn's time.
    """

    scene: Scene
    plan: Plan
    size: int
    depth: int
    peers: bool
    calls: int | None = None
