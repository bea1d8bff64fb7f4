"""Tsunami at once: what two officers approved beforehand goes out when 気象庁 announces it, or in two taps.

    proposal ─▶ rises? ─▶ decided before? ─▶ judge ┬▶ ISSUE, or UPDATE of what went out at once ─▶ AlertDesk.release
    (feed, tick)                                   └▶ held: log, banner, health; people decide
    officer: class ▸ confirm ─▶ start ─────────────▶ the same release, with the officer as approver

One announcement is met once, whoever hands it in and however often: the log's head is the lock, the order's id follows
from the proposal's, and a release that was written before a crash is found again by the proposal it answers.
"""

import hashlib
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis.asyncio import Redis

from bosai.errors import DecisionChanged, NotAllowed, NotFound, WrongRealm, WrongState
from bosai.feeds.proposals import Proposal
from bosai.model.alert import Act, AlertRecord, AlertState, TsunamiClass
from bosai.model.realm import Realm
from bosai.model.staff import Permission, Session
from bosai.ports import Clock
from bosai.services import alert_moves as moves
from bosai.services.alert_desk import AlertDesk
from bosai.services.alert_moves import OrderTextWriter
from bosai.services.at_once_content import RANKS
from bosai.services.at_once_release import (
    HeardFrom,
    Source,
    ready_version,
    reason_of_announcement,
    reason_of_officer,
)
from bosai.services.at_once_rules import (
    AT_ONCE,
    ID_MARK,
    Moment,
    Verdict,
    calls_of,
    came_at_once,
    gravest,
    is_call,
    judge,
    rises,
    split,
    undecided_before,
    went_out_for,
)
from bosai.services.order_rules import checked_reason
from bosai.services.pre_approvals import ClassState, PreApprovals, facts_of
from bosai.services.proposals import ProposalService
from bosai.services.zones import ZoneCatalogue
from bosai.settings_schema import Settings
from bosai.stores.alerts import Change
from bosai.stores.at_once import STOPPED, AtOnceState, Met, PreApproval, Reaction, Stop, met_field
from bosai.stores.audit import Head, Step
from bosai.stores.proposals import ProposalState, ProposalStore

TIMES_HOLD = timedelta(hours=1)
KEPT_MET = timedelta(days=60)
RECORDING = timedelta(hours=48)
"""An announcement older than this comes from a replay: after a gap the feed itself reads back no farther."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtOnceSituation:
    """All of one side, for a page, a banner or the health record."""

    enabled: bool
    automatic: tuple[TsunamiClass, ...]
    stop: Stop | None
    classes: Mapping[TsunamiClass, ClassState]
    calls: Sequence[AlertRecord]
    held: tuple[Met, ...]  # announcements that did not go out and still wait for people


class AtOnce:
    """The automatism of one side, and what officers do with it."""

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        clock: Clock,
        settings: Settings,
        *,
        proposals: ProposalService,
        zones: Callable[[], ZoneCatalogue],
        texts: OrderTextWriter,
    ) -> None:
        if proposals.realm is not realm:
            raise WrongRealm(realm.value, proposals.realm.value)
        self.realm = realm
        self.pre_approvals = PreApprovals(redis, realm, clock, settings, zones=zones, texts=texts)
        self._clock = clock
        self._settings = settings.at_once
        self._store = self.pre_approvals.store
        self._desk = AlertDesk(redis, realm, clock)
        self._proposals = proposals
        self._proposal_store = ProposalStore(redis, realm)

    @property
    def enabled(self) -> bool:
        """Whether anything goes out by itself on this side."""
        return self._settings.enabled_in_drill if self.realm.is_drill else self._settings.enabled

    # ---- by itself ---------------------------------------------------------------------------------

    async def react(self, proposal: Proposal) -> None:
        """Meet one announcement. Safe to call again, from several processes, and after a crash. Raises WrongRealm."""
        if proposal.realm != self.realm.value:
            raise WrongRealm(self.realm.value, proposal.realm)
        if not self.enabled or not is_call(proposal) or proposal.tsunami_class not in self._settings.classes:
            return
        if self._clock.now() - proposal.report_at > RECORDING:
            return  # somebody plays what is long past: nobody relied on its going out
        if not rises(proposal) and not await self._took_the_place_of_an_undecided_one(proposal):
            return
        met = await self._desk.decide(lambda head: self._meet(head, proposal))
        if met.reaction.went_out:
            await self._adopt(proposal.id, met.alert_key)
            await self._store.note(met)
            _log.warning("%s: %s at once: %s", self.realm, met.reaction, met.alert_key)
        else:
            _log.warning("%s: %s was not sent by itself: %s", self.realm, proposal.id, met.reaction)

    async def tick(self) -> None:
        """Meet what nobody met (a crash between proposing and reacting), and forget what is long past."""
        state = await self._store.state()
        met = {one.proposal_id for one in state.met}
        known = await self._proposal_store.all()
        for one in sorted(known, key=lambda found: found.proposal.report_at):
            if one.state is ProposalState.OPEN and one.proposal.id not in met:
                await self.react(one.proposal)
        old = self._clock.now() - KEPT_MET
        await self._store.forget([one.proposal_id for one in state.met if one.at < old])

    async def _meet(self, head: Head, proposal: Proposal) -> Met:
        """Decide on one announcement with the head given. What stays in is written here; a release by the desk."""
        known = await self._store.met(proposal.id)
        if known is not None:
            return known
        if (out := went_out_for(proposal.id, await self._sent_at_once())) is not None:
            reaction = Reaction.ISSUED if out.alert.act is Act.ISSUE else Reaction.RAISED
            return self._met(proposal, Verdict(reaction=reaction), out.alert.key)
        assert proposal.tsunami_class is not None, "asked of calls only"
        state = await self._store.state()
        approved = (await self.pre_approvals.states(state))[proposal.tsunami_class].approved
        verdict = judge(proposal, await self._moment(proposal, state, approved))
        if verdict.reaction.went_out and approved is not None:
            return await self._send(head, proposal, approved, verdict)
        met = self._met(proposal, verdict, "" if verdict.base is None else verdict.base.alert.key)
        facts = {
            "reaction": met.reaction.value,
            "tsunami_class": met.tsunami_class.value,
            "telegram": proposal.telegram_key,
            "report_at": met.report_at,
            "alert": met.alert_key,
        }
        step = Step(AT_ONCE, "held_at_once", f"proposal:{proposal.id}", facts)
        await self._store.commit(head, met.at, [step], {met_field(proposal.id): met})
        return met

    async def _moment(self, proposal: Proposal, state: AtOnceState, approved: PreApproval | None) -> Moment:
        try:
            standing = (await self._proposal_store.get(proposal.id)).state
        except NotFound:  # handed in by somebody who did not put it on HQ's desk
            standing = ProposalState.OPEN
        return Moment(
            now=self._clock.now(),
            max_age=timedelta(minutes=self._settings.telegram_max_age_min),
            is_stopped=state.stop is not None,
            is_ready=approved is not None,
            state=standing,
            calls=calls_of(await self._desk.store.in_force()),
        )

    async def _send(self, head: Head, proposal: Proposal, approved: PreApproval, verdict: Verdict) -> Met:
        now = self._clock.now()
        source = Source.of_proposal(proposal)
        reason = reason_of_announcement(proposal, approved)
        facts = {**facts_of(approved), "telegram": proposal.telegram_key, "proposal": proposal.id}
        alert_id = _announced_id(self.realm, proposal)
        out = await self._release(
            head, approved, source, reason, AT_ONCE, ("sent_at_once", facts), verdict.base, alert_id, now
        )
        return self._met(proposal, verdict, out.alert.key)

    def _met(self, proposal: Proposal, verdict: Verdict, alert_key: str) -> Met:
        assert proposal.tsunami_class is not None, "asked of calls only"
        return Met(
            proposal_id=proposal.id,
            tsunami_class=proposal.tsunami_class,
            report_at=proposal.report_at,
            at=self._clock.now(),
            reaction=verdict.reaction,
            alert_key=alert_key,
        )

    async def _took_the_place_of_an_undecided_one(self, proposal: Proposal) -> bool:
        met = frozenset(one.proposal_id for one in (await self._store.state()).met)
        if proposal.id in met:
            return False
        return undecided_before(proposal, await self._proposal_store.all(), met)

    # ---- by an officer -----------------------------------------------------------------------------

    async def start(
        self, officer: Session, tsunami_class: TsunamiClass, heard: HeardFrom, seen_hash: str
    ) -> AlertRecord:
        """Send the pre-approved text of a class now: two officers approved it, a third word is not needed.

        A class that stands already, or a graver one, is not sent twice: the version in force is the answer. What had
        gone out at once is raised; HQ's own orders stay beside it. Raises NotAllowed, WrongState (nothing approved),
        DecisionChanged (not what was shown).
        """
        self._need(officer, Permission.APPROVE)

        async def attempt(head: Head) -> AlertRecord:
            calls = calls_of(await self._desk.store.in_force())
            standing = gravest(calls)
            if standing is not None and RANKS[_class(standing)] >= RANKS[tsunami_class]:
                return standing
            state = (await self.pre_approvals.states())[tsunami_class]
            if state.approved is None:
                raise WrongState(f"at_once:{tsunami_class.value}", state.readiness.value, "ready")
            if state.approved.content_hash != seen_hash:
                raise DecisionChanged(f"at_once:{tsunami_class.value}")
            now = self._clock.now()
            announced = await self._announced(tsunami_class)
            source = Source() if announced is None else Source.of_proposal(announced)
            facts = {
                **facts_of(state.approved),
                "heard_from": heard.value,
                "proposal": source.proposal_id,
            }
            return await self._release(
                head,
                state.approved,
                source,
                reason_of_officer(officer.name, heard, state.approved),
                officer.name,
                ("started_at_once", facts),
                split(calls)[0],
                f"{self.realm.value}-{now:%Y%m%dT%H%M%S}-{ID_MARK}-{secrets.token_hex(4)}",
                now,
            )

        record = await self._desk.decide(attempt)
        if record.alert.proposal_id is not None and record.approver == officer.name:
            await self._adopt(record.alert.proposal_id, record.alert.key, officer.name)
        return record

    async def stop(self, officer: Session, reason: str) -> Stop:
        """Nothing goes out by itself from now on. Raises NotAllowed, InvalidInput."""
        self._need(officer, Permission.RECALL)
        text = checked_reason(reason)

        async def attempt(head: Head) -> Stop:
            known = (await self._store.state()).stop
            if known is not None:
                return known
            made = Stop(by=officer.name, at=self._clock.now(), reason=text)
            step = Step(officer.name, "stopped_at_once", "at_once:all", {"reason": text})
            await self._store.commit(head, made.at, [step], {STOPPED: made})
            return made

        return await self._desk.decide(attempt)

    async def resume(self, officer: Session, reason: str) -> None:
        """It goes out by itself again; what was announced meanwhile does not. Raises NotAllowed, InvalidInput."""
        self._need(officer, Permission.APPROVE)
        text = checked_reason(reason)

        async def attempt(head: Head) -> None:
            known = (await self._store.state()).stop
            if known is None:
                return
            facts = {"reason": text, "since": known.at, "by": known.by}
            step = Step(officer.name, "resumed_at_once", "at_once:all", facts)
            await self._store.commit(head, self._clock.now(), [step], {STOPPED: None})

        await self._desk.decide(attempt)

    async def situation(self) -> AtOnceSituation:
        """How things stand now."""
        state = await self._store.state()
        return AtOnceSituation(
            enabled=self.enabled,
            automatic=self._settings.classes if self.enabled else (),
            stop=state.stop,
            classes=await self.pre_approvals.states(state),
            calls=calls_of(await self._desk.store.in_force()),
            held=await self._held(state),
        )

    # ---- both --------------------------------------------------------------------------------------

    async def _release(  # noqa: PLR0917 - one release: who, what, why, in place of what
        self,
        head: Head,
        approved: PreApproval,
        source: Source,
        reason: str,
        actor: str,
        said: tuple[str, Mapping[str, object]],
        base: AlertRecord | None,
        alert_id: str,
        now: datetime,
    ) -> AlertRecord:
        """ISSUE, or UPDATE of `base`, which went out at once; what was being drafted on it is given up with it."""
        history = [] if base is None else await self._desk.store.history(base.alert.alert_id)
        record = ready_version(
            approved,
            source,
            reason,
            base=base,
            alert_id=alert_id,
            version=moves.next_version(history) if history else 1,
            now=now,
        )
        unsent = [one for one in history if one.state in moves.OPEN_STATES]
        key, given_up = record.alert.key, {"ended_at": now, "ended_by": actor}
        before = [
            Step(actor, said[0], f"alert:{key}", said[1]),
            *(Step(actor, "withdrawn", f"alert:{one.alert.key}", {"by": key}) for one in unsent),
        ]
        others = [
            Change(seen=one.state, record=moves.moved(one, AlertState.WITHDRAWN, **given_up))
            for one in unsent
        ]
        return await self._desk.release(head, actor, record, before=before, others=others, is_new=True)

    async def _sent_at_once(self) -> list[AlertRecord]:
        """Every version of what first went out from pre-approved texts."""
        keys = [key for key in await self._desk.store.states() if came_at_once(key)]
        return await self._desk.store.many(keys)

    async def _announced(self, tsunami_class: TsunamiClass) -> Proposal | None:
        """The open proposal of this class, of now: its times are better than none, those of another wave are not."""
        oldest = self._clock.now() - TIMES_HOLD
        found = [
            one.proposal
            for one in await self._proposals.open()
            if is_call(one.proposal)
            and one.proposal.tsunami_class is tsunami_class
            and one.proposal.report_at >= oldest
        ]
        return found[0] if found else None

    async def _held(self, state: AtOnceState) -> tuple[Met, ...]:
        waiting = [one for one in state.met if one.reaction.needs_people]
        if not waiting:
            return ()
        open_ids = {one.proposal.id for one in await self._proposals.open()}
        return tuple(one for one in waiting if one.proposal_id in open_ids)

    async def _adopt(self, proposal_id: str, alert_key: str, by: str = AT_ONCE) -> None:
        try:
            await self._proposals.adopted(proposal_id, alert_key, by)
        except (WrongState, NotFound):
            _log.info("proposal %s was closed before it was adopted", proposal_id)

    def _need(self, officer: Session, permission: Permission) -> None:
        if officer.realm is not self.realm:
            raise WrongRealm(self.realm.value, officer.realm.value)
        if not officer.may(permission):
            raise NotAllowed(permission.value)


def _announced_id(realm: Realm, proposal: Proposal) -> str:
    """The same announcement always makes the same order."""
    digest = hashlib.sha256(proposal.id.encode()).hexdigest()[:8]
    return f"{realm.value}-{proposal.report_at:%Y%m%dT%H%M%S}-{ID_MARK}-{digest}"


def _class(record: AlertRecord) -> TsunamiClass:
    found = record.alert.tsunami_class
    assert found is not None, "calls have a class"
    return found
