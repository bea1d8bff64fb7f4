"""The table of rules finds what must never be said, and lets through what must be said."""

import pytest

from bosai.messages.wording import check_drill_end, check_wording
from bosai.model.realm import Realm
from geodata.hazards import HazardKind


def broken(
    words: str,
    lang: str = "ja",
    *,
    hazard: HazardKind | None = HazardKind.FLOOD,
    level: int | None = 4,
    realm: Realm = Realm.LIVE,
    issuer: str = "city",
) -> set[str]:
    found = check_wording(words, lang, hazard=hazard, level=level, realm=realm, issuer=issuer)
    return {one.rule for one in found}


@pytest.mark.parametrize(
    "words",
    [
        "避難勧告が出ました",
        "避難指示（緊急）",
        "避難準備・高齢者等避難開始",
        "災害発生情報",
        "Evacuation Advisory",
    ],
)
def test_retired_names_are_found(words: str) -> None:
    assert "retired_name" in broken(words)


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("ja", "【警戒レベル4 避難指示】津波"),
        ("ja", "警戒レベル４"),
        ("en", "Alert level 4"),
        ("zh-Hans", "警戒等级4"),
        ("zh-Hant", "警戒等級4"),
        ("ko", "경보 레벨 4"),
        ("vi", "Cấp độ cảnh giác 4"),
        ("ne", "सतर्क श्रेणी ४"),
    ],
)
def test_a_tsunami_never_has_a_level_in_any_language(lang: str, words: str) -> None:
    assert "level_beside_tsunami" in broken(words, lang, hazard=HazardKind.TSUNAMI, level=None)
    assert "level_beside_tsunami" not in broken(words, lang, hazard=HazardKind.FLOOD)


def test_only_the_mayor_issues_and_only_jma_announces() -> None:
    assert "jma_never_orders" in broken("気象庁は大津波警報を発令しました")
    assert "jma_text_orders" in broken("大津波警報が発令", issuer="jma")
    assert "city_never_announces_orders" in broken("仙台市は避難指示を発表しました")
    assert broken("仙台市は避難指示を発令しました。") == set()


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("ja", "ここは安全です"),
        ("ja", "安全になりました"),
        ("ja", "もう危険はありません"),
        ("en", "You are safe now"),
        ("en", "All clear"),
        ("zh-Hans", "现在安全"),
        ("ko", "이제 안전합니다"),
        ("vi", "Khu vực đã an toàn"),
        ("id", "Daerah ini sudah aman"),
    ],
)
def test_nobody_is_told_to_be_safe(lang: str, words: str) -> None:
    assert "never_safe" in broken(words, lang)


def test_the_names_with_safety_in_them_are_let_through() -> None:
    assert broken("緊急安全確保と屋内安全確保", level=5) == set()


@pytest.mark.parametrize(
    "words",
    [
        "避難所へ行ってください",
        "「七郷小学校」へ避難！",
        "立退き避難をしてください",
        "Go to the evacuation site",
    ],
)
def test_level_5_never_says_set_out(words: str) -> None:
    assert "level5_set_out" in broken(words, level=5)
    assert "level5_set_out" not in broken(words, level=4)


def test_level_4_is_not_softened() -> None:
    assert "no_softening" in broken("念のため避難してください")
    assert "no_softening" not in broken("念のため確認してください", level=3)


def test_drill_and_live_do_not_borrow_each_others_words() -> None:
    assert "drill_words_on_live" in broken("【訓練】避難指示")
    assert "drill_unmarked" in broken("避難指示", realm=Realm.DRILL)
    assert "not_a_drill" in broken("【訓練】これは訓練ではありません", realm=Realm.DRILL)
    assert check_drill_end("【訓練】避難指示", Realm.DRILL)
    assert not check_drill_end("【訓練】避難指示\nこれは訓練です", Realm.DRILL)
    assert not check_drill_end("避難指示", Realm.LIVE)


def test_every_violation_names_what_it_found_and_how_to_mend_it() -> None:
    (found,) = check_wording("避難勧告です", "ja", hazard=None, level=None, realm=Realm.LIVE, issuer="city")
    assert found.found == "避難勧告"
    assert "廃止" in found.mend
