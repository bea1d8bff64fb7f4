"""指定緊急避難場所一覧 of the 自治体標準オープンデータセット (sheet 03) and of the 推奨データセット before it.

Columns are found by heading. The two differ in names only: `全国地方公共団体コード, ID, 所在地_連結表記` in one,
`都道府県コード又は市区町村コード, NO, 住所, 方書` in the other; published files mix them and leave columns out.
A hazard without its column, or with an empty cell, is not designated. Phone numbers, postcodes, web addresses
and pictures are passed over: nothing here shows them.

`ID` is a number within one municipality, so the id of a record is `<six-figure code>-<ID>`; where a list gives
the national 共通ID, that is taken.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from geodata.areas import Bbox
from geodata.hazards import HAZARD_HEADINGS, HazardKind
from geodata.importers.capacities import MAX_PERSONS
from geodata.importers.site_rows import Row, SiteLayout, text_of, ward_of
from geodata.importers.tables import RowRefused, read_lonlat, required
from geodata.municipality_codes import six_figures
from geodata.remarks import merge_limits, read_floors, read_name
from geodata.sites import SiteKind, SiteRecord, site_form_of

CODE_HEADINGS = (
    "全国地方公共団体コード",
    "都道府県コード又は市区町村コード",
    "都道府県コードまたは市区町村コード",
    "市区町村コード",
)
ID_HEADINGS = ("共通ID", "ID", "NO")
CAPACITY = "想定収容人数"
ASSOCIATIONS = "対象となる町会・自治会"
ALSO_SHELTER = "指定避難所との重複"
_ADDRESS_PARTS = ("所在地_都道府県", "所在地_市区町村", "所在地_町字", "所在地_番地以下")
_BUILDING = ("建物名等(方書)", "方書")
_MUNICIPALITY = ("所在地_市区町村", "市区町村名", "地方公共団体名")
_HAZARD_MARK = "災害種別_"
# Published headings vary (がけ崩れ, 地すべり, ・ for 、); one word of each is enough to tell it.
_HAZARD_WORDS = (
    (r"洪水", HazardKind.FLOOD),
    (r"崖|がけ|土砂|土石流", HazardKind.LANDSLIDE),
    (r"高潮", HazardKind.STORM_SURGE),
    (r"地震", HazardKind.EARTHQUAKE),
    (r"津波", HazardKind.TSUNAMI),
    (r"火事|火災", HazardKind.LARGE_FIRE),
    (r"内水", HazardKind.INLAND_FLOOD),
    (r"火山", HazardKind.VOLCANO),
)
_PASSED_OVER = frozenset(
    {
        *("所在地_全国地方公共団体コード", "町字ID", "標高", "電話番号", "内線番号", "郵便番号"),
        *("連絡先メールアドレス", "連絡先FormURL", "連絡先備考(その他、SNSなど)", "都道府県名"),
        *("URL", "画像", "画像_ライセンス"),
    }
)
_READ = frozenset(
    {
        *(*CODE_HEADINGS, *ID_HEADINGS, *_ADDRESS_PARTS, *_BUILDING, *_MUNICIPALITY),
        *("名称", "名称_カナ", "名称_英字", "所在地_連結表記", "住所", "緯度", "経度", "備考"),
        *(CAPACITY, ASSOCIATIONS, ALSO_SHELTER),
    }
)
_YES, _NO = frozenset({"1", "1.0", "○", "〇", "◯"}), frozenset({"", "0", "0.0", "×", "-"})
_NO_FIGURE = frozenset({"", "-", "―", "不明", "未定", "調査中"})
_COMMON_ID = re.compile(r"[A-Z]\d{13}")

EXPECTED = (
    f"「{CODE_HEADINGS[0]}」か「{CODE_HEADINGS[1]}」、「ID」か「NO」、「名称」「緯度」「経度」と"
    f"「{_HAZARD_MARK}…」（自治体標準オープンデータセット・推奨データセットの指定緊急避難場所一覧）"
)


def canonical(heading: str) -> str:
    """A plain heading as it is called here: 「全国地方公共団体コード(6桁)」 and 「No.」 have one name each."""
    heading = re.sub(r"\(6桁\)$", "", heading)
    if re.fullmatch(r"(?i)no\.?|番号", heading):
        return "NO"
    if heading.startswith(_HAZARD_MARK):
        for words, hazard in _HAZARD_WORDS:
            if re.search(words, heading.removeprefix(_HAZARD_MARK)):
                return _HAZARD_MARK + HAZARD_HEADINGS[hazard]
    return heading


def open_data_layout(headings: set[str]) -> SiteLayout | None:
    """The layout, if these (canonical) headings are of such a list."""
    hazards = {one: _HAZARD_MARK + one.ja for one in HazardKind if _HAZARD_MARK + one.ja in headings}
    complete = (
        {"名称", "緯度", "経度"} <= headings
        and headings & set(CODE_HEADINGS)
        and headings & set(ID_HEADINGS)
        and hazards
    )
    if not complete:
        return None
    return SiteLayout(
        covers=frozenset({SiteKind.EMERGENCY}),
        read=lambda row, bbox: _read(row, bbox, hazards),
        row_id=_row_id,
        in_municipality=_in_municipality,
        id_field="ID",
        known=_READ | _PASSED_OVER | set(hazards.values()),
    )


def _read(row: Row, bbox: Bbox, hazard_columns: dict[HazardKind, str]) -> SiteRecord:
    site_id = _site_id(row)
    published = required(row, "名称")
    lon, lat = read_lonlat(row, "経度", "緯度", bbox)
    hazards = frozenset(one for one, column in hazard_columns.items() if _yes(row, column))
    name = read_name(published, hazards)
    floors = read_floors(text_of(row, "備考"), hazards)
    address = _address(row)
    associations = text_of(row, ASSOCIATIONS)
    return SiteRecord(
        site_id=site_id,
        kind=SiteKind.EMERGENCY,
        name=name.name,
        name_as_published=published,
        address=address,
        ward=ward_of(address) or ward_of(_first(row, _MUNICIPALITY)),
        lon=lon,
        lat=lat,
        hazards=hazards,
        floor_limits=merge_limits(name.floor_limits, floors.floor_limits),
        refuge_part=floors.refuge_part,
        not_opened_first_in_rain=name.not_opened_first_in_rain,
        conditions=f"{ASSOCIATIONS}：{associations}" if associations else "",
        same_address_as_other_kind=_yes(row, ALSO_SHELTER),
        site_form=site_form_of(name.name, hazards),
        remarks=floors.rest,
        capacity_persons=_persons(row),
        kana=text_of(row, "名称_カナ"),
        name_en=text_of(row, "名称_英字"),
    )


def _site_id(row: Row) -> str:
    own = _first(row, ID_HEADINGS)
    if _COMMON_ID.fullmatch(own):
        return own
    if not own:
        raise RowRefused("ID", "空欄です。施設ごとに異なる番号を記入してください。")
    column = next((one for one in CODE_HEADINGS if text_of(row, one)), "")
    if not column:
        raise RowRefused(CODE_HEADINGS[0], "空欄です。6桁の団体コードを記入してください。")
    try:
        code = six_figures(text_of(row, column))
    except ValueError as error:
        raise RowRefused(column, str(error)) from None
    # A spreadsheet turns 0000000012 into 12: both mean the same place.
    return f"{code}-{own.lstrip('0') or '0' if own.isdecimal() else own}"


def _row_id(row: Row) -> str:
    try:
        return _site_id(row)
    except RowRefused:
        return ""


def _in_municipality(row: Row, municipality: str) -> bool:
    """A row that names no municipality belongs to whoever published the list."""
    named = [text for one in _MUNICIPALITY if (text := text_of(row, one))]
    return not named or any(municipality in one for one in named)


def _address(row: Row) -> str:
    parts = "".join(text_of(row, one) for one in _ADDRESS_PARTS)
    address = text_of(row, "所在地_連結表記") or text_of(row, "住所") or parts
    return " ".join(one for one in (address, _first(row, _BUILDING)) if one)


def _first(row: Row, columns: Iterable[str]) -> str:
    return next((text for one in columns if (text := text_of(row, one))), "")


def _yes(row: Row, column: str) -> bool:
    text = unicodedata.normalize("NFKC", text_of(row, column))
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise RowRefused(column, f"「{text}」は使えません。該当は「1」、非該当は空欄にしてください。")


def _persons(row: Row) -> int | None:
    published = text_of(row, CAPACITY)
    text = unicodedata.normalize("NFKC", published)
    if text in _NO_FIGURE:
        return None
    figures = re.sub(r"^約|[人名](?:程度)?$|,|\.0$", "", text)
    if not re.fullmatch(r"[0-9]{1,9}", figures) or int(figures) > MAX_PERSONS:
        raise RowRefused(
            CAPACITY,
            f"「{published}」は0〜{MAX_PERSONS}の整数ではありません。人数か空欄にしてください。",
        )
    return int(figures)
