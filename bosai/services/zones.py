"""The areas an officer may choose by name, and the one place where a choice becomes an `AlertArea`.

    tsunami zones (file) ┐
    JMA areas (file)     ├─▶ keys "tsunami:area1" "jma:0410001" "ward:若林区" "town:若林区/荒浜" + drawn ─▶ AlertArea
    wards, towns (cells) ┘

Nothing ever falls back to "the whole city": no choice is an error.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

from bosai.errors import InvalidInput
from bosai.model.alert import AlertArea
from bosai.model.geometry import to_e7, union_e7
from geodata.areas import Bbox, parse_area
from geodata.cells import cells_of_towns
from geodata.errors import GeodataError
from geodata.importers.areas import NamedArea
from geodata.places import PlaceIndex, Town

SAMPLE_MARK = "見本・実際の区域ではありません"
CELL_MARK = "町の代表点からのおよその区域"


class ZoneCatalogue:
    """Named areas of one city. `tsunami` and `jma` come from GeoJSON files, wards and towns from the town table."""

    def __init__(
        self, tsunami: Sequence[NamedArea], jma: Sequence[NamedArea], places: PlaceIndex, bbox: Bbox
    ) -> None:
        self._tsunami = {f"tsunami:{one.kind}": _fixed(one, f"tsunami:{one.kind}") for one in tsunami}
        self._jma = {f"jma:{one.code}": _fixed(one, f"jma:{one.code}") for one in jma}
        self._places = places
        self._bbox = bbox

    def tsunami(self) -> Mapping[str, AlertArea]:
        """Key → tsunami evacuation zone."""
        return self._tsunami

    def jma(self) -> Mapping[str, AlertArea]:
        """Key → JMA area of weather warnings."""
        return self._jma

    @cached_property
    def wards(self) -> tuple[str, ...]:
        """Ward names, in the order of the town table."""
        return tuple(dict.fromkeys(town.ward for town in self._places.towns if not town.outside_city))

    @cached_property
    def towns(self) -> Mapping[str, Town]:
        """Key → town of this city."""
        return {f"town:{one.ward}/{one.name}": one for one in self._places.towns if not one.outside_city}

    def label(self, key: str) -> str:
        """What a person calls the area behind a key."""
        fixed = self._tsunami.get(key) or self._jma.get(key)
        if fixed is not None:
            return "、".join(fixed.names)
        return key.partition(":")[2].replace("/", " ")

    def area(self, keys: Sequence[str], drawn: object | None = None, drawn_name: str = "") -> AlertArea:
        """The union of what was chosen and drawn. Raises InvalidInput (field `area`) naming what is wrong."""
        chosen = [self._one(key) for key in dict.fromkeys(keys)]
        if drawn is not None:
            chosen.append(self._drawn(drawn, drawn_name))
        if not chosen:
            raise InvalidInput("area", "empty_area")
        if len(chosen) == 1:
            return chosen[0]
        return AlertArea(
            names=tuple(dict.fromkeys(name for one in chosen for name in one.names)),
            polygons_e7_lonlat=union_e7([one.polygons_e7_lonlat for one in chosen]),
            approximate=any(one.approximate for one in chosen),
            zone_keys=tuple(key for one in chosen for key in one.zone_keys),
        )

    def _one(self, key: str) -> AlertArea:
        fixed = self._tsunami.get(key) or self._jma.get(key)
        if fixed is not None:
            return fixed
        kind, _, name = key.partition(":")
        if kind == "ward" and name in self.wards:
            return self._cells(key, [one for one in self.towns.values() if one.ward == name], name)
        if key in self.towns:
            town = self.towns[key]
            return self._cells(key, [town], f"{town.ward}{town.name}")
        raise InvalidInput("area", "unknown_zone", key)

    def _cells(self, key: str, towns: Sequence[Town], name: str) -> AlertArea:
        rows = {id(one): row for row, one in enumerate(self._places.towns)}
        cells = cells_of_towns(
            [[one.lon, one.lat] for one in self._places.towns],
            [rows[id(one)] for one in towns],
            bbox=self._bbox,
        )
        return AlertArea(
            names=(name,),
            polygons_e7_lonlat=to_e7(cells.geometry_lonlat),
            approximate=cells.approximate,
            zone_keys=(key,),
        )

    def _drawn(self, drawn: object, name: str) -> AlertArea:
        if not name.strip():
            raise InvalidInput("area_name", "missing")
        try:
            area = parse_area(drawn, bbox=self._bbox)
        except GeodataError as error:
            raise InvalidInput("area", "bad_geometry", error.ja) from error
        return AlertArea(names=(name.strip(),), polygons_e7_lonlat=to_e7(area), zone_keys=("drawn",))


def _fixed(one: NamedArea, key: str) -> AlertArea:
    return AlertArea(
        names=(one.name,),
        polygons_e7_lonlat=to_e7(one.geometry_lonlat),
        approximate=one.sample,
        zone_keys=(key,),
    )
