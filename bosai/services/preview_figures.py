"""What a preview says, as it travels from the planner to the page. Persons unless a name says otherwise.

Three steps, each with more in it: who is inside ▸ where subscribers would go ▸ with residents counted in, and what
opening closed sites would bring. A step that did not come in time leaves its figures None or empty.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class SiteExpectation(msgspec.Struct, frozen=True, kw_only=True):
    """One site as the plan would use it: who is sent there, beside its seats and where that figure comes from.

    persons: subscribers of this order. others: people sent there by other orders in force. counted_in: subscribers and
    residents by the plan that counts both; None = not counted in. present: the last head count; None = nobody reported.
    curve, curve_counted_in: heads expected there now and every ten minutes from now on, of subscribers alone and with
    residents; those who will not come are left out. full_after_min: minutes until the seats are taken so; None = not
    within these hours.
    """

    site_id: str
    name: str
    persons: int
    seats: int
    source: str  # shelters.model.FigureSource: assumed figures are marked
    ward: str = ""
    others: int = 0
    counted_in: int | None = None
    present: int | None = None
    curve: tuple[int, ...] = ()
    curve_counted_in: tuple[int, ...] = ()
    full_after_min: int | None = None
    full_after_min_counted_in: int | None = None


class TownFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One town, or the part of it inside. residents, households: None = no table says; estimates where `is_part`.

    no_way: subscribers for whom no site can be reached. residents_no_way: the same of residents expected to move.
    """

    ward: str
    name: str
    residents: int | None = None
    households: int | None = None
    is_part: bool = False
    subscribers: int = 0
    subscriber_households: int = 0
    no_way: int = 0
    residents_no_way: int | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one plan turns out.

    to_site: who needs a site. no_way: who can reach none. no_seats: for whom none has a seat left. beyond: who is sent
    to a site without a seat there. nearest_beyond: who would stand before a full site if everybody went to the nearest
    open one.
    """

    to_site: int
    no_way: int
    no_seats: int
    beyond: int
    nearest_beyond: int

    @property
    def short(self) -> int:
        """Everybody without a seat."""
        return self.no_seats + self.beyond


class ClosedSite(msgspec.Struct, frozen=True, kw_only=True):
    """A site that is closed, or not opened first, and what opening it alone would bring; estimates."""

    site_id: str
    name: str
    ward: str
    seats: int
    source: str
    more: int  # persons seated who are not otherwise
    saved_min: float  # mean minutes of walking saved where nobody more is seated
    mean_walk_min: float  # of all seated then


class Openings(msgspec.Struct, frozen=True, kw_only=True):
    """Which closed sites would help most, the best first; persons, seated and mean_walk_min: as it is."""

    persons: int
    seated: int
    mean_walk_min: float
    sites: tuple[ClosedSite, ...] = ()


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What releasing the order would mean. `available` False: no planner answered; the figures say nothing.

    people, households: subscribers inside. residents, resident_households: everybody who lives inside, by the city's
    table; None = none was imported, or it does not say. by_site, no_site, by_action: of subscribers.
    complete False: the planner had no time for the rest.
    """

    available: bool
    people: int = 0
    households: int = 0
    by_site: tuple[SiteExpectation, ...] = ()
    no_site: int = 0  # subscribers for whom no site is left
    by_action: dict[str, int] = {}
    at: datetime
    complete: bool = True
    more: bool = False  # another answer to the same question follows
    planned: bool = True  # False: who is inside is counted, where they would go is not known yet
    residents: int | None = None
    resident_households: int | None = None
    knows_residents: bool = False
    towns: tuple[TownFigures, ...] = ()
    by_pace: dict[str, int] = {}
    by_lang: dict[str, int] = {}
    alone: Outcome | None = None  # subscribers only
    counted_in: Outcome | None = None  # with the residents expected to move
    moving_residents: int | None = None
    move_share: float = 0.0
    follow_share: float = 1.0
    openings: Openings | None = None
