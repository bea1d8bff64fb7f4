"""A delivery worker in a process of its own, to be killed: `python -m tests.workers.worker_process JSON`."""

from __future__ import annotations

import asyncio
import json
import random
import sys

from redis.asyncio import Redis

from bosai.model.realm import Realm
from bosai.ports import SystemClock
from bosai.push.hosts import HostPolicy
from bosai.push.vapid import VapidSigner
from bosai.stores.alerts import AlertStore
from tests.workers.street import HMAC_KEY, PUSH_SEALER, TOLD_SEALER, PlainLetters, store_of
from workers.chunks import hand_back
from workers.delivery import DeliveryTuning, DeliveryWorker
from workers.transport import TransportTuning, open_transport


async def main(url: str, host: str, pem: str, consumer: str) -> None:
    vapid = VapidSigner(pem.encode(), "mailto:ops@example.jp")
    opened = open_transport(
        HostPolicy([], test_hosts=[host]),
        hand_back,
        tuning=TransportTuning(
            in_flight=20, in_flight_per_origin=20, connect_timeout_s=1.0, total_timeout_s=1.0
        ),
    )
    tuning = DeliveryTuning(
        chunks_open=2,
        chunk_deadline_s=0.4,
        outcome_s=1.0,
        claim_s=1.5,
        flush_s=0.01,
        sweep_every_s=0.05,
        reclaim_every_s=0.2,
        block_ms=20,
    )
    async with Redis.from_url(url) as redis, opened as transport:
        worker = DeliveryWorker(
            redis,
            Realm.LIVE,
            SystemClock(),
            subscriptions=store_of(redis),
            alerts=AlertStore(redis, Realm.LIVE),
            transport=transport,
            letters=PlainLetters(),
            vapid=vapid,
            push_sealer=PUSH_SEALER,
            told_sealer=TOLD_SEALER,
            hmac_key=HMAC_KEY,
            consumer=consumer,
            rng=random.Random(),
            tuning=tuning,
        )
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
