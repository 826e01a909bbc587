"""Bars as an SVG picture. The scale is logarithmic, so that values that differ a hundredfold fit into one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

WIDTH: Final = 720
LABEL_WIDTH: Final = 190
BAR_HEIGHT: Final = 16
COLOURS: Final = ("#b4532a", "#1f6f5c", "#5a6acf", "#8a6d1d")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. `value` is in the unit of the picture; all bars of a `series` have the same colour."""

    group: str
    series: str
    value: float


def picture(title: str, unit: str, bars: Sequence[Bar]) -> str:
    """The bars in groups, with their values, readable on light and dark pages and by screen readers."""
    series = list(dict.fromkeys(bar.series for bar in bars))
    largest = max(bar.value for bar in bars)
    decades = max(1, math.ceil(math.log10(max(largest, 10))))
    per_decade = (WIDTH - LABEL_WIDTH - 90) / decades
    parts: list[str] = []
    y = 64
    for group in dict.fromkeys(bar.group for bar in bars):
        parts.append(f'<text x="0" y="{y + BAR_HEIGHT - 3}" font-weight="600">{escape(group)}</text>')
        for bar in (bar for bar in bars if bar.group == group):
            length = max(2.0, math.log10(max(bar.value, 1)) * per_decade)
            colour = COLOURS[series.index(bar.series)]
            parts.append(
                f'<rect x="{LABEL_WIDTH}" y="{y}" width="{length:.0f}" height="{BAR_HEIGHT - 3}" fill="{colour}"/>'
            )
            x = LABEL_WIDTH + length + 6
            parts.append(f'<text x="{x:.0f}" y="{y + BAR_HEIGHT - 4}">{bar.value:,.0f} {escape(unit)}</text>')
            y += BAR_HEIGHT
        y += 12
    legend = "".join(
        f'<rect x="{LABEL_WIDTH + 160 * index}" y="34" width="12" height="12" fill="{COLOURS[index]}"/>'
        f'<text x="{LABEL_WIDTH + 18 + 160 * index}" y="45">{escape(name)}</text>'
        for index, name in enumerate(series)
    )
    description = "; ".join(f"{bar.group}, {bar.series}: {bar.value:,.0f} {unit}" for bar in bars)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" font-family="sans-serif" '
        f'font-size="13" fill="#777">\n<title>{escape(title)}</title>\n<desc>{escape(description)}</desc>\n'
        f'<text x="0" y="18" font-size="15" font-weight="600">{escape(title)}</text>\n{legend}\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
