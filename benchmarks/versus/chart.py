"""The results as an SVG of bars, for light and dark pages. Measures nothing, needs no font and no script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, LABELS, VALUES = 860, 250, 120
ROW, BAR, TOP, BOTTOM = 26, 16, 84, 40
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.paper { fill: #ffffff } .title { font-size: 18px; font-weight: 600 } .quiet { fill: #57606a }
.grid { stroke: #d0d7de; stroke-width: 1 }
.other { fill: #6e7781 } .default { fill: #b4bcc4 }
.ours { fill: #0969da } .limit { fill: none; stroke: #0969da; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.paper { fill: #0d1117 } .quiet { fill: #9198a1 }
.grid { stroke: #30363d }
.other { fill: #9198a1 } .default { fill: #57606a }
.ours { fill: #4493f8 } .limit { stroke: #4493f8 }
}
"""


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        kind: How it looks: ``ours``, ``other`` at its best, another's ``default``, or the ``limit``.
        after: What stands behind the value.
    """

    label: str
    value: float
    kind: str = "other"
    after: str = ""


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis, in powers of ten."""

    low: float
    high: float

    @classmethod
    def over(cls, values: Sequence[float]) -> Axis:
        """From the power of ten below the least value to the greatest."""
        if not values:
            return cls(0, 1)
        low = math.floor(math.log10(min(values)) - 0.25)  # so that even the least bar is to be seen
        return cls(low, max(low + 1, math.log10(max(values))))

    def ticks(self) -> list[float]:
        """The powers of ten on it."""
        return [10.0**exponent for exponent in range(math.floor(self.low), math.floor(self.high) + 1)]

    def x(self, value: float) -> float:
        """Where a value is drawn."""
        return LABELS + (WIDTH - LABELS - VALUES) * (math.log10(value) - self.low) / (self.high - self.low)


def svg(title: str, subtitle: str, bars: Sequence[Bar]) -> str:
    """The chart; a logarithmic scale, so that all of them can be read."""
    shown = [bar for bar in bars if bar.value > 0]
    axis = Axis.over([bar.value for bar in shown])
    height = TOP + ROW * len(shown) + BOTTOM
    described = "; ".join(f"{bar.label}: {bar.value:,.0f} {bar.after}".rstrip() for bar in shown)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
        f'width="{WIDTH}" height="{height}" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(f"{subtitle}. {described}")}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
        f'<text class="title" x="16" y="32">{escape(title)}</text>',
        f'<text class="quiet" x="16" y="54">{escape(subtitle)}</text>',
        *(_tick(axis, tick, height) for tick in axis.ticks()),
        *(_bar(axis, bar, index) for index, bar in enumerate(shown)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _tick(axis: Axis, tick: float, height: int) -> str:
    x, bottom = axis.x(tick), height - BOTTOM
    return (
        f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{bottom}"/>'
        f'<text class="quiet" x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{tick:,.10g}</text>'
    )


def _bar(axis: Axis, bar: Bar, index: int) -> str:
    y = TOP + ROW * index
    right, middle = axis.x(bar.value), y + BAR / 2 + 4.5
    value = f"{bar.value:,.0f} {bar.after}".rstrip()
    return (
        f'<text x="{LABELS - 10}" y="{middle}" text-anchor="end">{escape(bar.label)}</text>'
        f'<rect class="{bar.kind}" x="{LABELS}" y="{y}" width="{right - LABELS:.1f}" height="{BAR}" rx="2"/>'
        f'<text x="{right + 8:.1f}" y="{middle}">{escape(value)}</text>'
    )
