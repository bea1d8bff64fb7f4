"""One person's decision, and what of it he or she must hear about when it changes."""

import hashlib
from dataclasses import dataclass

from shelters.model import Action, ReasonCode

REASONS: tuple[ReasonCode, ...] = tuple(ReasonCode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one subscriber is told; rows point into the people, sites and dangers of the plan."""

    row: int
    owner: int
    danger: int
    danger_class: int
    action: Action
    site: int  # -1: no site (inland, up, stay, or none to name)
    alternate: int  # -1: none
    exit_xy_m: tuple[float, float] | None  # inland: where the area ends
    walk_m: int
    walk_s: int
    alternate_walk_m: int
    alternate_walk_s: int
    floor_label: str
    alternate_floor_label: str
    unconfirmed: bool  # 開設は未確認
    crowded: bool
    reasons: tuple[ReasonCode, ...]


def reason_bits(*codes: ReasonCode) -> int:
    """Reasons as one number, for arrays."""
    return sum(1 << REASONS.index(code) for code in set(codes))


def reasons_of(bits: int) -> tuple[ReasonCode, ...]:
    """The reasons of a number, in the order of `ReasonCode`."""
    return tuple(code for n, code in enumerate(REASONS) if bits >> n & 1)


def meaning_of(
    *,
    message_class: str,
    action: Action | None,
    site_id: str | None,
    floor_label: str,
    hazard: str,
    kind: str,
    level: int | None,
    tsunami_class: str | None,
) -> str:
    """Hash of what a person must know. Head counts, ages, versions and walking times are not part of it.

    message_class: "directed", "provisional", "lifted", "recalled" or "out_of_area". An order and a redirect
    are one class: what differs then is the site, and that is in the hash.
    """
    parts = (
        message_class,
        action.value if action else "",
        site_id or "",
        floor_label,
        hazard,
        kind,
        str(level or ""),
        tsunami_class or "",
    )
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
