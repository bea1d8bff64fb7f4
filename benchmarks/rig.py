"""What a run stands on: the service's own Redis (every write on disk), its keys, an order in force, its processes.

sink ─▶ settings file ─▶ embedded Redis ─▶ services ─▶ Rig: seed ▸ fill ▸ emit ▸ sending ▸ until_accepted
"""

import asyncio
import gc
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.people import Person, drafts, people
from benchmarks.processes import RunFailed, Sending, open_sending
from benchmarks.sink import Sink
from benchmarks.waiting import PATIENCE_S, until
from bosai.embedded import embedded_redis
from bosai.model.alert import AlertRecord
from bosai.model.instruction import Stage
from bosai.model.realm import Realm
from bosai.push.encryption import make_pair
from bosai.push.prekeys import seal_pair
from bosai.settings import load_settings
from bosai.stores.compact import Meta
from bosai.stores.delivery_counts import DeliveryCounts
from bosai.stores.instructions import DANGER_CLASSES, InstructionDraft
from bosai.stores.keys import BUCKETS, Keys, bucket_of
from bosai.stores.prekeys import NewPairs, PrekeyStore
from bosai.stores.replies import as_bytes
from bosai.stores.subscriptions import NewSubscriber, SubscriptionStore
from bosai.wiring import Wired, open_services, places_sealer, push_sealer
from tests.bosai.services.hq import Hq

LIVE = Realm.LIVE
_IN_THE_BACKGROUND = ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress")
_FENCE = 1


class Rig:
    """One private service without its pages, planner and feeds; the order in force is `order`."""

    def __init__(self, wired: Wired, sink: Sink, settings_file: Path, order: AlertRecord) -> None:
        self.wired = wired
        self.sink = sink
        self.settings_file = settings_file
        self.order = order
        self.redis = wired.redis
        self.people: list[Person] = []
        own = wired.secrets.realm(LIVE.value)
        self.push_sealer = push_sealer(own)
        self.store = SubscriptionStore(
            wired.redis, LIVE, push_sealer=self.push_sealer, places_sealer=places_sealer(own)
        )
        self.prekeys = PrekeyStore(wired.redis, LIVE)
        self.keys = Keys(LIVE)

    @property
    def incident(self) -> str:
        """The open incident."""
        assert self.order.incident is not None
        return self.order.incident

    # ---- before the clock ---------------------------------------------------------------------------

    async def seed(self, count: int, origin: str | None = None) -> None:
        """Register so many people, at the sink's endpoints unless told."""
        self.people = list(people(count, origin or self.sink.origin))
        now = datetime.now(UTC)
        meta = Meta(secret_hash=bytes(range(32)), created_at=now, seen_at=now)
        await self.store.put_many(
            NewSubscriber(subscription_id=one.subscription_id, meta=meta, push=one.push, places=one.places)
            for one in self.people
        )

    async def fill(self, count: int) -> None:
        """Give the first `count` people a one-time pair each, made and sealed as in quiet hours."""
        await self.add_pairs(count, 1, self._pair)

    async def add_pairs(self, count: int, each: int, pairs_of: Callable[[Person], bytes]) -> None:
        """Store what `pairs_of` gives for each of the first `count` people: `each` sealed pairs."""
        by_bucket: dict[int, list[Person]] = {}
        for one in self.people[:count]:
            by_bucket.setdefault(bucket_of(one.subscription_id), []).append(one)
        for number, some in by_bucket.items():
            stored = await self.redis.hmget(self.keys.push(number), [one.subscription_id for one in some])
            rows = [
                NewPairs(
                    subscription_id=one.subscription_id,
                    push_sealed=as_bytes(sealed),
                    pairs=pairs_of(one),
                )
                for one, sealed in zip(some, stored, strict=True)
                if sealed is not None
            ]
            await self.prekeys.add(number, rows, each)

    def _pair(self, one: Person) -> bytes:
        pair = make_pair(one.push.p256dh, one.push.auth)
        return seal_pair(self.push_sealer, LIVE, one.subscription_id, one.push.fingerprint, pair)

    def drafts(self, count: int) -> list[InstructionDraft]:
        """What the first `count` people are to be told."""
        return drafts(self.people[:count], self.incident, self.order.alert.key, datetime.now(UTC))

    async def wipe(self) -> None:
        """Nobody has been told anything, and nobody has prekeys. Subscribers and the order stay."""
        k = self.keys
        async with self.redis.pipeline(transaction=False) as pipe:
            for number in range(BUCKETS):
                pipe.unlink(k.instructions(number))
                pipe.unlink(k.deliveries(number))
                pipe.unlink(k.due(number))
                pipe.unlink(k.counts(number))
                pipe.unlink(k.told(number))
                pipe.unlink(k.prekeys(number))
            for danger_class in range(DANGER_CLASSES):
                pipe.unlink(k.outbox(danger_class))
            await pipe.execute()

    async def forget_people(self) -> None:
        """Nobody is registered."""
        self.people = []
        async with self.redis.pipeline(transaction=False) as pipe:
            for number in range(BUCKETS):
                pipe.unlink(self.keys.push(number))
                pipe.unlink(self.keys.places(number))
                pipe.unlink(self.keys.version(number))
            await pipe.execute()

    async def settle(self) -> None:
        """Wait until Redis has finished what it does in the background, and clear our own garbage away."""
        await asyncio.to_thread(gc.collect)
        gc.freeze()

        async def is_quiet() -> bool:
            state = await self.redis.info("persistence")
            return not any(int(state[one]) for one in _IN_THE_BACKGROUND)

        await until(is_quiet, pause_s=0.05)

    # ---- the run ------------------------------------------------------------------------------------

    async def emit(self, told: Sequence[InstructionDraft]) -> None:
        """Hand instructions to delivery as the planner does. Raises RunFailed unless every one was new."""
        report = await self.wired.realms[LIVE].instructions.emit(_FENCE, told, datetime.now(UTC))
        if report.written != len(told):
            raise RunFailed(f"{report} where {len(told)} were to be written")

    @asynccontextmanager
    async def sending(self, processes: int = 1) -> AsyncIterator[list[Sending]]:
        """So many delivery processes, open and waiting for the word."""
        async with open_sending(self.settings_file, processes) as found:
            yield found

    async def accepted(self) -> int:
        """How many deliveries are written down as accepted."""
        field = f"{self.incident} {self.order.alert.key} {Stage.ACCEPTED} -"
        async with self.redis.pipeline(transaction=False) as pipe:
            for number in range(BUCKETS):
                pipe.hget(self.keys.counts(number), field)
            return sum(int(one or 0) for one in await pipe.execute())

    async def until_accepted(self, count: int, *, requests_before: int, sending: Sequence[Sending]) -> float:
        """`perf_counter` when so many are written down. The sink is asked first: it is cheap, the counts are not.

        Raises RunFailed when that does not come, or when a process that should send has ended.
        """

        async def is_sent() -> bool:
            if not all(one.is_running for one in sending):
                raise RunFailed("a delivery process ended in the middle of its work, see its words above")
            return await self.sink.requests() - requests_before >= count

        async def is_written() -> bool:
            return await self.accepted() >= count

        try:
            await until(is_sent)
            await until(is_written)
        except TimeoutError:
            stages = await DeliveryCounts(self.redis, LIVE).causes(self.incident)
            seen = await self.sink.requests() - requests_before
            told = ", ".join(
                f"{stage} {cause} {n}".replace("  ", " ") for (stage, cause), n in stages.items()
            )
            raise RunFailed(
                f"{count} accepted were awaited for {PATIENCE_S:.0f} s; there are {told}; "
                f"the push service saw {seen} requests"
            ) from None
        return time.perf_counter()

    async def bytes_per_message(self, count: int) -> float:
        """Bytes of body per message of the last run."""
        return await DeliveryCounts(self.redis, LIVE).bytes(self.incident) / count


@asynccontextmanager
async def open_rig(sink: Sink) -> AsyncIterator[Rig]:
    """A rig in a folder of its own while the block runs."""
    with tempfile.TemporaryDirectory(prefix="bosai-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with embedded_redis(folder / "data") as server:
            settings_file = folder / "settings.toml"
            settings_file.write_text(_settings(folder, server.url, sink), "utf-8")
            settings = await asyncio.to_thread(load_settings, settings_file)
            async with open_services(settings) as wired:
                hq = Hq(wired.redis, LIVE)
                hq.clock.at = datetime.now(UTC)
                yield Rig(wired, sink, settings_file, await hq.issue())


def _settings(folder: Path, redis_url: str, sink: Sink) -> str:
    """Everything else is as shipped."""
    return f"""
[data]
dir = "{folder / "data"}"
[redis]
url = "{redis_url}"
[city]
contact_vapid_sub = "mailto:benchmark@example.jp"
[push]
test_hosts = ["{sink.host}"]
ca_file = "{sink.ca_file}"
"""
