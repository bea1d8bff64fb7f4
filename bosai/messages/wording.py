"""The wording rules, one row a rule, that every text passes in every language before anybody reads it.

Issuers: "city" (the mayor's order, 発令), "jma" (発表), "service" (our guidance, 案内 and お知らせ).
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from bosai.model.realm import Realm
from geodata.hazards import HazardKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a text is about: enough to know which rules apply."""

    lang: str
    hazard: HazardKind | None
    level: int | None
    realm: Realm
    issuer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that a text breaks, what broke it, and the mend in Japanese for whoever wrote it."""

    rule: str
    found: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Words that must not appear where `applies` holds. `pattern` is searched in NFKC text
    without what can not be seen, ignoring case."""

    name: str
    pattern: re.Pattern[str]
    mend: str
    applies: Callable[[Setting], bool] = lambda _setting: True


def check_wording(
    text: str, lang: str, *, hazard: HazardKind | None, level: int | None, realm: Realm, issuer: str
) -> list[Violation]:
    """Every rule of the table that `text` breaks; an empty list when it may be read."""
    setting = Setting(lang=lang, hazard=hazard, level=level, realm=realm, issuer=issuer)
    plain = "".join(one for one in unicodedata.normalize("NFKC", text) if unicodedata.category(one) != "Cf")
    broken = [
        Violation(rule=rule.name, found=hit.group(0), mend=rule.mend)
        for rule in RULES
        if rule.applies(setting) and (hit := rule.pattern.search(plain))
    ]
    if realm.is_drill and not plain.startswith(DRILL_START):
        broken.append(
            Violation(
                rule="drill_unmarked", found=text[:10], mend=f"文の最初に「{DRILL_START}」を付けてください。"
            )
        )
    return broken


def check_drill_end(body: str, realm: Realm) -> list[Violation]:
    """A whole message of the drill side also ends as one."""
    if realm.is_drill and not body.rstrip().endswith(DRILL_END):
        return [
            Violation(rule="drill_end", found=body[-10:], mend=f"文の最後を「{DRILL_END}」にしてください。")
        ]
    return []


DRILL_START = "【訓練】"
DRILL_END = "これは訓練です"


def _words(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts), re.IGNORECASE)


RULES: tuple[Rule, ...] = (
    Rule(
        name="retired_name",
        pattern=_words(
            "避難勧告",
            r"避難指示\s*[((]緊急[))]",
            "避難準備",
            "災害発生情報",
            "土砂災害警戒情報",
            "evacuation (advisory|recommendation)",
            "避难劝告",
            "避難勸告",
            "피난 권고",
            "대피 권고",
            "khuyến cáo (lánh nạn|sơ tán)",
            "imbauan evakuasi",
        ),
        mend="2021年5月と2026年5月に廃止された名前です。今の名前（高齢者等避難・避難指示・緊急安全確保など）にしてください。",
    ),
    Rule(
        name="level_beside_tsunami",
        pattern=_words(
            r"(警戒)?レベル\s*\d",
            r"\blevel\s*\d",
            r"警戒等[级級]\s*\d|等[级級]\s*\d|\d\s*[级級]",
            r"레벨\s*\d",
            r"cấp độ( cảnh giác)?\s*\d",
            r"श्रेणी\s*[\d०-९]",
            r"tingkat( kewaspadaan)?\s*\d",
        ),
        mend="津波に警戒レベルはありません。数字を消して、大津波警報・津波警報・津波注意報の名前を書いてください。",
        applies=lambda s: s.hazard is HazardKind.TSUNAMI,
    ),
    Rule(
        name="jma_never_orders",
        pattern=_words(r"気象庁(は|が|から)?[^。、,\n]{0,20}発令"),
        mend="気象庁は「発表」します。「発令」は市長だけです。",
    ),
    Rule(
        name="jma_text_orders",
        pattern=_words("発令"),
        mend="気象庁の文では「発表」と書いてください。",
        applies=lambda s: s.issuer == "jma",
    ),
    Rule(
        name="city_never_announces_orders",
        pattern=_words(r"(避難指示|高齢者等避難|緊急安全確保)を発表"),
        mend="避難情報は市長が「発令」します。",
    ),
    Rule(
        name="guidance_apart_from_order",
        pattern=_words(
            r"(?<!市)(が|は)発令", r"避難指示.{0,6}を?案内", r"(プッシュ型避難誘導|案内).{0,8}発令"
        ),
        mend="発令は仙台市長、案内は私たちです。文を分けてください。",
        applies=lambda s: s.issuer == "service",
    ),
    Rule(
        name="warning_ended_by_the_city",
        pattern=_words(r"津波(注意報|警報)(を(解除|取り消)|は誤り|の対象)"),
        mend="津波警報・注意報は気象庁のものです。市が解除・取消をするのは「避難指示（津波警報）」です。",
        applies=lambda s: s.issuer == "service",
    ),
    Rule(
        name="never_safe",
        pattern=_words(
            r"安全(です|になりました|になった|が確認|が確保され|となりました)",
            r"(もう|今は)安全",
            r"危険は(ありません|なくなりました)",
            r"\b(is|are|you're|now|be) safe\b",
            r"\ball[ -]clear\b",
            r"no danger",
            r"(已经?|已經|现在|現在|是|很)安全(?!的?地)",
            r"没有危险|沒有危險",
            r"안전(합니다|해졌|하게 되었)",
            r"(đã|hiện|rất|là) an toàn",
            r"सुरक्षित (छ|छन्|हुनुहुन्छ|भयो|भएको छ)",
            r"(sudah|telah|kini|dinyatakan) aman",
        ),
        mend="「安全」とは言えません。区域の外は「対象ではありません」、終わりは「解除しました」と書いてください。",
    ),
    Rule(
        name="level5_set_out",
        pattern=_words(
            r"(避難所|避難場所|学校|センター|公園|」|\))へ(避難|逃げ|行|向か|移動)",
            r"避難(所|場所)へ",
            r"立退き避難",
            r"\b(go|evacuate|head|proceed|walk|leave) (now )?(to|for) (the|an?|your)?\s*(evacuation|shelter|site)",
            r"前往(避难|避難)",
            r"(대피소|피난소|대피 장소)로",
            r"(đến|tới) (địa điểm|nơi) (lánh nạn|tạm trú)",
            r"(pergi|menuju) ke (tempat|lokasi) (evakuasi|pengungsian)",
        ),
        mend="警戒レベル5で「避難所へ行く」とは書きません。今いる所で命を守る行動を書いてください。",
        applies=lambda s: s.level == 5,
    ),
    Rule(
        name="no_softening",
        pattern=_words(
            "念のため",
            "かもしれません",
            "可能性があります",
            r"しないわけでは",
            "just in case",
            "as a precaution",
        ),
        mend="警戒レベル4以上と津波では、言い切ってください。",
        applies=lambda s: (s.level or 0) >= 4 or s.hazard is HazardKind.TSUNAMI,
    ),
    Rule(
        name="not_a_drill",
        pattern=_words(
            "訓練では(ありません|ない)",
            r"not a drill",
            r"不是演[习習]",
            "훈련이 아닙니다",
            "không phải (là )?diễn tập",
        ),
        mend="「訓練ではありません」とは、どの文にも書きません。",
    ),
    Rule(
        name="drill_words_on_live",
        pattern=_words(
            "訓練", r"\bdrill\b", "れんしゅう", r"演习|演習", "훈련", "diễn tập", "अभ्यास", "latihan"
        ),
        mend="本番の文に訓練の言葉が入っています。",
        applies=lambda s: not s.realm.is_drill,
    ),
)
"""The table. Add a row; the tests run every catalogue and every rendered message through it."""
