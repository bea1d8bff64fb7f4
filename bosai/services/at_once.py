"""Tsunami at once: what two officers approved beforehand goes out when 気象庁 announces it, or in two taps.

    proposal ─▶ rises? ─▶ decided before? ─▶ judge ┬▶ ISSUE, or UPDATE of what went out at once ─▶ AlertDesk.release
    (feed, tick)                                   └▶ held: log, banner, health; people decide
    officer: see `at_once_by_hand`

One announcement is met once, whoever hands it in and however often: the log's head is the lock, the order's id follows
from the proposal's, and a release that was written before a crash is found again by the proposal it answers.
"""

import hashlib
import logging
from datetime import timedelta

from bosai.errors import NotFound, WrongRealm
from bosai.feeds.proposals import Proposal
from bosai.model.alert import Act, AlertRecord
from bosai.model.realm import Realm
from bosai.services.at_once_by_hand import AtOnceByHand, AtOnceSituation
from bosai.services.at_once_release import Source, reason_of_announcement
from bosai.services.at_once_rules import (
    AT_ONCE,
    ID_MARK,
    Moment,
    Verdict,
    calls_of,
    came_at_once,
    is_call,
    judge,
    rises,
    undecided_before,
    went_out_for,
)
from bosai.services.pre_approvals import facts_of
from bosai.stores.at_once import AtOnceState, Met, PreApproval, Reaction, met_field
from bosai.stores.audit import Head, Step
from bosai.stores.proposals import ProposalState

__all__ = ["AtOnce", "AtOnceSituation"]

KEPT_MET = timedelta(days=60)
RECORDING = timedelta(hours=48)
"""An announcement older than this comes from a replay: after a gap the feed itself reads back no farther."""
_log = logging.getLogger(__name__)


class AtOnce(AtOnceByHand):
    """The automatism of one side, with what officers do about it."""

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
        if not self.enabled:
            return
        state = await self._store.state()
        met = {one.proposal_id for one in state.met}
        waiting = [one.proposal for one in await self._proposals.open() if one.proposal.id not in met]
        for one in sorted(waiting, key=lambda found: (found.report_at, found.id)):
            await self.react(one)
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
            standing = (await self._proposals.get(proposal.id)).state
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

    async def _sent_at_once(self) -> list[AlertRecord]:
        """Every version of what first went out from pre-approved texts."""
        keys = [key for key in await self._desk.store.states() if came_at_once(key)]
        return await self._desk.store.many(keys)


def _announced_id(realm: Realm, proposal: Proposal) -> str:
    """The same announcement always makes the same order."""
    digest = hashlib.sha256(proposal.id.encode()).hexdigest()[:8]
    return f"{realm.value}-{proposal.report_at:%Y%m%dT%H%M%S}-{ID_MARK}-{digest}"
