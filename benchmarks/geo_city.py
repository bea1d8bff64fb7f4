"""What the benchmark of geodata works on: real Sendai where its folder is, else a city of the same size made up."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.crs import to_lonlat
from geodata.importers.roads_geojson import parse_road_lines
from geodata.importers.town_points import parse_town_points
from geodata.importers.towns import parse_towns
from geodata.network import WalkNetwork, build
from geodata.places import Town
from geodata.roads import RoadKind, RoadLines

ROOT = Path(__file__).resolve().parents[1]
ROADS = "osm/sendai_central_roads_osm_20260204.geojson.gz"
TOWNS = "places/towns_miyagi_geolonia_202401.csv"
CENTRE_XY_M = (3_000.0, -193_000.0)  # the middle of Sendai on plane X
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class City:
    """A network and towns, and whether they are real."""

    network: WalkNetwork
    towns: tuple[Town, ...]
    name: str


def shared_data() -> Path | None:
    """The folder of real public data, None where it is not here."""
    folder = Path(os.environ.get("BOSAI_SHARED_DATA") or ROOT.parent / "shared" / "data")
    return folder if folder.is_dir() else None


def open_city() -> City:
    """Real roads and towns where they are, else a made city and the sample's towns."""
    folder = shared_data()
    if folder is None:
        sample = parse_towns((ROOT / "bosai" / "sample" / "towns.csv").read_bytes()).towns
        network, _ = build(made_roads())
        return City(network, tuple(sample), "a made city")
    network, _ = build(parse_road_lines((folder / ROADS).read_bytes()).roads)
    towns = parse_town_points((folder / TOWNS).read_bytes(), city="仙台市").towns
    return City(network, towns, "central Sendai")


def made_roads(blocks: int = 165, *, seed: int = 4) -> RoadLines:
    """Bent streets on a lattice with gaps and dead ends: as many vertices as central Sendai has."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((blocks, blocks))
    joints = np.stack([columns, rows], axis=-1) * 85.0 + rng.normal(0, 14, (blocks, blocks, 2)) + CENTRE_XY_M
    pairs = np.concatenate(
        [
            np.stack([joints[:, :-1].reshape(-1, 2), joints[:, 1:].reshape(-1, 2)], axis=1),
            np.stack([joints[:-1].reshape(-1, 2), joints[1:].reshape(-1, 2)], axis=1),
        ]
    )
    pairs = pairs[rng.random(len(pairs)) > 0.12]
    share = np.linspace(0, 1, 4)[None, :, None]
    lines = pairs[:, :1] * (1 - share) + pairs[:, 1:] * share
    lines[:, 1:-1] += rng.normal(0, 4, (len(lines), 2, 2))
    count = len(lines)
    return RoadLines(
        lonlat=np.round(to_lonlat(lines.reshape(-1, 2)), 7),
        first=np.arange(count + 1, dtype=np.int64) * 4,
        kind=np.full(count, RoadKind.ROAD, dtype=np.int8),
        flags=np.zeros(count, dtype=np.uint8),
        layer=np.zeros(count, dtype=np.int8),
        name=np.full(count, -1, dtype=np.int32),
        names=(),
        source="made",
        passed_over={},
    )


def made_areas(
    network: WalkNetwork, count: int, vertices: int, *, radius_m: float, seed: int
) -> list[shapely.Polygon]:
    """Ragged areas over the city, like a flood's outline."""
    rng = np.random.default_rng(seed)
    return [
        ragged(network.xy_m[rng.integers(len(network.xy_m))], radius_m, vertices, seed=seed + n)
        for n in range(count)
    ]


def ragged(centre_xy_m: Floats, radius_m: float, vertices: int, *, seed: int) -> shapely.Polygon:
    """One ring round a centre; the same seed with another radius is the same shape, grown."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    swell = 1 + sum(rng.uniform(0, 0.12) * np.sin(k * angle + rng.uniform(0, 7)) for k in range(2, 9))
    radius = radius_m * (swell + rng.uniform(-0.004, 0.004, vertices))
    return shapely.Polygon(centre_xy_m + np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))


def scattered(network: WalkNetwork, count: int, spread_m: float, *, seed: int) -> Floats:
    """(count, 2) points beside the ways of a network."""
    rng = np.random.default_rng(seed)
    return network.xy_m[rng.integers(0, len(network.xy_m), count)] + rng.normal(0, spread_m, (count, 2))
