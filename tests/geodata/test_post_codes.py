"""Small files in the true layout. 一番町 and 中央 with their codes are facts of Sendai; 架空… are invented."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.errors import GeodataError, NothingOfCity, OtherList, UnknownLayout
from geodata.importers.post_codes import parse_post_codes
from geodata.importers.recognise import ListKind, recognise
from geodata.town_merge import TownReading

AOBA = ("04101", "センダイシアオバク", "仙台市青葉区")


def line(postcode, kana, town, ward=AOBA, prefecture=("ミヤギケン", "宮城県")):
    code, ward_kana, city = ward
    return [
        *(code, f"{postcode[:3]}  ", postcode, prefecture[0], ward_kana, kana, prefecture[1], city, town),
        *(0, 0, 0, 0, 0, 0),
    ]


def file(*lines, encoding="utf-8"):
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n").writerows(lines)
    return out.getvalue().encode(encoding)


def halfwidth(kana):
    """Full-width katakana as the older file writes them."""
    table = {unicodedata.normalize("NFKC", chr(one)): chr(one) for one in range(0xFF66, 0xFF9E)}
    marks = {"\u3099": "ﾞ", "\u309a": "ﾟ"}
    return "".join(
        table.get(one, marks.get(one, one)) for one in unicodedata.normalize("NFD", kana)
    ).translate(str.maketrans("（）、０１２３４５６７８９", "()､0123456789"))


def parse(*lines, **how):
    return parse_post_codes(file(*lines), city="仙台市", **how)


def reading(name, kana, *postcodes, **more):
    return TownReading(ward="青葉区", name=name, kana=kana, postcodes=postcodes, **more)


def test_a_town_has_its_reading_in_hiragana_and_its_postcode():
    parsed = parse(line("9800811", "イチバンチョウ", "一番町"))
    assert parsed.readings == (reading("一番町", "いちばんちょう", "9800811"),)
    assert recognise(file(line("9800811", "イチバンチョウ", "一番町"))) is ListKind.POST_CODES


def test_what_is_no_town_gives_no_reading():
    parsed = parse(
        line("9800000", "イカニケイサイガナイバアイ", "以下に掲載がない場合"),
        line("9800001", "カクウノツギニバンチガクルバアイ", "架空の次に番地がくる場合"),
        line("9800002", "センダイシイチエン", "仙台市一円"),
        line("9800003", "イチエン", "一円"),  # a town may be called so
    )
    assert parsed.readings == (reading("一円", "いちえん", "9800003"),)


def test_brackets_say_for_which_chome_a_postcode_is():
    parsed = parse(
        line("9800101", "カクウマチ（１－３チョウメ）", "架空町（１～３丁目）"),
        line("9800102", "カクウマチ（４、６チョウメ）", "架空町（４、６丁目）"),
        line("9800103", "カクウマチ（ソノタ）", "架空町（その他）"),
        line("9800104", "カクウマチ（チョウメ）", "架空町（丁目）"),
        line(
            "9800105", "カクウマチ（１バンチ、８チョウメ）", "架空町（１～１０番地、８丁目「１～２０番地」）"
        ),
        line("9800106", "カクウマチ（ツギノビルヲノゾク）", "架空町（次のビルを除く）"),
    )
    said = [(sorted(one.chome), one.rest, one.postcodes) for one in parsed.readings]
    assert said == [
        ([1, 2, 3], False, ("9800101",)),
        ([4, 6], False, ("9800102",)),
        ([], True, ("9800103",)),
        ([], False, ("9800104", "9800106")),
        ([8], False, ("9800105",)),
    ]
    assert {(one.name, one.kana) for one in parsed.readings} == {("架空町", "かくうまち")}


def test_the_floors_of_a_tower_belong_to_the_town_its_name_starts_with():
    parsed = parse(
        line("9800021", "チュウオウ（ツギノビルヲノゾク）", "中央（次のビルを除く）"),
        line("9806101", "チュウオウアエル（１カイ）", "中央アエル（１階）"),
        line("9806190", "チュウオウアエル（チカイ・カイソウフメイ）", "中央アエル（地階・階層不明）"),
    )
    assert parsed.readings == (
        reading("中央", "ちゅうおう", "9800021"),
        reading("中央", "", "9806101", "9806190", tower=True),
    )


def test_the_older_file_says_the_same_and_its_broken_off_towns_are_joined():
    lines = [
        line("9800811", "イチバンチョウ", "一番町"),
        line("9800101", "カクウマチ（１、", "架空町（１、"),
        line("9800101", "２、", "２、"),
        line("9800101", "４チョウメ）", "４丁目）"),
        line("9800102", "カクウガワ（ガワ）", "架空川（一～"),
        line("9800102", "カクウガワ（ガワ）", "三）"),
        line("9800103", "ツギノマチ", "次の町"),
    ]
    old = [[*one[:3], *map(halfwidth, one[3:6]), *one[6:]] for one in lines]
    parsed = parse_post_codes(file(*old, encoding="cp932"), city="仙台市")
    assert parsed == parse(*lines)
    assert parsed.readings == (
        reading("一番町", "いちばんちょう", "9800811"),
        reading("架空町", "かくうまち", "9800101", chome=frozenset({1, 2, 4})),
        reading("架空川", "かくうがわ", "9800102"),
        reading("次の町", "つぎのまち", "9800103"),
    )


def test_a_bracket_that_is_never_closed_swallows_no_other_town():
    parsed = parse(line("9800101", "カクウマチ", "架空町（１丁目、"), line("9800103", "ツギノマチ", "次の町"))
    assert [(one.name, one.chome) for one in parsed.readings] == [("架空町", {1}), ("次の町", set())]


def test_a_reading_with_figures_in_it_is_no_reading_but_the_postcode_stays():
    parsed = parse(line("9800101", "カクウ１ジョウ", "架空一条"))
    assert parsed.readings == (reading("架空一条", "", "9800101"),)


def test_an_edition_without_small_kana_is_refused():
    old = [line(f"98001{n:02}", f"カクウ{n}チヨウ", f"架空{n}町") for n in range(5)]
    with pytest.raises(UnknownLayout) as refused:
        parse(*old)
    assert "拗音" in refused.value.ja
    assert len(parse(*old, line("9800811", "イチバンチョウ", "一番町")).readings) == 6


def test_other_cities_are_passed_over_and_bad_rows_named():
    tokyo = line("1000001", "チヨダ", "千代田", ("13101", "チヨダク", "千代田区"), ("トウキョウト", "東京都"))
    short = line("9800811", "イチバンチョウ", "一番町")[:14]
    parsed = parse(
        line("9800811", "イチバンチョウ", "一番町"),
        tokyo,
        short,
        line("980x", "カクウ", "架空"),
        line("9800101", "カクウ", ""),
    )
    assert (len(parsed.readings), parsed.other_municipalities) == (1, 1)
    assert [(one.row, one.field) for one in parsed.rejected] == [
        (3, "列数"),
        (4, "郵便番号"),
        (5, "市区町村名・町域名"),
    ]
    assert all(one.reason.endswith("。") for one in parsed.rejected)
    with pytest.raises(NothingOfCity):
        parse(tokyo)
    with pytest.raises(NothingOfCity):
        parse(line("9800811", "イチバンチョウ", "一番町"), prefecture="広島県")


def test_another_table_is_refused_by_name():
    with pytest.raises(OtherList, match="代表点"):
        parse_post_codes(b"pref,city,town,koaza,lat,lng\r\n", city="仙台市")
    with pytest.raises(UnknownLayout, match="15列"):
        parse_post_codes(b"", city="仙台市")


@given(
    st.lists(
        st.text(st.sampled_from("架空町（）、～１２丁目その他「」階次を除く一円"), max_size=14), max_size=6
    )
)
def test_no_town_cell_breaks_the_reading_and_no_postcode_is_invented(towns):
    lines = [line(f"980{n:04}", "カクウ", town) for n, town in enumerate(towns)]
    if not lines:
        return
    parsed = parse(*lines)
    assert {one.row for one in parsed.rejected} <= set(range(1, len(lines) + 1))
    assert {code for one in parsed.readings for code in one.postcodes} <= {one[2] for one in lines}
    assert all(one.name for one in parsed.readings)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_name(data):
    try:
        assert parse_post_codes(data, city="仙台市").readings == ()
    except GeodataError as refused:
        assert refused.ja
