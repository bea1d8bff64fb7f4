"""Head counts: what a report may say, which one is current, and how many heads it stands for.

A silent site is unknown, not empty: `persons_known` answers None, the seats of everybody who was told to go there
stay taken (see `ledger`), and the longer nobody speaks the fewer of its free seats are given to new people.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from shelters.model import NO_FACET, Capacity, Crowding, Facet, Opening, SiteStatus

IMPOSSIBLE_FACTOR = 2.0
"""More than twice the seats waits for confirmation (Noto 2024: real sites reached about twice theirs)."""

SAID_FOR = timedelta(hours=72)
"""A word on the door or the heads is of one event: 閉鎖 or 満員 of last month says nothing of today. 使用不可 stays
until somebody says otherwise, because a building does not mend itself."""

_UPPER_SHARE = {Crowding.ROOM: 0.7, Crowding.SOME: 0.9, Crowding.CROWDED: 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReport:
    """What staff said about one site. A field that is None was not spoken of. Never changed, only appended."""

    site_id: str
    event_at: datetime  # when it was so
    received_at: datetime  # when we heard
    reporter: str
    opening: Opening | None = None
    present_persons: int | None = None
    crowding: Crowding | None = None
    checked: bool | None = None  # the building check after shaking; False takes it back
    outages: Facet | None = None  # all facets lost now; Facet(0) = all back
    held: bool = False  # an impossible count, kept in the history and not acted upon
    undone: bool = False  # taken back by the same desk


def is_impossible(present_persons: int, capacity: Capacity) -> bool:
    """True for a count that waits for confirmation: negative, or beyond twice the larger figure."""
    seats = max(capacity.refuge_persons, capacity.stay_persons)
    return present_persons < 0 or (seats > 0 and present_persons > IMPOSSIBLE_FACTOR * seats)


def current_status(site_id: str, reports: Iterable[SiteReport]) -> SiteStatus:
    """The newest word on door, heads, building check and outages, each by event time (ties: the later heard).

    Late reports of older events, held and undone ones never win. A check that was taken back is none.
    """
    valid = sorted(
        (one for one in reports if not one.held and not one.undone),
        key=lambda one: (one.event_at, one.received_at),
    )
    door = next((one for one in reversed(valid) if one.opening is not None), None)
    heads = next(
        (one for one in reversed(valid) if one.present_persons is not None or one.crowding is not None), None
    )
    check = next((one for one in reversed(valid) if one.checked is not None), None)
    lost = next((one for one in reversed(valid) if one.outages is not None), None)
    last = valid[-1] if valid else None
    return SiteStatus(
        site_id=site_id,
        opening=door.opening if door else None,
        opening_at=door.event_at if door else None,
        present_persons=heads.present_persons if heads else None,
        crowding=heads.crowding if heads else None,
        present_at=heads.event_at if heads else None,
        checked_at=check.event_at if check and check.checked else None,
        outages=lost.outages if lost and lost.outages is not None else NO_FACET,
        outages_at=lost.event_at if lost else None,
        reporter=last.reporter if last else "",
    )


def still_said(status: SiteStatus, event_began: datetime) -> SiteStatus:
    """The status without what was said longer than `SAID_FOR` before the event; "unusable" is never forgotten.

    A building check stays too: what makes it old is the next shaking, not the clock. `event_began`: when the first
    order of now was released, or now while nothing is in force. A word spoken during an event holds to its end, however
    long it lasts.
    """
    old_door = status.opening_at is not None and event_began - status.opening_at > SAID_FOR
    old_heads = status.present_at is not None and event_began - status.present_at > SAID_FOR
    if old_door and status.opening is not Opening.UNUSABLE:
        status = replace(status, opening=None, opening_at=None)
    if old_heads:
        status = replace(status, present_persons=None, crowding=None, present_at=None)
    if status.outages_at is not None and event_began - status.outages_at > SAID_FOR:
        status = replace(status, outages=NO_FACET, outages_at=None)
    return status


def persons_known(status: SiteStatus, seats: int, margin_fraction: float) -> int | None:
    """Heads a status stands for against `seats`, rounded to the careful side; None = nobody has said.

    A coarse level counts as its upper end. 満員 means that nobody more fits, whatever was counted.
    """
    if status.crowding is Crowding.FULL:
        return max(status.present_persons or 0, seats_with_margin(seats, margin_fraction))
    if status.present_persons is not None:
        return status.present_persons
    if status.crowding is not None:
        return int(seats * _UPPER_SHARE[status.crowding] + 0.999)
    return None


def seats_with_margin(seats: int, margin_fraction: float) -> int:
    """Seats plus the declared margin, rounded down: never one more than declared."""
    return int(seats * (1.0 + margin_fraction) + 1e-9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How much of a site's free seats new people are given while nobody speaks.

    All of them until `fresh_s`; from there falling evenly to the share at `stale_s`, and no further. Sources: settings.
    """

    fresh_s: float = 1800.0
    stale_s: float = 10_800.0
    stale_share: float = 0.5  # of the seats an old report says are free
    silent_share: float = 0.7  # of the seats of a site that never reported


FRESH = Freshness()


def ages_s(now_s: float, counted_at_s: NDArray[np.float64], event_began_s: float) -> NDArray[np.float64]:
    """(m,) seconds for which each site could have changed unheard: since its count, or since the event began.

    counted_at_s: nan = silent. event_began_s: nan = just now. A count from before the event is as old as the event:
    until it began nobody came.
    """
    began_s = now_s if np.isnan(event_began_s) else event_began_s
    age: NDArray[np.float64] = np.maximum(0.0, now_s - np.fmax(counted_at_s, began_s))
    return age


def free_seats(
    seats: NDArray[np.int64],
    present: NDArray[np.int64],
    age_s: NDArray[np.float64],
    margin_fraction: float | NDArray[np.float64],
    rules: Freshness = FRESH,
) -> NDArray[np.int64]:
    """(m,) seats new people may be given, at least 0. present: heads, -1 = silent; age_s: see `ages_s`, nan = stale.

    Full stays full, however old the word is. Who holds a seat already is measured against `seats_left`: a report that
    grows old sends nobody on.
    """
    least = np.where(present < 0, rules.silent_share, rules.stale_share)
    span_s = max(rules.stale_s - rules.fresh_s, 1e-9)
    old = np.clip((np.nan_to_num(age_s, nan=np.inf) - rules.fresh_s) / span_s, 0.0, 1.0)
    left = np.maximum(0, seats_left(seats, present, margin_fraction))
    free: NDArray[np.int64] = np.floor(left * (1.0 - (1.0 - least) * old) + 1e-9).astype(np.int64)
    return free


def seats_left(
    seats: NDArray[np.int64], present: NDArray[np.int64], margin_fraction: float | NDArray[np.float64]
) -> NDArray[np.int64]:
    """(m,) seats with the margin less the heads known; negative = over-full. A silent site counts as empty here.

    margin_fraction: for all, or (m,) one for each site; below 0 where a figure is not trusted whole.
    """
    limit = np.floor(seats * (1.0 + margin_fraction) + 1e-9).astype(np.int64)
    left: NDArray[np.int64] = limit - np.maximum(present, 0)
    return left
