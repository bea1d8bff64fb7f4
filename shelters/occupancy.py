"""Head counts: what a report may say, which one is current, and how many heads it stands for.

A silent site is unknown, not empty: `persons_known` answers None and the seats of everybody who was told
to go there stay taken (see `ledger`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shelters.model import Capacity, Crowding, Facet, Opening, SiteStatus

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
    """The newest word on the door and the newest on the heads, each by event time (ties: the later heard).

    Late reports of older events, held and undone ones never win.
    """
    valid = sorted(
        (one for one in reports if not one.held and not one.undone),
        key=lambda one: (one.event_at, one.received_at),
    )
    door = next((one for one in reversed(valid) if one.opening is not None), None)
    heads = next(
        (one for one in reversed(valid) if one.present_persons is not None or one.crowding is not None), None
    )
    last = valid[-1] if valid else None
    return SiteStatus(
        site_id=site_id,
        opening=door.opening if door else None,
        opening_at=door.event_at if door else None,
        present_persons=heads.present_persons if heads else None,
        crowding=heads.crowding if heads else None,
        present_at=heads.event_at if heads else None,
        reporter=last.reporter if last else "",
    )


def still_said(status: SiteStatus, event_began: datetime) -> SiteStatus:
    """The status without what was said longer than `SAID_FOR` before the event; "unusable" is never forgotten.

    `event_began`: when the first order of now was released, or now while nothing is in force. A word spoken during
    an event holds to its end, however long it lasts.
    """
    old_door = status.opening_at is not None and event_began - status.opening_at > SAID_FOR
    old_heads = status.present_at is not None and event_began - status.present_at > SAID_FOR
    if old_door and status.opening is not Opening.UNUSABLE:
        status = replace(status, opening=None, opening_at=None)
    if old_heads:
        status = replace(status, present_persons=None, crowding=None, present_at=None)
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
