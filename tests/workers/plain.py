"""A stretch of coast for planner tests: three sites, subscribers with sealed places, officers, planner and watch."""

from __future__ import annotations

from typing import Any

import msgspec
from redis.asyncio import Redis

from bosai.model.alert import AlertArea, OrderKind
from bosai.model.instruction import Delivery, Instruction, Stage
from bosai.model.realm import Realm
from bosai.model.subscription import PaceClass, Place, PushTarget
from bosai.services.audit import AuditService
from bosai.services.desks import DeskService
from bosai.services.order_rules import DraftForm
from bosai.services.plan_sources import PlanSources
from bosai.services.previews import PreviewBroker
from bosai.services.sites import SiteService
from bosai.settings_schema import Settings
from bosai.stores.instructions import FIRST_DUE, InstructionStore
from bosai.stores.keys import Keys
from bosai.stores.lease import Lease
from bosai.stores.outbox import Outbox, Result, by_bucket
from bosai.stores.subscriptions import Meta, PushPart, SubscriptionStore
from geodata.hazards import HazardKind
from tests.bed.vapid import b64url
from tests.bosai.services.hq import Hq, square
from tests.bosai.services.test_sites import table
from tests.workers.street import NOW, PLACES_SEALER, PUSH_SEALER, TOLD_SEALER, fake_id
from workers.fallback import ReleaseWatch
from workers.planner import LEASE_NAME, PlannerWorker

# West to east: a school well inland, a hall just outside the flooded square, a tower by the sea.
INLAND_SCHOOL = (
    "A1,emergency,七郷小学校,仙台市若林区荒井3,若林区,140.9500,38.2150,flood tsunami,,,,,,,,"
    "elementary_school,\n"
)
NEAR_HALL = "B1,emergency,荒井会館,仙台市若林区荒井9,若林区,140.9760,38.2150,flood,,,,,,,,other,\n"
TOWER = "C1,emergency,荒浜津波避難タワー,仙台市若林区荒浜1,若林区,140.9880,38.2150,tsunami,,,,,,,,tsunami_tower,\n"
AREA = AlertArea(names=("若林区荒浜",), polygons_e7_lonlat=square(), zone_keys=("drawn",))
P256DH, AUTH = b64url(b"\x04" + bytes(64)), b64url(bytes(16))  # nobody sends to these
SMALLER = AlertArea(
    names=("荒浜の東",), polygons_e7_lonlat=square(west=140.986, side=0.004), zone_keys=("drawn",)
)


def place(lon: float = 140.982, lat: float = 38.215, **extra: Any) -> Place:
    return Place(**{"place_id": "home", "lon": lon, "lat": lat, "persons": 2, **extra})


def flood(**changes: Any) -> DraftForm:
    form = DraftForm(hazard=HazardKind.FLOOD, kind=OrderKind.EVACUATE, area=AREA, reason="水位が上がっている")
    return msgspec.structs.replace(form, **changes)


class Plain:
    """One side of the coast."""

    def __init__(self, redis: Redis, settings: Settings, realm: Realm = Realm.LIVE) -> None:
        self.redis, self.realm, self.settings = redis, realm, settings
        self.hq = Hq(redis, realm)
        self.clock = self.hq.clock
        self.instructions = InstructionStore(redis, realm, TOLD_SEALER)
        self.sites = SiteService(redis, realm, self.clock, settings, AuditService(redis, realm, self.clock))
        self.desks = DeskService(redis, realm, self.clock, b"k" * 32)
        self.subscriptions = SubscriptionStore(
            redis, realm, push_sealer=PUSH_SEALER, places_sealer=PLACES_SEALER
        )

    async def build(self) -> Plain:
        await self.sites.import_sites(table(INLAND_SCHOOL, NEAR_HALL, TOWER), "test")
        return self

    def sources(self) -> PlanSources:
        places = SubscriptionStore(self.redis, self.realm, places_sealer=PLACES_SEALER)
        return PlanSources(
            self.redis,
            self.realm,
            self.clock,
            self.settings,
            subscriptions=places,
            instructions=self.instructions,
        )

    def planner(self, lease: Lease | None = None) -> PlannerWorker:
        lease = lease or Lease(self.redis, self.realm, LEASE_NAME)
        return PlannerWorker(
            self.redis, self.sources(), PreviewBroker(self.redis, self.realm, self.clock), lease
        )

    async def leader(self) -> PlannerWorker:
        """A planner that holds the lease, to be stepped."""
        worker = self.planner()
        assert await worker.lease.take()
        return worker

    def watch(self) -> ReleaseWatch:
        return ReleaseWatch(self.sources(), after_s=self.settings.planner.fallback_after_s)

    async def settle(self, number: int, *places: Place) -> str:
        """A subscriber with these places; moving in again replaces them."""
        subscription_id = fake_id(number)
        held = await self.subscriptions.held(subscription_id)
        target = PushTarget(endpoint=f"https://push.example/{number}", p256dh=P256DH, auth=AUTH)
        assert await self.subscriptions.put(
            self.redis,
            subscription_id,
            expected=held.meta_raw if held else b"",
            meta=Meta(secret_hash=b"", created_at=NOW, seen_at=NOW),
            push=PushPart(target=target, lang="ja"),
            places=places or (place(),),
        )
        return subscription_id

    async def deliver(self) -> None:
        """Every push service takes everything that waits."""
        outbox = Outbox(self.redis, self.realm, "plain", TOLD_SEALER)
        now = self.clock.now() + FIRST_DUE
        for pointer in await outbox.due(now, 1000):
            results = [
                (one.bucket, Result(one.member, one.instruction.seq, Stage.ACCEPTED, 1, heard=2))
                for one in await outbox.claim(pointer, now, now)
            ]
            await outbox.record(by_bucket(results), self.clock.now())

    async def told(self, subscription_id: str) -> Instruction | None:
        found = await self.instructions.latest(subscription_id)
        return found[0] if found else None

    async def travel(self, subscription_id: str) -> Delivery:
        found = await self.instructions.latest(subscription_id)
        assert found is not None
        return found[1]

    async def health(self, part: str) -> dict[str, Any]:
        """What a part last said of itself; {} = nothing yet."""
        row = await self.redis.hget(Keys(self.realm).health, part)
        return msgspec.json.decode(row) if row else {}

    async def close(self, site_id: str, **report: Any) -> None:
        """The desk of a site reports."""
        access = await self.desks.link("hq1", site_id)
        desk = await self.desks.open(access.capability, access.pin)
        await self.desks.report(desk, **report)


SLOW = {"pace": PaceClass.SLOW}
