"""Rows of a benchmark: ours beside a peer's, the budget and whether it is met; printed as a table, written as JSON.

A row has exactly the fields of `Row`. ratio: how many times better ours is, so above 1 is always good.
"""

import math
import time
import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line. met is None where there is no budget, or where this size of run cannot judge it."""

    what: str
    ours: float
    peer: float | None
    peer_name: str
    ratio: float | None
    unit: str
    budget: str
    met: bool | None


def row(
    what: str,
    ours: float,
    unit: str,
    *,
    peer: float | None = None,
    peer_name: str = "",
    less_is_better: bool = False,
    at_least: float | None = None,
    at_most: float | None = None,
    ratio_at_least: float | None = None,
    judged: bool = True,
) -> Row:
    """A row, with its ratio and its verdict worked out. at_least, at_most: in `unit`. Raises ValueError without sense.

    judged: False leaves the verdict open, for a run too small to judge the budget (which is still printed).
    """
    if ratio_at_least is not None and peer is None:
        raise ValueError(f"{what}: a ratio needs a peer")
    ratio = None if peer is None else _ratio(what, ours, peer, less_is_better=less_is_better)
    budget, verdicts = [], []
    if at_least is not None:
        budget.append(f"≥ {at_least:,.10g} {unit}")
        verdicts.append(ours >= at_least)
    if at_most is not None:
        budget.append(f"≤ {at_most:,.10g} {unit}")
        verdicts.append(ours <= at_most)
    if ratio_at_least is not None and ratio is not None:
        budget.append(f"≥ {ratio_at_least:,.10g} × {peer_name}")
        verdicts.append(ratio >= ratio_at_least)
    return Row(
        what=what,
        ours=ours,
        peer=peer,
        peer_name=peer_name,
        ratio=ratio,
        unit=unit,
        budget=", ".join(budget),
        met=all(verdicts) if verdicts and judged else None,
    )


def _ratio(what: str, ours: float, peer: float, *, less_is_better: bool) -> float:
    upper, lower = (peer, ours) if less_is_better else (ours, peer)
    if lower <= 0 or upper < 0:
        raise ValueError(f"{what}: {ours} beside {peer} makes no ratio")
    return upper / lower


async def interleaved(
    repeats: int,
    contestants: Mapping[str, Callable[[], Awaitable[float]]],
    *,
    until_s: float = math.inf,
    clock_s: Callable[[], float] = time.monotonic,
) -> dict[str, list[float]]:
    """Every contestant once, then all again: a disturbance of the machine hits all of them. Name → its figures.

    until_s: no round but the first is begun that, as long as the one before, would end after this (by `clock_s`).
    """
    if repeats < 1:
        raise ValueError(f"repeats: expected at least 1, got {repeats}")
    found: dict[str, list[float]] = {name: [] for name in contestants}
    round_s = 0.0
    for turn in range(repeats):
        began_s = clock_s()
        if turn and began_s + round_s > until_s:
            break
        for name, measure in contestants.items():
            found[name].append(await measure())
        round_s = clock_s() - began_s
    return found


def spread(figures: Sequence[float]) -> str:
    """`median (least to most, of n)`."""
    return (
        f"{_figure(median(figures))} ({_figure(min(figures))} to {_figure(max(figures))}, of {len(figures)})"
    )


def table(rows: Sequence[Row]) -> str:
    """The rows for a terminal."""
    head = ("what", "ours", "unit", "peer", "peer's name", "ratio", "budget", "met")
    return grid(
        [
            head,
            *(
                (
                    one.what,
                    _figure(one.ours),
                    one.unit,
                    "" if one.peer is None else _figure(one.peer),
                    one.peer_name,
                    "" if one.ratio is None else f"{one.ratio:.2f} ×",
                    one.budget,
                    _MET[one.met],
                )
                for one in rows
            ),
        ]
    )


_MET = {True: "yes", False: "NO", None: "-"}


def grid(cells: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they must be; the first line is the head."""
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True))
        for line in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def write_json(rows: Sequence[Row], path: Path) -> None:
    """The rows as a JSON list, for other programs."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(list(rows)), indent=2) + b"\n")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
