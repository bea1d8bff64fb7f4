from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.areas import Bbox
from geodata.importers.towns import parse_towns
from geodata.kana import chome_kana, romaji_key, to_hiragana, to_romaji
from geodata.key_index import KeyIndex
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
        ("木の下", "木ノ下"),
        ("木之下", "木ノ下"),
        ("木下", "木ノ下"),
        ("鉤取", "鈎取"),
        ("燕澤", "燕沢"),
        ("1番町", "一番町"),
        ("nigatake", "苦竹"),
        ("Nigatake, Miyagino-ku, Sendai", "苦竹"),
        ("miyagino-ku nigatake", "苦竹"),
        ("Sendai-shi Miyagino-ku Nigatake", "苦竹"),
        ("miyagino-ku", "宮城野"),
        ("宮城野区", "宮城野"),
        ("鶴ｹ谷", "鶴ケ谷"),
        ("つつぢがおか", "榴岡"),
        ("ろくちようのめ", "六丁目"),
        ("六丁の目", "六丁目"),
        ("つつじがをか", "榴岡"),
        ("tsutsujigaoda", "榴岡"),
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


def test_chome_come_in_the_order_of_their_numbers():
    names = [f"荒井{one}丁目" for one in ("三", "一", "十一", "二", "四", "十")]
    index = PlaceIndex([_town(name, "", 140.9, 38.2) for name in names])
    assert [one.name for one in index.search("荒井")] == [
        f"荒井{one}丁目" for one in ("一", "二", "三", "四", "十", "十一")
    ]


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


def _namesakes():
    town = {"lon": 140.9, "lat": 38.25, "reading_source": "x", "reading_status": ReadingStatus.DRAFT}
    return PlaceIndex(
        [
            Town(
                name="五橋一丁目",
                ward="青葉区",
                kana="いつつばしいっちょうめ",
                romaji="Itsutsubashiitchome",
                **town,
            ),
            Town(
                name="五橋三丁目",
                ward="若林区",
                kana="いつつばしさんちょうめ",
                romaji="Itsutsubashisanchome",
                **town,
            ),
            Town(
                name="中央",
                ward="青葉区",
                kana="ちゅうおう",
                romaji="Chuo",
                postcodes=("9800021", "9806101"),
                **town,
            ),
            Town(name="中央", ward="泉区", kana="ちゅうおう", romaji="Chuo", postcodes=("9813133",), **town),
            Town(name="荒井", ward="若林区", kana="あらい", romaji="Arai", **town),
            Town(name="新井", ward="泉区", kana="", romaji="", **town),
            Town(name="荒井三丁目", ward="若林区", kana="あらいさんちょうめ", romaji="Araisanchome", **town),
        ]
    )


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("980-0021", ["9800021"]),
        ("9800021", ["9800021"]),
        ("〒９８０－００２１", ["9800021"]),
        ("〒980 0021", ["9800021"]),
        ("980ー0021", ["9800021"]),
        ("9806101", ["9800021"]),
        ("981", ["9813133"]),
        ("98", []),
        ("980-00219", []),
        ("123-4567", []),
    ],
)
def test_a_town_is_found_by_its_postcode_or_the_first_three_figures(typed, codes):
    assert [one.postcodes[0] for one in _namesakes().search(typed)] == codes


def test_the_ward_a_person_names_comes_first_among_namesakes():
    index = _namesakes()
    assert [one.ward for one in index.search("泉区中央")] == ["泉区", "青葉区"]
    assert [one.ward for one in index.search("宮城県仙台市青葉区中央1-3-1")] == ["青葉区", "泉区"]
    assert [one.ward for one in index.search("五橋 若林区")][:1] == ["若林区"]


@pytest.mark.parametrize(
    "typed",
    [
        *("arai 3-chome", "Arai 3 chome", "arai 3", "Arai 3-17-1", "3-17-1 Arai, Wakabayashi-ku, Sendai"),
        *("あらい3丁目", "あらい３ちょうめ", "あらい3-17", "荒井三", "Arai 3-chōme 17-1", "araisantyoume"),
    ],
)
def test_a_numbered_town_is_found_by_its_reading_and_a_figure(typed):
    assert _namesakes().search(typed)[0].name == "荒井三丁目"


def test_a_slip_of_one_letter_finds_a_town_only_after_everything_else_and_never_in_kanji():
    index = _namesakes()
    assert [one.name for one in index.search("いつつばちいっちょうめ")] == ["五橋一丁目"]
    assert [one.name for one in index.search("itsutsubasiitchme")] == ["五橋一丁目"]
    assert index.search("ちゅあう") == []  # four letters are too few to guess from
    assert index.search("五僑一丁目") == []
    towns = [_town("青葉", "あおばやま", 140.9, 38.2), _town("青山", "あおばたま", 140.9, 38.2)]
    assert [one.name for one in PlaceIndex(towns).search("あおばたま")] == ["青山", "青葉"]


@given(st.lists(st.text("abc", max_size=7), max_size=12), st.text("abc", max_size=7))
def test_the_index_of_keys_answers_as_a_look_at_every_key_would(keys, query):
    index = KeyIndex(((key, row) for row, key in enumerate(keys)), typos=True)
    every = [(row, key) for row, key in enumerate(keys) if key]
    assert set(index.exact(query)) == {row for row, key in every if key == query}
    assert set(index.prefixed(query)) == {row for row, key in every if key.startswith(query)}
    if query:
        assert sorted(index.holding(query)) == sorted(row for row, key in every if query in key)
    begun = {(len(key), row) for row, key in every if 2 <= len(key) < len(query) and query.startswith(key)}
    assert set(index.beginning(query)) == begun
    near = {row for row, key in every if min(len(key), len(query)) >= 5 and _distance(key, query) == 1}
    assert set(index.nearly(query)) == near


def _distance(one, other):
    above = list(range(len(other) + 1))
    for n, a in enumerate(one, start=1):
        row = [n]
        for m, b in enumerate(other, start=1):
            row.append(min(above[m] + 1, row[-1] + 1, above[m - 1] + (a != b)))
        above = row
    return above[-1]


@given(st.text(st.sampled_from("荒井五橋三一二丁目のケノ字区市県-3０〒 アあー･a1kusi"), max_size=20))
def test_any_mixture_of_what_people_type_is_answered_the_same_each_time(text):
    index = _namesakes()
    assert index.search(text) == index.search(text)


@pytest.mark.parametrize(
    ("number", "kana"),
    [
        (1, "いっちょうめ"),
        (3, "さんちょうめ"),
        (8, "はっちょうめ"),
        (10, "じゅっちょうめ"),
        (11, "じゅういっちょうめ"),
        (20, "にじゅっちょうめ"),
    ],
)
def test_a_chome_is_read_by_rule(number, kana):
    assert chome_kana(number) == kana


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
