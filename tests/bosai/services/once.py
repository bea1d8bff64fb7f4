"""An HQ with texts approved for what goes out at once, and announcements of JMA's for its coast."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import resources
from typing import Any

import msgspec
from redis.asyncio import Redis

from bosai.feeds.proposals import Proposal, ProposedAct
from bosai.feeds.readings import Danger, Grade
from bosai.messages.orders import OrderTexts
from bosai.model.alert import AlertRecord, OrderKind, TsunamiClass
from bosai.model.realm import Realm
from bosai.services.at_once import AtOnce
from bosai.services.at_once_content import ready_words, zone_keys
from bosai.services.proposals import ProposalService
from bosai.services.zones import ZoneCatalogue
from bosai.settings import load_settings
from bosai.settings_schema import Settings
from geodata.areas import Bbox
from geodata.hazards import HazardKind
from geodata.importers.areas import TSUNAMI_AREAS, parse_named_areas
from geodata.places import PlaceIndex
from tests.bosai.services.hq import HandClock, Hq

GRADES = {
    None: Grade.NONE,
    TsunamiClass.ADVISORY: Grade.ADVISORY,
    TsunamiClass.WARNING: Grade.WARNING,
    TsunamiClass.MAJOR_WARNING: Grade.EMERGENCY,
}
RULE = "仙台市地域防災計画 地震・津波編 第2章第3節"


def sample_zones(settings: Settings) -> ZoneCatalogue:
    bbox = Bbox(*settings.city.bbox_lonlat)
    rows = resources.files("bosai").joinpath("sample", "tsunami_areas.geojson").read_bytes()
    tsunami = parse_named_areas(rows, TSUNAMI_AREAS, bbox=bbox)
    return ZoneCatalogue(tsunami.records, [], PlaceIndex([], epsg=settings.city.plane_epsg), bbox)


SETTINGS = load_settings()
ZONES = sample_zones(SETTINGS)
"""Read once, before any event loop runs."""


def names_of(one: TsunamiClass) -> tuple[str, ...]:
    """The zones of a class by name, as the settings have them."""
    return ZONES.area(zone_keys(SETTINGS, one)).names


def switched_on(**changes: Any) -> Settings:
    figures = {"enabled": True, "enabled_in_drill": True, **changes}
    return msgspec.structs.replace(SETTINGS, at_once=msgspec.structs.replace(SETTINGS.at_once, **figures))


def announcement(
    now: TsunamiClass | None,
    before: TsunamiClass | None = None,
    *,
    at: datetime,
    name: str = "1",
    realm: Realm = Realm.LIVE,
    **changes: Any,
) -> Proposal:
    """What P makes of a telegram that moves area 220 from one class to another."""
    rose = ProposedAct.ISSUE if before is None else ProposedAct.UPDATE
    act = ProposedAct.LIFT if now is None else rose
    made = Proposal(
        id=f"tsunami-{realm.value}-220-{name}",
        realm=realm.value,
        act=act,
        hazard=HazardKind.TSUNAMI,
        danger=Danger.TSUNAMI,
        kind=OrderKind.TSUNAMI_EVACUATION,
        subject="tsunami",
        area_codes=("220",),
        area_names=("宮城県",),
        zones=(),
        telegram_key=f"key-{name}",
        telegram_title="津波警報・注意報・予報a",
        editorial_office="気象庁本庁",
        report_at=at,
        grade=GRADES[now],
        previous_grade=GRADES[before],
    )
    return msgspec.structs.replace(made, **changes)


class ReadyHq(Hq):
    """Texts of all three classes are approved by `abe` and `sato`; the zones can be changed."""

    def __init__(
        self, redis: Redis, realm: Realm = Realm.LIVE, settings: Settings | None = None, **options: Any
    ) -> None:
        super().__init__(redis, realm, **options)
        self.settings = settings or switched_on()
        self.zones = ZONES
        self.proposals = ProposalService(redis, realm, self.clock)
        self.at_once = self.another(redis)

    def another(self, redis: Redis, clock: HandClock | None = None) -> AtOnce:
        """The same service in another process."""
        clock = clock or self.clock
        return AtOnce(
            redis,
            self.realm,
            clock,
            self.settings,
            proposals=ProposalService(redis, self.realm, clock),
            zones=lambda: self.zones,
            texts=OrderTexts(),
        )

    async def approve_texts(self, *classes: TsunamiClass) -> None:
        for one in classes or TsunamiClass:
            state = (await self.at_once.pre_approvals.states())[one]
            assert state.today is not None
            await self.at_once.pre_approvals.ask(self.abe, one, state.today_hash)
            words = ready_words(state.today)
            await self.at_once.pre_approvals.approve(self.sato, one, state.today_hash, words)

    async def hear(
        self, now: TsunamiClass | None, before: TsunamiClass | None = None, name: str = "1", **changes: Any
    ) -> Proposal:
        """A telegram of this moment: on HQ's desk, then met at once."""
        proposal = announcement(
            now, before, at=self.clock.now() - timedelta(seconds=90), name=name, realm=self.realm, **changes
        )
        if await self.proposals.put(proposal):
            await self.at_once.react(proposal)
        return proposal

    async def calls(self) -> list[AlertRecord]:
        return await self.alerts.in_force()

    async def classes(self) -> list[tuple[TsunamiClass | None, int]]:
        """(class, version) of what is in force."""
        return [(one.alert.tsunami_class, one.alert.version) for one in await self.calls()]
