from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.areas import Bbox
from geodata.errors import NotOneList, UnknownLayout, UnreadableArchive
from geodata.hazards import HAZARD_HEADINGS, HazardKind
from geodata.importers.archives import the_list
from geodata.importers.recognise import ListKind, recognise
from geodata.importers.sites import parse_sites
from geodata.municipality_codes import check_figure, six_figures
from geodata.sites import SiteForm, SiteKind, SiteRecord, site_form_of

SENDAI = Bbox(140.45, 38.05, 141.15, 38.50)
HAZARDS = [f"災害種別_{one}" for one in HAZARD_HEADINGS.values()]
SHEET_03 = [
    *("全国地方公共団体コード", "ID", "名称", "名称_カナ", "名称_英字", "所在地_全国地方公共団体コード"),
    *("町字ID", "所在地_連結表記", "所在地_都道府県", "所在地_市区町村", "所在地_町字", "所在地_番地以下"),
    *("建物名等(方書)", "緯度", "経度", "標高", "電話番号", "内線番号", "連絡先メールアドレス"),
    *("連絡先FormURL", "連絡先備考（その他、SNSなど）", "郵便番号", "市区町村コード", "地方公共団体名"),
    *(*HAZARDS, "指定避難所との重複", "想定収容人数", "対象となる町会・自治会"),
    *("URL", "画像", "画像_ライセンス", "備考"),
]
OLDER = [
    *(
        "都道府県コード又は市区町村コード",
        "NO",
        "都道府県名",
        "市区町村名",
        "名称",
        "名称_カナ",
        "住所",
        "方書",
    ),
    *("緯度", "経度", "標高", "電話番号", "内線番号"),
    *(*HAZARDS, "指定避難所との重複", "想定収容人数", "対象となる町会・自治会", "URL", "備考"),
]
GOOD = {
    "全国地方公共団体コード": "041009",
    "ID": "0000000012",
    "名称": "荒浜の学校",
    "名称_カナ": "アラハマノガッコウ",
    "名称_英字": "Arahama School",
    "所在地_連結表記": "宮城県仙台市若林区荒浜字新堀端32-1",
    "緯度": "38.2213",
    "経度": "140.9777",
    "電話番号": "022-000-0000",
    "災害種別_地震": "1",
    "災害種別_津波": "1",
    "指定避難所との重複": "1",
    "想定収容人数": "1,200",
    "対象となる町会・自治会": "荒浜町内会",
    "備考": "津波：3階以上",
}
RECORD = SiteRecord(
    site_id="041009-12",
    kind=SiteKind.EMERGENCY,
    name="荒浜の学校",
    name_as_published="荒浜の学校",
    address="宮城県仙台市若林区荒浜字新堀端32-1",
    ward="若林区",
    lon=140.9777,
    lat=38.2213,
    hazards=frozenset({HazardKind.EARTHQUAKE, HazardKind.TSUNAMI}),
    floor_limits={"tsunami": 3},
    conditions="対象となる町会・自治会：荒浜町内会",
    same_address_as_other_kind=True,
    capacity_persons=1200,
    kana="アラハマノガッコウ",
    name_en="Arahama School",
)


def table(*rows, headings=SHEET_03, encoding="utf-8-sig"):
    out = io.StringIO()
    writer = csv.DictWriter(out, headings, restval="", extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932"])
def test_the_sheet_of_the_standard_is_read(encoding):
    parsed = parse_sites(table(GOOD, encoding=encoding), municipality="仙台市", bbox=SENDAI)
    assert parsed.records == (RECORD,)
    assert (parsed.rejected, parsed.ignored_columns, parsed.kinds) == ((), (), {SiteKind.EMERGENCY})
    assert recognise(table(GOOD)) is ListKind.OPEN_DATA_SITES


def test_the_older_headings_say_the_same():
    older = {
        **GOOD,
        "都道府県コード又は市区町村コード": "41009",  # a spreadsheet took the zero
        "NO": "12",
        "市区町村名": "仙台市",
        "住所": GOOD["所在地_連結表記"],
    }
    parsed = parse_sites(table(older, headings=OLDER), municipality="仙台市", bbox=SENDAI)
    assert parsed.records == (replace(RECORD, name_en=""),)
    assert parsed.ignored_columns == ()


def test_an_address_in_parts_is_joined_and_the_building_follows():
    parts = {
        **GOOD,
        "所在地_連結表記": "",
        "所在地_都道府県": "宮城県",
        "所在地_市区町村": "仙台市若林区",
        "所在地_町字": "荒浜",
        "所在地_番地以下": "32-1",
        "建物名等(方書)": "東棟",
    }
    (record,) = parse_sites(table(parts), municipality="仙台市", bbox=SENDAI).records
    assert (record.address, record.ward) == ("宮城県仙台市若林区荒浜32-1 東棟", "若林区")


def test_a_national_id_is_taken_as_it_is_so_that_both_lists_mean_one_site():
    (record,) = parse_sites(table({**GOOD, "ID": "E0410000059201"}), bbox=SENDAI).records
    assert record.site_id == "E0410000059201"


def test_unknown_columns_are_named_and_variants_of_headings_are_known():
    headings = [
        *(
            "全国地方公共団体コード（6桁）",
            "No.",
            "名 称",
            "緯度",
            "経度",
            "災害種別＿がけ崩れ・土石流及び地すべり",
        ),
        *("災害種別_竜巻", "設置者"),
    ]
    row = dict(zip(headings, ["92011", "7", "中央の学校", "36.5", "139.9", "○", "1", "市"], strict=True))
    parsed = parse_sites(table(row, headings=headings))
    (record,) = parsed.records
    assert (record.site_id, record.hazards) == ("092011-7", {HazardKind.LANDSLIDE})
    assert parsed.ignored_columns == ("災害種別_竜巻", "設置者")
    assert record.site_form is site_form_of("中央の学校", record.hazards) is SiteForm.OTHER


def test_rows_of_another_municipality_are_passed_over():
    rows = [
        {**GOOD, "地方公共団体名": "仙台市"},
        {**GOOD, "ID": "2", "地方公共団体名": "宮城県", "所在地_市区町村": "仙台市若林区"},
        {**GOOD, "ID": "3", "地方公共団体名": "名取市"},
        {**GOOD, "ID": "4"},
    ]
    parsed = parse_sites(table(*rows), municipality="仙台市", bbox=SENDAI)
    assert [one.site_id for one in parsed.records] == ["041009-12", "041009-2", "041009-4"]
    assert (parsed.other_municipalities, parsed.rejected) == (1, ())


def test_bad_rows_are_named_with_the_mend_and_the_site_they_are_about():
    rows = [
        {**GOOD, "ID": ""},
        {**GOOD, "ID": "2", "全国地方公共団体コード": "041008"},
        {**GOOD, "ID": "3", "全国地方公共団体コード": ""},
        {**GOOD, "ID": "4", "名称": ""},
        {**GOOD, "ID": "5", "災害種別_津波": "△"},
        {**GOOD, "ID": "6", "想定収容人数": "多数"},
        {**GOOD, "ID": "7", "想定収容人数": "9999999"},
        {**GOOD, "ID": "8", "緯度": "140.9777", "経度": "38.2213"},
        {**GOOD, "ID": "12"},
        GOOD,
    ]
    parsed = parse_sites(table(*rows), bbox=SENDAI)
    assert [(one.row, one.field, one.row_id) for one in parsed.rejected] == [
        (2, "ID", ""),
        (3, "全国地方公共団体コード", ""),
        (4, "全国地方公共団体コード", ""),
        (5, "名称", "041009-4"),
        (6, "災害種別_津波", "041009-5"),
        (7, "想定収容人数", "041009-6"),
        (8, "想定収容人数", "041009-7"),
        (9, "緯度・経度", "041009-8"),
        (11, "ID", "041009-12"),
    ]
    assert all(one.reason.endswith("。") for one in parsed.rejected)
    assert "検査数字" in parsed.rejected[1].reason


@pytest.mark.parametrize(
    ("published", "persons"),
    [
        ("", None),
        ("０", 0),
        ("約５００人", 500),
        ("1,200名", 1200),
        ("80.0", 80),
        ("－", None),
        ("不明", None),
    ],
)
def test_the_capacity_is_read_as_it_is_written(published, persons):
    (record,) = parse_sites(table({**GOOD, "想定収容人数": published}), bbox=SENDAI).records
    assert record.capacity_persons == persons


@pytest.mark.parametrize("missing", ["全国地方公共団体コード", "ID", "名称", "緯度"])
def test_a_sheet_without_a_needed_column_is_refused_with_what_is_expected(missing):
    headings = [one for one in SHEET_03 if one not in {missing, "市区町村コード"}]
    with pytest.raises(UnknownLayout) as refused:
        parse_sites(table(GOOD, headings=headings), bbox=SENDAI)
    assert missing in refused.value.ja


@given(st.permutations(SHEET_03))
def test_the_order_of_the_columns_changes_nothing(headings):
    assert parse_sites(table(GOOD, headings=headings), bbox=SENDAI).records == (RECORD,)


_words = st.text(st.sampled_from("荒浜東西南北学校会館アイウabc0(（・"), min_size=1, max_size=12)
_records = st.builds(
    SiteRecord,
    site_id=st.integers(1, 10**9).map(lambda number: f"041009-{number}"),
    kind=st.just(SiteKind.EMERGENCY),
    name=st.just(""),
    name_as_published=_words,
    address=_words,
    lon=st.floats(SENDAI.west, SENDAI.east),
    lat=st.floats(SENDAI.south, SENDAI.north),
    hazards=st.frozensets(st.sampled_from(list(HazardKind))),
    same_address_as_other_kind=st.booleans(),
    capacity_persons=st.none() | st.integers(0, 200_000),
    kana=_words,
    name_en=_words,
)


@given(st.lists(_records, max_size=4, unique_by=lambda one: one.site_id))
def test_a_record_written_in_the_layout_of_the_standard_is_read_back_the_same(records):
    rows = [
        {
            "全国地方公共団体コード": one.site_id[:6],
            "ID": one.site_id[7:].zfill(10),
            "名称": one.name_as_published,
            "名称_カナ": one.kana,
            "名称_英字": one.name_en,
            "所在地_連結表記": one.address,
            "緯度": repr(one.lat),
            "経度": repr(one.lon),
            "指定避難所との重複": "1" if one.same_address_as_other_kind else "",
            "想定収容人数": "" if one.capacity_persons is None else str(one.capacity_persons),
            **{f"災害種別_{hazard.ja}": "1" for hazard in one.hazards},
        }
        for one in records
    ]
    parsed = parse_sites(table(*rows), bbox=SENDAI)
    assert parsed.rejected == ()
    read = tuple(replace(one, name="", ward="", site_form=SiteForm.OTHER) for one in parsed.records)
    assert read == tuple(records)


@pytest.mark.parametrize(
    ("written", "whole"),
    [
        ("92011", "092011"),
        ("041009", "041009"),
        ("41009", "041009"),
        ("4100", "041009"),
        ("04101", "041017"),
        ("４１０２５", "041025"),
        ("041033.0", "041033"),
        ("40002", "040002"),
        ("13101", "131016"),
    ],
)
def test_a_municipality_code_gets_back_its_zero_and_its_check_figure(written, whole):
    assert six_figures(written) == whole


@pytest.mark.parametrize("written", ["041008", "92012", "99999", "480001", "041", "0410099", "仙台市", ""])
def test_a_code_that_can_not_be_right_is_refused_with_the_mend(written):
    with pytest.raises(ValueError, match="6桁"):
        six_figures(written)


def test_a_code_that_could_be_two_is_refused_with_both():
    with pytest.raises(ValueError, match="013102か131024"):
        six_figures("13102")


@given(st.integers(1, 47), st.integers(100, 999))
def test_a_whole_code_is_never_changed_and_one_wrong_figure_never_passes(prefecture, number):
    code5 = f"{prefecture:02}{number}"
    whole = code5 + check_figure(code5)
    assert six_figures(whole) == whole
    wrong = code5 + str((int(whole[5]) + 1) % 10)
    with pytest.raises(ValueError, match="検査数字"):
        six_figures(wrong)


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_a_zip_with_one_list_is_read_as_the_list():
    litter = {"読んでください.txt": "x", "__MACOSX/._一覧.csv": "x", "folder/": ""}
    data = zipped({"一覧.csv": table(GOOD), **litter})
    assert parse_sites(data, bbox=SENDAI).records == (RECORD,)
    assert recognise(data) is ListKind.OPEN_DATA_SITES


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({}, "空"),
        ({"a.txt": "x"}, "a.txt"),
        ({"a.csv": "x", "b.geojson": "x"}, "a.csv、b.geojson"),
        ({"xl/workbook.xml": "x", "a.csv": "x"}, "Excelブック"),
    ],
)
def test_a_zip_that_holds_no_list_or_several_is_refused_with_what_it_holds(members, found):
    with pytest.raises(NotOneList) as refused:
        parse_sites(zipped(members))
    assert found in refused.value.ja


def test_a_zip_that_opens_to_more_than_the_limit_is_refused_whatever_size_it_states():
    data = zipped({"a.csv": b"0" * 100_000})
    assert len(the_list(data, limit_bytes=100_000)) == 100_000
    for lying in (data, data.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))):
        with pytest.raises(UnreadableArchive):
            the_list(lying, limit_bytes=99_999)


def test_a_locked_a_damaged_and_a_cut_off_zip_are_refused():
    data = bytearray(zipped({"a.csv": table(GOOD)}))
    for signature in (b"PK\x03\x04", b"PK\x01\x02"):
        at = data.find(signature) + (6 if signature == b"PK\x03\x04" else 8)
        data[at] |= 1
    with pytest.raises(UnreadableArchive, match="password"):
        parse_sites(bytes(data))
    whole = zipped({"a.csv": table(GOOD)})
    damaged = whole[:60] + bytes([whole[60] ^ 0xFF]) + whole[61:]
    for broken in (whole[:-30], damaged):
        with pytest.raises(UnreadableArchive, match="damaged"):
            parse_sites(broken)


@given(st.binary(max_size=200), st.integers(0, 199))
def test_what_a_file_is_can_always_be_asked(tail, cut):
    assert recognise(b"PK\x03\x04" + tail) is None
    whole = zipped({"a.csv": table(GOOD)})
    assert recognise(whole[:cut]) in {None, ListKind.OPEN_DATA_SITES}
