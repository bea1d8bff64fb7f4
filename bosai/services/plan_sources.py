"""Reading one moment of one side for the planner and the watchdog: everybody's places, and everything else."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
from redis.asyncio import Redis

from bosai.model.alert import AlertRecord
from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.services.geo_facts import PLACES, GeoFacts
from bosai.services.geo_holder import GeoHolder
from bosai.services.people import PeopleCache, PeopleRows
from bosai.services.plan_ground import GroundCache
from bosai.services.planning import Situation, ToldTable, alert_id_of
from bosai.services.told import ToldKeeper, book_of
from bosai.settings_schema import Settings
from bosai.stores.alerts import AlertStore
from bosai.stores.hand import HandStore
from bosai.stores.instructions import InstructionStore
from bosai.stores.keys import Keys
from bosai.stores.sites import SiteStore
from bosai.stores.subscriptions import SubscriptionStore
from geodata.places import PlaceIndex
from shelters.model import Site
from shelters.occupancy import still_said

if TYPE_CHECKING:  # loads SciPy, which a process without an imported network never needs
    from bosai.services.walking import Walking

_INCIDENTS_KEPT = 2


class PlanSources:
    """What one side's plans are made of. Needs a subscription store that can open the places.

    geo: shared with the other side and kept fresh by whoever opened it; None = one of its own.
    """

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        clock: Clock,
        settings: Settings,
        *,
        subscriptions: SubscriptionStore,
        instructions: InstructionStore,
        places: PlaceIndex | None = None,
        geo: GeoHolder | None = None,
    ) -> None:
        self.realm = realm
        self._redis = redis
        self.clock = clock
        self.settings = settings
        self.alerts = AlertStore(redis, realm)
        self.instructions = instructions
        self.sites = SiteStore(redis, realm)
        self._subscriptions = subscriptions
        self.hand = HandStore(redis, realm)
        self._grounds = GroundCache(settings)
        self._people = PeopleCache(settings.city.plane_epsg, places)
        self._geo = geo
        self._own_geo = False
        self._ground: GeoFacts | None = None  # what the last plan stood on
        self._named_by = ""  # the imported towns that name people's places, by their folder
        self._catalogue: tuple[int, list[Site]] = (-1, [])
        self._generation = 0
        self._keepers: dict[str, ToldKeeper] = {}  # by incident, the one asked for last at the end
        self._lock = asyncio.Lock()

    @property
    def facts(self) -> GeoFacts:
        """What is known of the ground, as of the last `refresh_people`. RuntimeError before the first."""
        if self._ground is None:
            raise RuntimeError("the ground's facts are read by refresh_people")
        return self._ground

    async def refresh_people(self) -> int:
        """Load the buckets that changed since the last call; a number that rises with every change.

        An import of towns or roads is a change too: people are named by their towns, and walk along the roads.
        """
        async with self._lock:
            await self._refresh_ground()
            versions = await self._subscriptions.bucket_versions()
            stale = self._people.stale(versions)
            if stale:
                loaded = {number: await self._subscriptions.load_bucket(number) for number in stale}
                await asyncio.to_thread(self._people.put, loaded, versions)
                self._generation += 1
            # A visitor's day does not end in the middle of an order: who was guided by it is guided to its end.
            ended_by = await self.alerts.began() or self.clock.now()
            if self._people.drop_ended(ended_by.timestamp()):
                self._generation += 1
            return self._generation

    async def people(self) -> PeopleRows:
        """Everybody's places as last loaded."""
        async with self._lock:
            return await asyncio.to_thread(self._people.rows)

    async def situation(self, incident: str) -> Situation:
        """One moment: orders first, so that a plan never stands on an order it has not seen."""
        in_force = await self.alerts.in_force()
        version = await self.sites.version()
        if version != self._catalogue[0]:
            self._catalogue = (version, await self.sites.catalogue())
        told: ToldTable = await self.keeper(incident).refresh() if incident else {}
        now = self.clock.now()
        began = await self.alerts.began()
        statuses = await self.sites.statuses()
        return Situation(
            now=now,
            sites=self._catalogue[1],
            statuses={name: still_said(one, began or now) for name, one in statuses.items()},
            in_force=in_force,
            incident=incident,
            told=told,
            told_of=await self._told_of(told),
            walking=self._geo.walking if self._geo is not None else None,
            hand=await self.hand.hand(),
            began=began,
            water_maps=self._geo.water_maps(self.realm) if self._geo is not None else None,
            grounds=self._grounds,
        )

    async def prepare_walks(self, situation: Situation) -> None:
        """While all is quiet, search the open ways to all sites, so that the first order does not wait for it."""
        if situation.walking is not None:
            await asyncio.to_thread(self._prepare, situation, situation.walking)

    def _prepare(self, situation: Situation, walking: "Walking") -> None:
        # The grounds are shared with a preview, which may hold them for a while.
        walking.prepare(self._grounds.of(situation.sites, situation.statuses, ()).table.xy_m)

    async def _refresh_ground(self) -> None:
        if self._geo is None:  # nobody shares one with this side: it has its own, of the same files
            self._geo, self._own_geo = await GeoHolder.opened(self.settings, self._redis, self.clock), True
        if self._own_geo:
            await self._geo.refresh()
        facts = self._geo.facts
        if facts is self._ground:
            return
        self._ground = facts
        self._generation += 1
        await asyncio.to_thread(self._people.stand_on, self._geo.walking)
        towns = facts.stored.get(PLACES)
        if towns is not None and towns.folder != self._named_by:
            await asyncio.to_thread(self._people.name_by, facts.places)
            self._named_by = towns.folder

    async def tell_health(self, part: str, *, ok: bool, **facts: object) -> None:
        """What a part of this side says of itself, for the board."""
        record = {"at": self.clock.now().isoformat(), "ok": ok, **facts}
        await self._redis.hset(Keys(self.realm).health, part, msgspec.json.encode(record))

    def keeper(self, incident: str) -> ToldKeeper:
        """What everybody was told of an incident, kept while it is asked for; the two asked for last."""
        found = self._keepers.pop(incident, None) or ToldKeeper(self.instructions, incident)
        self._keepers[incident] = found
        while len(self._keepers) > _INCIDENTS_KEPT:
            del self._keepers[next(iter(self._keepers))]
        return found

    def forget_told(self) -> None:
        """Read everything again: somebody else may have planned meanwhile."""
        self._keepers.clear()

    async def heads(self, told: ToldTable) -> dict[str, AlertRecord]:
        """Order → newest released version, of every order somebody was told of."""
        ids = sorted({alert_id_of(key) for key in book_of(told).alert_keys()})
        found: Iterable[AlertRecord] = [await self.alerts.head(one) for one in ids]
        return {one.alert.alert_id: one for one in found}

    async def _told_of(self, told: ToldTable) -> dict[str, AlertRecord]:
        keys = book_of(told).alert_keys()
        return {one.alert.key: one for one in await self.alerts.many(keys)}
