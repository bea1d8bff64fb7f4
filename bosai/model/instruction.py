"""What one subscriber is told for one incident, and how far it has travelled."""

from datetime import datetime
from enum import StrEnum

import msgspec

from shelters.model import Action


class MessageKind(StrEnum):
    """Why this instruction exists; it chooses the wording."""

    ORDER = "order"  # newly in the area, or the order changed
    REDIRECT = "redirect"  # same order, another destination
    PROVISIONAL = "provisional"  # released before the plan: 行き先は続報
    LIFTED = "lifted"  # 解除
    RECALLED = "recalled"  # 取消・誤り
    OUT_OF_AREA = "out_of_area"  # the area was changed: 対象ではなくなりました
    SELF_TEST = "self_test"  # asked for by the resident: does a message reach this device?
    STILL_IN_FORCE = "still_in_force"  # the quiet hourly reminder of what was said already
    MONTHLY_CHECK = "monthly_check"  # 月例の受信確認: finds dead subscriptions before a disaster does

    @property
    def is_check(self) -> bool:
        """True for a message that stands on no order and tells nobody to do anything."""
        return self in _CHECKS


_CHECKS = {MessageKind.SELF_TEST, MessageKind.MONTHLY_CHECK}
CHECK_INCIDENT = "check"
"""The incident of checks: never one of HQ's, never the newest advice of anybody."""
CHECK_ALERT_KEY = "check:0"


REMINDERS = "remind."
"""Reminders of an incident are kept beside it, under this and its name: nobody's newest advice, in no count of it."""


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A site, or the edge of the area (site_id None) for "inland"."""

    site_id: str | None
    name: str
    lon: float
    lat: float
    walk_m: int
    walk_s: int
    about: bool = True  # straight line × detour: the text says "about"
    floor_label: str = ""  # 「3階以上」 where the refuge is upstairs
    unconfirmed: bool = False  # expected open, not yet reported: 開設は未確認
    crowded: bool = False  # beyond its seats while life is in danger


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """One instruction: (realm, subscription, incident, seq). `seq` rises with each changed meaning."""

    subscription_id: str
    incident: str
    seq: int
    place_id: str | None
    message: MessageKind
    action: Action | None  # None for LIFTED, RECALLED, OUT_OF_AREA
    alert_key: str  # "alert_id:version" it stands on
    danger_class: int  # 0 = most endangered: chooses the outbox stream
    destination: Destination | None = None
    alternate: Destination | None = None
    reasons: tuple[str, ...] = ()  # ReasonCode values, in order
    plan_id: str
    decided_at: datetime
    stale_at: datetime  # freshness of the advice (never of the order): bounds TTL
    meaning: str  # hash of what the person must know; equal meaning is never sent twice
    town: str = ""  # town of the place, for HQ's count by town; sealed with the rest
    also: tuple[
        str, ...
    ] = ()  # towns of other places of this person inside an order; "" = a town nobody knows
    full_site: str = ""  # a redirect: name of the site told before, whose seats are gone though it stands
    repeats_seq: int = 0  # a reminder: the instruction it repeats; 0 = it is none
    since: datetime | None = None  # a reminder: since when the order has been in force
    from_m: tuple[int, int] | None = (
        None  # the place it was made for, plane metres: another place is told anew
    )

    def repeated(self) -> "Instruction":
        """A reminder under incident and number of what it repeats: tag, token and page are made of these."""
        incident = self.incident.removeprefix(REMINDERS)
        return msgspec.structs.replace(self, incident=incident, seq=self.repeats_seq)


class Stage(StrEnum):
    """How far an instruction has travelled. "Accepted" (by the push service) is not "displayed"."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    DISPLAYED = "displayed"
    OPENED = "opened"
    ANSWERED = "answered"
    ARRIVED = "arrived"
    RETIRED = "retired"  # 404/410: the subscription is gone
    EXPIRED = "expired"  # its freshness ran out before it was accepted
    FAILED = "failed"  # parked with a cause
    REPLACED = "replaced"  # a newer seq overtook it

    @property
    def is_reached(self) -> bool:
        """True once the push service took it or the device told us more."""
        return self in _REACHED


_REACHED = {Stage.ACCEPTED, Stage.DISPLAYED, Stage.OPENED, Stage.ANSWERED, Stage.ARRIVED}


class Answer(StrEnum):
    """What a person answers to an instruction."""

    GOING = "going"
    ARRIVED = "arrived"
    STAYING = "staying"
    ELSEWHERE = "elsewhere"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """The travel of one instruction, as stored beside it."""

    seq: int
    stage: Stage
    at: datetime
    attempts: int = 0
    cause: str = ""
    bytes_sent: int = 0
    answer: Answer | None = None
    heard: int = 0  # of the incident: 0 nothing can have reached the person, 1 something may have, 2 it has
