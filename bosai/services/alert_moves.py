"""Versions of orders and how they move. Pure: records in, records out; `AlertService` reads and writes them."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from bosai.errors import DecisionChanged, InvalidInput, SameOfficer, WrongState
from bosai.messages.orders import issues_newly
from bosai.model.alert import (
    ALERT_TYPES,
    LEGAL_MOVES,
    Act,
    Alert,
    AlertRecord,
    AlertState,
    AlertText,
    DrillAlert,
    LiveAlert,
    OrderKind,
    TsunamiClass,
)
from bosai.model.canonical import decision_hash
from bosai.model.realm import Realm
from bosai.services.order_rules import DraftForm
from geodata.hazards import HazardKind

OPEN_STATES = (AlertState.DRAFT, AlertState.PENDING_APPROVAL)
_ENDS = {
    Act.UPDATE: AlertState.SUPERSEDED,
    Act.LIFT: AlertState.LIFTED,
    Act.RECALL: AlertState.RECALLED,
}


class OrderTextWriter(Protocol):
    """Writes the order's own texts (仙台市の発令) in every language: `bosai.messages` has the one we use."""

    def for_order(  # noqa: PLR0917 - the facts of one order, in the order an officer decides them
        self,
        realm: Realm,
        act: Act,
        hazard: HazardKind,
        kind: OrderKind,
        tsunami_class: TsunamiClass | None,
        area_names: Sequence[str],
        *,
        free: Mapping[str, str],
        at: datetime,
        expected_at: datetime | None = None,
        announced_at: datetime | None = None,
        newly: bool = False,
    ) -> dict[str, AlertText]:
        """Language tag → text; "ja" is always there. `free` is HQ's own sentence by language; only a recall speaks
        of `at`: when the wrong order was released. `expected_at`: what 気象庁 foretold at `announced_at`. `newly`: an
        update that says 発令, because what stood before was another order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What a version is besides its contents."""

    alert_id: str
    version: int
    act: Act
    drafter: str
    drafted_at: datetime
    references: tuple[str, ...] = ()


class OrderWriter:
    """Makes versions of one side's orders, with their texts."""

    def __init__(self, realm: Realm, texts: OrderTextWriter, *, review_min: Mapping[OrderKind, int]) -> None:
        self.realm = realm
        self._texts = texts
        self._review_min = review_min

    def first(self, form: DraftForm, drafter: str, now: datetime) -> AlertRecord:
        """Version 1 of a new order. The side stands in its id, for whoever reads a log."""
        alert_id = f"{self.realm.value}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        frame = _Frame(alert_id=alert_id, version=1, act=Act.ISSUE, drafter=drafter, drafted_at=now)
        return self._draft(frame, form, said_at=now)

    def update(
        self, base: AlertRecord, version: int, form: DraftForm, *, drafter: str, now: datetime
    ) -> AlertRecord:
        """The version that would replace `base`. Raises InvalidInput when it is about another hazard."""
        _same_hazard(base.alert, form)
        form = _still_announced(base.alert, form)
        frame = _frame_on(base, version, Act.UPDATE, drafter=drafter, now=now)
        newly = issues_newly(base.alert, form.kind, form.tsunami_class)
        return self._draft(frame, form, said_at=now, newly=newly)

    def lift(
        self, base: AlertRecord, version: int, reason: str, *, drafter: str, now: datetime
    ) -> AlertRecord:
        """The version that would lift (解除) `base`, whole area."""
        frame = _frame_on(base, version, Act.LIFT, drafter=drafter, now=now)
        return self._draft(frame, _form_of(base.alert, reason), said_at=now)

    def recall(
        self, base: AlertRecord, version: int, reason: str, *, drafter: str, now: datetime
    ) -> AlertRecord:
        """The version that takes `base` back (取消). Its texts name when the wrong one was released."""
        frame = _frame_on(base, version, Act.RECALL, drafter=drafter, now=now)
        return self._draft(frame, _form_of(base.alert, reason), said_at=base.released_at or now)

    def redrafted(
        self,
        record: AlertRecord,
        form: DraftForm,
        editor: str,
        now: datetime,
        *,
        base: Alert | None = None,
    ) -> AlertRecord:
        """The same version with other contents: back to draft, the approval asked for is void.

        base: what an update would replace. Of a lift only the reason and HQ's own sentence can change: it always ends
        the whole order.
        """
        old = record.alert
        if old.act is Act.LIFT:
            form = msgspec.structs.replace(_form_of(old, form.reason), texts_free=form.texts_free)
        elif old.act is Act.UPDATE:
            _same_hazard(old, form)
        form = _still_announced(old, form)
        frame = _Frame(
            alert_id=old.alert_id,
            version=old.version,
            act=old.act,
            drafter=old.drafter,
            drafted_at=old.drafted_at,
            references=old.references,
        )
        if record.state is not AlertState.DRAFT:
            moved(record, AlertState.DRAFT)  # raises when it is too late to change anything
        newly = (
            base is not None and old.act is Act.UPDATE and issues_newly(base, form.kind, form.tsunami_class)
        )
        fresh = self._draft(frame, form, said_at=now, newly=newly)
        return msgspec.structs.replace(fresh, editors=with_hand(record, editor))

    def _draft(
        self, frame: _Frame, form: DraftForm, *, said_at: datetime, newly: bool = False
    ) -> AlertRecord:
        texts = self._texts.for_order(
            self.realm,
            frame.act,
            form.hazard,
            form.kind,
            form.tsunami_class,
            form.area.names,
            free=form.texts_free,
            at=said_at,
            expected_at=form.expected_arrival_at,
            announced_at=form.announced_at,
            newly=newly,
        )
        alert = ALERT_TYPES[self.realm](
            alert_id=frame.alert_id,
            version=frame.version,
            act=frame.act,
            hazard=form.hazard,
            kind=form.kind,
            tsunami_class=form.tsunami_class,
            area=form.area,
            texts=texts,
            reason=form.reason,
            references=frame.references,
            expected_arrival_at=form.expected_arrival_at,
            announced_at=form.announced_at,
            proposal_id=form.proposal_id,
            review_after_min=form.review_after_min or self._review_min[_reviewed_as(form)],
            drafter=frame.drafter,
            drafted_at=frame.drafted_at,
        )
        assert isinstance(alert, LiveAlert | DrillAlert), "ALERT_TYPES holds nothing else"
        return AlertRecord(
            alert=alert,
            state=AlertState.DRAFT,
            decision_hash=decision_hash(alert),
            editors=(frame.drafter,),
        )


def moved(record: AlertRecord, state: AlertState, **changes: Any) -> AlertRecord:
    """The record in another state. Raises WrongState unless LEGAL_MOVES has the move."""
    if state not in LEGAL_MOVES[record.state]:
        raise WrongState(f"alert:{record.alert.key}", record.state.value, state.value)
    return msgspec.structs.replace(record, state=state, **changes)


def released(record: AlertRecord, approver: str, incident: str, now: datetime) -> AlertRecord:
    """The version as released by `approver`; orders get their review time, lifts and recalls need none."""
    review_at = (
        now + timedelta(minutes=record.alert.review_after_min) if record.alert.directs_people else None
    )
    return moved(
        record,
        AlertState.ISSUED,
        approver=approver,
        released_at=now,
        incident=incident,
        review_at=review_at,
        note="",
    )


def ended(base: AlertRecord, by_act: Act, officer: str, now: datetime) -> AlertRecord:
    """The predecessor after an update (superseded), a lift (lifted) or a recall (recalled)."""
    return moved(base, _ENDS[by_act], ended_at=now, ended_by=officer, review_at=None)


def with_hand(record: AlertRecord, officer: str) -> tuple[str, ...]:
    """The record's editors and this one, each once."""
    return tuple(dict.fromkeys((*record.editors, officer)))


def need_other_officer(record: AlertRecord, officer: str) -> None:
    """Raises SameOfficer for everybody who drafted, changed or submitted the version."""
    if officer in (record.alert.drafter, *record.editors):
        raise SameOfficer(officer)


def need_in_force(base: AlertRecord, wanted: AlertState) -> None:
    """Raises WrongState unless `base` is an order in force (not a lift, a recall, or something already ended)."""
    if base.state is not AlertState.ISSUED or not base.alert.directs_people:
        state = base.state.value if base.alert.directs_people else base.alert.act.value
        raise WrongState(f"alert:{base.alert.key}", state, wanted.value)


def need_open(record: AlertRecord) -> None:
    """Raises WrongState unless the version is a draft or waits for approval."""
    if record.state not in OPEN_STATES:
        raise WrongState(f"alert:{record.alert.key}", record.state.value, AlertState.DRAFT.value)


def need_decision(record: AlertRecord, wanted: str) -> None:
    """Raises DecisionChanged unless `wanted` is the hash of exactly what the version says now."""
    if not wanted == record.decision_hash == decision_hash(record.alert):
        raise DecisionChanged(f"alert:{record.alert.key}")


def need_none_open(history: Iterable[AlertRecord]) -> None:
    """Raises WrongState when another version of the order is being drafted or waits for approval."""
    for one in history:
        if one.state in OPEN_STATES:
            raise WrongState(f"alert:{one.alert.key}", one.state.value, AlertState.DRAFT.value)


def next_version(history: Sequence[AlertRecord]) -> int:
    """Numbers rise, withdrawn versions included."""
    return max(one.alert.version for one in history) + 1


def new_incident(now: datetime) -> str:
    """An id for a connected spell of danger."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def _frame_on(base: AlertRecord, version: int, act: Act, *, drafter: str, now: datetime) -> _Frame:
    return _Frame(
        alert_id=base.alert.alert_id,
        version=version,
        act=act,
        drafter=drafter,
        drafted_at=now,
        references=(base.alert.key,),
    )


def _reviewed_as(form: DraftForm) -> OrderKind:
    """Whose review time counts: an お知らせ of a tsunami class is looked at as often as a tsunami order."""
    is_call = form.kind is OrderKind.NOTICE and form.tsunami_class is not None
    return OrderKind.TSUNAMI_EVACUATION if is_call else form.kind


def _same_hazard(base: Alert, form: DraftForm) -> None:
    if form.hazard is not base.hazard:
        raise InvalidInput(
            "hazard", "differs_from_order", "更新では災害の種類を変えられません。新しい発令にしてください。"
        )


def _still_announced(old: Alert, form: DraftForm) -> DraftForm:
    """The form with JMA's time of before, as long as it is about the same warning and brings no newer one."""
    if form.announced_at is None and form.tsunami_class == old.tsunami_class:
        return msgspec.structs.replace(form, announced_at=old.announced_at)
    return form


def _form_of(alert: Alert, reason: str) -> DraftForm:
    return DraftForm(
        hazard=alert.hazard,
        kind=alert.kind,
        tsunami_class=alert.tsunami_class,
        area=alert.area,
        reason=reason,
        expected_arrival_at=alert.expected_arrival_at,
        announced_at=alert.announced_at,
        proposal_id=None,
        review_after_min=alert.review_after_min,
    )
