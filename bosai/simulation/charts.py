"""Plots as inline SVG: lines and bars, no script. Each has a title and a sentence that says the same in words.

Ours is a thick unbroken line or a filled bar, the baseline a dashed line or a hatched bar: never by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 32, 52


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line. kind: a class of the page's style (ours, base, mark)."""

    name: str
    kind: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """One row of bars over the same categories."""

    name: str
    kind: str
    values: Sequence[float]


def line_chart(
    chart_id: str, title: str, says: str, lines: Sequence[Line], *, x_name: str, y_name: str
) -> Markup:
    """x and y from 0; x in the unit of `x_name`."""
    right = max((x for one in lines for x, _ in one.points), default=1.0) or 1.0
    top = _round_up(max((y for one in lines for _, y in one.points), default=1.0))
    parts = [_axes(right, top, x_name, y_name)]
    for one in lines:
        path = " ".join(
            f"{'M' if n == 0 else 'L'}{_x(x, right):.1f} {_y(y, top):.1f}"
            for n, (x, y) in enumerate(one.points)
        )
        parts.append(f'<path class="line {escape(one.kind)}" d="{path}"/>')
    return _figure(chart_id, title, says, "".join(parts), [(one.name, one.kind) for one in lines])


def bar_chart(
    chart_id: str,
    title: str,
    says: str,
    categories: Sequence[str],
    rows: Sequence[Bars],
    *,
    x_name: str,
    y_name: str,
) -> Markup:
    """Groups of bars side by side, one group a category."""
    top = _round_up(max((value for one in rows for value in one.values), default=1.0))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(categories))
    wide = step * 0.8 / max(1, len(rows))
    parts = [_y_axis(top, y_name), _x_name(x_name)]
    every = math.ceil(len(categories) / 10)
    for n, name in enumerate(categories):
        if n % every == 0:
            middle = LEFT + step * (n + 0.5)
            parts.append(
                f'<text class="tick" x="{middle:.1f}" y="{HEIGHT - BOTTOM + 20}">{escape(name)}</text>'
            )
    for k, one in enumerate(rows):
        for n, value in enumerate(one.values):
            left = LEFT + step * (n + 0.1) + wide * k
            y = _y(value, top)
            tall = max(0.0, HEIGHT - BOTTOM - y)
            parts.append(
                f'<rect class="bar {escape(one.kind)}" x="{left:.1f}" y="{y:.1f}"'
                f' width="{wide:.1f}" height="{tall:.1f}"/>'
            )
    return _figure(chart_id, title, says, "".join(parts), [(one.name, one.kind) for one in rows], bars=True)


def sparkline(points: Sequence[float], full: float, label: str, kind: str) -> Markup:
    """A small line of one site's heads against its seats (the thin line), for a cell of a table."""
    wide, tall = 120.0, 32.0
    top = max(full, max(points, default=0.0), 1.0) * 1.05
    last = max(1, len(points) - 1)
    path = " ".join(
        f"{'M' if n == 0 else 'L'}{n / last * wide:.1f} {tall - value / top * tall:.1f}"
        for n, value in enumerate(points)
    )
    seats = tall - full / top * tall
    return Markup(  # noqa: S704 - numbers of ours, and one escaped label
        f'<svg class="spark" viewBox="0 0 {wide:g} {tall:g}" role="img" aria-label="{escape(label)}">'
        f'<path class="seats" d="M0 {seats:.1f}H{wide:g}"/><path class="line {escape(kind)}" d="{path}"/></svg>'
    )


def _figure(
    chart_id: str, title: str, says: str, inner: str, legend: Sequence[tuple[str, str]], *, bars: bool = False
) -> Markup:
    keys = "".join(
        '<li><svg class="key" viewBox="0 0 32 12" aria-hidden="true">'
        + (
            f'<rect class="bar {escape(kind)}" width="32" height="12"/>'
            if bars
            else f'<path class="line {escape(kind)}" d="M0 6H32"/>'
        )
        + f"</svg>{escape(name)}</li>"
        for name, kind in legend
    )
    return Markup(  # noqa: S704 - drawn above; every text in it is escaped
        f'<figure><figcaption id="{chart_id}-caption">{escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{chart_id}-title {chart_id}-desc">'
        f'<title id="{chart_id}-title">{escape(title)}</title><desc id="{chart_id}-desc">{escape(says)}</desc>'
        f'{inner}</svg><ul class="legend">{keys}</ul></figure>'
    )


def _axes(right: float, top: float, x_name: str, y_name: str) -> str:
    ticks = "".join(
        f'<text class="tick" x="{_x(value, right):.1f}" y="{HEIGHT - BOTTOM + 20}">{value:g}</text>'
        for value in _steps(right)
    )
    return _y_axis(top, y_name) + ticks + _x_name(x_name)


def _y_axis(top: float, y_name: str) -> str:
    parts = [f'<text class="axis" x="4" y="20">{escape(y_name)}</text>']
    for value in _steps(top):
        y = _y(value, top)
        parts.append(
            f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
            f'<text class="tick end" x="{LEFT - 6}" y="{y + 4:.1f}">{value:,.0f}</text>'
        )
    return "".join(parts)


def _x_name(x_name: str) -> str:
    return f'<text class="axis end" x="{WIDTH - RIGHT}" y="{HEIGHT - 8}">{escape(x_name)}</text>'


def _x(value: float, right: float) -> float:
    return LEFT + value / right * (WIDTH - LEFT - RIGHT)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP - 8)


def _round_up(value: float) -> float:
    """The least of 1, 2, 2.5, 5 × 10^k that is not below the value."""
    if value <= 0:
        return 1.0
    size = 10 ** math.floor(math.log10(value))
    return next(float(step * size) for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * size >= value)


def _steps(top: float) -> list[float]:
    """Round figures from 0 to the top, four to seven of them."""
    rough = top / 5
    size = 10 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    step = next(step * size for step in (1, 2, 2.5, 3, 5, 10) if step * size >= rough)
    return [round(n * step, 6) for n in range(int(top / step + 1e-9) + 1)]
