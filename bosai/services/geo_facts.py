"""What is known of the ground: towns, areas, hazard maps and the walking network, as imported.

    <data>/geo/ (stores/geo_files) ─┐
    built-in sample ────────────────┴▶ load_facts ─▶ GeoFacts (one version, never changed) ─▶ geo_holder

Loading is blocking and happens in threads. A stored fact that is damaged is left out and named in `problems`, with the
command that mends it; the rest keeps working. What was never imported is unknown, never "safe".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from bosai.services.geo_areas import ward_of
from bosai.services.geo_codec import read_areas, read_population, read_towns
from bosai.services.zones import ZoneCatalogue
from bosai.settings import SettingsInvalid
from bosai.settings_schema import Settings
from bosai.stores.geo_files import GeoFileDamaged, GeoFiles, Manifest, StoredFact
from geodata.areas import Bbox
from geodata.errors import GeodataError
from geodata.hazard_layers import HazardLayer
from geodata.importers.areas import JMA_AREAS, TSUNAMI_AREAS, AreasParsed, NamedArea, parse_named_areas
from geodata.importers.population import TownPopulation
from geodata.importers.towns import parse_towns
from geodata.layer_files import layer_from_bytes
from geodata.places import PlaceIndex, Town

# What these load (SciPy) takes half a second, and a process without an imported network never needs it.
if TYPE_CHECKING:
    from geodata.network import WalkNetwork

log = logging.getLogger(__name__)
T = TypeVar("T")

HAZARD = "hazard:"
"""Before the key of a layer in the manifest."""
ROADS, ELEVATION, NETWORK = "roads", "elevation", "network"
PLACES, POPULATION, JMA = "places", "population", "jma-areas"


class GeoProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Something stored can not be used here. `ja` says what, and the command that mends it."""

    key: str
    ja: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoFacts:
    """Everything of one version. `version` "" = nothing was imported: towns and areas are then those of the sample."""

    version: str
    places: PlaceIndex
    zones: ZoneCatalogue
    wards: tuple[NamedArea, ...] = ()  # JMA's polygons of the wards, thinned: never to tell who lies inside
    layers: tuple[HazardLayer, ...] = ()
    network: WalkNetwork | None = None
    population: TownPopulation | None = None
    stored: Mapping[str, StoredFact]
    attributions: tuple[str, ...] = ()  # the sentences that must stand where any of this is shown
    problems: tuple[GeoProblem, ...] = ()

    @property
    def sight(self) -> tuple[str, ...]:
        """What is seen of the version here: what is kept of it is made anew when something damaged was mended."""
        return self.version, *(one.key for one in self.problems)


def load_facts(settings: Settings, files: GeoFiles) -> GeoFacts:
    """The stored facts over the built-in sample. Blocking. Raises SettingsInvalid for a file that the settings name."""
    stored = _Stored(files)
    bbox = Bbox(*settings.city.bbox_lonlat)
    towns = stored.one(PLACES, "towns.msgpack", read_towns) or sample_towns(bbox)
    places = PlaceIndex(towns, epsg=settings.city.plane_epsg)
    areas = stored.one(JMA, "areas.geojson", read_areas) or ()
    wards = tuple(one for one in areas if ward_of(one))
    warned = tuple(one for one in areas if not ward_of(one)) or _sample_areas(bbox)
    return GeoFacts(
        version=stored.manifest.version,
        places=places,
        zones=_zones(settings, places, warned, bbox),
        wards=wards,
        layers=stored.layers(),
        population=stored.one(POPULATION, "population.msgpack", read_population),
        network=stored.mapped(NETWORK, _load_network),
        stored=stored.manifest.facts,
        attributions=_attributions(settings, stored.manifest),
        problems=tuple(stored.problems),
    )


def _attributions(settings: Settings, manifest: Manifest) -> tuple[str, ...]:
    sources = settings.sources
    sentences = {
        ROADS: sources.roads,
        ELEVATION: sources.elevation,
        PLACES: sources.places,
        POPULATION: sources.population,
        JMA: sources.jma_areas,
    }
    layers = [
        f"出典：{source}"
        for key, one in manifest.facts.items()
        if key.startswith(HAZARD) and (source := str(one.notes.get("source") or ""))
    ]
    found = [sentences[key] for key in sentences if key in manifest.facts]
    return tuple(dict.fromkeys(one for one in (sources.sites, *found, *layers) if one))


def sample_towns(bbox: Bbox) -> tuple[Town, ...]:
    """The towns of the built-in sample."""
    return parse_towns(_sample("towns.csv"), bbox=bbox).towns


class _Stored:
    """The stored facts one by one; what can not be read is noted, not raised."""

    def __init__(self, files: GeoFiles) -> None:
        self.files = files
        self.problems: list[GeoProblem] = []
        try:
            self.manifest = files.manifest()
        except GeoFileDamaged as error:
            self.manifest = Manifest()
            self._note(error)

    def one(self, key: str, name: str, read: Callable[[bytes], T]) -> T | None:
        """What `read` makes of a stored file; None where there is none or it can not be used."""
        fact = self.manifest.facts.get(key)
        if fact is None:
            return None
        try:
            return read(self.files.read(key, fact, name))
        except (ValueError, GeodataError) as error:
            self._note(GeoFileDamaged(key, self.files.folder / fact.folder / name, str(error)[:200]))
        except GeoFileDamaged as error:
            self._note(error)
        return None

    def layers(self) -> tuple[HazardLayer, ...]:
        """Every hazard map, by key."""
        keys = [key for key in sorted(self.manifest.facts) if key.startswith(HAZARD)]
        found = [self.one(key, "layer.bin", layer_from_bytes) for key in keys]
        return tuple(one for one in found if one is not None)

    def mapped(self, key: str, read: Callable[[Path], T]) -> T | None:
        """What `read` makes of the folder of a fact whose files are mapped into memory.

        Every byte is compared first: what is mapped is trusted from then on, and a row that points nowhere would stop
        each plan.
        """
        fact = self.manifest.facts.get(key)
        if fact is None:
            return None
        for error in self.files.damage_of(key, fact)[:1]:
            self._note(error)
            return None
        try:
            return read(self.files.path(key, fact))
        except (ValueError, OSError, GeodataError) as error:
            self._note(GeoFileDamaged(key, self.files.folder / fact.folder, str(error)[:200]))
        except GeoFileDamaged as error:
            self._note(error)
        return None

    def _note(self, error: GeoFileDamaged) -> None:
        log.error("a stored fact can not be used: %s", error)
        self.problems.append(problem_of(error))


def problem_of(error: GeoFileDamaged) -> GeoProblem:
    """What to do about a damaged fact."""
    ja = f"{_what(error.key)}のデータ（{error.path}）が壊れています。{_mend(error.key)}"
    return GeoProblem(key=error.key, ja=ja, detail=error.detail)


def _what(key: str) -> str:
    names = {
        ROADS: "道路",
        ELEVATION: "標高",
        NETWORK: "歩行経路",
        PLACES: "町名",
        POPULATION: "人口",
        JMA: "気象庁の区域",
        "": "取り込んだ地理",
    }
    return names.get(key, "ハザードマップ")


def _mend(key: str) -> str:
    if not key:
        return "bosai import で、すべてのファイルを取り込み直してください。"
    kind = "hazards" if key.startswith(HAZARD) else "roads" if key == NETWORK else key
    kind = PLACES if kind == POPULATION else kind
    return f"bosai import {kind} で、元のファイルを取り込み直してください。"


def _load_network(folder: Path) -> WalkNetwork:
    from geodata import network_files  # noqa: PLC0415

    return network_files.load(folder)


def _zones(
    settings: Settings, places: PlaceIndex, warned: tuple[NamedArea, ...], bbox: Bbox
) -> ZoneCatalogue:
    custom = settings.hazard_files.tsunami_areas
    tsunami = _sound(
        custom or "tsunami_areas.geojson",
        parse_named_areas(
            _custom(custom) if custom else _sample("tsunami_areas.geojson"), TSUNAMI_AREAS, bbox=bbox
        ),
    )
    zones = ZoneCatalogue(tsunami.records, warned, places, bbox)
    for name in sorted(settings.tsunami.named):
        if f"tsunami:{name}" not in zones.tsunami():
            raise SettingsInvalid("tsunami", name, "no area of hazard_files.tsunami_areas has this name")
    return zones


def _sample_areas(bbox: Bbox) -> tuple[NamedArea, ...]:
    name = "jma_areas.geojson"
    return _sound(name, parse_named_areas(_sample(name), JMA_AREAS, bbox=bbox, repair=True)).records


def _sound(name: str, parsed: AreasParsed) -> AreasParsed:
    """An area left out in silence would leave people out: refuse the file instead."""
    if parsed.rejected:
        first = parsed.rejected[0]
        raise SettingsInvalid("hazard_files", name, f"area {first.row}, {first.field}: {first.reason}")
    return parsed


def _custom(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsInvalid(
            "hazard_files.tsunami_areas", path, f"can not be read: {error.strerror}"
        ) from None


def _sample(name: str) -> bytes:
    return resources.files("bosai").joinpath("sample", name).read_bytes()
