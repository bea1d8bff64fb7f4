"""From quotas to households: each whole, at one site, the largest first.

quotas ─▶ groups with one site: everybody there
       └▶ groups parted among sites: the largest households first, each where its whole party still fits
            └▶ who fits nowhere whole: the next choice with seats left ▸ one party a site beyond its seats ▸ no seat
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shelters.errors import LengthsDiffer
from shelters.quotas import NO_SITE, QuotaProblem, Quotas

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seating:
    """(h,) site of each household (`NO_SITE`: no seat left); (s,) sites whose last party stands beyond the seats."""

    site: Ints
    beyond: Ints


def seat_households(
    problem: QuotaProblem,
    found: Quotas,
    group: Ints,
    persons: Ints,
    *,
    xy_m: Floats | None = None,
    party_beyond: bool = True,
) -> Seating:
    """(h,) households by their `group` and `persons`; together they are the people of the problem.

    Ties between equal households break by where they live (xy_m: (h, 2)), then by row. party_beyond: one party a site
    may stand beyond its seats rather than without any. Raises LengthsDiffer.
    """
    heads = np.bincount(group, weights=persons, minlength=len(problem.persons)).astype(np.int64)
    if len(heads) != len(problem.persons) or (heads != problem.persons).any():
        raise LengthsDiffer("persons of the groups", int(problem.persons.sum()), int(heads.sum()))
    first = np.searchsorted(found.group, np.arange(len(problem.persons)))
    shares = np.diff(first, append=len(found.group))
    site = np.full(len(group), NO_SITE, dtype=np.int64)
    has_one = shares[group] == 1
    site[has_one] = found.site[first[group[has_one]]]
    spare = problem.seats - np.bincount(
        site[site >= 0], weights=persons[site >= 0], minlength=len(problem.seats)
    ).astype(np.int64)

    parted = np.flatnonzero(~has_one)
    where = (parted,) if xy_m is None else (parted, xy_m[parted, 1], xy_m[parted, 0])
    parted = parted[np.lexsort((*where, -persons[parted], group[parted]))]
    left_over: list[int] = []
    for rows in _split_where_changed(parted, group[parted]):
        lot = slice(first[group[rows[0]]], first[group[rows[0]]] + shares[group[rows[0]]])
        sites, quota = found.site[lot], found.persons[lot].tolist()
        for equals in _split_where_changed(rows, persons[rows]):
            left_over += _fill(equals, int(persons[equals[0]]), sites, quota, site, spare)
    return Seating(
        site=site,
        beyond=_find_room(left_over, problem, group, persons, site, spare, party_beyond=party_beyond),
    )


def _split_where_changed(rows: Ints, by: Ints) -> list[Ints]:
    if not len(rows):
        return []
    return np.split(rows, np.flatnonzero(np.diff(by)) + 1)


def _fill(  # noqa: PLR0917 - three arrays are written to
    rows: Ints, party: int, sites: Ints, quota: list[int], site: Ints, spare: Ints
) -> list[int]:
    """Households of one size into the quotas of their group, the first first; returns the rows that fit nowhere."""
    taken = 0
    for lot, room in enumerate(quota):
        count = min(room // party, len(rows) - taken) if party else len(rows) - taken
        quota[lot] -= count * party
        site[rows[taken : taken + count]] = sites[lot]
        if sites[lot] >= 0:
            spare[sites[lot]] -= count * party
        taken += count
    return [int(one) for one in rows[taken:]]


def _find_room(  # noqa: PLR0917 - two arrays are written to
    rows: list[int],
    problem: QuotaProblem,
    group: Ints,
    persons: Ints,
    site: Ints,
    spare: Ints,
    *,
    party_beyond: bool,
) -> Ints:
    """Households between the quotas: first wherever they fit whole, then one for each site that has any seat left."""
    beyond = []
    for whole in (True, False) if party_beyond else (True,):
        still = []
        for row in sorted(rows, key=lambda one: -persons[one]):
            choices = problem.choice[group[row]]
            choices = choices[choices >= 0]
            fits = choices[spare[choices] >= (persons[row] if whole else 1)]
            if not len(fits):
                still.append(row)
                continue
            site[row] = fits[0]
            spare[fits[0]] -= persons[row]
            if not whole:
                beyond.append(fits[0])
        rows = still
    return np.array(sorted(beyond), dtype=np.int64)
