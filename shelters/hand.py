"""HQ's hand on the plan: sites nobody is sent to, a town's destination, no redirects for now. Each has a reason.

The plan obeys and says so (`ReasonCode.PINNED`, `REDIRECTS_PAUSED`, `PASSED_NEARER_EXCLUDED`). It never obeys into
danger: a pinned site that is unusable, closed, unfit or inside an area is passed over, and HQ is told
(`Plan.pins_not_kept`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """Where everybody of one town is sent while it lasts."""

    site_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """What HQ asked of the plan. The empty hand asks nothing.

    excluded: site id → reason: nobody new is sent there; who was told, or is inside, is sent on only once and only
    where redirects are not paused. pins: town (as in `PlanInput.towns`) → pin. redirects_paused: the reason, "" = not
    paused; then only who is in danger where he was sent (unusable, in an area) is sent elsewhere.
    shaken_at_s: since when indoor halls wait for the building check after strong shaking; None = not shaken.
    """

    excluded: Mapping[str, str] = field(default_factory=dict)
    pins: Mapping[str, Pin] = field(default_factory=dict)
    redirects_paused: str = ""
    shaken_at_s: float | None = None


NO_HAND = Hand()
