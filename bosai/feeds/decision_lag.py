"""How long danger has stood without an order of the city: the rules, pure.

    standings ─ rules that name an order ─▶ Need ┬ an order in force answers it ─▶ nothing
                                                 ├ HQ said why not (holds for a while, never for a graver danger)
                                                 └ else minutes since 気象庁 announced it ─▶ WAITING ▸ NAG ▸ ESCALATE

The commonest cause of death in the record is the late decision. The timer asks; it never issues and never grows tired.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from bosai.feeds.changes import Standing
from bosai.model.alert import Alert, AlertLevel, OrderKind, TsunamiClass, level_of
from geodata.hazards import HazardKind

_KIN = frozenset({HazardKind.FLOOD, HazardKind.INLAND_FLOOD})
"""大雨 cannot tell 水位周知 rivers from inland flooding (domain §2.1): an order for either answers for both."""
_TSUNAMI_RANK = {one: rank for rank, one in enumerate(TsunamiClass)}


class Stage(StrEnum):
    """Where the waiting for a decision stands."""

    WAITING = "waiting"
    NAG = "nag"
    ESCALATE = "escalate"
    ANSWERED = "answered"  # HQ decided not to issue for now, with a reason


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When to ask, for levelled hazards and for tsunamis, and for how long a reasoned "not now" holds."""

    nag: timedelta
    escalate: timedelta
    tsunami_nag: timedelta
    tsunami_escalate: timedelta
    answer_holds: timedelta

    def of(self, hazard: HazardKind) -> tuple[timedelta, timedelta]:
        """(nag, escalate)."""
        if hazard is HazardKind.TSUNAMI:
            return self.tsunami_nag, self.tsunami_escalate
        return self.nag, self.escalate


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """An order that the rules propose for something in force."""

    rule: str
    hazard: HazardKind
    kind: OrderKind
    tsunami_class: TsunamiClass | None
    zone_keys: tuple[str, ...]
    standing: Standing

    @property
    def key(self) -> str:
        """Names the need for as long as it lasts: the same grade of the same danger in the same area."""
        one = self.standing
        return f"{self.rule}/{one.system}/{one.code}/{one.kind.danger}"

    @property
    def grade(self) -> int:
        """How grave what stands is."""
        return int(self.standing.kind.grade)

    @property
    def is_pressing(self) -> bool:
        """True from a level-4 order upward, and for every tsunami order: people have to move."""
        level = level_of(self.hazard, self.kind)
        return self.kind is OrderKind.TSUNAMI_EVACUATION or (level or 0) >= AlertLevel.L4


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """HQ decided not to issue for now."""

    by: str
    at: datetime
    reason: str
    grade: int


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """A pressing need that no order answers. `since`: when 気象庁 announced this grade."""

    need: Need
    stage: Stage
    since: datetime
    waited: timedelta
    answer: Answer | None = None


def lags(
    needs: Iterable[Need],
    orders: Sequence[Alert],
    answers: Callable[[str], Answer | None],
    touches: Callable[[Alert, tuple[str, ...]], bool],
    *,
    limits: Limits,
    now: datetime,
) -> tuple[Lag, ...]:
    """Every pressing need without an order, the longest waiting first.

    orders: what the city has in force. answers: by `Need.key`. touches: whether an order's area reaches into zones.
    """
    found = []
    for need in needs:
        if not need.is_pressing or any(
            answers_need(one, need) and touches(one, need.zone_keys) for one in orders
        ):
            continue
        answer = answers(need.key)
        waited = max(now - need.standing.since, timedelta())
        found.append(
            Lag(
                need=need,
                stage=_stage(need, answer, waited, limits, now),
                since=need.standing.since,
                waited=waited,
                answer=answer,
            )
        )
    return tuple(sorted(found, key=lambda one: (one.since, one.need.key)))


def answers_need(order: Alert, need: Need) -> bool:
    """True when an order is about the same danger and asks at least as much of people. A notice never does."""
    same = order.hazard is need.hazard or {order.hazard, need.hazard} <= _KIN
    if not same or not order.directs_people or order.kind is OrderKind.NOTICE:
        return False
    if need.kind is OrderKind.TSUNAMI_EVACUATION:
        # An order that names no class is HQ's own word, and asks everybody of its area to leave.
        return order.tsunami_class is None or _rank(order.tsunami_class) >= _rank(need.tsunami_class)
    # Level 5 is not always issued (domain §1.1): where everybody has been told to leave, nothing is owed.
    owed = min(level_of(need.hazard, need.kind) or 0, AlertLevel.L4)
    return (level_of(order.hazard, order.kind) or 0) >= owed


def _rank(one: TsunamiClass | None) -> int:
    return -1 if one is None else _TSUNAMI_RANK[one]


def _stage(need: Need, answer: Answer | None, waited: timedelta, limits: Limits, now: datetime) -> Stage:
    holds = answer is not None and now - answer.at < limits.answer_holds and need.grade <= answer.grade
    if holds:
        return Stage.ANSWERED
    nag, escalate = limits.of(need.hazard)
    if waited >= escalate:
        return Stage.ESCALATE
    return Stage.NAG if waited >= nag else Stage.WAITING
