"""Workers put together from what is wired: each takes only the keys it needs."""

import os
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bosai.messages.payload import payload
from bosai.model.realm import Realm
from bosai.ports import SystemClock
from bosai.push.vapid import VapidSigner
from bosai.stores.subscriptions import SubscriptionStore
from bosai.wiring import Wired, host_policy, push_sealer
from workers.delivery import DeliveryTuning, DeliveryWorker
from workers.delivery_rules import Backoff
from workers.push_sender import open_push_sender


@asynccontextmanager
async def open_delivery(wired: Wired, realm: Realm) -> AsyncIterator[DeliveryWorker]:
    """The delivery worker of one side: it can open the *push* part, never the places."""
    settings = wired.settings.push
    secrets = wired.secrets.realm(realm.value)
    signer = VapidSigner(
        secrets.vapid_private_pem, wired.settings.city.contact_vapid_sub, settings.vapid_token_min * 60
    )
    async with open_push_sender(
        signer,
        host_policy(wired.settings),
        SystemClock(),  # push services live by the machine's clock, also in a replay
        in_flight=settings.in_flight,
        connect_timeout_s=settings.connect_timeout_s,
        total_timeout_s=settings.total_timeout_s,
        ca_file=settings.ca_file,
        proxy=settings.proxy,
    ) as sender:
        yield DeliveryWorker(
            wired.redis,
            realm,
            wired.clock,
            subscriptions=SubscriptionStore(wired.redis, realm, push_sealer=push_sealer(secrets)),
            alerts=wired.realms[realm].alert_store,
            sender=sender,
            render=payload,
            hmac_key=secrets.hmac_key,
            consumer=f"{socket.gethostname()}-{os.getpid()}",
            rng=random.Random(),  # noqa: S311 (jitter)
            tuning=DeliveryTuning(
                in_flight=settings.in_flight,
                in_flight_per_origin=settings.in_flight_per_origin,
                backoff=Backoff(base_s=settings.retry_base_s, max_s=settings.retry_max_s),
            ),
        )
