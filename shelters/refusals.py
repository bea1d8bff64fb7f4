"""Why a site is not named to somebody: one word for each cause, and the reason code that speaks of it in advice.

suitability's Verdict ─┐
no way · full · lacks  ┴▶ Refusal ─▶ a sentence in every language (catalogue "refusals") · ReasonCode PASSED_NEARER_…
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from shelters.model import ReasonCode
from shelters.suitability import Verdict


class Refusal(StrEnum):
    """Why not this site. The sentence of each is `text(f"refusals.{refusal}", lang)`."""

    EXCLUDED = "excluded"
    CLOSED = "closed"
    NOT_OPENED = "not_opened"
    UNCHECKED = "unchecked"
    IN_AREA = "in_area"
    UNFIT = "unfit"
    UNUSABLE = "unusable"
    NOT_PUBLIC = "not_public"
    NO_WAY = "no_way"  # no way that keeps out of the danger
    SEAWARD = "seaward"  # towards the sea under a tsunami order
    TOO_FAR = "too_far"  # not in the time left, or more than twice as far as the way inland
    FULL = "full"
    FACILITY = "facility"  # it lacks what the household needs


REFUSAL_OF: Mapping[Verdict, Refusal] = MappingProxyType(
    {one: Refusal(one.name.lower()) for one in Verdict if not one.may_be_named}
)

REASON_OF: Mapping[Refusal, ReasonCode | None] = MappingProxyType(
    {
        Refusal.EXCLUDED: ReasonCode.PASSED_NEARER_EXCLUDED,
        Refusal.CLOSED: ReasonCode.PASSED_NEARER_CLOSED,
        Refusal.NOT_OPENED: ReasonCode.PASSED_NEARER_CLOSED,
        Refusal.UNCHECKED: ReasonCode.PASSED_NEARER_UNCHECKED,
        Refusal.IN_AREA: ReasonCode.PASSED_NEARER_IN_AREA,
        Refusal.UNFIT: ReasonCode.PASSED_NEARER_UNFIT,
        Refusal.UNUSABLE: ReasonCode.PASSED_NEARER_CLOSED,
        Refusal.NOT_PUBLIC: None,  # a site for others is not spoken of
        Refusal.NO_WAY: ReasonCode.PASSED_NEARER_NO_WAY,
        Refusal.SEAWARD: ReasonCode.PASSED_NEARER_IN_AREA,
        Refusal.TOO_FAR: None,
        Refusal.FULL: ReasonCode.PASSED_NEARER_FULL,
        Refusal.FACILITY: ReasonCode.PASSED_NEARER_FACILITY,
    }
)
"""What advice says of a nearer site that was passed for this; None: nothing."""


def refusal_of(verdict: int) -> Refusal | None:
    """Why suitability keeps a site back; None where it may be named."""
    return REFUSAL_OF.get(Verdict(verdict))


def reason_of(verdict: int) -> ReasonCode | None:
    """The reason code for passing a nearer site with this verdict; None where advice says nothing of it."""
    refusal = refusal_of(verdict)
    return REASON_OF[refusal] if refusal else None
