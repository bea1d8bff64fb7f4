"""What feeds suggest to HQ. A proposal changes nothing by itself: an officer adopts it into a draft or dismisses it."""

import asyncio

import msgspec
from redis.asyncio import Redis

from bosai.errors import NotAllowed, WrongRealm, WrongState
from bosai.feeds.cap import status_in as cap_status
from bosai.feeds.jma.envelope import TelegramStatus, parse_telegram
from bosai.feeds.proposals import Proposal
from bosai.feeds.realms import is_accepted
from bosai.model.realm import Realm
from bosai.model.staff import Permission, Session
from bosai.ports import Clock
from bosai.services.order_rules import checked_reason
from bosai.services.proposal_desk import outlived, place
from bosai.stores.audit import AuditStore, Step, until_head_holds
from bosai.stores.proposals import ProposalRecord, ProposalState, ProposalStore

__all__ = ["FEED", "About", "ProposalRecord", "ProposalService", "ProposalState"]

FEED = "feed"
"""The actor of what arrives by itself."""
About = tuple[str, str]
"""What a proposal is about: its subject and one area code."""


class ProposalService:
    """Proposals of one side."""

    def __init__(self, redis: Redis, realm: Realm, clock: Clock) -> None:
        self.realm = realm
        self._store = ProposalStore(redis, realm)
        self._audit = AuditStore(redis, realm)
        self._clock = clock

    async def put(self, proposal: Proposal) -> bool:
        """Keep a proposal; True when it is new and open. The same id again changes nothing.

        What it takes the place of, and what takes its: `proposal_desk.place`. On the live side the telegram itself,
        when it was kept, is read once more: what is not 通常 is refused (WrongRealm).
        """
        if proposal.realm != self.realm.value:
            raise WrongRealm(self.realm.value, proposal.realm)
        await self._check_telegram(proposal)

        async def attempt() -> bool:
            head = await self._audit.head()
            known = await self._store.all()
            now = self._clock.now()
            placed = place(known, proposal, now)
            if placed is None:
                return False
            record, replaced = placed
            steps = [Step(FEED, "proposed", f"proposal:{proposal.id}", _facts(proposal))]
            steps += [
                Step(FEED, "superseded", f"proposal:{one.proposal.id}", {"by": one.by})
                for one in (*replaced, record)
                if one.state is ProposalState.SUPERSEDED
            ]
            await self._store.commit(head, now, steps, [record, *replaced], outlived(known, now))
            return record.state is ProposalState.OPEN

        return await until_head_holds(attempt)

    async def open(self) -> list[ProposalRecord]:
        """What waits for HQ, newest report first."""
        return [one for one in await self._store.all() if one.state is ProposalState.OPEN]

    async def about_orders(self) -> dict[str, frozenset[About]]:
        """Alert id → (subject, area code) of every proposal that became a version of it."""
        found: dict[str, set[About]] = {}
        for one in await self._store.all():
            if one.alert_key is not None:
                about = {(one.proposal.subject, code) for code in one.proposal.area_codes}
                found.setdefault(one.alert_key.rpartition(":")[0], set()).update(about)
        return {alert_id: frozenset(about) for alert_id, about in found.items()}

    async def get(self, proposal_id: str) -> ProposalRecord:
        """Raises NotFound."""
        return await self._store.get(proposal_id)

    async def dismiss(self, officer: Session, proposal_id: str, reason: str) -> ProposalRecord:
        """Set aside, with a reason. Raises NotAllowed, WrongState, InvalidInput, NotFound."""
        if officer.realm is not self.realm:
            raise WrongRealm(self.realm.value, officer.realm.value)
        if not officer.may(Permission.DRAFT):
            raise NotAllowed(Permission.DRAFT.value)
        text = checked_reason(reason)
        return await self._close(proposal_id, ProposalState.DISMISSED, officer.name, reason=text)

    async def adopted(self, proposal_id: str, alert_key: str, by: str = "") -> ProposalRecord:
        """It became a draft. Again for the same version changes nothing. Raises WrongState, NotFound."""
        return await self._close(proposal_id, ProposalState.ADOPTED, by, alert_key=alert_key)

    async def _close(
        self,
        proposal_id: str,
        state: ProposalState,
        by: str,
        *,
        reason: str = "",
        alert_key: str | None = None,
    ) -> ProposalRecord:
        async def attempt() -> ProposalRecord:
            head = await self._audit.head()
            record = await self._store.get(proposal_id)
            if record.state is state and alert_key is not None and record.alert_key == alert_key:
                return record
            if record.state.is_terminal:
                raise WrongState(f"proposal:{proposal_id}", record.state.value, state.value)
            now = self._clock.now()
            closed = msgspec.structs.replace(
                record, state=state, by=by, at=now, reason=reason, alert_key=alert_key
            )
            facts = {"reason": reason} if alert_key is None else {"alert": alert_key}
            step = Step(by or FEED, state.value, f"proposal:{proposal_id}", facts)
            await self._store.commit(head, now, [step], [closed])
            return closed

        return await until_head_holds(attempt)

    async def _check_telegram(self, proposal: Proposal) -> None:
        if self.realm is not Realm.LIVE:
            return
        raw = await self._store.raw_telegram(proposal.telegram_key)
        if raw is None:
            return
        status = await asyncio.to_thread(_status_in, proposal, raw)
        if not is_accepted(status, "live"):
            raise WrongRealm(self.realm.value, status.value)


def _status_in(proposal: Proposal, raw: bytes) -> TelegramStatus:
    if proposal.origin == "cap":
        return cap_status(raw)
    return parse_telegram(raw, name=proposal.telegram_key).status


def _facts(proposal: Proposal) -> dict[str, object]:
    return {
        "act": proposal.act.value,
        "hazard": proposal.hazard.value,
        "grade": int(proposal.grade),
        "areas": list(proposal.area_codes),
        "telegram": proposal.telegram_key,
        "report_at": proposal.report_at,
    }
