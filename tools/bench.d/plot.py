"""Bars as SVG, on a logarithmic scale: enough for the benchmarks' page, and for nothing else."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _LEFT, _RIGHT, _BAR, _HEAD = 860, 290, 80, 18, 34
_COLOURS = {"direct": "#9aa0a6", "floor": "#9aa0a6", "own": "#1a73e8", "peer": "#e8710a"}
_STYLE = "text{font:12px sans-serif;fill:#333}.head{font-weight:bold}"


@dataclass(frozen=True)
class Panel:
    """A title, and bars: each a label, the role that colours it, and a value above 0."""

    title: str
    bars: Sequence[tuple[str, str, float]]


def drawn(panels: Sequence[Panel]) -> str:
    """All panels, one below the other."""
    parts, top = [], 0
    for panel in panels:
        parts.append(_panel(panel, top))
        top += _HEAD + len(panel.bars) * _BAR
    size = f'width="{_WIDTH}" height="{top + 10}" viewBox="0 0 {_WIDTH} {top + 10}"'
    back = f'<rect width="{_WIDTH}" height="{top + 10}" fill="#fff"/>'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', f"<style>{_STYLE}</style>", back, *parts, "</svg>"]
    return "\n".join(lines) + "\n"


def _panel(panel: Panel, top: int) -> str:
    lines = [f'<text class="head" x="10" y="{top + 22}">{escape(panel.title)} (logarithmic)</text>']
    if panel.bars:
        least = math.log10(min(value for _, _, value in panel.bars)) - 0.2
        most = math.log10(max(value for _, _, value in panel.bars))
        for at, (label, role, value) in enumerate(panel.bars):
            part = (math.log10(value) - least) / (most - least)
            lines.append(_bar(label, _COLOURS[role], value, part, top + _HEAD + at * _BAR))
    return "\n".join(lines)


def _bar(label: str, colour: str, value: float, part: float, top: int) -> str:
    long = max(1.0, part * (_WIDTH - _LEFT - _RIGHT))
    return (
        f'<text x="{_LEFT - 8}" y="{top + 12}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="{_LEFT}" y="{top + 2}" width="{long:.1f}" height="{_BAR - 5}" fill="{colour}"/>'
        f'<text x="{_LEFT + long + 5:.1f}" y="{top + 12}">{value:,.0f}</text>'
    )
