"""What can be wrong with geographic input, one class per fact.

Every error tells the same fact twice: `str(error)` in English for logs, `error.ja` for officials.
Both name the field or the position and the mend.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

from geodata.reasons import reason_ja


@dataclass(eq=False)
class GeodataError(Exception):
    """Input that geodata refuses; the facts are the attributes."""

    en_template: ClassVar[str] = "Geographic input was refused."
    ja_template: ClassVar[str] = "位置のデータを受け付けられません。"

    def _facts(self) -> dict[str, object]:
        return {one.name: _printable(getattr(self, one.name)) for one in fields(self)}

    def __str__(self) -> str:
        return self.en_template.format(**self._facts())

    @property
    def ja(self) -> str:
        """The same sentence in Japanese, for the person who gave the input."""
        return self.ja_template.format(**self._facts())


def _printable(fact: object) -> object:
    """What a broken file holds is quoted to people; signs that no screen shows are not."""
    if not isinstance(fact, str):
        return fact
    return "".join(one if one.isprintable() else "\ufffd" for one in fact)


@dataclass(eq=False)
class UnsupportedGeometry(GeodataError):
    """The geometry is missing or is not a Polygon or MultiPolygon."""

    found: str
    en_template: ClassVar[str] = "geometry: expected a GeoJSON Polygon or MultiPolygon, found {found}."
    ja_template: ClassVar[str] = (
        "geometry：区域は GeoJSON の Polygon か MultiPolygon で指定してください（入力：{found}）。"
    )


@dataclass(eq=False)
class BadPosition(GeodataError):
    """A position is not a pair of finite numbers."""

    where: str
    en_template: ClassVar[str] = "{where}: a position must be [longitude, latitude], two finite numbers."
    ja_template: ClassVar[str] = "{where}：座標は［経度, 緯度］の2つの数値で指定してください。"


@dataclass(eq=False)
class TooFewPoints(GeodataError):
    """A ring has fewer than three different points."""

    where: str
    count: int
    en_template: ClassVar[str] = "{where}: {count} different points; an area needs at least 3."
    ja_template: ClassVar[str] = "{where}：異なる点が{count}個しかありません。区域は3点以上で囲んでください。"


@dataclass(eq=False)
class TooManyVertices(GeodataError):
    """The area has more vertices than any real one."""

    count: int
    limit: int
    en_template: ClassVar[str] = "geometry: {count} vertices, the limit is {limit}; simplify the area."
    ja_template: ClassVar[str] = (
        "geometry：頂点が{count}個あります（上限{limit}個）。区域を簡略化してください。"
    )


@dataclass(eq=False)
class EmptyArea(GeodataError):
    """The area encloses nothing."""

    en_template: ClassVar[str] = "geometry: the area encloses nothing; draw it again."
    ja_template: ClassVar[str] = "geometry：区域の面積がありません。もう一度描いてください。"


@dataclass(eq=False)
class SelfCrossing(GeodataError):
    """An edge of the area crosses or touches another one."""

    lon: float
    lat: float
    en_template: ClassVar[str] = (
        "geometry: the outline crosses itself near longitude {lon:.6f}, "
        "latitude {lat:.6f}; move a point there."
    )
    ja_template: ClassVar[str] = (
        "geometry：区域の線が経度{lon:.6f}・緯度{lat:.6f}の付近で交差しています。その点を動かしてください。"
    )


@dataclass(eq=False)
class OutsideCity(GeodataError):
    """A position lies outside the rectangle the city covers."""

    lon: float
    lat: float
    limits: str
    en_template: ClassVar[str] = (
        "geometry: longitude {lon:.6f}, latitude {lat:.6f} is outside the city ({limits}); "
        "check the position."
    )
    ja_template: ClassVar[str] = (
        "geometry：経度{lon:.6f}・緯度{lat:.6f}は対象市域（{limits}）の外です。位置を確認してください。"
    )


@dataclass(eq=False)
class LatLonSwapped(GeodataError):
    """Latitude and longitude are the wrong way round (GeoJSON is longitude first)."""

    lon: float
    lat: float
    en_template: ClassVar[str] = (
        "geometry: [{lon:.6f}, {lat:.6f}] has latitude first; GeoJSON positions are [longitude, latitude]."
    )
    ja_template: ClassVar[str] = (
        "geometry：［{lon:.6f}, {lat:.6f}］は緯度と経度が逆です。［経度, 緯度］の順で指定してください。"
    )


@dataclass(eq=False)
class UnreadableText(GeodataError):
    """The bytes are neither UTF-8 nor cp932 text."""

    byte: int
    en_template: ClassVar[str] = "file: not UTF-8 (bad at byte {byte}) and not cp932; save it as CSV UTF-8."
    ja_template: ClassVar[str] = (
        "ファイル：UTF-8（{byte}バイト目で不正）でもShift_JIS（cp932）でも読めません。"
        "CSV UTF-8で保存し直してください。"
    )


@dataclass(eq=False)
class UnknownLayout(GeodataError):
    """The columns are of no layout known here."""

    found: str
    expected: str
    en_template: ClassVar[str] = "header: found [{found}]; expected {expected}."
    ja_template: ClassVar[str] = (
        "見出し行：［{found}］は取り込める形式ではありません。必要な見出し：{expected}。"
    )


@dataclass(eq=False)
class UnclosedQuote(GeodataError):
    """A quoted field is never closed, so the rest of the file cannot be trusted."""

    row: int
    en_template: ClassVar[str] = (
        'row {row}: a quoted field (") starts here and is never closed; close it and import again.'
    )
    ja_template: ClassVar[str] = (
        '{row}行目：引用符（"）が閉じられていないため、以降を読めません。閉じてから取り込み直してください。'
    )


@dataclass(eq=False)
class BrokenJson(GeodataError):
    """The bytes are not JSON, or not of the expected shape."""

    detail: str
    en_template: ClassVar[str] = "file: not the expected JSON ({detail})."
    ja_template: ClassVar[str] = "ファイル：想定したJSONではありません（{detail}）。"


@dataclass(eq=False)
class DamagedGeoFiles(GeodataError):
    """Stored roads, heights or the walking network are missing, cut off or changed."""

    where: str
    detail: str
    expected: str
    en_template: ClassVar[str] = (
        "{where}: not what was stored (found {detail}, expected {expected}); import the file again."
    )
    ja_template: ClassVar[str] = (
        "{where}：保存した内容と違います（{detail}。想定：{expected}）。もう一度取り込んでください。"
    )


@dataclass(eq=False)
class UnreadableRoads(GeodataError):
    """The bytes are no road file of the kind that was expected."""

    expected: str
    detail: str
    en_template: ClassVar[str] = "file: expected {expected}; could not read it ({detail})."
    ja_template: ClassVar[str] = "道路のファイル：{expected}として読めません（{detail}）。"

    @property
    def ja(self) -> str:
        """The sentence with the reason in Japanese."""
        return self.ja_template.format(expected=self.expected, detail=reason_ja(self.detail))


@dataclass(eq=False)
class UnreadableGrid(GeodataError):
    """The bytes are no ESRI ASCII grid, or its rows do not fit its heading."""

    line: int
    detail: str
    detail_ja: str
    en_template: ClassVar[str] = "line {line}: {detail}"
    ja_template: ClassVar[str] = "標高のファイル：{line}行目：{detail_ja}"


@dataclass(eq=False)
class UnreadableArchive(GeodataError):
    """A zip file is damaged, locked, or opens to more than any real list."""

    why: str
    why_ja: str
    en_template: ClassVar[str] = "zip: {why}; import the list itself or zip it again."
    ja_template: ClassVar[str] = (
        "zipファイル：{why_ja}。中の一覧をそのまま取り込むか、zipを作り直してください。"
    )


@dataclass(eq=False)
class NotOneList(GeodataError):
    """A zip file holds no list, or several, so nobody can tell which one is meant."""

    found: str
    expected: str
    en_template: ClassVar[str] = "zip: expected exactly one file ({expected}), found [{found}]."
    ja_template: ClassVar[str] = (
        "zipファイル：一覧（{expected}）を1つだけ入れてください（見つかったもの：［{found}］）。"
    )


@dataclass(eq=False)
class OtherList(GeodataError):
    """The file is a list that is known, but not of the kind that was asked for."""

    expected: str
    found: str
    command: str
    en_template: ClassVar[str] = "file: expected {expected}, but this is {found}; import it as {command}."
    ja_template: ClassVar[str] = (
        "ファイル：{expected}ではなく、{found}です。「{command}」として取り込んでください。"
    )


@dataclass(eq=False)
class RepeatedHeading(GeodataError):
    """A heading stands in two columns, so nobody can tell which one is meant."""

    heading: str
    en_template: ClassVar[str] = "header: {heading} stands there twice; remove or rename one column."
    ja_template: ClassVar[str] = (
        "見出し行：「{heading}」が2列あります。片方の列を削除するか、見出しを改めてください。"
    )


@dataclass(eq=False)
class UnreadableZip(GeodataError):
    """A zip that can not be opened, or that holds nothing to read."""

    detail: str
    detail_ja: str
    en_template: ClassVar[str] = "file: the zip can not be used ({detail}); download it again."
    ja_template: ClassVar[str] = (
        "ファイル：zipを使えません（{detail_ja}）。ダウンロードし直すか、圧縮し直してください。"
    )


@dataclass(eq=False)
class TooLarge(GeodataError):
    """A file that would fill the memory when it is unpacked."""

    megabytes: int
    limit_megabytes: int
    en_template: ClassVar[str] = (
        "file: {megabytes} MB unpacked, the limit is {limit_megabytes} MB; cut it down to the city first."
    )
    ja_template: ClassVar[str] = (
        "ファイル：展開すると{megabytes}MBになります（上限{limit_megabytes}MB）。市域だけを切り出してください。"
    )


@dataclass(eq=False)
class NotVector(GeodataError):
    """Bytes that are none of the formats of areas read here."""

    name: str
    detail: str = ""
    en_template: ClassVar[str] = (
        "{name}: expected a shapefile (as zip), GeoJSON, or GML of 国土数値情報 (.xml); can not be read {detail}"
    )
    ja_template: ClassVar[str] = (
        "{name}：シェープファイル（zip）、GeoJSON、国土数値情報のGML（.xml）のいずれでもないか、"
        "壊れています。{detail}"
    )

    @property
    def ja(self) -> str:
        """The sentence with the reason in Japanese."""
        return self.ja_template.format(name=self.name, detail=reason_ja(self.detail))


@dataclass(eq=False)
class MissingPart(GeodataError):
    """A shapefile without one of the files it is made of."""

    name: str
    missing: str
    en_template: ClassVar[str] = (
        "{name}: the shapefile lacks {missing}; put .shp, .shx and .dbf into one zip."
    )
    ja_template: ClassVar[str] = (
        "{name}：シェープファイルに{missing}がありません。.shp・.shx・.dbfを一つのzipに入れてください。"
    )


@dataclass(eq=False)
class UnknownCrs(GeodataError):
    """A file that does not say in which coordinates it is written."""

    name: str
    en_template: ClassVar[str] = (
        "{name}: says no coordinate system (.prj, crs, srsName); give it, e.g. --epsg 6668 (JGD2011)."
    )
    ja_template: ClassVar[str] = (
        "{name}：座標系が書かれていません（.prj・crs・srsName）。"
        "--epsg で指定してください（JGD2011の緯度経度なら 6668、平面直角座標系第X系なら 6678）。"
    )


@dataclass(eq=False)
class UnsupportedCrs(GeodataError):
    """A coordinate system that is none of Japan's, or not the one the file itself names."""

    name: str
    found: str
    en_template: ClassVar[str] = (
        "{name}: coordinate system {found}; expected JGD2011, JGD2000, Tokyo or WGS 84, in degrees or on a plane."
    )
    ja_template: ClassVar[str] = (
        "{name}：座標系「{found}」は扱えません。JGD2011・JGD2000・日本測地系（Tokyo）・WGS 84の"
        "緯度経度か平面座標で用意してください。"
    )


@dataclass(eq=False)
class AxesSwapped(GeodataError):
    """The positions of a file are the wrong way round."""

    name: str
    x: float
    y: float
    en_template: ClassVar[str] = (
        "{name}: ({x:.6f}, {y:.6f}) has its two numbers the wrong way round for the city; "
        "expected longitude (east) first; export it again."
    )
    ja_template: ClassVar[str] = (
        "{name}：（{x:.6f}, {y:.6f}）は緯度と経度（北と東）が逆です。"
        "自動では入れ替えません。経度・緯度の順で出力し直してください。"
    )


@dataclass(eq=False)
class PositionsOffEarth(GeodataError):
    """Positions that can not be what the file says they are."""

    name: str
    x: float
    y: float
    en_template: ClassVar[str] = (
        "{name}: ({x}, {y}) is no longitude and latitude; is it on a plane? Say which with --epsg."
    )
    ja_template: ClassVar[str] = (
        "{name}：（{x}, {y}）は経度・緯度ではありません。平面座標なら --epsg で系を指定してください。"
    )


@dataclass(eq=False)
class UnknownHazardFile(GeodataError):
    """A file of areas that is no hazard map known here."""

    found: str
    detail_ja: str = ""
    en_template: ClassVar[str] = (
        "file: found [{found}]; expected 国土数値情報 A31a/A31b (A31a_205 …), A33 (A33_001, A33_002), "
        "A40 (A40_003) or A49 (A49_003), or a mapping in the settings."
    )
    ja_template: ClassVar[str] = (
        "ファイル：［{found}］は取り込めるハザードマップではありません。"
        "国土数値情報の洪水 A31a・A31b（A31a_205 など）、土砂 A33（A33_001・A33_002）、"
        "津波 A40（A40_003）、高潮 A49（A49_003）のいずれか、または設定の対応表が必要です。{detail_ja}"
    )


@dataclass(eq=False)
class OldFloodFile(GeodataError):
    """A31 of before 2022: other attributes, and up to 2012 another list of depths."""

    found: str
    en_template: ClassVar[str] = (
        "file: [{found}] is A31 of before 2022 (other attributes, up to 2012 another list of depths); "
        "import A31a of 2022 or later instead."
    )
    ja_template: ClassVar[str] = (
        "ファイル：［{found}］は2021年度までの旧データ（A31）です。属性や浸水深の区分が今と違うため取り込みません。"
        "2022年度以降の「洪水浸水想定区域（A31a）」を使ってください。"
    )


@dataclass(eq=False)
class SeveralLayers(GeodataError):
    """A file of several maps where a mapping of the settings explains one."""

    found: str
    en_template: ClassVar[str] = (
        "file: holds several maps [{found}]; a mapping reads one, so give it one alone."
    )
    ja_template: ClassVar[str] = (
        "ファイル：複数の図が入っています［{found}］。設定の対応表で読めるのは一つです。"
        "一つの図だけを入れたファイルにしてください。"
    )


@dataclass(eq=False)
class BrokenXml(GeodataError):
    """XML that can not be read safely, or points at what is not there."""

    name: str
    detail: str
    en_template: ClassVar[str] = "{name}: not the expected GML ({detail})."
    ja_template: ClassVar[str] = "{name}：国土数値情報のGMLとして読めません（{detail}）。"


@dataclass(eq=False)
class BrokenLayer(GeodataError):
    """Stored bytes that are no hazard layer."""

    detail: str
    en_template: ClassVar[str] = "stored hazard layer: {detail}; import the file again."
    ja_template: ClassVar[str] = "保存されたハザードマップを読めません（{detail}）。取り込み直してください。"


@dataclass(eq=False)
class BadMapping(GeodataError):
    """A mapping of the settings that can not be used."""

    field: str
    detail: str
    detail_ja: str
    en_template: ClassVar[str] = "hazard mapping, {field}: {detail}."
    ja_template: ClassVar[str] = "ハザードマップの対応表の {field}：{detail_ja}。"


@dataclass(eq=False)
class NothingOfCity(GeodataError):
    """A list is well formed, but every row of it is of another municipality."""

    city: str
    count: int
    en_template: ClassVar[str] = (
        "file: none of its {count} rows is of {city}; take the list of that city, or name the city of this one."
    )
    ja_template: ClassVar[str] = (
        "ファイル：{count}行のなかに{city}の行がありません。{city}の一覧を取り込むか、市町村名を確かめてください。"
    )
