"""Every plan that told somebody something, kept so that it can be explained and made again.

    planner: plan ─▶ emit ─▶ keep() (a queue, nothing waits) ┄▶ run(): pack in a thread ─▶ sealed blocks ─▶ record
    command: plan_archive ─▶ plan_replay, explaining

No subscription id is part of a record. The walks over an imported network are not either: its name is, and a replay
needs the same ground. A record that can't be kept is logged and shown in the health record; it never delays a plan.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bosai.ports import Clock
from bosai.services.geo_facts import GeoFacts
from bosai.services.plan_archive import NETWORK_WORD, PlanRecord
from bosai.services.plan_versions import made_with
from bosai.stores.plan_records import BlockCodec, PlanFacts, PlanRecordStore
from bosai.stores.replies import unix_ms
from shelters.plan import Plan
from shelters.records import pack, straight_ways, unwrapped
from shelters.replay import answers

log = logging.getLogger(__name__)

WAITING_PLANS = 8
"""So many plans may wait to be written down; each one holds its arrays."""
TRIES = 3
TIDY_EVERY_S = 3600.0
FINISH_S = 3.0
LOOSE_FOR = timedelta(hours=1)
HEALTH_PART = "plan-records"

Note = Callable[[str, Mapping[str, Any]], Awaitable[object]]
"""(subject, facts) → an entry of the audit log."""


@dataclass(eq=False)
class PlanRecordsFull(Exception):
    """The records of the incident that is open take all the room they may have."""

    max_bytes: int

    def __str__(self) -> str:
        return f"plan records have reached {self.max_bytes} bytes: raise [plan_records] max_mb"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kept:
    made: Plan
    plan_id: str
    incident: str
    at: datetime
    told: int
    facts: GeoFacts | None


class PlanRecorder:
    """Writes down the plans of one side, behind the planner's back.

    ground: what the plans stand on now. open_incident: its records are never removed. tell: the health record, ""
    when all is well.
    """

    def __init__(
        self,
        store: PlanRecordStore,
        codec: BlockCodec,
        clock: Clock,
        *,
        ground: Callable[[], GeoFacts | None],
        open_incident: Callable[[], Awaitable[str | None]],
        tell: Callable[[str], Awaitable[None]],
        note: Note,
        keep_for: timedelta,
        max_bytes: int,
    ) -> None:
        self._store, self._codec, self._clock = store, codec, clock
        self._ground, self._open_incident, self._tell, self._note = ground, open_incident, tell, note
        self._keep_for, self._max_bytes = keep_for, max_bytes
        self._waiting: asyncio.Queue[_Kept] = asyncio.Queue(WAITING_PLANS)
        self._missed = 0
        self._is_first = True
        self._said = ""
        self._parent = ""
        self._noted: set[str] = set()
        self._known: set[str] | None = None  # blocks that are kept, as far as this process knows

    def keep(self, made: Plan, *, plan_id: str, incident: str, at: datetime, told: int) -> None:
        """Have a plan written down that told `told` people something; returns at once.

        The first plan after a start is kept though it told nobody: the one that did may have died before it was kept,
        and the same decisions have the same `plan_id`.
        """
        if not len(made) or not (told or self._is_first):
            return
        self._is_first = False
        one = _Kept(made=made, plan_id=plan_id, incident=incident, at=at, told=told, facts=self._ground())
        if self._waiting.full():
            self._missed += 1
            log.error("plan %s is not recorded: %d plans wait already", plan_id, WAITING_PLANS)
            return
        self._waiting.put_nowait(one)

    async def run(self) -> None:
        """Write down what `keep` was given, until cancelled."""
        self._is_first = True
        task = asyncio.current_task()
        tidied = -TIDY_EVERY_S
        loop = asyncio.get_running_loop()
        # A cancellation that meets a command to Redis can be swallowed there; the count of them still tells.
        while task is not None and not task.cancelling():
            try:
                if loop.time() - tidied > TIDY_EVERY_S:
                    tidied = loop.time()
                    await self.tidy()
                await self._next()
            except Exception as error:
                log.exception("a plan record can not be written; plans go on without it")
                await self._say(f"計画を記録できません（{type(error).__name__}）：{error}"[:300])

    async def finish(self) -> None:
        """Before `run` is cancelled: until what waits is written down, `FINISH_S` at most."""
        try:
            async with asyncio.timeout(FINISH_S):
                await self._waiting.join()
        except TimeoutError:
            log.error("%d plans are not recorded: the planner ends", self._waiting.qsize())  # noqa: TRY400

    async def _next(self) -> None:
        try:
            async with asyncio.timeout(TIDY_EVERY_S):
                one = await self._waiting.get()
        except TimeoutError:
            return
        try:
            await self.write(one)
        finally:
            self._waiting.task_done()
        missed, self._missed = self._missed, 0
        await self._say(f"計画{missed}件を記録できませんでした" if missed else "")

    async def write(self, one: _Kept) -> str:
        """One record, and its name. Raises PlanRecordsFull, CannotRecord."""
        name = f"{one.plan_id}@{unix_ms(one.at)}"
        if not one.told and await self._is_known(one.plan_id):
            return name
        await self._make_room()
        if self._known is None:
            self._known = await self._store.known()
        for _ in range(TRIES):
            facts, sealed, new = await asyncio.to_thread(self._packed, name, one, self._known)
            await self._store.put(new, self._clock.now())
            missing = await self._store.keep(name, facts, sealed)
            if not missing:
                self._known.update(facts.blocks)
                self._parent = name
                await self._note_orders(name, one, sealed)
                return name
            self._known.difference_update(missing)  # forgotten in between: put them again
        raise RuntimeError(f"blocks of plan {name} were forgotten {TRIES} times while it was kept")

    async def _note_orders(self, name: str, one: _Kept, sealed: bytes) -> None:
        """The audit log leads from each version of an order to the first plan that told people of it."""
        keys = {danger.key for danger in one.made.problem.dangers} - self._noted
        digest = hashlib.sha256(sealed).hexdigest()
        for key in sorted(keys):
            await self._note(f"alert:{key}", {"plan": name, "told": one.told, "sha256": digest})
            self._noted.add(key)

    async def _is_known(self, plan_id: str) -> bool:
        return any(one.partition("@")[0] == plan_id for one in await self._store.names())

    def _packed(self, name: str, one: _Kept, known: set[str]) -> tuple[PlanFacts, bytes, dict[str, bytes]]:
        """Facts, the sealed record, and the sealed blocks that are not known. Computes, for seconds in a city."""
        used: dict[str, None] = {}
        new: dict[str, bytes] = {}

        def put(raw: bytes, width: int) -> str:
            block = self._codec.name(raw)
            if block not in used and block not in known:
                new[block] = self._codec.seal_block(block, raw, width)
            used[block] = None
            return block

        record = PlanRecord(
            plan_id=one.plan_id,
            incident=one.incident,
            at=one.at,
            parent=self._parent,
            told=one.told,
            made=made_with(one.facts),
            problem=pack(one.made.problem, put, word_of, "problem"),
            answers=answers(one.made, put, word_of),
        )
        facts = PlanFacts(
            plan_id=one.plan_id, incident=one.incident, at=one.at, told=one.told, blocks=tuple(used)
        )
        return facts, self._codec.seal_record(name, msgspec.msgpack.encode(record)), new

    async def tidy(self) -> int:
        """Forget records older than they are kept for, of incidents that have ended. How many."""
        now = self._clock.now()
        forgotten = 0
        for name in await self._ended(until=now - self._keep_for):
            await self._store.forget(name)
            forgotten += 1
        await self._store.sweep(now - LOOSE_FOR)
        return forgotten

    async def _make_room(self) -> None:
        if await self._store.total_bytes() < self._max_bytes:
            return
        for name in await self._ended(until=None):
            await self._store.forget(name)
            if await self._store.total_bytes() < self._max_bytes:
                return
        raise PlanRecordsFull(self._max_bytes)

    async def _ended(self, until: datetime | None) -> list[str]:
        """Records that may go, the oldest first."""
        open_incident = await self._open_incident()
        names = await self._store.names(until)
        facts = await self._store.many_facts(names)
        return [
            name
            for name, one in zip(names, facts, strict=True)
            if one is None or one.incident != open_incident
        ]

    async def _say(self, detail: str) -> None:
        """A fault stands in the health record for as long as it lasts."""
        if not detail and not self._said:
            return
        self._said = detail
        try:
            await self._tell(detail)
        except Exception:
            log.exception("the health record can not be written")


def word_of(value: object) -> str | None:
    """What stands for walks in a record."""
    if type(unwrapped(value)).__module__ == "bosai.services.walking":
        return NETWORK_WORD
    return straight_ways(value)


def told_health(redis: Any, key: str, clock: Clock) -> Callable[[str], Awaitable[None]]:
    """Shows a fault of the records on the board; "" takes it away."""

    async def tell(detail: str) -> None:
        if not detail:
            await redis.hdel(key, HEALTH_PART)
            return
        said = {"at": clock.now().isoformat(), "ok": False, "detail": detail}
        await redis.hset(key, HEALTH_PART, msgspec.json.encode(said))

    return tell
