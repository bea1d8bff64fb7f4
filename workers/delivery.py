"""From queued instructions to push services: claimed, re-checked, rendered, sent, written down, acknowledged.

    outbox streams (fast) ─┐          ┌─ newest? order still stands? fresh? ─▶ send ─▶ result ─┐
                           ├─▶ claim ─┤  (in_flight at a time, a share per push service)        ├─▶ record ─▶ ack
    due sweep (guarantee) ─┘          └─ deadline: the unfinished go back to the due schedule ──┘

A worker may die anywhere: a claim runs out after `claim_s`, then the due schedule gives the delivery to the next
worker. What was recorded is never sent again, so a crash repeats at most the chunks in flight, under the same tag.
"""

import asyncio
import logging
import os
import random
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import msgspec
from redis.asyncio import Redis

from bosai.messages.catalogue import LANGS, is_draft, texts
from bosai.messages.payload import payload
from bosai.model.realm import Realm
from bosai.ports import Clock, PushSender, SystemClock
from bosai.push.hosts import HostPolicy
from bosai.push.sealing import Sealer
from bosai.push.vapid import VapidSigner
from bosai.settings_schema import Settings
from bosai.stores.keys import Keys
from bosai.stores.outbox import Claimed, Outbox, Pointer
from bosai.stores.subscriptions import SubscriptionStore
from workers.cancelling import stop_if_cancelled
from workers.courier import Alerts, Chunk, Courier, RenderPayload, monotonic_s
from workers.delivery_rules import Backoff
from workers.faults import REDIS_GONE
from workers.push_sender import open_push_sender

if TYPE_CHECKING:
    from bosai.wiring import Wired

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTuning:
    """Figures of the worker. claim_s must pass chunk_deadline_s, so that no two workers send at once."""

    in_flight: int = 200
    in_flight_per_origin: int = 100
    chunks_open: int = 8
    chunk_deadline_s: float = 20.0
    claim_s: float = 30.0
    record_patience_s: float = 8.0
    sweep_every_s: float = 1.0
    sweep_per_bucket: int = 200
    reclaim_every_s: float = 5.0
    block_ms: int = 200
    recheck_after_s: float = 1.0
    alarm_for: timedelta = timedelta(minutes=10)
    backoff: Backoff = field(default_factory=lambda: Backoff(base_s=1.0, max_s=60.0))

    def __post_init__(self) -> None:
        if self.claim_s <= self.chunk_deadline_s:
            raise ValueError("claim_s must pass chunk_deadline_s")


class DeliveryWorker:
    """Delivers for one side until cancelled. Several may run side by side, each with its own consumer name."""

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        clock: Clock,
        *,
        subscriptions: SubscriptionStore,
        alerts: Alerts,
        sender: PushSender,
        render: RenderPayload,
        hmac_key: bytes,
        told_sealer: Sealer,
        consumer: str,
        rng: random.Random,
        tuning: DeliveryTuning | None = None,
    ) -> None:
        self.realm = realm
        self.outbox = Outbox(redis, realm, consumer, told_sealer)
        self._redis = redis
        self._clock = clock
        self._subscriptions = subscriptions
        self._tuning = tuning or DeliveryTuning()
        self._courier = Courier(
            realm,
            clock,
            outbox=self.outbox,
            subscriptions=subscriptions,
            alerts=alerts,
            sender=sender,
            render=render,
            hmac_key=hmac_key,
            rng=rng,
            backoff=self._tuning.backoff,
            in_flight=self._tuning.in_flight,
            in_flight_per_origin=self._tuning.in_flight_per_origin,
            recheck_after_s=self._tuning.recheck_after_s,
        )
        self._chunks = asyncio.Semaphore(self._tuning.chunks_open)

    # ---- the loops ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Deliver until cancelled. Redis may go and come back meanwhile."""
        await _patiently(self.outbox.open)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._every(self._tuning.sweep_every_s, lambda: self._sweep_into(group)))
            group.create_task(self._every(self._tuning.reclaim_every_s, lambda: self._reclaim_into(group)))
            group.create_task(self._every(self._tuning.reclaim_every_s, self.report_health))
            while True:
                await self._chunks.acquire()
                pointer = None
                try:
                    pointer = await _patiently(lambda: self.outbox.next_pointer(self._tuning.block_ms))
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
        for pointer in await self.outbox.due(self._clock.now(), self._tuning.sweep_per_bucket):
            await self._chunks.acquire()
            self._start(group, pointer)

    async def _reclaim_into(self, group: asyncio.TaskGroup) -> None:
        for pointer in await self.outbox.reclaim(round(self._tuning.claim_s * 1000)):
            await self._chunks.acquire()
            self._start(group, pointer)
        await self.outbox.forget_dead_consumers()

    async def _every(self, pause_s: float, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            await _patiently(step)
            await asyncio.sleep(pause_s)

    def _start(self, group: asyncio.TaskGroup, pointer: Pointer) -> None:
        """Deliver in the background; the caller holds a chunk slot, which is given back at the end."""
        group.create_task(self._guarded(pointer)).add_done_callback(lambda _: self._chunks.release())

    async def _guarded(self, pointer: Pointer) -> None:
        try:
            await self.deliver(pointer)
        except REDIS_GONE:
            log.warning("Redis went away under a chunk: the due schedule or the next claim takes it up")

    async def report_health(self) -> None:
        """Say that delivery runs, and whether somebody must look at our own faults."""
        now = self._clock.now()
        alarm = self._courier.alarm
        faulty = alarm is not None and now - alarm[0] < self._tuning.alarm_for
        detail = alarm[1] if alarm and faulty else ""
        state = {"at": now, "ok": not faulty, "detail": detail}
        await self._redis.hset(Keys(self.realm).health, "delivery", msgspec.json.encode(state))

    # ---- one chunk ---------------------------------------------------------------------------------

    async def deliver(self, pointer: Pointer) -> None:
        """Claim, send, write down, acknowledge, in this order. What the deadline leaves over is due again."""
        now = self._clock.now()
        claimed = await self.outbox.claim(pointer, now, now + timedelta(seconds=self._tuning.claim_s))
        chunk = Chunk(pointer.bucket, monotonic_s())
        try:
            async with asyncio.timeout(self._tuning.chunk_deadline_s), asyncio.TaskGroup() as group:
                for one in claimed:
                    group.create_task(self._one(chunk, one))
        except TimeoutError:
            log.warning(
                "chunk deadline: %d of %d unfinished", len(claimed) - len(chunk.results), len(claimed)
            )
        finally:
            # Also when cancelled: what went out is written down, or it would go out again.
            await self._write_down(chunk, claimed)
        await self.outbox.acknowledge(pointer)

    async def _write_down(self, chunk: Chunk, claimed: list[Claimed]) -> None:
        now = self._clock.now()
        done = {one.member for one in chunk.results}
        left = [one for one in claimed if one.member not in done]
        chunk.results += [self._courier.again(one, now, "deadline", tries=one.attempts + 1) for one in left]
        patience_s = self._tuning.record_patience_s / 2
        if chunk.gone:
            await _patiently(lambda: self._subscriptions.retire(chunk.gone), for_s=patience_s)
        await _patiently(lambda: self.outbox.record(chunk.bucket, chunk.results, now), for_s=patience_s)

    async def _one(self, chunk: Chunk, one: Claimed) -> None:
        try:
            result = await self._courier.carry(chunk, one)
        except REDIS_GONE:
            soon = self._clock.now() + timedelta(seconds=1)
            result = self._courier.again(one, soon, "store_unavailable", tries=one.attempts)
        chunk.results.append(result)


@asynccontextmanager
async def open_delivery(wired: "Wired") -> AsyncIterator[list[DeliveryWorker]]:
    """One worker for each side, with one HTTP session each: a side signs with its own key."""
    await asyncio.to_thread(read_texts)
    push = wired.settings.push
    hosts = HostPolicy(push.allowed_hosts, push.test_hosts)
    workers = []
    async with AsyncExitStack() as opened:
        for realm, services in wired.realms.items():
            own = wired.secrets.realm(realm.value)
            sealer = Sealer(own.push_seal_key.key, own.push_seal_key.key_id)
            vapid = VapidSigner(
                own.vapid_private_pem, wired.settings.city.contact_vapid_sub, push.vapid_token_min * 60
            )
            sender = await opened.enter_async_context(
                open_push_sender(
                    vapid,
                    hosts,
                    SystemClock(),
                    in_flight=push.in_flight,
                    connect_timeout_s=push.connect_timeout_s,
                    total_timeout_s=push.total_timeout_s,
                    ca_file=push.ca_file,
                    proxy=push.proxy,
                )
            )
            workers.append(
                DeliveryWorker(
                    wired.redis,
                    realm,
                    wired.clock,
                    subscriptions=SubscriptionStore(wired.redis, realm, push_sealer=sealer),
                    alerts=services.alert_store,
                    sender=sender,
                    render=payload,
                    hmac_key=own.hmac_key,
                    told_sealer=Sealer(own.told_seal_key.key, own.told_seal_key.key_id),
                    consumer=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}",
                    rng=random.Random(),  # noqa: S311 - jitter
                    tuning=tuning_of(wired.settings),
                )
            )
        yield workers


def read_texts() -> None:
    """Read every catalogue now: a file read at the first message would hold up the event loop."""
    for lang in LANGS:
        texts(lang)
        is_draft(lang)


def tuning_of(settings: Settings) -> DeliveryTuning:
    """The worker's figures from [push]: a chunk may take one full timeout and a little more."""
    push = settings.push
    deadline_s = push.total_timeout_s + 5.0
    return DeliveryTuning(
        in_flight=push.in_flight,
        in_flight_per_origin=push.in_flight_per_origin,
        chunk_deadline_s=deadline_s,
        claim_s=deadline_s + 10.0,
        backoff=Backoff(base_s=push.retry_base_s, max_s=push.retry_max_s),
    )


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
