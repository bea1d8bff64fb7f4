"""Proposals between their telegram and HQ's desk: written with the state, put afterwards, lost to no crash."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable

import msgspec
from redis.asyncio import Redis

from bosai.errors import NotFound, WrongRealm
from bosai.feeds.errors import FeedError
from bosai.feeds.proposals import Proposal
from bosai.model.realm import Realm
from bosai.services.proposals import ProposalService, ProposalState
from bosai.stores.feed_state import WAITING
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text

log = logging.getLogger(__name__)

OnProposal = Callable[[Proposal], Awaitable[None]]
"""Called for each proposal that waits for HQ: at least once, and perhaps again after a restart."""

_decode = msgspec.msgpack.Decoder(Proposal).decode


class WaitingProposals:
    """Those of one side."""

    def __init__(
        self, redis: Redis, realm: Realm, proposals: ProposalService, on_proposal: OnProposal | None
    ) -> None:
        self._redis = redis
        self._keys = Keys(realm)
        self._proposals = proposals
        self._on_proposal = on_proposal

    async def put_waiting(self) -> list[str]:
        """Hand what waits to HQ's desk; the ids that were new there. Putting the same one again changes nothing.

        One that can not be put goes on waiting and is raised when all others have had their turn.
        """
        made = []
        failed: Exception | None = None
        for proposal in await self._waiting():
            try:
                if await self._proposals.put(proposal):
                    made.append(proposal.id)
                await self._tell_of(proposal)
            except (
                WrongRealm,
                FeedError,
            ):  # it would be refused for ever, and must not stand in the way of others
                log.exception("a proposal of the other side, or of no telegram, was refused: %s", proposal.id)
            except Exception as error:
                log.exception("a proposal can not be put on HQ's desk now: %s", proposal.id)
                failed = failed or error
                continue
            await self._redis.hdel(self._keys.feed_state, WAITING + proposal.id)
        if failed is not None:
            raise failed
        return made

    async def heard(self, proposal_ids: Iterable[str]) -> None:
        """What somebody had played has come by the feed: what reacts at once is told of it as of any other."""
        for proposal_id in proposal_ids:
            try:
                record = await self._proposals.get(proposal_id)
            except NotFound:
                continue
            await self._tell_of(msgspec.structs.replace(record.proposal, replayed=False))

    async def _tell_of(self, proposal: Proposal) -> None:
        """Before it stops waiting, so that what reacts at once can not miss it; only while it is HQ's to decide."""
        if self._on_proposal is None:
            return
        try:
            record = await self._proposals.get(proposal.id)
        except NotFound:  # it restated the rest of one that HQ has dealt with
            return
        if record.state is not ProposalState.OPEN:
            return
        try:
            await self._on_proposal(proposal)
        except (
            Exception
        ):  # what reacts at once has an alarm of its own; the desk has the proposal all the same
            log.exception("a proposal was put, and what reacts to it failed: %s", proposal.id)

    async def _waiting(self) -> list[Proposal]:
        """Oldest report first: the order in which 気象庁 spoke."""
        # Only the names first: the state itself may be megabytes after a great quake.
        fields = [as_text(one) for one in await self._redis.hkeys(self._keys.feed_state)]
        proposals = []
        for name in (one for one in fields if one.startswith(WAITING)):
            packed = await self._redis.hget(self._keys.feed_state, name)
            if packed is None:  # put by another just now
                continue
            try:
                proposals.append(_decode(as_bytes(packed)))
            except msgspec.DecodeError:  # of an older version of the service: nobody could put it any more
                log.exception("a waiting proposal can not be read and is dropped: %s", name)
                await self._redis.hdel(self._keys.feed_state, name)
        return sorted(proposals, key=lambda one: (one.report_at, one.id))
