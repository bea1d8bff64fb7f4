"""The parts of an explanation: plain values, for people's words and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shelters.model import Action, ReasonCode


class Why(StrEnum):
    """Why a site was not the one. What `shelters.refusals` knows has its name there, and its sentence."""

    CHOSEN = "chosen"
    EXCLUDED = "excluded"
    CLOSED = "closed"
    NOT_IN_RAIN = (
        "not_in_rain"  # the city does not open it first in heavy rain, and nobody has said it is open
    )
    NOT_OPENED = "not_opened"
    UNCHECKED = "unchecked"
    IN_AREA = "in_area"
    UNFIT = "unfit"
    UNUSABLE = "unusable"
    NOT_PUBLIC = "not_public"
    NO_WAY = "no_way"  # none that keeps out of the danger
    AT_HOME = "at_home"  # stay, up or inland: no site is named at all
    PINNED = "pinned"  # HQ, or the ward's code, named another
    SEAWARD = "seaward"
    OUT_FIRST = "out_first"  # a refuge inside the area, while there is time to leave it
    LATE = "late"  # not there in time
    FAR = "far"  # more than twice as far as the way out of the area
    TOO_FAR = "too_far"  # beyond the longest walk anybody is sent on while life is not at stake
    FACILITY = "facility"  # it lacks what is needed, or nobody has said
    UPSTAIRS = "upstairs"  # a floor above rising water counts as twice as far as a site outside
    FULL = "full"
    KEPT = "kept"  # on the way to another already, and this one is not clearly nearer
    FARTHER = "farther"  # than the one named
    OTHERS = "others"  # the seats here shorten the walks of others more


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """Persons at one site. present, newly: heads known (-1: nobody has said), sent and not among them.

    room: what was left for new people after this plan, what nobody reported lately discounted.
    """

    seats: int
    present: int
    newly: int
    room: int
    assumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSeen:
    """One site as this household sees it. walk_m: real metres, -1 = no way; about: an estimate."""

    site_id: str
    name: str
    why: Why
    verdict: str
    walk_m: int
    walk_s: int
    about: bool
    nearer: bool  # than the site that was named
    is_alternate: bool  # named as the second choice
    opening: str
    seats: Seats
    lacks: tuple[str, ...]  # dangers here it is not designated for
    facilities: str  # "has", "unknown", "missing"; "" = nothing is needed
    detail: str = ""  # HQ's own words, where HQ asked for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one decision is as it is. Times in seconds; left_s: until the danger is expected, -1 = nobody has said."""

    row: int
    action: Action
    danger: str  # "alert_id:version"
    hazard: str
    level: int | None
    advisory: bool
    also_in: tuple[str, ...]  # keys of the other orders over the place
    persons: int
    pace: int
    floor: int
    structure: int
    night: bool
    speed_mps: float
    left_s: int
    start_delay_s: int
    standing_at: str  # site id: arrived there, and planned from there
    standing_at_name: str
    told_before: str  # site id: what was told before and still stands
    told_before_name: str
    chosen: SiteSeen | None
    alternate: SiteSeen | None
    inland_m: int  # level metres to the way out, -1 = not the answer
    nearest: tuple[SiteSeen, ...]  # the nearest sites of all, the nearest first
    baseline: SiteSeen | None  # what nearest-open-site guidance would have said
    reasons: tuple[ReasonCode, ...]
    pinned: str = ""  # HQ's reason for the destination of this town
    redirects_paused: str = ""  # HQ's reason for sending nobody elsewhere for now
