"""The hazard maps of 国土数値情報: which attribute means what, as their pages define it.

A31a, A31b 洪水 · A33 土砂 · A40 津波 · A49 高潮 ─▶ for each row: class and label, or why it is refused
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from geodata.hazard_layers import HazardClass
from geodata.hazards import HazardKind
from geodata.importers.depth_text import Depth, depth_classes, parse_depth, unknown_depth
from geodata.importers.tables import RowRefused

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one row says: the key of its class, and its label."""

    key: object
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardDataset:
    """One map of a data set.

    needs: attributes by which it is known, one set of names for each edition. folder: the number its folder and
    files carry in A31a; "" where the data set has one map only. gml_kinds: its elements in GML, in part.
    read: a row → Reading, raising RowRefused; classes: the keys of all rows → classes, and the key of each.
    """

    key: str
    hazard: HazardKind
    name_ja: str
    series: str  # of the version: "A31a"
    source: str  # without 「出典：」
    folder: str
    needs: tuple[frozenset[str], ...]
    gml_kinds: tuple[str, ...]
    read: Callable[[Row, str], Reading]
    classes: Callable[[Sequence[object]], dict[object, HazardClass]]


def _source(data_set: str) -> str:
    """What the terms of 国土数値情報 ask for where its data are shown changed: ours are mended and rounded."""
    return f"国土数値情報（{data_set}）（国土交通省）を加工して作成"


# ---- flood -------------------------------------------------------------------------------------

_FLOOD_DEPTHS: tuple[tuple[str, float, float | None], ...] = (
    ("0m以上0.5m未満", 0.0, 0.5),
    ("0.5m以上3m未満", 0.5, 3.0),
    ("3m以上5m未満", 3.0, 5.0),
    ("5m以上10m未満", 5.0, 10.0),
    ("10m以上20m未満", 10.0, 20.0),
    ("20m以上", 20.0, None),
)
FLOOD_CLASSES: dict[object, HazardClass] = {
    code: HazardClass(code=f"flood_{code}", rank=code, ja=ja, depth_min_m=low, depth_max_m=high)
    for code, (ja, low, high) in enumerate(_FLOOD_DEPTHS, start=1)
} | {None: unknown_depth("flood", len(_FLOOD_DEPTHS) + 1)}

_DURATIONS: tuple[tuple[str, float, float | None], ...] = (
    ("12時間未満", 0.0, 12.0),
    ("12時間以上24時間未満（1日間）", 12.0, 24.0),
    ("24時間以上72時間未満（3日間）", 24.0, 72.0),
    ("72時間以上168時間未満（1週間）", 72.0, 168.0),
    ("168時間以上336時間未満（2週間）", 168.0, 336.0),
    ("336時間以上672時間未満（4週間）", 336.0, 672.0),
    ("672時間以上（4週間以上）", 672.0, None),
)
DURATION_CLASSES: dict[object, HazardClass] = {
    code: HazardClass(
        code=f"flood_duration_{code}", rank=code, ja=ja, duration_min_h=low, duration_max_h=high
    )
    for code, (ja, low, high) in enumerate(_DURATIONS, start=1)
} | {None: HazardClass(code="flood_duration_unknown", rank=len(_DURATIONS) + 1, ja="浸水継続時間不明")}

HOUSE_CLASSES: dict[object, HazardClass] = {
    2: HazardClass(code="flood_house_erosion", rank=1, ja="家屋倒壊等氾濫想定区域（河岸侵食）"),
    1: HazardClass(code="flood_house_stream", rank=2, ja="家屋倒壊等氾濫想定区域（氾濫流）"),
    3: HazardClass(code="flood_house_both", rank=3, ja="家屋倒壊等氾濫想定区域（氾濫流・河岸侵食）"),
}


def _flood(digit: int, codes: Mapping[object, HazardClass]) -> Callable[[Row, str], Reading]:
    """Rows of folder 10, 20, 30, 41/42: attributes A31a_1xx, _2xx, _3xx, _4xx; A31b has only the rank, _x01."""
    names = (f"A31a_{digit}05", f"A31b_{digit}01", "waterDepth")
    rivers = (f"A31a_{digit}02", "riverName")

    def read(row: Row, path: str) -> Reading:
        field = next((one for one in names if one in row), names[0])
        code = whole_number(row, field, codes)
        if code is None and None not in codes:
            code = _house_by_folder(path, field)
        return Reading(code, _text(row, *rivers))

    return read


def _house_by_folder(path: str, field: str) -> int:
    """Folder 41 is 氾濫流 and 42 河岸侵食 even where the attribute is blank."""
    number = folder_number(path)
    if number in ("41", "42"):
        return 1 if number == "41" else 2
    raise RowRefused(field, "空欄です。1（氾濫流）・2（河岸侵食）・3（両方）のいずれかを記入してください。")


# ---- landslide ---------------------------------------------------------------------------------

# A33_001, in the order of the data set's own code list; other lists put 土石流 first.
PHENOMENA: dict[object, str] = {1: "急傾斜地の崩壊", 2: "土石流", 3: "地滑り"}
LANDSLIDE_CLASSES: dict[object, HazardClass] = {
    3: HazardClass(code="landslide_warning_planned", rank=1, ja="土砂災害警戒区域（指定前）"),
    1: HazardClass(code="landslide_warning", rank=2, ja="土砂災害警戒区域"),
    4: HazardClass(code="landslide_special_planned", rank=3, ja="土砂災害特別警戒区域（指定前）"),
    2: HazardClass(code="landslide_special", rank=4, ja="土砂災害特別警戒区域"),
}


def _landslide(row: Row, path: str) -> Reading:
    zone = whole_number(row, "A33_002" if "A33_002" in row else "coz", LANDSLIDE_CLASSES)
    if zone is None:
        raise RowRefused("A33_002", "空欄です。区域区分（1〜4）を記入してください。")
    code = whole_number(row, "A33_001" if "A33_001" in row else "cop", PHENOMENA)
    phenomenon = PHENOMENA.get(code, "現象の種類は不明")
    name = _text(row, "A33_005", "znm") or _text(row, "A33_004", "znn")
    return Reading(zone, f"{phenomenon} {name}".strip())


# ---- tsunami, storm surge ----------------------------------------------------------------------


# In GML; the second spelling is the data set's own slip.
_DEPTH_TEXTS = frozenset({"classificationOfWaterDepth", "cassificationOfWaterDepth"})


def _depth_text(name: str) -> Callable[[Row, str], Reading]:
    def read(row: Row, path: str) -> Reading:
        field = next((one for one in row if one == name or one in _DEPTH_TEXTS), name)
        value = row.get(field)
        if value is None:
            return Reading(None, "")
        try:
            return Reading(parse_depth(str(value)), "")
        except ValueError:
            example = "「0.3m以上1.0m未満」「5m以上」"
            reason = f"「{value}」は浸水深の区分として読めません。{example}のように書いてください。"
            raise RowRefused(field, reason) from None

    return read


def _classes_by_depth(prefix: str) -> Callable[[Sequence[object]], dict[object, HazardClass]]:
    def classes(keys: Sequence[object]) -> dict[object, HazardClass]:
        depths = {one for one in keys if one is None or isinstance(one, Depth)}
        made = depth_classes(depths, prefix)
        by_range = {(one.depth_min_m, one.depth_max_m): one for one in made}
        return {one: by_range[(one.min_m, one.max_m) if one else (None, None)] for one in depths}

    return classes


def _fixed(table: Mapping[object, HazardClass]) -> Callable[[Sequence[object]], dict[object, HazardClass]]:
    def classes(keys: Sequence[object]) -> dict[object, HazardClass]:
        # The unknown is a class of the map only where it is met; the others are its legend.
        return {key: one for key, one in table.items() if key is not None or None in keys}

    return classes


def _flood_map(key: str, name_ja: str, folder: str, table: Mapping[object, HazardClass]) -> HazardDataset:
    digit = int(folder[0])
    return HazardDataset(
        key=key,
        hazard=HazardKind.FLOOD,
        name_ja=name_ja,
        series="A31a",
        source=_source("洪水浸水想定区域データ"),
        folder=folder,
        needs=(frozenset({f"A31a_{digit}05"}), frozenset({f"A31b_{digit}01"})),
        gml_kinds=("MaximumScale",) if folder == "20" else (),
        read=_flood(digit, table),
        classes=_fixed(table),
    )


KSJ_HAZARDS: tuple[HazardDataset, ...] = (
    _flood_map("flood_plan", "洪水浸水想定区域（計画規模）", "10", FLOOD_CLASSES),
    _flood_map("flood_max", "洪水浸水想定区域（想定最大規模）", "20", FLOOD_CLASSES),
    _flood_map("flood_duration", "浸水継続時間（想定最大規模）", "30", DURATION_CLASSES),
    _flood_map("flood_house", "家屋倒壊等氾濫想定区域（想定最大規模）", "40", HOUSE_CLASSES),
    HazardDataset(
        key="landslide",
        hazard=HazardKind.LANDSLIDE,
        name_ja="土砂災害警戒区域・特別警戒区域",
        series="A33",
        source=_source("土砂災害警戒区域データ"),
        folder="",
        needs=(frozenset({"A33_001", "A33_002"}), frozenset({"cop", "coz"})),
        gml_kinds=("SedimentRelatedDisasterWarningAreas",),
        read=_landslide,
        classes=_fixed(LANDSLIDE_CLASSES),
    ),
    HazardDataset(
        key="tsunami",
        hazard=HazardKind.TSUNAMI,
        name_ja="津波浸水想定",
        series="A40",
        source=_source("津波浸水想定データ"),
        folder="",
        needs=(frozenset({"A40_003"}),),
        gml_kinds=("Tsunami",),
        read=_depth_text("A40_003"),
        classes=_classes_by_depth("tsunami"),
    ),
    HazardDataset(
        key="storm_surge",
        hazard=HazardKind.STORM_SURGE,
        name_ja="高潮浸水想定区域",
        series="A49",
        source=_source("高潮浸水想定区域データ"),
        folder="",
        needs=(frozenset({"A49_003"}),),
        gml_kinds=("StormSurge",),
        read=_depth_text("A49_003"),
        classes=_classes_by_depth("storm_surge"),
    ),
)


def dataset_of(columns: frozenset[str], kinds: frozenset[str], path: str) -> HazardDataset | None:
    """The map a file holds, by its attributes; in GML by its elements and the number in its name."""
    for one in KSJ_HAZARDS:
        if any(names <= columns for names in one.needs):
            return one
    for one in KSJ_HAZARDS:
        if any(part in kind for part in one.gml_kinds for kind in kinds):
            return one
    return _gml_by_name(columns, path) if kinds and not is_old_flood(columns, kinds) else None


def _gml_by_name(columns: frozenset[str], path: str) -> HazardDataset | None:
    """GML whose elements are not known here, by the number or the series in its name."""
    if "waterDepth" in columns or folder_number(path) in ("41", "42"):
        return dataset_of_folder(path)
    if columns & _DEPTH_TEXTS:
        return next((one for one in KSJ_HAZARDS if not one.folder and f"{one.series}-" in path), None)
    return None


def dataset_of_folder(path: str) -> HazardDataset | None:
    """The map the number of a folder or file stands for; 41 and 42 are two halves of one."""
    number = folder_number(path)
    return next((one for one in KSJ_HAZARDS if number and one.folder[:1] == number[0]), None)


def folder_number(path: str) -> str:
    """The number of an A31a folder or file: 10, 20, 30, 40, 41, 42; "" where it has none."""
    found = re.search(r"(?:^|/)(10|20|30|40|41|42)_[^/]*/|A31[ab]-(10|20|30|40|41|42)-", path)
    return (found[1] or found[2]) if found else ""


def is_old_flood(columns: frozenset[str], kinds: frozenset[str]) -> bool:
    """A31 of before 2022: A31_001 …, or ksj:ExpectedFloodArea."""
    return any(one.startswith("A31_") for one in columns) or any("ExpectedFloodArea" in one for one in kinds)


def whole_number(row: Row, field: str, allowed: Mapping[object, object]) -> int | None:
    """The code of a cell; None where it is blank. Raises RowRefused for one that is not in the list."""
    value = row.get(field)
    if value is None or str(value).strip() == "":
        return None
    text = str(value).strip()
    code = int(text) if re.fullmatch(r"\d{1,3}", text) else None
    if code is None or code not in allowed:
        listed = "、".join(str(one) for one in sorted(one for one in allowed if isinstance(one, int)))
        raise RowRefused(
            field, f"「{value}」はコード表にありません（使える値：{listed}）。元のデータを確認してください。"
        )
    return code


def _text(row: Row, *names: str) -> str:
    found = next((row[one] for one in names if row.get(one) is not None), "")
    text = str(found).strip()
    return "" if text in ("-", "－") else text
