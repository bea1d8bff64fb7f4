"""Every row of the table: a text that breaks it in each language that can, and one that does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from bosai.messages.wording import RULES, check_wording
from bosai.model.alert import Act
from bosai.model.realm import Realm
from geodata.hazards import HazardKind

BASE: dict[str, Any] = {"hazard": HazardKind.FLOOD, "level": 4, "realm": Realm.LIVE, "issuer": "city"}
TSUNAMI: dict[str, Any] = {"hazard": HazardKind.TSUNAMI, "level": None}
DRILL: dict[str, Any] = {"realm": Realm.DRILL}
L3: dict[str, Any] = {"level": 3, "act": Act.ISSUE, "whole": True}
LIFT: dict[str, Any] = {"act": Act.LIFT, "whole": True}
RECALL: dict[str, Any] = {"act": Act.RECALL, "whole": True}


@dataclass(frozen=True)
class Row:
    """One rule: what it is about, texts that break it and texts that keep it, each with its language."""

    rule: str
    about: dict[str, Any]
    bad: tuple[tuple[str, str], ...]
    good: tuple[tuple[str, str], ...]


ROWS = (
    Row(
        "retired_name",
        {},
        (
            ("ja", "避難勧告を発令しました"),
            ("ja", "避難指示（緊急）"),
            ("ja", "避難準備・高齢者等避難開始"),
            ("ja", "災害発生情報"),
            ("ja", "土砂災害警戒情報が出ました"),
            ("en", "An evacuation advisory is in force"),
            ("zh-Hans", "避难劝告"),
            ("zh-Hant", "避難勸告"),
            ("ko", "대피 권고"),
            ("vi", "Khuyến cáo sơ tán"),
            ("id", "Imbauan evakuasi"),
        ),
        (
            ("ja", "高齢者等避難。ほかの人も避難の準備をしてください"),
            ("en", "Evacuation Order"),
            ("ko", "피난 지시"),
        ),
    ),
    Row(
        "retired_jma_name",
        {"issuer": "jma"},
        (
            ("ja", "洪水警報"),
            ("ja", "氾濫危険情報"),
            ("ja", "大雨警報（土砂災害）"),
            ("ja", "顕著な大雨に関する気象情報"),
            ("ja", "記録的短時間大雨情報"),
            ("ja", "竜巻注意情報"),
        ),
        (("ja", "レベル４氾濫危険警報"), ("ja", "指定河川洪水予報"), ("ja", "気象防災速報（竜巻注意）")),
    ),
    Row(
        "invented_warning",
        {},
        (("ja", "仙台市の警報"), ("ja", "避難命令"), ("en", "Evacuation warning")),
        (("ja", "気象庁の警報"), ("en", "Evacuation Order")),
    ),
    Row(
        "level_beside_tsunami",
        TSUNAMI,
        (
            ("ja", "警戒レベル４"),
            ("ja", "警戒レベル四"),
            ("ja", "レベルⅣ"),
            ("en", "alert level four"),
            ("ja-x-easy", "あぶなさ レベル4"),
            ("en", "Alert level 4"),
            ("zh-Hans", "警戒等级4"),
            ("zh-Hant", "4級"),
            ("ko", "경보 레벨 4"),
            ("vi", "Cấp độ cảnh giác 4"),
            ("ne", "सतर्क श्रेणी ४"),
            ("id", "Tingkat kewaspadaan 4"),
        ),
        (("ja", "大津波警報 避難指示"), ("en", "Major Tsunami Warning")),
    ),
    Row(
        "level_attached_to_tsunami",
        {"hazard": None, "level": None},
        (
            ("ja", "津波警報（警戒レベル4）"),
            ("ja", "レベル5相当の大津波警報"),
            ("en", "Tsunami alert level 4"),
        ),
        (("ja", "洪水は警戒レベル4です。津波に数字はありません"), ("en", "Flood: alert level 4")),
    ),
    Row(
        "jma_level_without_equivalent",
        {"issuer": "jma"},
        (
            ("ja", "警戒レベル4"),
            ("en", "Alert level 4"),
            ("zh-Hans", "警戒等级4"),
            ("zh-Hant", "警戒等級4"),
            ("ko", "경보 레벨 4"),
            ("vi", "Cấp độ cảnh giác 4"),
        ),
        (("ja", "警戒レベル4相当"), ("en", "alert level 4 equivalent"), ("zh-Hant", "警戒等級4相當")),
    ),
    Row(
        "jma_named_with_a_level",
        {},
        (("ja", "気象庁は警戒レベル4の情報を出しました"), ("en", "JMA announced alert level 4")),
        (
            ("ja", "気象庁は警戒レベル4相当の情報を発表しました"),
            ("en", "JMA announced alert level 4 equivalent"),
        ),
    ),
    Row(
        "order_is_not_equivalent",
        {},
        (("ja", "警戒レベル4相当の避難指示"),),
        (("ja", "警戒レベル4 避難指示"), ("ja", "警戒レベル4相当の氾濫危険警報")),
    ),
    Row(
        "jma_never_orders",
        {},
        (
            ("ja", "気象庁は大津波警報を発令しました"),
            ("ja", "気象庁が避難指示を出しました"),
            ("ja", "気象台の指示により避難してください"),
            ("en", "JMA has issued an evacuation order"),
            ("en", "JMA has ordered everyone to evacuate"),
            ("ko", "기상청이 경보를 발령했습니다"),
            ("zh-Hans", "气象厅发令"),
            ("zh-Hant", "氣象廳發令"),
            ("vi", "Cơ quan Khí tượng ra lệnh"),
            ("id", "Badan Meteorologi memerintahkan"),
        ),
        (
            ("ja", "気象庁は大津波警報を発表しました。仙台市は避難指示を発令しました。"),
            ("ko", "기상청이 발표"),
        ),
    ),
    Row("warning_is_announced", {}, (("ja", "大津波警報が発令"),), (("ja", "避難指示（大津波警報）を発令"),)),
    Row("jma_text_orders", {"issuer": "jma"}, (("ja", "発令されました"),), (("ja", "発表されました"),)),
    Row(
        "city_never_announces_orders",
        {},
        (("ja", "仙台市は避難指示を発表しました"), ("ja", "避難指示（洪水）を発表")),
        (("ja", "仙台市は避難指示（洪水）を発令しました"),),
    ),
    Row(
        "city_never_announces_warnings",
        {},
        (("ja", "仙台市は、若林区に大雨警報を発表しました"),),
        (("ja", "仙台市は避難指示を発令。気象庁は大雨警報を発表"),),
    ),
    Row(
        "two_issuers_in_one_sentence",
        {},
        (("ja", "気象庁が津波警報を発表し、仙台市が避難指示を発令しました。"),),
        (("ja", "気象庁は津波警報を発表しました。仙台市は避難指示を発令しました。"),),
    ),
    Row(
        "guidance_apart_from_order",
        {"issuer": "service"},
        (("ja", "避難指示を案内します"), ("ja", "プッシュ型避難誘導から発令")),
        (("ja", "避難指示：仙台市 14:05発令。案内：仙台市プッシュ型避難誘導"),),
    ),
    Row(
        "warning_ended_by_the_city",
        TSUNAMI,
        (("ja", "津波警報を解除しました"), ("ja", "大津波警報は誤りでした")),
        (("ja", "避難指示（津波警報）を解除しました"),),
    ),
    Row(
        "warning_lift_ends_no_order",
        {},
        (
            ("ja", "警報が解除されたため避難指示は解除です"),
            ("ja", "避難指示も解除されました"),
            ("en", "The warning has been lifted, so the evacuation order is over"),
        ),
        (("ja", "気象庁は警報を解除しました。避難指示は続いています。"),),
    ),
    Row(
        "recall_is_not_a_lift",
        {"act": Act.RECALL},
        (
            ("ja", "誤りだったので解除しました"),
            ("ja-x-easy", "おわりました"),
            ("en", "The order is lifted"),
            ("zh-Hans", "解除"),
            ("ko", "해제했습니다"),
            ("vi", "đã dỡ bỏ"),
            ("ne", "हटाइयो"),
            ("id", "dicabut"),
        ),
        (("ja", "誤りでした。取り消しました。"), ("en", "was a mistake and is recalled")),
    ),
    Row(
        "lift_is_not_a_recall",
        {"act": Act.LIFT},
        (
            ("ja", "取り消しました"),
            ("ja-x-easy", "まちがいでした"),
            ("en", "The order is recalled"),
            ("zh-Hans", "已撤销"),
            ("zh-Hant", "錯誤"),
            ("ko", "취소했습니다"),
            ("vi", "đã hủy bỏ"),
            ("ne", "रद्द गरियो"),
            ("id", "dibatalkan"),
        ),
        (("ja", "解除しました"), ("en", "has been lifted")),
    ),
    Row(
        "lift_says_so",
        LIFT,
        (("ja", "仙台市です。川に近づかないでください"), ("en", "Sendai: stay away from rivers")),
        (
            ("ja", "仙台市は解除しました。川に近づかないでください"),
            ("en", "Sendai has lifted it. Stay away from rivers"),
        ),
    ),
    Row(
        "lift_keeps_people_away",
        LIFT,
        (("ja", "仙台市は解除しました"), ("en", "Sendai has lifted it"), ("vi", "Sendai đã dỡ bỏ")),
        (
            ("ja", "仙台市は解除しました。川に近づかないでください"),
            ("vi", "Sendai đã dỡ bỏ. Đừng đến gần sông"),
        ),
    ),
    Row(
        "recall_says_so",
        RECALL,
        (("ja", "仙台市の14時06分の避難指示はありませんでした"), ("ko", "센다이 14:06")),
        (
            ("ja", "仙台市の14時06分の避難指示は誤りでした。取り消しました"),
            ("ko", "센다이 14:06 취소했습니다"),
        ),
    ),
    Row(
        "recall_names_the_time",
        RECALL,
        (("ja", "仙台市の避難指示は誤りでした。取り消しました"), ("en", "Sendai: the order is recalled")),
        (
            ("ja", "仙台市の14時06分の避難指示は取り消しました"),
            ("en", "Sendai: the order of 14:06 is recalled"),
        ),
    ),
    Row(
        "never_safe",
        {},
        (
            ("ja", "もう安全です"),
            ("ja", "ご安心ください"),
            ("ja", "安全宣言を出しました"),
            ("ja", "ここは安全な場所です"),
            ("ja", "もう大丈夫です"),
            ("ja", "危険は去りました"),
            ("ja", "津波の心配はなくなりました"),
            ("en", "The area is now considered safe"),
            ("ko", "이제 안전해요"),
            ("vi", "Khu vực này an toàn"),
            ("id", "Anda aman sekarang"),
            ("en", "It is safe to return"),
            ("en", "All clear"),
            ("zh-Hans", "现在安全"),
            ("zh-Hant", "請放心"),
            ("ko", "안심하세요"),
            ("vi", "Khu vực đã an toàn"),
            ("ne", "यहाँ सुरक्षित छ"),
            ("id", "Daerah ini sudah aman"),
        ),
        (
            ("ja", "対象ではありません。緊急安全確保"),
            ("en", "You are outside the area"),
            ("zh-Hans", "紧急安全确保"),
        ),
    ),
    Row(
        "never_too_late",
        {},
        (
            ("ja", "もう手遅れです"),
            ("ja", "間に合いません"),
            ("ja", "もう逃げられません"),
            ("en", "It is too late to evacuate"),
            ("zh-Hans", "来不及了"),
            ("zh-Hant", "來不及了"),
            ("ko", "이미 늦었습니다"),
            ("vi", "Đã quá muộn"),
            ("id", "Sudah terlambat"),
        ),
        (("ja", "今いる所で命を守ってください"), ("en", "Leave now")),
    ),
    Row(
        "own_forecast",
        {},
        (
            ("ja", "15時ごろ津波の第一波が到達すると予測しています。"),
            ("ja", "3時に堤防が決壊する見込みです。"),
        ),
        (
            ("ja", "気象庁は15時ごろ津波が到達すると予想しています。"),
            ("ja", "15時までに避難を終えてください。川の水があふれています。"),
        ),
    ),
    Row(
        "level5_set_out",
        {"level": 5},
        (
            ("ja", "避難所へ行ってください"),
            ("ja", "避難所に向かってください"),
            ("ja", "小学校に避難してください"),
            ("ja", "避難場所まで走ってください"),
            ("ja-x-easy", "にげる ところへ 行って ください"),
            ("en", "Go to the evacuation site"),
            ("zh-Hans", "请前往避难场所"),
            ("zh-Hant", "請前往避難場所"),
            ("ko", "대피소로 가세요"),
            ("vi", "Hãy đến nơi tạm trú"),
            ("ne", "आश्रयस्थल जानुहोस्"),
            ("id", "Pergi ke tempat evakuasi"),
        ),
        (
            ("ja", "避難所へ行かないでください。今いる建物の高い階で命を守ってください。"),
            ("ja", "避難場所へ向かわないでください"),
            ("ja", "今いる所で命を守ってください"),
            ("ja", "避難所に行かないでください"),
            ("en", "Where you are, move to a higher floor"),
        ),
    ),
    Row(
        "no_softening",
        {},
        (
            ("ja", "念のため避難してください"),
            ("ja", "浸水の可能性があります"),
            ("en", "Evacuate just in case"),
            ("zh-Hans", "以防万一"),
            ("ko", "만일을 위해"),
            ("vi", "để đề phòng"),
            ("id", "untuk berjaga-jaga"),
            ("ne", "सम्भव भए"),
        ),
        (("ja", "今すぐ避難してください"), ("en", "Evacuate now")),
    ),
    Row(
        "leave_the_sea_for_another_danger",
        {},
        (
            ("ja", "海から離れてください"),
            ("ja-x-easy", "海から はなれて ください"),
            ("en", "Leave the coast now"),
            ("zh-Hans", "请远离海边"),
            ("zh-Hant", "請遠離大海"),
            ("ko", "바다에서 떨어지세요"),
            ("vi", "Hãy rời xa biển"),
            ("ne", "समुद्रबाट टाढा"),
            ("id", "Jauhi laut"),
        ),
        (("ja", "川や海に近づかないでください"), ("en", "Stay away from rivers and the sea")),
    ),
    Row(
        "stay_in_for_a_tsunami",
        TSUNAMI,
        (
            ("ja", "屋内安全確保をしてください"),
            ("ja", "自宅の2階へ"),
            ("en", "Stay indoors"),
            ("zh-Hans", "请待在家里"),
            ("ko", "집에 머무르세요"),
            ("vi", "Hãy ở trong nhà"),
            ("ne", "घरमै बस्नुहोस्"),
            ("id", "Tetap di rumah"),
        ),
        (("ja", "高い所へ逃げてください"), ("en", "Get to high ground")),
    ),
    Row(
        "go_up_in_a_fire",
        {"hazard": HazardKind.LARGE_FIRE, "level": None},
        (
            ("ja", "高い階へ移ってください"),
            ("en", "Move to a higher floor"),
            ("zh-Hans", "移到更高楼层"),
            ("zh-Hant", "移到高樓層"),
            ("ko", "높은 층으로"),
            ("vi", "lên tầng cao"),
            ("ne", "माथिल्लो तला"),
            ("id", "lantai lebih tinggi"),
        ),
        (("ja", "火から離れてください"), ("en", "Get away from the fire")),
    ),
    Row(
        "level3_names_everybody",
        L3,
        (
            ("ja", "仙台市：警戒レベル3 高齢者等避難。高齢の方は避難してください。"),
            ("ja-x-easy", "仙台市：レベル3。お年よりは にげます。"),
            ("en", "Sendai: Alert level 3. Elderly people: evacuate."),
            ("zh-Hans", "仙台市：警戒等级3。老年人请避难。"),
            ("zh-Hant", "仙台市：警戒等級3。老年人請避難。"),
            ("ko", "센다이: 레벨 3. 고령자는 대피하세요."),
            ("vi", "Sendai: Cấp độ cảnh giác 3. Người cao tuổi: hãy lánh nạn."),
            ("ne", "सेन्दाई: श्रेणी ३। वृद्धवृद्धा निस्कनुहोस्।"),
            ("id", "Sendai: Tingkat kewaspadaan 3. Lansia: evakuasi."),
        ),
        (
            (
                "ja",
                "仙台市：警戒レベル3。高齢の方・障害のある方など、避難に時間がかかる方と支援する方は避難開始。ほかの人も準備。",
            ),
        ),
    ),
    Row(
        "names_the_level",
        {"act": Act.ISSUE, "whole": True},
        (
            ("ja", "仙台市は避難指示を発令しました"),
            ("ja-x-easy", "仙台市が 避難指示を 出しました"),
            ("en", "Sendai has issued an Evacuation Order"),
            ("zh-Hans", "仙台市发布了避难指示"),
            ("ko", "센다이시는 피난 지시를 발령"),
            ("vi", "Sendai đã ban hành Chỉ thị lánh nạn"),
            ("ne", "सेन्दाई निर्देशन"),
            ("id", "Kota Sendai: Perintah Evakuasi"),
        ),
        (
            ("ja", "仙台市は警戒レベル４ 避難指示を発令しました"),
            ("ne", "सेन्दाई श्रेणी ४"),
            ("en", "Sendai: Alert level 4"),
        ),
    ),
    Row(
        "names_the_tsunami",
        {**TSUNAMI, "act": Act.ISSUE, "whole": True},
        (
            ("ja", "仙台市は避難指示を発令しました"),
            ("en", "Sendai: Evacuation Order"),
            ("ko", "센다이 피난 지시"),
        ),
        (("ja", "仙台市は避難指示（津波警報）を発令しました"), ("ko", "센다이 지진해일 피난 지시")),
    ),
    Row(
        "names_the_city",
        {"act": Act.UPDATE, "whole": True},
        (("ja", "警戒レベル4 避難指示"), ("en", "Alert level 4 Evacuation Order"), ("ne", "श्रेणी ४")),
        (("ja", "仙台市 警戒レベル4 避難指示"), ("en", "Sendai City: Alert level 4"), ("ne", "सेन्दाई श्रेणी ४")),
    ),
    Row(
        "names_jma",
        {**TSUNAMI, "issuer": "jma", "whole": True},
        (("ja", "大津波警報"), ("en", "Major Tsunami Warning")),
        (("ja", "気象庁発表 大津波警報"), ("en", "JMA: Major Tsunami Warning")),
    ),
    Row(
        "foreign_page",
        {},
        (
            ("ja", "https://sendai-bosai.example.com/ を見てください"),
            ("ja", "詳しくは bit.ly/abc へ"),
            ("en", "See www.sendai-hinan.net"),
            ("ja", "https://city.sendai.jp.evil.example/"),
            ("ja", "https://www.city.sendai.jp@evil.example/"),
            ("ja", "ｈｔｔｐｓ：／／evil.example/"),
        ),
        (
            ("ja", "https://www.city.sendai.jp/bosai を見てください"),
            ("en", "See www.city.sendai.jp"),
            ("en", "Keep calm. Move inland."),
        ),
    ),
    Row(
        "not_a_drill",
        DRILL,
        (
            ("ja", "【訓練】訓練ではありません"),
            ("ja-x-easy", "【訓練】れんしゅうでは ありません"),
            ("en", "【訓練】This is NOT a drill"),
            ("zh-Hans", "【訓練】不是演习"),
            ("zh-Hant", "【訓練】不是演習"),
            ("ko", "【訓練】훈련이 아닙니다"),
            ("vi", "【訓練】không phải là diễn tập"),
            ("ne", "【訓練】यो अभ्यास होइन"),
            ("id", "【訓練】Ini bukan latihan"),
        ),
        (("ja", "【訓練】避難指示"), ("en", "【訓練】DRILL: Evacuation Order")),
    ),
    Row(
        "drill_words_on_live",
        {},
        (
            ("ja", "訓練の避難指示"),
            ("ja-x-easy", "れんしゅうです"),
            ("en", "This is a drill"),
            ("zh-Hans", "演习"),
            ("zh-Hant", "演習"),
            ("ko", "훈련"),
            ("vi", "diễn tập"),
            ("ne", "अभ्यास"),
            ("id", "latihan"),
        ),
        (("ja", "避難指示"), ("en", "Evacuation Order")),
    ),
    Row(
        "drill_unmarked",
        DRILL,
        (("ja", "避難指示 これは訓練です"), ("en", "DRILL")),
        (("ja", "【訓練】避難指示"),),
    ),
    Row(
        "drill_end",
        {**DRILL, "whole": True, "act": Act.ISSUE},
        (("ja", "【訓練】仙台市 警戒レベル4 避難指示"),),
        (("ja", "【訓練】仙台市 警戒レベル4 避難指示。これは訓練です"),),
    ),
)


def broken(row: Row, lang: str, words: str) -> set[str]:
    return {one.rule for one in check_wording(words, lang, **{**BASE, **row.about})}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_a_text_that_breaks_the_rule_is_found_in_each_language_that_can(row: Row) -> None:
    missed = [(lang, words) for lang, words in row.bad if row.rule not in broken(row, lang, words)]
    assert missed == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_a_text_that_keeps_the_rule_is_let_through(row: Row) -> None:
    refused = [(lang, words) for lang, words in row.good if row.rule in broken(row, lang, words)]
    assert refused == []


def test_every_row_of_the_table_is_tried_and_says_how_to_mend() -> None:
    assert [one.rule for one in ROWS] == list(dict.fromkeys(one.name for one in RULES))
    for rule in RULES:
        assert rule.mend.endswith(("。", "）"))


def test_a_fragment_owes_nothing_that_only_a_whole_message_must_hold() -> None:
    fragment = check_wording("名取川の水位が上がっています。", "ja", **BASE, act=Act.ISSUE)
    assert fragment == []


def test_what_can_not_be_seen_and_full_width_letters_hide_nothing() -> None:
    hidden = check_wording("避難\u200b勧告 Ａｌｌ ｃｌｅａｒ", "ja", **BASE)
    assert {one.rule for one in hidden} == {"retired_name", "never_safe"}


def test_another_city_names_its_own_pages() -> None:
    words = "https://www.city.example.jp/bosai"
    assert check_wording(words, "ja", **BASE)
    assert check_wording(words, "ja", **BASE, official_hosts=("city.example.jp",)) == []
