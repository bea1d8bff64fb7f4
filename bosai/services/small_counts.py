"""Counts below five are not shown on ward pages, and cannot be worked out from what stands beside them. Pure."""

from collections.abc import Sequence

SMALL = 5
"""Counts of 1 to 4 persons could point at a household."""


def without_small(counts: Sequence[int], *, total_shown: bool = True) -> list[int | None]:
    """The counts of one column, None where one is withheld. Zero is shown where it can be: it points at nobody.

    total_shown: the sum stands beside them. Then the withheld ones are known together, and others go with them, the
    smallest first and noughts last, until each small one could be another number as well. When the total is withheld,
    at least one count is too, else they would add up to it.
    """
    withheld = {row for row, count in enumerate(counts) if 0 < count < SMALL}
    others = sorted(
        (row for row in range(len(counts)) if row not in withheld),
        key=lambda row: (counts[row] == 0, counts[row], row),
    )
    if not total_shown and not withheld:
        withheld.update(others[:1])
    while total_shown and sum(counts) >= SMALL and others and not _are_open(counts, withheld):
        withheld.add(others.pop(0))
    return [None if row in withheld else count for row, count in enumerate(counts)]


def total_without_small(total: int) -> int | None:
    """A sum that stands by itself."""
    return None if 0 < total < SMALL else total


def _are_open(counts: Sequence[int], withheld: set[int]) -> bool:
    """Whether each small count among the withheld could be another one, to whoever knows their sum and the rule."""
    shown = [count for row, count in enumerate(counts) if row not in withheld and count]
    total = sum(counts[row] for row in withheld)
    least_small = 0 if any(counts[row] == 0 for row in withheld) else 1
    bounds = [
        (least_small, SMALL - 1) if counts[row] < SMALL else (SMALL, min(shown, default=total))
        for row in withheld
    ]
    at_least, at_most = sum(low for low, _ in bounds), sum(high for _, high in bounds)
    return all(
        max(low, total - (at_most - high)) < min(high, total - (at_least - low))
        for low, high in bounds
        if high < SMALL
    )
