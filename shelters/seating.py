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

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seating:
    """(h,) site of each household (`NO_SITE`: no seat left); (s,) sites whose last party stands beyond the seats."""

    site: Ints
    beyond: Ints


def seat_households(problem: QuotaProblem, found: Quotas, group: Ints, persons: Ints) -> Seating:
    """(h,) households by their `group` and `persons`; together they are the people of the problem.

    Ties between equal households break by row. Raises LengthsDiffer.
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
    parted = parted[np.lexsort((parted, -persons[parted], group[parted]))]
    left_over = []
    starts = np.flatnonzero(np.diff(group[parted], prepend=-1))
    for rows in np.split(parted, starts[1:]) if len(parted) else []:
        lot = slice(first[group[rows[0]]], first[group[rows[0]]] + shares[group[rows[0]]])
        left_over += _fill(rows, persons, found.site[lot], found.persons[lot].copy(), site, spare)
    return Seating(site=site, beyond=_find_room(left_over, problem, group, persons, site, spare))


def _fill(  # noqa: PLR0917 - two arrays are written to
    rows: Ints, persons: Ints, sites: Ints, quota: Ints, site: Ints, spare: Ints
) -> list[int]:
    """One group's households into its quotas, each where it fits whole; returns the rows that fit nowhere."""
    left = []
    for row in rows:
        fits = np.flatnonzero(quota >= persons[row])
        if not len(fits):
            left.append(int(row))
            continue
        quota[fits[0]] -= persons[row]
        site[row] = sites[fits[0]]
        if site[row] >= 0:
            spare[site[row]] -= persons[row]
    return left


def _find_room(  # noqa: PLR0917 - two arrays are written to
    rows: list[int], problem: QuotaProblem, group: Ints, persons: Ints, site: Ints, spare: Ints
) -> Ints:
    """Households between the quotas: first wherever they fit whole, then one for each site that has any seat left."""
    beyond = []
    for whole in (True, False):
        still = []
        for row in sorted(rows, key=lambda one: (-persons[one], one)):
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
