"""What an officer does with pre-approved tsunami texts: sends one in two taps, stops the automatism, resumes it.

class ▸ confirm ─▶ start ─▶ stands already? ─no─▶ approved, as it was shown? ─▶ AlertDesk.release
                                └ the version in force is the answer: a double tap sends nothing twice
"""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis.asyncio import Redis

from bosai.errors import DecisionChanged, NotAllowed, NotFound, WrongRealm, WrongState
from bosai.feeds.proposals import Proposal
from bosai.model.alert import AlertRecord, AlertState, TsunamiClass
from bosai.model.realm import Realm
from bosai.model.staff import Permission, Session
from bosai.ports import Clock
from bosai.services import alert_moves as moves
from bosai.services.alert_desk import AlertDesk
from bosai.services.alert_moves import OrderTextWriter
from bosai.services.at_once_content import RANKS
from bosai.services.at_once_release import HeardFrom, Source, ready_version, reason_of_officer
from bosai.services.at_once_rules import AT_ONCE, ID_MARK, calls_of, gravest, is_call, split
from bosai.services.order_rules import checked_reason
from bosai.services.pre_approvals import ClassState, PreApprovals, facts_of
from bosai.services.proposals import ProposalService
from bosai.services.zones import ZoneCatalogue
from bosai.settings_schema import Settings
from bosai.stores.alerts import Change
from bosai.stores.at_once import STOPPED, AtOnceState, Met, PreApproval, Stop
from bosai.stores.audit import Head, Step
from bosai.stores.proposals import ProposalStore

TIMES_HOLD = timedelta(hours=1)
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


class AtOnceByHand:
    """What officers of one side do. Sessions of the other side are refused (WrongRealm)."""

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

    # ---- inside ------------------------------------------------------------------------------------

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


def _class(record: AlertRecord) -> TsunamiClass:
    found = record.alert.tsunami_class
    assert found is not None, "calls have a class"
    return found
