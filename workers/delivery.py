"""From queued instructions to push services: claimed, re-checked, worded, sent, written down, acknowledged.

    outbox streams (fast) ─┐          ┌─ newest? order stands? fresh? ─▶ parcels ─▶ transport ─▶ outcomes ─┐
                           ├─▶ claim ─┤     (as many under way as the transport has room for)      record, ack
    due sweep (guarantee) ─┘          └─ deadline: what has not gone out goes back to the due schedule ────┘

A worker may die anywhere: a claim runs out after `claim_s`, then the due schedule gives the delivery to the next
worker. What was recorded is never sent again, so a crash repeats at most the chunks in flight, under the same tag.
An order that changes withdraws the permits of what is under way: it comes back, and the next claim looks again.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
from redis.asyncio import Redis

from bosai.model.instruction import MessageKind
from bosai.model.realm import Realm
from bosai.ports import Clock, PushTransport, SystemClock
from bosai.push.sealing import Sealer
from bosai.push.vapid import VapidSigner
from bosai.stores.keys import Keys
from bosai.stores.outbox import Claimed, Outbox, Pointer, by_bucket
from bosai.stores.replies import as_text
from bosai.stores.subscriptions import SubscriptionStore
from workers.cancelling import stop_if_cancelled
from workers.chunks import Chunk
from workers.courier import Courier, Letters
from workers.delivery_rules import Backoff
from workers.faults import REDIS_GONE
from workers.orders import Alerts, OrderBook

log = logging.getLogger(__name__)

T = TypeVar("T")
CHUNK_DEADLINE_S = 5.0
LAST_MOMENT_S = 1.0
FORGET_PROCESS = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTuning:
    """Figures of the worker.

    chunk_deadline_s: what has not gone out by then goes back to the schedule. claim_s must pass it by more than one
    message takes (`outcome_s`), so that no two workers send at once.
    """

    chunks_open: int = 512
    prepare_at_once: int = 64  # a slice of the event loop's time: some 3 ms
    chunk_deadline_s: float = CHUNK_DEADLINE_S
    outcome_s: float = 15.0
    claim_s: float = 30.0
    flush_s: float = 0.1
    record_patience_s: float = 8.0
    sweep_every_s: float = 1.0
    sweep_busy_s: float = 3.0
    sweep_per_bucket: int = 200
    reclaim_every_s: float = 5.0
    health_every_s: float = 2.0
    block_ms: int = 200
    recheck_after_s: float = 0.5
    clock_jump_s: float = 2.0
    alarm_for: timedelta = timedelta(minutes=10)
    backoff: Backoff = field(default_factory=lambda: Backoff(base_s=1.0, max_s=60.0))

    def __post_init__(self) -> None:
        if self.claim_s <= self.chunk_deadline_s + self.outcome_s:
            raise ValueError("claim_s must pass chunk_deadline_s and outcome_s together")


class DeliveryWorker:
    """Delivers for one side until cancelled. Several may run side by side, each with its own consumer name.

    The transport must hand outcomes to `chunks.hand_back`.
    """

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        clock: Clock,
        *,
        subscriptions: SubscriptionStore,
        alerts: Alerts,
        transport: PushTransport,
        letters: Letters,
        vapid: VapidSigner,
        push_sealer: Sealer,
        told_sealer: Sealer,
        hmac_key: bytes,
        consumer: str,
        rng: random.Random,
        machine: Clock | None = None,
        tuning: DeliveryTuning | None = None,
    ) -> None:
        self.realm = realm
        self.consumer = consumer
        self.outbox = Outbox(redis, realm, consumer, told_sealer)
        self._redis = redis
        self._keys = Keys(realm)
        self._clock = clock
        self._subscriptions = subscriptions
        self._transport = transport
        self._tuning = tuning or DeliveryTuning()
        self._orders = OrderBook(
            realm, alerts, recheck_after_s=self._tuning.recheck_after_s, monotonic_s=monotonic_s
        )
        self._courier = Courier(
            realm,
            clock,
            machine=machine or SystemClock(),
            subscriptions=subscriptions,
            orders=self._orders,
            letters=letters,
            vapid=vapid,
            push_sealer=push_sealer,
            hmac_key=hmac_key,
            rng=rng,
            backoff=self._tuning.backoff,
        )
        self._chunks = asyncio.Semaphore(self._tuning.chunks_open)
        self.promised = 0  # taken up, not yet handed to the transport
        self._last_seen: tuple[float, datetime] | None = None  # monotonic, the clock then
        self._swept_s = 0.0

    # ---- the loops ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Deliver until cancelled. Redis may go and come back meanwhile."""
        await _patiently(self.outbox.open)
        tuning = self._tuning
        async with asyncio.TaskGroup() as group:
            group.create_task(self._every(tuning.sweep_every_s, lambda: self._sweep_into(group)))
            group.create_task(self._every(tuning.reclaim_every_s, lambda: self._reclaim_into(group)))
            group.create_task(self._every(tuning.health_every_s, self.report_health))
            group.create_task(self._every(tuning.recheck_after_s, self._watch_orders))
            while True:
                await self._room()
                pointer = None
                try:
                    pointer = await _patiently(lambda: self.outbox.next_pointer(tuning.block_ms))
                finally:
                    if pointer is None:
                        self._chunks.release()
                if pointer is not None:
                    self._start(group, pointer)

    async def step(self) -> bool:
        """Deliver the next pointer of the streams, if there is one now; False when there is none."""
        pointer = await self.outbox.next_pointer(1)
        if pointer is not None:
            await self.deliver(pointer)
        return pointer is not None

    async def sweep(self) -> int:
        """Deliver everything due now; returns how many chunks there were."""
        pointers = await self.outbox.due(self._clock.now(), self._tuning.sweep_per_bucket)
        for pointer in pointers:
            await self.deliver(pointer)
        return len(pointers)

    async def _sweep_into(self, group: asyncio.TaskGroup) -> None:
        await self.mind_the_clock()
        if self.promised and monotonic_s() - self._swept_s < self._tuning.sweep_busy_s:
            return  # the streams have more to do; looking through all buckets takes its share
        self._swept_s = monotonic_s()
        for pointer in await self.outbox.due(self._clock.now(), self._tuning.sweep_per_bucket):
            await self._room()
            self._start(group, pointer)

    async def _reclaim_into(self, group: asyncio.TaskGroup) -> None:
        for pointer in await self.outbox.reclaim(round(self._tuning.claim_s * 1000)):
            await self._room()
            self._start(group, pointer)
        await self.outbox.forget_dead_consumers()

    async def _watch_orders(self) -> None:
        if withdrawn := await self._orders.watch():
            log.info("%s: an order changed: %d chunks stopped", self.realm, withdrawn)

    async def _room(self) -> None:
        """A chunk slot, when the transport can take more; the caller gives it back."""
        await self._chunks.acquire()
        try:
            while self._transport.room() <= self.promised:
                stop_if_cancelled()
                await asyncio.sleep(0.002)
        except BaseException:
            self._chunks.release()
            raise

    async def _every(self, pause_s: float, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            await _patiently(step)
            await asyncio.sleep(pause_s)

    def _start(self, group: asyncio.TaskGroup, pointer: Pointer) -> None:
        """Deliver in the background; the caller holds a chunk slot, which is given back at the end."""
        self.promised += len(pointer)
        group.create_task(self._guarded(pointer)).add_done_callback(lambda _: self._chunks.release())

    async def _guarded(self, pointer: Pointer) -> None:
        promise = _Promise(self, len(pointer))
        try:
            await self.deliver(pointer, promise.keep)
        except REDIS_GONE:
            log.warning("Redis went away under a chunk: the due schedule or the next claim takes it up")
        finally:
            promise.keep()

    async def mind_the_clock(self) -> None:
        """Should the machine's clock have been set back, what was put off by the old one is put forward."""
        now_s, now = monotonic_s(), self._clock.now()
        if self._last_seen is not None:
            passed = timedelta(seconds=now_s - self._last_seen[0])
            back = self._last_seen[1] + passed - now
            if back > timedelta(seconds=self._tuning.clock_jump_s):
                log.warning("the clock was set back by %s: the due schedule follows", back)
                await self.outbox.bring_forward(now, back)
        self._last_seen = now_s, now

    async def report_health(self) -> None:
        """Say that this process delivers, whether somebody must look at our own faults, and how push services do."""
        self._transport.post(())  # a sending thread that died is found here too, and ends the process
        now, keys = self._clock.now(), self._keys
        alarm = self._courier.alarm
        faulty = alarm is not None and now - alarm[0] < self._tuning.alarm_for
        detail = alarm[1] if alarm and faulty else ""
        state = {"at": now, "ok": not faulty, "detail": detail}
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(keys.health, f"delivery:{self.consumer}", msgspec.json.encode(state))
            for one in self._transport.origins():
                row = {"at": now, **msgspec.structs.asdict(one)}
                pipe.hset(keys.push_origins, f"{self.consumer} {one.origin}", msgspec.json.encode(row))
            await pipe.execute()
        await self._forget_the_dead(now)

    async def _forget_the_dead(self, now: datetime) -> None:
        """Rows of processes that ended long ago."""
        for key in (self._keys.health, self._keys.push_origins):
            rows = await self._redis.hgetall(key)
            old = [
                field
                for field, row in rows.items()
                if (key == self._keys.push_origins or as_text(field).startswith("delivery:"))
                and now - _at(row) > FORGET_PROCESS
            ]
            if old:
                await self._redis.hdel(key, *old)

    # ---- one chunk ---------------------------------------------------------------------------------

    async def deliver(self, pointer: Pointer, handed_over: Callable[[], None] = lambda: None) -> None:
        """Claim, send, write down, acknowledge, in this order. What the deadline leaves over is due again.

        handed_over is called when everything of it stands in the transport's lanes.
        """
        now, began_s = self._clock.now(), monotonic_s()
        claimed = await self.outbox.claim(pointer, now, now + timedelta(seconds=self._tuning.claim_s))
        chunk = Chunk(began_s, waiting={one.member: one for one in claimed})
        try:
            await self._hand_over(chunk, claimed)
            handed_over()
            await self._come_back(chunk)
        except asyncio.CancelledError:
            # What is under way right now is given a moment: its answer spares a repetition at every restart.
            chunk.withdraw("stopped")
            if chunk.posted:
                await _heard_of(chunk.news, LAST_MOMENT_S)
            raise
        finally:
            # Also when cancelled: what went out is written down, or it would go out again.
            await self._write_down_rest(chunk)
        await self.outbox.acknowledge(pointer)

    async def _hand_over(self, chunk: Chunk, claimed: list[Claimed]) -> None:
        tuning = self._tuning
        try:
            await self._orders.learn(
                {one.instruction.alert_key for one in claimed if not one.instruction.message.is_check}
            )
            if any(one.instruction.message is MessageKind.MONTHLY_CHECK for one in claimed):
                await self._orders.learn_whether_any_directs()
        except REDIS_GONE:
            soon = self._clock.now() + timedelta(seconds=1)
            for one in claimed:
                chunk.settle(one, self._courier.again(one, soon, "store_unavailable", tries=one.attempts))
            return
        for at in range(0, len(claimed), tuning.prepare_at_once):
            some = claimed[at : at + tuning.prepare_at_once]
            self._transport.post(self._courier.prepare(chunk, some, self._transport))
            await asyncio.sleep(0)  # others have their turn

    async def _come_back(self, chunk: Chunk) -> None:
        """Until everybody has a result, or the deadline."""
        tuning = self._tuning
        flushed_s = monotonic_s()
        while chunk.waiting:
            await _heard_of(chunk.news, tuning.flush_s)
            self._transport.post(self._courier.judge(chunk))
            now_s = monotonic_s()
            if now_s - chunk.began_s > tuning.chunk_deadline_s:
                chunk.withdraw("deadline")
            if now_s - chunk.began_s > tuning.chunk_deadline_s + tuning.outcome_s:
                log.warning("chunk deadline: %d unfinished", len(chunk.waiting))
                return
            if chunk.waiting and chunk.ready and now_s - flushed_s > tuning.flush_s:
                await self._write_down(chunk)
                flushed_s = now_s

    async def _write_down_rest(self, chunk: Chunk) -> None:
        """Everything that is known, and for the others that they may have gone out."""
        self._courier.judge(chunk)
        now = self._clock.now()
        for one in list(chunk.waiting.values()):
            may_have = int(one.member in chunk.posted)
            again = self._courier.again(one, now, "deadline", tries=one.attempts + may_have, heard=may_have)
            chunk.settle(one, again)
        await self._write_down(chunk)

    async def _write_down(self, chunk: Chunk) -> None:
        patience_s = self._tuning.record_patience_s / 2
        if gone := chunk.gone:
            removed = await _patiently(lambda: self._subscriptions.retire(gone), for_s=patience_s)
            chunk.gone = {}
            # Whoever has registered another endpoint meanwhile is still to be told, there.
            chunk.send_again(gone.keys() - removed, self._clock.now())
        if ready := by_bucket(chunk.ready):
            now = self._clock.now()
            await _patiently(lambda: self.outbox.record(ready, now), for_s=patience_s)
            chunk.ready.clear()


class _Promise:
    """So many will be handed to the transport soon; kept once."""

    def __init__(self, worker: DeliveryWorker, many: int) -> None:
        self._worker = worker
        self._many = many

    def keep(self) -> None:
        """They have been handed over, or never will be."""
        self._worker.promised -= self._many
        self._many = 0


async def _heard_of(news: asyncio.Event, at_most_s: float) -> None:
    try:
        async with asyncio.timeout(at_most_s):
            await news.wait()
    except TimeoutError:
        pass


def _at(row: bytes | str) -> datetime:
    return _stamped(row).at


class _Stamped(msgspec.Struct, frozen=True):
    at: datetime


_stamped = msgspec.json.Decoder(_Stamped).decode


async def _patiently(step: Callable[[], Awaitable[T]], *, for_s: float | None = None) -> T:
    """The step's answer, tried again while Redis is away (a restart, a failover).

    With `for_s` the last error comes through after that time, and a cancellation does not stop the tries.
    """
    pause_s, started_s = 0.05, monotonic_s()
    while True:
        try:
            answer = await step()
        except REDIS_GONE as error:
            if for_s is not None and monotonic_s() - started_s > for_s:
                raise
            log.warning("Redis does not answer (%s): again in %.2f s", type(error).__name__, pause_s)
        else:
            if for_s is None:
                stop_if_cancelled()
            return answer
        if for_s is None:
            stop_if_cancelled()
        await asyncio.sleep(pause_s)
        pause_s = min(1.0, pause_s * 2)


def monotonic_s() -> float:
    """The event loop's clock, which only rises."""
    return asyncio.get_running_loop().time()
