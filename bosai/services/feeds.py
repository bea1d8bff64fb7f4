"""From the bytes of one telegram to a proposal on HQ's desk: keep, read, compare, propose. Never issues anything.

bytes ─▶ parse ─▶ of this side? ─▶ of now? ─▶ fold into the state ─▶ events ─▶ proposals
  └─ kept raw, also when it can not be read: HQ sees it and the rest goes on

The state and the proposals that follow from it are written in one transaction, the proposals as "waiting"; then they
go to HQ's desk one by one. Killed in between, the next telegram (or the same one again) finds them waiting.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from redis.asyncio import Redis
from redis.exceptions import WatchError

from bosai.errors import WrongRealm
from bosai.feeds.errors import FeedError
from bosai.feeds.freshness import MAX_AGE, check_of_now
from bosai.feeds.jma.envelope import Telegram, marked_as_drill, parse_telegram
from bosai.feeds.jma.titles import VTSE41
from bosai.feeds.jma.tsunami import TsunamiClass, TsunamiForecast, parse_tsunami
from bosai.feeds.proposals import SENDAI_AREA_CODE, ZONES_BY_CLASS, Proposal, propose
from bosai.feeds.realms import is_accepted
from bosai.feeds.state import TsunamiEvent, TsunamiState, apply
from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.services.proposals import ProposalService
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes

log = logging.getLogger(__name__)

TSUNAMI = b"tsunami"
WAITING = b"waiting:"  # + proposal id
KEPT_TELEGRAMS = 2_000


PAST_TELEGRAM = "【過去の電文の再生】いま発表されたものではありません。"
"""Opens the hint of a proposal that a recording made: nobody takes a warning of years ago for one of now."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one telegram. `outcome`: "proposed", "no_change", "kept" (a type not read in depth),
    "not_for_this_side", "stale", "unreadable"."""

    name: str
    outcome: str
    title: str = ""
    detail: str = ""
    proposals: tuple[str, ...] = ()


class FeedService:
    """Takes telegrams for one side. Safe to run twice at once: the state is changed by compare-and-set."""

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        clock: Clock,
        proposals: ProposalService,
        *,
        area_code: str = SENDAI_AREA_CODE,
        zones: Mapping[TsunamiClass, tuple[str, ...]] = ZONES_BY_CLASS,
    ) -> None:
        self._redis = redis
        self._realm = realm
        self._keys = Keys(realm)
        self._clock = clock
        self._proposals = proposals
        self._area_code = area_code
        self.zones = zones

    async def take(
        self,
        data: bytes,
        name: str,
        *,
        now: datetime | None = None,
        max_age: timedelta = MAX_AGE,
        as_drill: bool = False,
    ) -> Taken:
        """Take one telegram as it came. `now`: the clock to judge its age by (None: ours).

        `as_drill` marks a recording of a real event as 訓練; it can then act on the drill side only.
        """
        try:
            telegram = parse_telegram(data, name=name)
        except FeedError as error:
            await self._keep(name, data)
            await self._report_unreadable(name, str(error))
            return Taken(name=name, outcome="unreadable", detail=str(error))
        if as_drill:
            telegram = marked_as_drill(telegram)
        await self._keep(telegram.key, data)
        if not is_accepted(telegram.status, self._realm.value):
            return Taken(
                name=name, outcome="not_for_this_side", title=telegram.title, detail=telegram.status.value
            )
        refused = check_of_now(telegram.source, now or self._clock.now(), max_age=max_age)
        if refused is not None:
            return Taken(name=name, outcome="stale", title=telegram.title, detail=str(refused))
        if telegram.type_code != VTSE41:
            return Taken(name=name, outcome="kept", title=telegram.title)
        is_past = check_of_now(telegram.source, self._clock.now(), max_age=max_age) is not None
        return await self._take_tsunami(telegram, name, is_past=is_past)

    async def state(self) -> TsunamiState:
        """What JMA has in force on the coast, as far as this side has heard."""
        stored = await self._redis.hget(self._keys.feed_state, TSUNAMI)
        return self._decoded(stored)

    async def _take_tsunami(self, telegram: Telegram, name: str, *, is_past: bool) -> Taken:
        try:
            forecast = parse_tsunami(telegram)
        except FeedError as error:
            await self._report_unreadable(name, str(error))
            return Taken(name=name, outcome="unreadable", title=telegram.title, detail=str(error))
        await self._fold(forecast, is_past=is_past)
        made = await self._put_waiting()
        return Taken(
            name=name,
            outcome="proposed" if made else "no_change",
            title=telegram.title,
            proposals=tuple(made),
        )

    async def _put_waiting(self) -> list[str]:
        """Hand what waits to HQ's desk; the ids that were new there. Putting the same one again changes nothing."""
        stored = await self._redis.hgetall(self._keys.feed_state)
        waiting = {field: row for field, row in stored.items() if as_bytes(field).startswith(WAITING)}
        made = []
        proposals = [_decode_proposal(as_bytes(row)) for row in waiting.values()]
        for proposal in sorted(proposals, key=lambda one: one.report_at):
            try:
                if await self._proposals.put(proposal):
                    made.append(proposal.id)
            except WrongRealm:  # it would be refused for ever, and must not stand in the way of others
                log.exception("a proposal of the other side was refused: %s", proposal.id)
            await self._redis.hdel(self._keys.feed_state, _waiting(proposal))
        return made

    def _propose(self, event: TsunamiEvent) -> Proposal | None:
        return propose(event, realm=self._realm.value, area_code=self._area_code, zones_by_class=self.zones)

    async def _fold(self, forecast: TsunamiForecast, *, is_past: bool) -> None:
        """Change the state by compare-and-set, and let what follows from it wait; poller and replay may meet."""
        async with self._redis.pipeline(transaction=True) as pipe:
            while True:
                await pipe.watch(self._keys.feed_state)
                before = self._decoded(await pipe.hget(self._keys.feed_state, TSUNAMI))
                after, events = apply(before, forecast)
                pipe.multi()  # type: ignore[no-untyped-call]
                pipe.hset(self._keys.feed_state, TSUNAMI, msgspec.msgpack.encode(after))
                for proposal in filter(None, map(self._propose, events)):
                    if is_past:
                        hint = PAST_TELEGRAM + proposal.review_hint
                        proposal = msgspec.structs.replace(proposal, review_hint=hint)  # noqa: PLW2901
                    pipe.hset(self._keys.feed_state, _waiting(proposal), msgspec.msgpack.encode(proposal))
                try:
                    await pipe.execute()
                except WatchError:
                    continue
                return

    def _decoded(self, stored: bytes | str | None) -> TsunamiState:
        if stored is None:
            return TsunamiState(realm=self._realm.value)
        return msgspec.msgpack.decode(as_bytes(stored), type=TsunamiState)

    async def _keep(self, key: str, data: bytes) -> None:
        """Raw telegrams stay readable for HQ and for a rebuild; the oldest leave first."""
        await self._redis.xadd(
            self._keys.telegrams, {"key": key, "xml": data}, maxlen=KEPT_TELEGRAMS, approximate=True
        )

    async def _report_unreadable(self, name: str, reason: str) -> None:
        note = {
            "at": self._clock.now().isoformat(),
            "ok": False,
            "detail": f"読めない電文: {name}（{reason}）",
        }
        await self._redis.hset(self._keys.health, "telegram", msgspec.json.encode(note))


def _waiting(proposal: Proposal) -> bytes:
    return WAITING + proposal.id.encode()


_decode_proposal = msgspec.msgpack.Decoder(Proposal).decode
