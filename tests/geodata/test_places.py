from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.areas import Bbox
from geodata.importers.towns import parse_towns
from geodata.kana import romaji_key, to_hiragana, to_romaji
from geodata.places import PlaceIndex, ReadingStatus, Town, kanji_key


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("荒浜", "荒浜"),
        ("あらはま", "荒浜"),
        ("アラハマ", "荒浜"),
        ("ｱﾗﾊﾏ", "荒浜"),
        ("Arahama", "荒浜"),
        ("ＡＲＡＨＡＭＡ", "荒浜"),
        ("荒濱", "荒浜"),
        ("仙台市若林区荒浜", "荒浜"),
        ("荒浜字中丁40-1", "荒浜"),
        ("閖上", "閖上"),
        ("ゆりあげ", "閖上"),
        ("yuriage", "閖上"),
        ("閑上", "閖上"),
        ("鶴ヶ谷", "鶴ケ谷"),
        ("鶴が谷", "鶴ケ谷"),
        ("鶴ケ丘", "鶴が丘"),
        ("荒井３丁目", "荒井"),
        ("荒井三丁目", "荒井"),
        ("六丁目", "六丁目"),
        ("ろくちょうのめ", "六丁目"),
        ("Rokuchonome", "六丁目"),
        ("Rokuchōnome", "六丁目"),
        ("rokutyounome", "六丁目"),
        ("榴岡", "榴岡"),
        ("tsutsujigaoka", "榴岡"),
        ("tutuzigaoka", "榴岡"),
        ("Gamo", "蒲生"),
        ("Gamou", "蒲生"),
        ("東7番丁", "東七番丁"),
        ("ohmachi", "大町"),
    ],
)
def test_a_town_is_found_first_however_it_is_written(places, typed, name):
    assert places.search(typed)[0].name == name


def test_exact_hits_come_before_prefixes_and_prefixes_before_parts(places):
    found = [town.name for town in places.search("荒", limit=50)]
    assert found[0] in {"荒井", "荒浜", "荒町"}
    assert {"荒井", "荒浜", "荒浜新", "荒町", "荒井東"} <= set(found)
    assert [town.name for town in places.search("荒浜")] == ["荒浜", "荒浜新"]
    assert [town.name for town in places.search("宮城野")] == ["宮城野", "東宮城野", "西宮城野"]


def test_a_number_may_be_typed_in_kanji_in_digits_or_left_in_an_address():
    town = {
        "ward": "若林区",
        "lon": 140.94,
        "lat": 38.24,
        "reading_source": "x",
        "reading_status": ReadingStatus.DRAFT,
    }
    index = PlaceIndex(
        [
            Town(name="荒井三丁目", kana="あらいさんちょうめ", romaji="Araisanchome", **town),
            Town(name="荒井十一丁目", kana="あらいじゅういっちょうめ", romaji="Araijuitchome", **town),
        ]
    )
    for typed in (
        "荒井三丁目",
        "荒井3丁目",
        "荒井３丁目",
        "荒井3-17-1",
        "荒井３ー１７",
        "仙台市若林区荒井3-17-1",
    ):
        assert [one.name for one in index.search(typed)] == ["荒井三丁目"], typed
    for typed in ("荒井11丁目", "荒井十一丁目", "arai juicchome"):
        assert [one.name for one in index.search(typed)] == ["荒井十一丁目"], typed


@pytest.mark.parametrize("typed", ["", "   ", "・", "!?", "仙台市", "zzzz", "龍宮城"])
def test_text_that_means_no_town_finds_nothing(places, typed):
    assert places.search(typed) == []


@given(st.text(max_size=30))
def test_any_text_is_answered_within_the_limit_and_always_the_same(text):
    index = small_index()
    assert len(index.search(text, limit=3)) <= 3
    assert index.search(text, limit=10)[:3] == index.search(text, limit=3)


_INDEX: list[PlaceIndex] = []


def small_index() -> PlaceIndex:
    if not _INDEX:
        _INDEX.append(
            PlaceIndex(
                [_town("荒浜", "あらはま", 140.9701, 38.2221), _town("閖上", "ゆりあげ", 140.9381, 38.1852)]
            )
        )
    return _INDEX[0]


def _town(name, kana, lon, lat):
    return Town(
        name=name,
        ward="",
        kana=kana,
        romaji=to_romaji(kana),
        lon=lon,
        lat=lat,
        reading_source="x",
        reading_status=ReadingStatus.DRAFT,
    )


def test_every_town_of_the_sample_is_found_by_its_name_its_kana_and_its_romaji(places):
    for town in places.towns:
        for typed in (
            town.name,
            town.kana,
            town.romaji,
            town.romaji.upper(),
            to_romaji(town.kana, macrons=True),
        ):
            same = [
                one
                for one in places.search(typed, limit=12)
                if (one.name, one.ward) == (town.name, town.ward)
            ]
            assert same, (town.name, typed)


def test_the_nearest_town_is_found_with_its_distance(places):
    town, away_m = places.nearest_with_distance(140.9705, 38.2225)
    assert town.name == "荒浜"
    assert away_m == pytest.approx(56, abs=5)
    assert places.nearest(140.9380, 38.1850).name == "閖上"


def test_an_index_without_towns_says_so():
    assert PlaceIndex([]).search("荒浜") == []
    with pytest.raises(LookupError):
        PlaceIndex([]).nearest(140.97, 38.22)


@pytest.mark.parametrize(
    ("kana", "plain", "with_macrons"),
    [
        ("あらはま", "arahama", "arahama"),
        ("ちゅうおう", "chuo", "chūō"),
        ("ろくちょうのめ", "rokuchonome", "rokuchōnome"),
        ("いっちょうめ", "itchome", "itchōme"),
        ("れんぼうこうじ", "renbokoji", "renbōkōji"),
        ("しんいち", "shin'ichi", "shin'ichi"),
        ("センター", "senta", "sentā"),
        ("じょうげ", "joge", "jōge"),
        ("にっぺ", "nippe", "nippe"),
    ],
)
def test_kana_become_modified_hepburn(kana, plain, with_macrons):
    assert to_romaji(kana).replace("aa", "a") == plain
    assert to_romaji(kana, macrons=True).replace("aa", "ā") == with_macrons


@given(st.text(st.characters(min_codepoint=0x3041, max_codepoint=0x3096), max_size=12))
def test_romaji_of_kana_is_plain_ascii_and_its_key_ignores_macrons_and_case(kana):
    romaji = to_romaji(kana)
    assert romaji.isascii()
    assert romaji_key(romaji) == romaji_key(romaji.upper()) == romaji_key(to_romaji(kana, macrons=True))


@given(st.text(st.characters(min_codepoint=0x30A1, max_codepoint=0x30F6), max_size=12))
def test_katakana_and_hiragana_meet(katakana):
    assert to_romaji(katakana) == to_romaji(to_hiragana(katakana))


@given(st.text(max_size=20))
def test_the_kanji_key_does_not_depend_on_width(text):
    assert kanji_key(text) == kanji_key(unicodedata.normalize("NFKC", text))


def test_a_broken_row_of_the_town_table_is_named_and_the_others_are_taken():
    heading = "name,ward,kana,romaji,lon,lat,reading_source,reading_status,point_source,outside_city\n"
    table = heading + (
        "荒浜,若林区,あらはま,,140.9701,38.2221,人,checked,点,\n"
        "荒井,若林区,荒井,,140.95,38.23,人,checked,点,\n"
        "井土,若林区,いど,,999,999,人,checked,点,\n"
        "藤塚,若林区,ふじつか,,38.18,140.95,人,checked,点,\n"
        "荒浜,若林区,あらはま,,140.97,38.22,人,checked,点,\n"
        "蒲生,宮城野区,がもう,,140.99,38.25,人,sure,点,\n"
        "岡田,宮城野区,おかだ,,140.98,38.24,,draft,点,\n"
    )
    parsed = parse_towns(table.encode(), bbox=Bbox(140.45, 38.05, 141.15, 38.50))
    assert [(town.name, town.romaji) for town in parsed.towns] == [("荒浜", "Arahama")]
    assert [(one.row, one.field) for one in parsed.rejected] == [
        (3, "kana"),
        (4, "lat"),
        (5, "lat・lon"),
        (6, "name"),
        (7, "reading_status"),
        (8, "reading_source"),
    ]
