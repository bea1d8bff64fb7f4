"""Orders of one side, from draft to lift, by two persons. What was previewed is what is released.

    draft ─▶ (preview) ─▶ submit ─▶ approve by another officer ─▶ in force ─▶ update │ lift: again by two
                 ▲            └─ send back                            └─▶ recall: by one, at once
                 └── redraft: back to draft, the approval asked for is void

Each method looks at the state, decides, and writes the decision with its audit entry in one script that refuses when
anything was recorded in between; then it looks again (`AlertDesk`). So two approvers release once, and nobody decides
on what another has just changed. No clock ends an order: an unanswered review renews it.
Texts in nine languages and areas of many vertices are worked out in a thread, off the event loop.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec
from redis.asyncio import Redis

from bosai.errors import NotAllowed, NotFound, PeopleGrew, WrongRealm, WrongState
from bosai.model.alert import Act, AlertRecord, AlertState, OrderKind
from bosai.model.realm import Realm
from bosai.model.staff import Permission, Session
from bosai.ports import Clock
from bosai.services import alert_moves as moves
from bosai.services.alert_desk import AlertDesk, contents
from bosai.services.alert_moves import OrderTextWriter, OrderWriter
from bosai.services.confirmation import confirm, confirmation_words
from bosai.services.order_rules import SENDAI_BBOX, DraftForm, checked_form, checked_reason
from bosai.services.previews import Preview, PreviewBroker
from bosai.services.proposals import ProposalService
from bosai.stores.alerts import Change
from bosai.stores.audit import Head, Step
from geodata.areas import Bbox

__all__ = ["AlertService", "DraftForm", "Preview"]

SYSTEM = "system"
"""The actor of what happens without a person."""

REVIEW_MIN: Mapping[OrderKind, int] = {
    OrderKind.ELDERLY_ETC: 120,
    OrderKind.EVACUATE: 60,
    OrderKind.EMERGENCY_SAFETY: 30,
    OrderKind.TSUNAMI_EVACUATION: 60,
    OrderKind.NOTICE: 720,
}
"""Used where the settings give nothing; the settings' table is handed in by the wiring."""

_log = logging.getLogger(__name__)
Make = Callable[[AlertRecord, int, datetime], AlertRecord]


class AlertService:
    """What officers do with orders of one side. Sessions of the other side are refused (WrongRealm).

    Every method may raise StoreUnavailable; those that take an officer raise NotAllowed when the role may not.
    """

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        clock: Clock,
        texts: OrderTextWriter,
        previews: PreviewBroker,
        *,
        bbox: Bbox = SENDAI_BBOX,
        review_min: Mapping[OrderKind, int] = REVIEW_MIN,
        growth_ratio: float = 0.05,
        growth_people: int = 50,
        quick_preview_s: float = 1.0,
    ) -> None:
        if previews.realm is not realm:
            raise WrongRealm(realm.value, previews.realm.value)
        self.realm = realm
        self._clock = clock
        self._desk = AlertDesk(redis, realm, clock)
        self._store = self._desk.store
        self._proposals = ProposalService(redis, realm, clock)
        self._writer = OrderWriter(realm, texts, review_min=review_min)
        self._previews = previews
        self._bbox = bbox
        self._growth_ratio = growth_ratio
        self._growth_people = growth_people
        self._quick_preview_s = quick_preview_s

    async def get(self, key: str) -> AlertRecord:
        """The version "alert_id:version". Raises NotFound."""
        return await self._store.get(key)

    async def history(self, alert_id: str) -> list[AlertRecord]:
        """All versions of an order, oldest first. Raises NotFound."""
        return await self._store.history(alert_id)

    async def working(self) -> list[AlertRecord]:
        """Drafts and versions waiting for approval."""
        return await self._store.working()

    async def in_force(self) -> list[AlertRecord]:
        """Orders in force now: newest released versions that issue or update."""
        return await self._store.in_force()

    def confirmation_words(self, record: AlertRecord, act: Act | None = None) -> str:
        """What must be typed to release the version; with `act=Act.RECALL`, to recall it once it is in force."""
        return confirmation_words(record.alert, act)

    async def draft(self, officer: Session, form: DraftForm) -> AlertRecord:
        """A new order as a draft. Raises InvalidInput; NotFound for an unknown proposal."""
        self._need(officer, Permission.DRAFT)
        form = await self._checked(form)
        now = self._clock.now()
        record = await asyncio.to_thread(self._writer.first, form, officer.name, now)
        step = Step(officer.name, "drafted", f"alert:{record.alert.key}", contents(record))
        await self._desk.decide(lambda head: self._desk.write(head, step, record, seen=None, now=now))
        await self._adopt(record, officer)
        return record

    async def redraft(self, officer: Session, key: str, form: DraftForm) -> AlertRecord:
        """Other contents for a version not yet released; whoever does this can not approve it any more."""
        self._need(officer, Permission.DRAFT)
        form = await self._checked(form)

        async def attempt(head: Head) -> AlertRecord:
            record = await self._store.get(key)
            moves.need_open(record)
            now = self._clock.now()
            base = None
            if record.alert.act is Act.UPDATE and record.alert.references:
                base = (await self._store.get(record.alert.references[0])).alert
            changed = await asyncio.to_thread(
                self._writer.redrafted, record, form, officer.name, now, base=base
            )
            step = Step(officer.name, "redrafted", f"alert:{key}", contents(changed))
            return await self._desk.write(head, step, changed, seen=record.state, now=now)

        return await self._desk.decide(attempt)

    async def draft_update(self, officer: Session, alert_id: str, form: DraftForm) -> AlertRecord:
        """The next version of an order in force. Raises WrongState when one is already being made."""
        self._need(officer, Permission.DRAFT)
        form = await self._checked(form)
        record = await self._draft_on(
            officer,
            alert_id,
            lambda base, n, now: self._writer.update(base, n, form, drafter=officer.name, now=now),
        )
        await self._adopt(record, officer)
        return record

    async def draft_lift(self, officer: Session, alert_id: str, reason: str) -> AlertRecord:
        """The lift (解除) of an order in force, whole area, as a draft. Raises WrongState."""
        self._need(officer, Permission.DRAFT)
        text = checked_reason(reason)
        return await self._draft_on(
            officer,
            alert_id,
            lambda base, n, now: self._writer.lift(base, n, text, drafter=officer.name, now=now),
        )

    async def preview(self, officer: Session, key: str) -> Preview:
        """Who is inside and where the plan would send them. Shown to somebody who drafts or approves, it becomes the
        figure that `approve` compares with."""
        self._need(officer, Permission.SEE)
        seen = await self._store.get(key)
        preview = await self._previews.request(seen.alert)
        if preview.available and officer.may(Permission.DRAFT):
            await self._remember_preview(officer, seen, preview)
        return preview

    async def submit(self, officer: Session, key: str, decision_hash: str) -> AlertRecord:
        """Ask for approval of exactly this decision; who asks can not approve. Raises DecisionChanged, WrongState."""
        self._need(officer, Permission.DRAFT)

        async def attempt(head: Head) -> AlertRecord:
            record = await self._store.get(key)
            now = self._clock.now()
            hands = moves.with_hand(record, officer.name)
            pending = moves.moved(
                record, AlertState.PENDING_APPROVAL, submitted_at=now, editors=hands, note=""
            )
            moves.need_decision(record, decision_hash)
            facts = {"decision_hash": decision_hash, "previewed_people": record.previewed_people}
            step = Step(officer.name, "submitted", f"alert:{key}", facts)
            return await self._desk.write(head, step, pending, seen=record.state, now=now)

        return await self._desk.decide(attempt)

    async def send_back(self, officer: Session, key: str, note: str) -> AlertRecord:
        """Back to draft, with the reason. Raises WrongState, InvalidInput."""
        self._need(officer, Permission.DRAFT)
        text = checked_reason(note, "note")

        async def attempt(head: Head) -> AlertRecord:
            record = await self._store.get(key)
            back = moves.moved(record, AlertState.DRAFT, submitted_at=None, note=text)
            step = Step(officer.name, "sent_back", f"alert:{key}", {"note": text})
            return await self._desk.write(head, step, back, seen=record.state, now=self._clock.now())

        return await self._desk.decide(attempt)

    async def withdraw(self, officer: Session, key: str) -> AlertRecord:
        """A version not yet released is given up: nothing was sent and nothing is. Raises WrongState."""
        self._need(officer, Permission.DRAFT)

        async def attempt(head: Head) -> AlertRecord:
            record = await self._store.get(key)
            now = self._clock.now()
            gone = moves.moved(record, AlertState.WITHDRAWN, ended_at=now, ended_by=officer.name)
            step = Step(officer.name, "withdrawn", f"alert:{key}", {})
            return await self._desk.write(head, step, gone, seen=record.state, now=now)

        return await self._desk.decide(attempt)

    async def approve(self, officer: Session, key: str, decision_hash: str, typed: str) -> AlertRecord:
        """Release a version that others drafted and submitted.

        Raises WrongState, SameOfficer, DecisionChanged, ConfirmationMismatch, PeopleGrew. A planner that is late or
        gone does not stop it.
        """
        self._need(officer, Permission.APPROVE)

        def check(record: AlertRecord) -> None:
            if record.state is not AlertState.PENDING_APPROVAL:
                raise WrongState(f"alert:{key}", record.state.value, AlertState.ISSUED.value)
            moves.need_other_officer(record, officer.name)
            moves.need_decision(record, decision_hash)
            confirm(record.alert, typed)

        seen = await self._store.get(key)
        check(seen)
        await self._check_growth(seen)

        async def attempt(head: Head) -> AlertRecord:
            record = await self._store.get(key)
            check(record)
            facts = {"decision_hash": decision_hash, "typed": typed, "hands": list(record.editors)}
            approved = Step(officer.name, "approved", f"alert:{key}", facts)
            return await self._desk.release(head, officer.name, record, before=[approved])

        return await self._desk.decide(attempt)

    async def recall(self, officer: Session, alert_id: str, reason: str, typed: str) -> AlertRecord:
        """Take back (取消) an order that should never have been sent: one person, at once.

        A version still being drafted or waiting on the same order is withdrawn in the same step. Raises NotFound,
        WrongState, InvalidInput, ConfirmationMismatch (typed: `confirmation_words(record, Act.RECALL)`).
        """
        self._need(officer, Permission.RECALL)
        text = checked_reason(reason)

        async def attempt(head: Head) -> AlertRecord:
            history = await self._store.history(alert_id)
            base = await self._desk.base(alert_id, history, AlertState.RECALLED)
            confirm(base.alert, typed, Act.RECALL)
            now = self._clock.now()
            version = moves.next_version(history)
            draft = await asyncio.to_thread(
                self._writer.recall, base, version, text, drafter=officer.name, now=now
            )
            pending = moves.moved(draft, AlertState.PENDING_APPROVAL, submitted_at=now)
            unsent = [one for one in history if one.state in moves.OPEN_STATES]
            given_up = {"ended_at": now, "ended_by": officer.name}
            return await self._desk.release(
                head,
                officer.name,
                pending,
                before=[
                    Step(officer.name, "withdrawn", f"alert:{one.alert.key}", {"by": pending.alert.key})
                    for one in unsent
                ],
                others=[
                    Change(seen=one.state, record=moves.moved(one, AlertState.WITHDRAWN, **given_up))
                    for one in unsent
                ],
                is_new=True,
            )

        return await self._desk.decide(attempt)

    async def answer_review(self, officer: Session, alert_id: str) -> AlertRecord:
        """HQ has looked and the order stands; the next review is counted from now. Raises WrongState, NotFound."""
        self._need(officer, Permission.DRAFT)

        async def attempt(head: Head) -> AlertRecord:
            base = await self._store.head(alert_id)
            moves.need_in_force(base, AlertState.ISSUED)
            return await self._postpone(head, base, officer.name, "review_answered")

        return await self._desk.decide(attempt)

    async def renew_reviews(self) -> list[AlertRecord]:
        """Renew, as they stand, orders whose review time passed without an answer. Several schedulers renew once."""
        renewed = []
        for one in await self._store.in_force():
            record = await self._renew(one.alert.key)
            if record is not None:
                renewed.append(record)
        return renewed

    def _need(self, officer: Session, permission: Permission) -> None:
        if officer.realm is not self.realm:
            raise WrongRealm(self.realm.value, officer.realm.value)
        if not officer.may(permission):
            raise NotAllowed(permission.value)

    async def _checked(self, form: DraftForm) -> DraftForm:
        if form.proposal_id is not None:
            said = (await self._proposals.get(form.proposal_id)).proposal
            if said.origin == "jma":  # what another sender said is never 気象庁発表
                form = msgspec.structs.replace(form, announced_at=said.report_at)
        return await asyncio.to_thread(checked_form, form, realm=self.realm, bbox=self._bbox)

    async def _draft_on(self, officer: Session, alert_id: str, make: Make) -> AlertRecord:
        async def attempt(head: Head) -> AlertRecord:
            history = await self._store.history(alert_id)
            moves.need_none_open(history)
            base = await self._desk.base(alert_id, history, AlertState.DRAFT)
            now = self._clock.now()
            record = await asyncio.to_thread(make, base, moves.next_version(history), now)
            step = Step(officer.name, "drafted", f"alert:{record.alert.key}", contents(record))
            return await self._desk.write(head, step, record, seen=None, now=now)

        return await self._desk.decide(attempt)

    async def _check_growth(self, record: AlertRecord) -> None:
        if record.previewed_people is None or not record.alert.directs_people:
            return
        now = await self._previews.request(record.alert, wait_s=self._quick_preview_s, counts_only=True)
        grown = now.people - record.previewed_people
        if now.available and grown > max(self._growth_people, self._growth_ratio * record.previewed_people):
            raise PeopleGrew(record.previewed_people, now.people)

    async def _remember_preview(self, officer: Session, seen: AlertRecord, preview: Preview) -> None:
        async def attempt(head: Head) -> None:
            record = await self._store.get(seen.alert.key)
            same = record.decision_hash == seen.decision_hash and record.state in moves.OPEN_STATES
            if not same or record.previewed_people == preview.people:
                return
            counted = msgspec.structs.replace(record, previewed_people=preview.people)
            facts = {"people": preview.people, "households": preview.households, "no_site": preview.no_site}
            step = Step(officer.name, "previewed", f"alert:{record.alert.key}", facts)
            await self._desk.write(head, step, counted, seen=record.state, now=self._clock.now())

        await self._desk.decide(attempt)

    async def _renew(self, key: str) -> AlertRecord | None:
        async def attempt(head: Head) -> AlertRecord | None:
            record = await self._store.get(key)
            in_force = record.state is AlertState.ISSUED and record.review_at is not None
            if not in_force or record.review_at is None or record.review_at > self._clock.now():
                return None
            return await self._postpone(head, record, SYSTEM, "renewed")

        return await self._desk.decide(attempt)

    async def _postpone(self, head: Head, record: AlertRecord, actor: str, word: str) -> AlertRecord:
        now = self._clock.now()
        review_at = now + timedelta(minutes=record.alert.review_after_min)
        later = msgspec.structs.replace(record, review_at=review_at)
        facts = {"was_due": record.review_at, "review_at": review_at}
        step = Step(actor, word, f"alert:{record.alert.key}", facts)
        return await self._desk.write(head, step, later, seen=record.state, now=now)

    async def _adopt(self, record: AlertRecord, officer: Session) -> None:
        """Close the proposal the draft was made from; one that was closed meanwhile stays as it is."""
        if record.alert.proposal_id is None:
            return
        try:
            await self._proposals.adopted(record.alert.proposal_id, record.alert.key, officer.name)
        except (WrongState, NotFound):
            _log.info("proposal %s was closed before it was adopted", record.alert.proposal_id)
