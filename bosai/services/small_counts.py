"""Counts below five are not shown on ward pages, and cannot be worked out from what stands beside them. Pure."""

from collections.abc import Sequence

SMALL = 5
"""Counts of 1 to 4 persons could point at a household."""


def without_small(counts: Sequence[int], *, total_shown: bool = True) -> list[int | None]:
    """The counts of one column, None where one is withheld. Zero is shown: it points at nobody.

    total_shown: the sum stands beside them. Then one withheld count would be the difference, so a second one, the
    smallest that is left, goes with it; where there is none, the total is small itself (`total_without_small`).
    When the total is withheld, at least one count is too, else they would add up to it.
    """
    withheld = {row for row, count in enumerate(counts) if 0 < count < SMALL}
    if len(withheld) == (1 if total_shown else 0):
        others = [row for row, count in enumerate(counts) if count > 0 and row not in withheld]
        if others:
            withheld.add(min(others, key=lambda row: (counts[row], row)))
    return [None if row in withheld else count for row, count in enumerate(counts)]


def total_without_small(total: int) -> int | None:
    """A sum that stands by itself."""
    return None if 0 < total < SMALL else total
