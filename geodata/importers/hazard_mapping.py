"""Hazard maps of a city's own, in any GeoJSON or shapefile: the settings say which property means what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from shapely import MultiPolygon, Polygon

from geodata.errors import BadMapping
from geodata.hazard_layers import HazardClass
from geodata.hazards import HazardKind
from geodata.importers.ksj_hazards import HazardDataset, Reading, Row
from geodata.importers.tables import RowRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardMapping:
    """How to read one map.

    class_property: the property whose value chooses the class, "" where the whole file is one class; classes:
    value → class, under "" the class of a file without such a property; blank: the class of a blank value, None =
    such a row is refused. label_property: "" = no label. coverage_lonlat: the ground the map was made for, None
    where nobody says, so that outside is unknown. Raises BadMapping.
    """

    key: str
    hazard: HazardKind
    name_ja: str
    class_property: str
    classes: Mapping[str, HazardClass]
    source: str
    version: str
    label_property: str = ""
    blank: HazardClass | None = None
    sample: bool = False
    coverage_lonlat: Polygon | MultiPolygon | None = None
    valid_from: date | None = None
    valid_until: date | None = None

    def __post_init__(self) -> None:
        for name in ("key", "name_ja", "source", "version"):
            if not getattr(self, name).strip():
                raise BadMapping(
                    field=name, detail="is empty; fill it in", detail_ja="空欄です。記入してください"
                )
        if not self.classes:
            raise BadMapping(field="classes", detail="names no class", detail_ja="区分がありません")
        every = [*self.classes.values(), *([self.blank] if self.blank else [])]
        for name in ("code", "rank"):
            by_value: dict[object, HazardClass] = {}
            for one in every:
                other = by_value.setdefault(getattr(one, name), one)
                if other != one:
                    found = getattr(one, name)
                    raise BadMapping(
                        field=f"classes.{name}",
                        detail=f"{found} stands for two classes; give each its own",
                        detail_ja=f"「{found}」が二つの区分に使われています。別の値にしてください",
                    )
        if not self.class_property and set(self.classes) != {""}:
            raise BadMapping(
                field="class_property",
                detail='is empty, so classes must name one class under ""',
                detail_ja="空欄のときは、区分は空文字の一つだけにしてください",
            )


def dataset_from(mapping: HazardMapping) -> HazardDataset:
    """The mapping as a data set that is read like those of 国土数値情報."""
    return HazardDataset(
        key=mapping.key,
        hazard=mapping.hazard,
        name_ja=mapping.name_ja,
        series=mapping.version,
        source=mapping.source,
        folder="",
        needs=(frozenset({mapping.class_property} if mapping.class_property else ()),),
        gml_kinds=(),
        read=lambda row, _: _read(mapping, row),
        classes=lambda keys: _classes(mapping, keys),
    )


def _read(mapping: HazardMapping, row: Row) -> Reading:
    label = row.get(mapping.label_property) if mapping.label_property else None
    value = "" if not mapping.class_property else row.get(mapping.class_property)
    text = "" if value is None else str(value).strip()
    if text not in mapping.classes and not (text == "" and mapping.blank):
        listed = "、".join(f"「{one}」" for one in mapping.classes)
        found = f"「{text}」は対応表にありません" if text else "空欄です"
        raise RowRefused(
            mapping.class_property, f"{found}（使える値：{listed}）。データか対応表を直してください。"
        )
    return Reading(text, "" if label is None else str(label).strip())


def _classes(mapping: HazardMapping, keys: Sequence[object]) -> dict[object, HazardClass]:
    found: dict[object, HazardClass] = dict(mapping.classes.items())
    if mapping.blank and "" not in found:
        found[""] = mapping.blank
    return found
