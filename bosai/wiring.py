"""The one place where adapters are chosen and opened. Importing it opens nothing.

settings + key files + Redis ─▶ for each side: stores ─▶ services ─▶ RealmServices
                                                                     └─ entered by web, workers and commands
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis.asyncio
from redis.driver_info import DriverInfo

from bosai.channels.cap import JISX0402, CapFrame
from bosai.channels.cap_signing import open_signer
from bosai.messages.catalogue import LANGS, texts
from bosai.messages.orders import OrderTexts
from bosai.model.alert import OrderKind
from bosai.model.cap import CapValue
from bosai.model.realm import Realm
from bosai.ports import Clock, SystemClock
from bosai.push.hosts import HostPolicy
from bosai.push.sealing import Sealer
from bosai.secrets import RealmSecrets, Secrets, load_or_create
from bosai.services.alerts import AlertService
from bosai.services.at_once import AtOnce
from bosai.services.audit import AuditService
from bosai.services.cap_feed import CapFeed
from bosai.services.cap_inbox import CapInbox, CapRules, cap_rules
from bosai.services.decision_lag import DecisionLag, needs_by
from bosai.services.desks import DeskService
from bosai.services.feeds import FeedService
from bosai.services.geo import GeoService
from bosai.services.geo_holder import GeoHolder
from bosai.services.guidance import GuidanceService
from bosai.services.hand import HandService
from bosai.services.previews import PreviewBroker
from bosai.services.proposals import ProposalService
from bosai.services.receipts import ReceiptService
from bosai.services.sites import SiteService
from bosai.services.staff import StaffService
from bosai.services.subscriptions import SubscriptionService
from bosai.services.welfare import WelfareCodes
from bosai.services.zones import ZoneCatalogue
from bosai.settings_proposals import rules_of
from bosai.settings_schema import Settings
from bosai.stores.alerts import AlertStore
from bosai.stores.instructions import InstructionStore
from bosai.stores.sites import SiteStore
from bosai.stores.subscriptions import SubscriptionStore
from geodata.areas import Bbox
from geodata.places import PlaceIndex


class OffsetClock:
    """The machine's clock moved by a fixed step, for rehearsals and replays ([clock] offset_s)."""

    def __init__(self, offset: timedelta) -> None:
        self._offset = offset
        self._machine = SystemClock()

    def now(self) -> datetime:
        """Aware, UTC."""
        return self._machine.now() + self._offset


@dataclass(frozen=True, slots=True, kw_only=True)
class RealmServices:
    """Everything of one side. Nothing in it knows the other side."""

    realm: Realm
    settings: Settings
    clock: Clock
    staff: StaffService
    alerts: AlertService
    alert_store: AlertStore
    previews: PreviewBroker
    proposals: ProposalService
    audit: AuditService
    at_once: AtOnce
    feeds: FeedService
    decision_lag: DecisionLag
    subscriptions: SubscriptionService
    subscription_store: SubscriptionStore
    receipts: ReceiptService
    instructions: InstructionStore
    sites: SiteService
    desks: DeskService
    hand: HandService
    welfare: WelfareCodes
    guidance: GuidanceService
    geo: GeoService
    cap: CapFeed
    vapid_public_b64url: str

    @property
    def places(self) -> PlaceIndex:
        """The towns, as last imported."""
        return self.geo.facts.places

    @property
    def zones(self) -> ZoneCatalogue:
        """The areas an officer may choose, as last imported."""
        return self.geo.facts.zones


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """Both sides on one Redis. `secrets` is for delivery and the planner, each of which takes its own key."""

    settings: Settings
    clock: Clock
    redis: redis.asyncio.Redis
    secrets: Secrets
    realms: Mapping[Realm, RealmServices]


Services = Wired
"""The name pages know it by."""


@asynccontextmanager
async def open_services(settings: Settings, url: str | None = None) -> AsyncIterator[Wired]:
    """Open everything against `url` (default: [redis] url). Leaving closes it."""
    secrets = await asyncio.to_thread(load_or_create, settings.data_dir)
    await asyncio.to_thread(_read_words)
    cap_in = await asyncio.to_thread(cap_rules, settings)
    clock: Clock = SystemClock()
    if settings.clock.offset_s:
        clock = OffsetClock(timedelta(seconds=settings.clock.offset_s))
    # Blocking: in a rush a request waits for a connection instead of failing.
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url or settings.redis.url,
        max_connections=settings.redis.connections,
        timeout=10,
        driver_info=await asyncio.to_thread(DriverInfo),  # else read from files at every connection
    )
    client = redis.asyncio.Redis.from_pool(pool)
    async with contextlib.aclosing(client):
        holder = await GeoHolder.opened(settings, client, clock)
        realms = {
            realm: _realm(
                realm, settings, clock=clock, client=client, secrets=secrets, geo=holder, cap_in=cap_in
            )
            for realm in Realm
        }
        async with _watching(holder):
            yield Wired(settings=settings, clock=clock, redis=client, secrets=secrets, realms=realms)


@asynccontextmanager
async def _watching(holder: GeoHolder) -> AsyncIterator[None]:
    """While the block runs, an import made by another process is read within seconds."""
    task = asyncio.ensure_future(holder.watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def host_policy(settings: Settings) -> HostPolicy:
    """Where pushes may go."""
    return HostPolicy(settings.push.allowed_hosts, settings.push.test_hosts)


def push_sealer(secrets: RealmSecrets) -> Sealer:
    """The key of the *push* part: web seals, delivery opens."""
    return Sealer(secrets.push_seal_key.key, secrets.push_seal_key.key_id)


def places_sealer(secrets: RealmSecrets) -> Sealer:
    """The key of the *places* part: web seals, the planner opens."""
    return Sealer(secrets.places_seal_key.key, secrets.places_seal_key.key_id)


def told_sealer(secrets: RealmSecrets) -> Sealer:
    """The key of what people were told: the planner seals, delivery and the reader's own page open."""
    return Sealer(secrets.told_seal_key.key, secrets.told_seal_key.key_id)


def bbox_of(settings: Settings) -> Bbox:
    """The city's bounding box."""
    return Bbox(*settings.city.bbox_lonlat)


def cap_frame(settings: Settings, realm: Realm) -> CapFrame:
    """What every CAP message of one side has in common."""
    out = settings.cap
    return CapFrame(
        sender=out.sender,
        sender_name=settings.city.name,
        contact=out.contact,
        web=f"{settings.web.public_url}{realm.path_prefix}/",
        codes=(f"{JISX0402}:{out.municipality_code}",),
        geocodes={f"ward:{one.name}": (CapValue(name=JISX0402, value=one.code),) for one in out.wards},
        polygon_max_points=out.polygon_max_points,
        is_trial=out.is_trial,
    )


def _prefectures(settings: Settings) -> frozenset[str]:
    """府県予報区 whose warnings are fetched: of a telegram about the whole country only these are kept."""
    rows = settings.feeds.rows
    return frozenset().union(*(one.offices for one in rows if any(t.startswith("VPWW") for t in one.types)))


def _realm(
    realm: Realm,
    settings: Settings,
    *,
    clock: Clock,
    client: redis.asyncio.Redis,
    secrets: Secrets,
    geo: GeoHolder,
    cap_in: CapRules,
) -> RealmServices:
    own = secrets.realm(realm.value)
    previews = PreviewBroker(client, realm, clock)
    proposals = ProposalService(client, realm, clock)
    alert_store = AlertStore(client, realm)
    instructions = InstructionStore(client, realm, told_sealer(own))
    audit = AuditService(client, realm, clock)
    sites = SiteService(client, realm, clock, settings, audit)
    welfare = WelfareCodes(client, realm, clock, own.hmac_key)
    hand = HandService(client, realm, clock)
    ground = GeoService(geo, SiteStore(client, realm), alert_store, settings)
    at_once = AtOnce(
        client,
        realm,
        clock,
        settings,
        proposals=proposals,
        zones=lambda: geo.facts.zones,
        texts=OrderTexts(),
    )
    rules = rules_of(settings)
    feeds = FeedService(
        client,
        realm,
        clock,
        proposals,
        rules=rules,
        family=settings.feeds.weather_family,
        prefectures=_prefectures(settings),
        on_proposal=at_once.react,
        cap=CapInbox(client, realm, cap_in),
    )
    return RealmServices(
        realm=realm,
        settings=settings,
        clock=clock,
        # Officers are the same people on both sides, so their TOTP secrets are sealed under one key.
        staff=StaffService(
            client,
            realm,
            clock,
            push_sealer(secrets.live),
            issuer=f"{settings.city.name} 避難誘導",
            session_idle=timedelta(minutes=settings.web.session_idle_min),
            session_longest=timedelta(hours=settings.web.session_max_h),
        ),
        alerts=AlertService(
            client,
            realm,
            clock,
            OrderTexts(),
            previews,
            bbox=bbox_of(settings),
            review_min=_review_min(settings),
        ),
        alert_store=alert_store,
        previews=previews,
        proposals=proposals,
        audit=audit,
        at_once=at_once,
        feeds=feeds,
        decision_lag=DecisionLag(
            client,
            realm,
            clock,
            feeds.in_force,
            alert_store.in_force,
            needs_of=needs_by(rules),
            zones=lambda: ground.facts.zones,
            settings=settings.decision_lag,
        ),
        subscriptions=SubscriptionService(
            client,
            realm,
            clock,
            push_sealer=push_sealer(own),
            places_sealer=places_sealer(own),
            hmac_key=own.hmac_key,
            hosts=host_policy(settings),
            bbox_lonlat=settings.city.bbox_lonlat,
            timezone=settings.city.timezone,
            welfare=welfare,
            wait_replicas=settings.redis.wait_replicas,
            wait_timeout_s=settings.redis.wait_timeout_s,
        ),
        subscription_store=SubscriptionStore(client, realm),
        receipts=ReceiptService(client, realm, clock, own.hmac_key),
        instructions=instructions,
        sites=sites,
        desks=DeskService(
            client, realm, clock, own.hmac_key, session=timedelta(hours=settings.web.desk_session_h)
        ),
        hand=hand,
        welfare=welfare,
        guidance=GuidanceService(sites, alert_store, clock, settings, ground, hand=hand),
        geo=ground,
        cap=CapFeed(
            client,
            realm,
            clock,
            alert_store,
            signer=open_signer(own.cap_private_pem, own.cap_certificates_pem),
            frame=cap_frame(settings, realm),
            settings=settings.cap,
            base_url=settings.web.public_url + realm.path_prefix,
        ),
        vapid_public_b64url=own.vapid_public_b64url,
    )


def _review_min(settings: Settings) -> dict[OrderKind, int]:
    review = settings.review
    return {
        OrderKind.ELDERLY_ETC: review.level3_min,
        OrderKind.EVACUATE: review.level4_min,
        OrderKind.EMERGENCY_SAFETY: review.level5_min,
        OrderKind.TSUNAMI_EVACUATION: review.tsunami_min,
        OrderKind.NOTICE: review.notice_min,
    }


def _read_words() -> None:
    """Every catalogue once, off the event loop; a broken one stops the start instead of a message."""
    for lang in LANGS:
        texts(lang)
