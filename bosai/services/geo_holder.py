"""The newest facts of the ground in one process, with what was worked out of them: walks and hazard maps to ask.

manifest replaced (a file's date, every two seconds) ─▶ load_facts in a thread ─▶ facts · walking · catalogue
version in Redis differs from this machine's          ─▶ problems ─▶ the board of both sides
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from time import monotonic
from typing import TYPE_CHECKING

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.services.geo_facts import GeoFacts, GeoProblem, load_facts
from bosai.settings_schema import Settings
from bosai.stores.geo_files import GeoFiles
from bosai.stores.keys import GEO_VERSION, Keys
from bosai.stores.replies import as_text

if TYPE_CHECKING:  # they load SciPy, which a process without an imported network never needs
    from bosai.services.walking import Walking
    from geodata.catalogue import HazardCatalogue
    from shelters.water import WaterMaps

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
TELL_EVERY_S = 15.0
NEVER_S = -math.inf


class GeoHolder:
    """The newest facts of this process. `facts` is read without waiting; `watch` replaces it when an import did."""

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        clock: Clock,
        *,
        files: GeoFiles,
        facts: GeoFacts,
        stamp: tuple[int, int],
    ) -> None:
        self._settings = settings
        self._redis = redis
        self._clock = clock
        self._files = files
        self._facts = facts
        self._stamp = stamp
        self._elsewhere: GeoProblem | None = None
        self._walking = _walking_of(facts, settings, None)
        self._catalogue: tuple[tuple[str, ...], HazardCatalogue] | None = None
        self._water: dict[Realm, tuple[tuple[str, ...], WaterMaps]] = {}
        self._told_s = NEVER_S

    @classmethod
    async def opened(cls, settings: Settings, redis: Redis, clock: Clock) -> GeoHolder:
        """With everything read once. Raises SettingsInvalid."""
        files = GeoFiles(settings.data_dir)
        stamp = await asyncio.to_thread(files.stamp)  # before reading: what comes between is read again
        facts = await asyncio.to_thread(load_facts, settings, files)
        return cls(settings, redis, clock, files=files, facts=facts, stamp=stamp)

    @property
    def facts(self) -> GeoFacts:
        """As last read."""
        return self._facts

    @property
    def walking(self) -> Walking | None:
        """Walks over the network; None where no roads were imported. What was searched is kept while it stands."""
        return self._walking

    def catalogue(self) -> HazardCatalogue:
        """The hazard maps, ready to be asked. Blocking the first time after an import."""
        from geodata.catalogue import HazardCatalogue  # noqa: PLC0415

        facts = self._facts
        if self._catalogue is None or self._catalogue[0] != facts.sight:
            self._catalogue = (facts.sight, HazardCatalogue(facts.layers))
        return self._catalogue[1]

    def water_maps(self, realm: Realm) -> WaterMaps:
        """What the hazard maps say of the water at many places. Maps that are samples count for a drill only."""
        from shelters.water import WaterMaps  # noqa: PLC0415

        facts = self._facts
        if realm not in self._water or self._water[realm][0] != facts.sight:
            maps = WaterMaps(
                facts.layers,
                self._settings.city.plane_epsg,
                widen_m=self._settings.planner.point_rounding_widen_m,
                samples=realm.is_drill,
                rivers_with_zones=self._settings.planner.rivers_with_collapse_zones,
            )
            self._water[realm] = (facts.sight, maps)
        return self._water[realm][1]

    @property
    def problems(self) -> tuple[GeoProblem, ...]:
        """What can not be used here, and whether another machine knows something else."""
        return self._facts.problems if self._elsewhere is None else (*self._facts.problems, self._elsewhere)

    async def watch(self) -> None:
        """Look every few seconds, until cancelled."""
        task = asyncio.current_task()
        # A cancellation that meets a command to Redis can be swallowed there; the count of them still tells.
        while task is not None and not task.cancelling():
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.refresh()
                await self.tell()
            except RedisError as error:
                log.warning("the version of the ground's facts can not be asked: %s", error)
            except Exception:
                log.exception("the ground's facts can not be read again; what was known stays")

    async def refresh(self) -> bool:
        """Read again what an import replaced; True when something else is known now."""
        stamp = await asyncio.to_thread(self._files.stamp)
        changed = stamp != self._stamp and await self._read()
        self._stamp = stamp
        known = as_text(await self._redis.get(GEO_VERSION) or b"")
        self._elsewhere = _elsewhere(self._facts.version, known)
        return changed

    async def tell(self) -> None:
        """What can not be used here stands on the board of both sides for as long as it is so."""
        part, problems = f"ground:{socket.gethostname()}", self.problems
        if problems and monotonic() - self._told_s > TELL_EVERY_S:
            said = {
                "at": self._clock.now().isoformat(),
                "ok": False,
                "detail": " ".join(one.ja for one in problems)[:400],
            }
            for realm in Realm:
                await self._redis.hset(Keys(realm).health, part, msgspec.json.encode(said))
            self._told_s = monotonic()
        elif not problems and self._told_s > NEVER_S:
            for realm in Realm:
                await self._redis.hdel(Keys(realm).health, part)
            self._told_s = NEVER_S

    async def _read(self) -> bool:
        facts = await asyncio.to_thread(load_facts, self._settings, self._files)
        changed = facts.version != self._facts.version or facts.problems != self._facts.problems
        if changed:
            self._walking = _walking_of(facts, self._settings, self._walking)
            self._facts = facts
            log.info("facts of the ground: version %s", facts.version or "none")
        return changed


def _walking_of(facts: GeoFacts, settings: Settings, known: Walking | None) -> Walking | None:
    if facts.network is None or not len(
        facts.network.edge_from
    ):  # lines too short to lead anywhere make no network
        return None
    from bosai.services.walking import Walking  # noqa: PLC0415

    if known is not None and known.network.version == facts.network.version:
        return known
    return Walking(facts.network, settings)


def _elsewhere(here: str, known: str) -> GeoProblem | None:
    if not known or known == here:
        return None
    ja = (
        f"この機械の地理データ（{here or 'なし'}）は、最後に取り込まれたもの（{known}）と違います。"
        "ここでも同じファイルを bosai import で取り込むか、サービスを止めてから geo フォルダーを写してください。"
    )
    return GeoProblem(key="elsewhere", ja=ja)
