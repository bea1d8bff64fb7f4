"""Opening delivery: a worker for each side with its transport, its words and its figures.

settings + keys ─▶ transport (one thread a side) ─▶ DeliveryWorker ─▶ run
"""

import asyncio
import gc
import os
import random
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from bosai.messages.catalogue import LANGS, is_draft, texts
from bosai.messages.checks import check_payload
from bosai.messages.letters import LetterPress
from bosai.messages.reminders import reminder_payload
from bosai.model.alert import AlertRecord
from bosai.model.instruction import Instruction, MessageKind
from bosai.model.realm import Realm
from bosai.push.hosts import HostPolicy
from bosai.push.sealing import Sealer
from bosai.push.vapid import VapidSigner
from bosai.settings_schema import Settings
from bosai.stores.subscriptions import SubscriptionStore
from workers.chunks import hand_back
from workers.delivery import CHUNK_DEADLINE_S, DeliveryTuning, DeliveryWorker
from workers.delivery_rules import Backoff
from workers.transport import TransportTuning, open_transport

if TYPE_CHECKING:
    from bosai.wiring import Wired


@asynccontextmanager
async def open_delivery(wired: "Wired") -> AsyncIterator[list[DeliveryWorker]]:
    """One worker for each side, with a transport each: a drill never stands in a queue before the live side."""
    await asyncio.to_thread(read_texts)
    await asyncio.to_thread(spare_the_collector)
    settings = wired.settings
    async with AsyncExitStack() as opened:
        workers = []
        for realm, services in wired.realms.items():
            own = wired.secrets.realm(realm.value)
            push_sealer = Sealer(own.push_seal_key.key, own.push_seal_key.key_id)
            transport = await opened.enter_async_context(
                open_transport(
                    HostPolicy(settings.push.allowed_hosts, settings.push.test_hosts),
                    hand_back,
                    tuning=transport_tuning_of(settings),
                    ca_file=settings.push.ca_file,
                    proxy=settings.push.proxy,
                )
            )
            workers.append(
                DeliveryWorker(
                    wired.redis,
                    realm,
                    wired.clock,
                    subscriptions=SubscriptionStore(wired.redis, realm, push_sealer=push_sealer),
                    alerts=services.alert_store,
                    transport=transport,
                    letters=PressedLetters(realm),
                    vapid=VapidSigner(
                        own.vapid_private_pem,
                        settings.city.contact_vapid_sub,
                        settings.push.vapid_token_min * 60,
                    ),
                    push_sealer=push_sealer,
                    told_sealer=Sealer(own.told_seal_key.key, own.told_seal_key.key_id),
                    hmac_key=own.hmac_key,
                    consumer=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}",
                    rng=random.Random(),  # noqa: S311 - jitter
                    tuning=tuning_of(settings),
                )
            )
        yield workers


class PressedLetters:
    """The service's own words for one side: orders from the press, checks as they are."""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm
        self._press = LetterPress(realm)

    def letter(
        self,
        instruction: Instruction,
        record: AlertRecord | None,
        lang: str,
        *,
        now: datetime,
        receipt_token: str,
        tag: str,
        short: bool = False,
    ) -> bytes:
        """See `courier.Letters`."""
        if record is None:
            return check_payload(
                instruction, self._realm, lang, now=now, receipt_token=receipt_token, tag=tag
            )
        if instruction.message is MessageKind.STILL_IN_FORCE:
            return reminder_payload(
                instruction,
                record,
                self._realm,
                lang,
                now=now,
                receipt_token=receipt_token,
                tag=tag,
                short=short,
            )
        return self._press.letter(
            instruction, record, lang, now=now, receipt_token=receipt_token, tag=tag, short=short
        )


def spare_the_collector() -> None:
    """What lives as long as the process is not looked through again and again while messages go out.

    Measured: the collector took 12 µs of the main thread for each message, then 2 to 3.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def read_texts() -> None:
    """Read every catalogue now: a file read at the first message would hold up the event loop."""
    for lang in LANGS:
        texts(lang)
        is_draft(lang)


def transport_tuning_of(settings: Settings) -> TransportTuning:
    """The transport's figures from [push]."""
    push = settings.push
    return TransportTuning(
        in_flight=push.in_flight,
        in_flight_per_origin=push.in_flight_per_origin,
        lane_length=push.lane_length,
        connections_per_origin=push.connections_per_origin,
        connect_timeout_s=push.connect_timeout_s,
        total_timeout_s=push.total_timeout_s,
    )


def tuning_of(settings: Settings) -> DeliveryTuning:
    """The worker's figures from [push]."""
    push = settings.push
    outcome_s = push.total_timeout_s + 1.0
    return DeliveryTuning(
        outcome_s=outcome_s,
        claim_s=CHUNK_DEADLINE_S + outcome_s + 10.0,
        backoff=Backoff(base_s=push.retry_base_s, max_s=push.retry_max_s),
    )
