"""A ground of our own for tests of maps: two hazard maps, two roads, and a way that was found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import shapely

from bosai.errors import NotFound
from bosai.wiring import RealmServices
from geodata.foot import Foot
from geodata.hazard_layers import HazardClass, HazardLayer
from geodata.hazards import HazardKind
from geodata.network import build
from geodata.roads import RoadKind, RoadLines
from geodata.route_steps import Compass, Side, Step, StepKind, Turn
from geodata.routes import WalkRoute

DEPTHS = [(0.0, 0.5), (0.5, 3.0), (3.0, 5.0), (5.0, 10.0), (10.0, 20.0), (20.0, None)]


def flood(*, sample: bool = False) -> HazardLayer:
    return HazardLayer(
        key="flood_max",
        hazard=HazardKind.FLOOD,
        name_ja="洪水浸水想定区域（想定最大規模）",
        classes=tuple(
            HazardClass(code=f"flood_{n}", rank=n, ja=f"深さの階級{n}", depth_min_m=low, depth_max_m=high)
            for n, (low, high) in enumerate(DEPTHS, 1)
        ),
        areas_lonlat=np.array(
            [
                shapely.Point(140.88 + n / 100, 38.25).buffer(0.02, quad_segs=500 * n)
                for n in range(1, len(DEPTHS) + 1)
            ],
            dtype=object,
        ),
        class_row=np.arange(len(DEPTHS), dtype=np.int16),
        label=np.array(["名取川"] * len(DEPTHS), dtype=object),
        coverage_lonlat=None,
        source="試験",
        version="A31a-24",
        valid_until=date(2030, 3, 31),
        sample=sample,
    )


def landslide() -> HazardLayer:
    return replace(
        flood(),
        key="landslide",
        hazard=HazardKind.LANDSLIDE,
        name_ja="土砂災害警戒区域等",
        classes=(
            HazardClass(code="landslide_warning", rank=1, ja="急傾斜地の崩壊 土砂災害警戒区域"),
            HazardClass(code="landslide_special", rank=2, ja="急傾斜地の崩壊 土砂災害特別警戒区域"),
        ),
        areas_lonlat=np.array([shapely.box(140.8, 38.25, 140.801, 38.251)], dtype=object),
        class_row=np.array([1], dtype=np.int16),
        label=np.array([""], dtype=object),
        coverage_lonlat=shapely.box(140.4, 38.0, 141.2, 38.6),
        sample=True,
    )


def roads() -> RoadLines:
    lines = [(RoadKind.MAIN_ROAD, 38.25), (RoadKind.PEDESTRIAN, 38.26)]
    return RoadLines(
        lonlat=np.array([[lon, lat] for _, lat in lines for lon in np.linspace(140.88, 140.92, 20)]),
        first=np.array([0, 20, 40]),
        kind=np.array([kind for kind, _ in lines], dtype=np.int8),
        flags=np.zeros(2, np.uint8),
        layer=np.zeros(2, np.int8),
        name=np.full(2, -1, np.int32),
        names=(),
        source="試験の道",
        passed_over={},
    )


def know(side: RealmServices, version: str = "v1", *layers: HazardLayer, with_roads: bool = False) -> None:
    """As if an import had just been read; both sides see it."""
    holder = side.geo._holder
    network = build(roads())[0] if with_roads else None
    holder._facts = replace(holder.facts, version=version, layers=layers, network=network)


def _step(turn: Turn, metres: float, kind: StepKind = StepKind.ROAD, **more: Any) -> Step:
    return Step(turn=turn, kind=kind, metres=metres, effort_m=metres, lon=140.97, lat=38.222, **more)


STEPS = (
    _step(Turn.START, 183.0, compass=Compass.WEST, gap_m=42.0),
    _step(Turn.RIGHT, 621.0, StepKind.MAIN_ROAD, name="県道塩釜亘理線"),
    _step(Turn.SLIGHT_LEFT, 31.0, StepKind.STAIRS),
    _step(Turn.STRAIGHT, 64.0, StepKind.UNKNOWN),
    _step(Turn.ARRIVE, 0.0, StepKind.OFF_NETWORK, side=Side.LEFT),
)


@dataclass
class Ground:
    """Stands in for what the services say of the ground, and remembers how it was asked."""

    side: RealmServices
    way: WalkRoute | None
    layers: Sequence[tuple[HazardLayer, int]] = ()
    asked: list[tuple[tuple[float, float], str | None, Foot]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)  # shut: the search takes for ever

    async def route(
        self, start_lonlat: tuple[float, float], site_id: str | None, *, foot: Foot = Foot.STANDARD
    ) -> WalkRoute | None:
        if site_id is not None and all(one.site_id != site_id for one in await self.side.sites.all()):
            raise NotFound("site", site_id)
        self.asked.append((start_lonlat, site_id, foot))
        await self.gate.wait()
        return self.way

    async def at(self, lon: float, lat: float) -> Sequence[tuple[HazardLayer, int]]:
        return self.layers


def found_way(*, about: bool = False) -> WalkRoute:
    line = np.array([[140.9701, 38.2221], [140.968, 38.2222], [140.967, 38.226], [140.9669, 38.2281]])
    return WalkRoute(lonlat=line, metres=899.0, effort_m=960.0, about=about, steps=STEPS)


def stand_on(side: RealmServices, *layers: tuple[HazardLayer, int], way: WalkRoute | None = None) -> Ground:
    """From now on the services of this side say this of the ground."""
    ground = Ground(side=side, way=way, layers=layers)
    ground.gate.set()
    side.geo.route = ground.route
    side.geo.at = ground.at
    return ground
