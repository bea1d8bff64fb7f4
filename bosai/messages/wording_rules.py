"""The table of the wording rules. Add a row; the tests run every catalogue and every rendered message through it.

Sources: domain reference §1.1 (retired names), §1.4 (解除 is not 取消, nor JMA's), §1.5 (tsunami has no level), §2.1
and §2.2 (JMA's names since 2026-05-28), §7.1 (messages), §8.2 (what went wrong elsewhere), §9 (who 発令, who 発表).
Each row is a sentence: `forbids` words, or `requires` them of a whole message. Words are searched in NFKC text without
what can not be seen, ignoring case; all languages stand in one pattern unless a word means two things.
"""

from bosai.messages.wording_parts import (
    DRILL_END,
    DRILL_START,
    Rule,
    forbids,
    foreign_page,
    level_missing,
    own_forecast,
    requires,
)
from bosai.messages.wording_words import (
    CITY,
    ENDED,
    JMA,
    KEEP_AWAY,
    L3,
    LEAVE_THE_SEA,
    LIFTED,
    RECALLED,
    TSUNAMI,
)
from bosai.model.alert import Act
from geodata.hazards import HazardKind

_GO_NOT = "(?!(行か|向かわ|移動し|逃げ|避難し)(ない|なく|ず))"
"""「避難所へ行かないで」 sends nobody."""

RULES: tuple[Rule, ...] = (
    # Names
    Rule(
        name="retired_name",
        find=forbids(
            r"避難\s*勧\s*告",
            r"避難指示\s*[((]緊急[))]",
            "避難準備(・|情報|・?高齢者)",
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
        name="retired_jma_name",
        find=forbids(
            "洪水(特別)?(警報|注意報)",
            "氾濫(注意|警戒|危険|発生)情報",
            r"大雨(特別)?警報\s*\((土砂災害|浸水害)",
            "顕著な大雨に関する気象情報",
            "記録的短時間大雨情報",
            "竜巻注意情報",
        ),
        mend="2026年5月28日に変わった気象庁の名前です。今の名前（氾濫警報・大雨警報・土砂災害警報・気象防災速報など）にしてください。",
    ),
    Rule(
        name="invented_warning",
        find=forbids(
            "(市|私たち)の(特別警報|警報|注意報)",
            "避難(警報|注意報|命令)",
            "evacuation (warning|watch|command)",
        ),
        mend="警報・注意報は気象庁だけが発表し、避難の「命令」はありません。避難情報の名前を書いてください。",
    ),
    # Levels
    Rule(
        name="level_beside_tsunami",
        find=forbids(
            r"(警戒)?レベル\s*(\d|[一二三四五]|[IV]{1,3}(?![A-Za-z]))",
            r"\blevel\s*(\d|one|two|three|four|five|[IV]{1,3}\b)",
            r"警戒等[级級]\s*\d|等[级級]\s*\d|\d\s*[级級]",
            r"레벨\s*\d",
            r"cấp độ( cảnh giác)?\s*\d",
            r"श्रेणी\s*[\d०-९]",
            r"tingkat( kewaspadaan)?\s*\d",
        ),
        mend="津波に警戒レベルはありません。数字を消して、大津波警報・津波警報・津波注意報の名前を書いてください。",
        applies=lambda s: s.is_tsunami,
    ),
    Rule(
        name="level_attached_to_tsunami",
        find=forbids(
            r"津波[^。、,\n]{0,8}レベル\s*\d",
            r"レベル\s*\d\s*(の|相当の?|に相当する)?(大)?津波",
            r"tsunami[^.,\n]{0,12}\blevel\s*\d",
            r"\blevel\s*\d[^.,\n]{0,4}tsunami",
        ),
        mend="津波に警戒レベルはありません。数字を消してください。",
        applies=lambda s: not s.is_tsunami,
    ),
    Rule(
        name="jma_level_without_equivalent",
        find=forbids(
            r"警戒レベル\s*\d(?!\s*相当)",
            r"alert level\s*\d(?![\s-]*equivalent)",
            r"警戒等级\s*\d(?!\s*相当)",
            r"警戒等級\s*\d(?!\s*相當)",
            r"경보 레벨\s*\d(?!\s*(상당|해당))",
            r"cấp độ cảnh giác\s*\d(?!\s*tương đương)",
        ),
        mend="気象庁の情報は「警戒レベル○相当」です。「相当」を付けてください。",
        applies=lambda s: s.issuer == "jma",
    ),
    Rule(
        name="jma_named_with_a_level",
        find=forbids(
            r"気象庁[^。\n]{0,30}警戒レベル\s*\d(?!\s*相当)",
            r"(JMA|Meteorological Agency)[^.\n]{0,40}alert level\s*\d(?![\s-]*equivalent)",
        ),
        mend="気象庁の情報は「警戒レベル○相当」です。「相当」を付けてください。",
        applies=lambda s: s.issuer != "jma",
    ),
    Rule(
        name="order_is_not_equivalent",
        find=forbids(r"警戒レベル\s*\d\s*相当の?\s*[「(]?(高齢者等避難|避難指示|緊急安全確保)"),
        mend="市の避難情報に「相当」は付きません。「警戒レベル4 避難指示」と書いてください。",
    ),
    # Who says what
    Rule(
        name="jma_never_orders",
        find=forbids(
            r"気象庁(は|が|から)?[^。、,\n]{0,20}発令",
            r"気象[庁台][^。、\n]{0,12}(避難指示|避難情報|高齢者等避難|緊急安全確保)を?(発|出し)",
            r"気象[庁台]の指示|気象[庁台][^。\n]{0,12}避難を(命|指示)",
            r"(JMA|Meteorological Agency)[^.\n]{0,40}\border(s|ed)\b",
            r"(JMA|Meteorological Agency)[^.\n]{0,20}issued[^.\n]{0,12}evacuation order",
            "기상청[^.\n]{0,20}발령",
            "(气象厅|氣象廳)[^。\n]{0,20}(发令|發令|下令)",
            r"Cơ quan Khí tượng[^.\n]{0,30}ra lệnh",
            r"Badan Meteorologi[^.\n]{0,30}memerintahkan",
        ),
        mend="気象庁は「発表」します。「発令」は市長だけです。",
    ),
    Rule(
        name="warning_is_announced",
        find=forbids("(特別警報|警報|注意報)[をが]発令"),
        mend="警報・注意報は気象庁が「発表」します。「発令」は市の避難情報だけです。",
    ),
    Rule(
        name="jma_text_orders",
        find=forbids("発令"),
        mend="気象庁の文では「発表」と書いてください。",
        applies=lambda s: s.issuer == "jma",
    ),
    Rule(
        name="city_never_announces_orders",
        find=forbids(r"(避難指示|高齢者等避難|緊急安全確保)(\([^)]*\))?[をが]発表"),
        mend="避難情報は市長が「発令」します。",
    ),
    Rule(
        name="city_never_announces_warnings",
        find=forbids(r"市[はが、][^。\n]{0,30}(警報|注意報)[をが](発[表令]|出し)"),
        mend="警報・注意報は気象庁が発表します。市がするのは避難情報の発令です。",
    ),
    Rule(
        name="two_issuers_in_one_sentence",
        find=forbids(r"発表[^。\n]{0,60}発令", r"発令[^。\n]{0,60}発表"),
        mend="気象庁の発表と市の発令は、文を分けてください。",
    ),
    Rule(
        name="guidance_apart_from_order",
        find=forbids(r"(?<!市)(が|は)発令", r"避難指示.{0,6}を?案内", r"(プッシュ型避難誘導|案内).{0,8}発令"),
        mend="発令は仙台市長、案内は私たちです。文を分けてください。",
        applies=lambda s: s.issuer == "service",
    ),
    # Endings
    Rule(
        name="warning_ended_by_the_city",
        find=forbids(
            r"津波(注意報|警報)(を(解除|取り消)|は誤り|の対象)",
            r"津波(注意報|警報)[はを][^。\n]{0,8}市[がは](解除|取り消)",
        ),
        mend="津波警報・注意報は気象庁のものです。市が解除・取消をするのは「避難指示（津波警報）」です。",
        applies=lambda s: s.issuer in {"service", "city"},
    ),
    Rule(
        name="warning_lift_ends_no_order",
        find=forbids(
            r"(警報|注意報)[がのは、]?[^。\n]{0,6}解除[^。\n]{0,15}避難(指示|情報)?[はもを]?(解除|終わ|終了|不要)",
            r"避難指示も(自動的に)?解除",
            r"warning[^.\n]{0,20}lifted[^.\n]{0,20}evacuation order[^.\n]{0,12}(lifted|over|ended)",
        ),
        mend="気象庁の警報の解除は、市の避難指示の解除ではありません。文を分け、市の解除だけを書いてください。",
    ),
    Rule(
        name="recall_is_not_a_lift",
        find=forbids(LIFTED),
        mend="誤って出したものは「取消」です。危険が去ったときの「解除」の言葉を消してください。",
        applies=lambda s: s.act is Act.RECALL,
    ),
    Rule(
        name="lift_is_not_a_recall",
        find=forbids(RECALLED, "誤り", "mistake", "错误|錯誤", "잘못", "nhầm lẫn", "गल्ती", "kesalahan"),
        mend="危険が去ったときは「解除」です。「取消」「誤り」の言葉を消してください。",
        applies=lambda s: s.act is Act.LIFT,
    ),
    Rule(
        name="lift_says_so",
        find=requires(LIFTED + ENDED),
        mend="「解除しました」（お知らせは「終了しました」）と書いてください。",
        applies=lambda s: s.whole and s.act is Act.LIFT,
    ),
    Rule(
        name="lift_keeps_people_away",
        find=requires(KEEP_AWAY),
        mend="解除のあとも近づいてはいけない所（川や海、がけなど）を書いてください。",
        applies=lambda s: s.whole and s.act is Act.LIFT and s.issuer == "city",
    ),
    Rule(
        name="recall_says_so",
        find=requires(RECALLED),
        mend="「誤りでした。取り消しました。」と書いてください。",
        applies=lambda s: s.whole and s.act is Act.RECALL,
    ),
    Rule(
        name="recall_names_the_time",
        find=requires(r"\d{1,2}\s*(:\s*\d{2}|時\s*\d{1,2}\s*分)"),
        mend="いつ出したものの取消か、時刻を書いてください。",
        applies=lambda s: s.whole and s.act is Act.RECALL and s.issuer == "city",
    ),
    Rule(
        name="never_safe",
        find=forbids(
            r"安全(です|になりました|になった|が確認|が確保され|となりました)",
            r"(もう|今は)安全",
            r"危険は(ありません|なくなりました)",
            r"危険[はが](去り|なくなり)|(心配|おそれ|恐れ)[はが]なくなり",
            r"安全宣言|安全な(場所|所)です|もう大丈夫|帰宅して(構|かま)い",
            "ご?安心(です|ください|して ?ください)",
            r"\b(is|are|you're|now|be|considered|declared) safe\b",
            r"\bsafe to (go|return|enter|come)\b",
            r"\ball[ -]clear\b",
            r"no (longer in )?danger",
            r"(已经?|已經|现在|現在|是|很)安全(?!的?地)",
            r"没有危险|沒有危險|请放心|請放心",
            r"안전(합니다|해요|해졌|하게 되었)|안심하(세요|십시오)",
            r"(đã|hiện|rất|là|này|đây) an toàn|hãy yên tâm",
            r"सुरक्षित (छ|छन्|हुनुहुन्छ|भयो|भएको छ)|अब खतरा छैन",
            r"(sudah|telah|kini|dinyatakan|ini|anda) aman|tidak ada bahaya",
        ),
        mend="「安全」とは言えません。区域の外は「対象ではありません」、終わりは「解除しました」と書いてください。",
    ),
    Rule(
        name="never_too_late",
        find=forbids(
            "手遅れ|間に合いません|逃げられません",
            r"\btoo late\b",
            "来不及|來不及",
            "이미 늦었",
            "quá muộn",
            "sudah terlambat",
        ),
        mend="「もう遅い」とは書きません。今からできる、命を守る行動を書いてください。",
    ),
    Rule(
        name="own_forecast",
        find=own_forecast,
        mend="予報は気象庁・国土交通省・県などの発表だけです。誰の発表かを同じ文に書くか、見込みを消してください（気象業務法17条・23条）。",
        applies=lambda s: s.issuer != "jma",
    ),
    # What to do
    Rule(
        name="level5_set_out",
        find=forbids(
            rf"(避難所|避難場所|学校|センター|公園|」|\))へ{_GO_NOT}(避難|逃げ|行|向か|移動)",
            rf"避難(所|場所)へ{_GO_NOT}",
            r"(避難所|避難場所|学校|センター|公園)(に|まで)(避難|逃げ|行[っきく]|向か|移動|走)",
            r"立退き避難",
            r"にげる ところ[へに]",
            r"\b(go|evacuate|head|proceed|walk|leave) (now )?(to|for) (the|an?|your)?\s*(evacuation|shelter|site)",
            r"前往(避难|避難)",
            r"(대피소|피난소|대피 장소)로",
            r"(đến|tới) (địa điểm|nơi) (lánh nạn|tạm trú)",
            r"(आश्रयस्थल|निकासी स्थल)(मा|तिर)? ?जानु",
            r"(pergi|menuju) ke (tempat|lokasi) (evakuasi|pengungsian)",
        ),
        mend="警戒レベル5で「避難所へ行く」とは書きません。今いる所で命を守る行動を書いてください。",
        applies=lambda s: s.level == 5,
    ),
    Rule(
        name="no_softening",
        find=forbids(
            "念のため",
            "かもしれません",
            "可能性があります",
            "しないわけでは",
            "できれば",
            "できるだけ避難|避難を(検討|おすすめ|お勧め)",
            "just in case",
            "as a precaution",
            "if possible",
            "以防万一|以防萬一",
            "만일을 위해|혹시 모르니|가능하면",
            "để đề phòng|nếu có thể",
            "untuk berjaga-jaga|jika memungkinkan",
            "सम्भव भए",
        ),
        mend="警戒レベル4以上と津波では、言い切ってください。",
        applies=lambda s: (s.level or 0) >= 4 or s.is_tsunami,
    ),
    Rule(
        name="leave_the_sea_for_another_danger",
        find=forbids(*LEAVE_THE_SEA),
        mend="「海から離れる」は津波と高潮の行動です。この災害の行動を書いてください。",
        applies=lambda s: (
            s.hazard
            in {HazardKind.FLOOD, HazardKind.INLAND_FLOOD, HazardKind.LANDSLIDE, HazardKind.LARGE_FIRE}
        ),
    ),
    Rule(
        name="stay_in_for_a_tsunami",
        find=forbids(
            "屋内安全確保",
            "(自宅|家)の(2|二)階",
            r"[2二]階[へに](上が|避難|逃げ)",
            "家から出ないで",
            r"車で(逃げて|避難して)",
            r"[海川](の様子)?を見に行って",
            "がけから離れた",
            r"\bstay (indoors|at home|where you are)\b",
            "待在(家|室)",
            "집에 (머무|계)",
            "ở (yên )?trong nhà",
            "घरमै बस्नु",
            r"tetap(lah)? di (dalam )?rumah",
        ),
        mend="津波では家にとどまりません。海から離れ、高い所へ逃げる行動を書いてください。",
        applies=lambda s: s.is_tsunami,
    ),
    Rule(
        name="go_up_in_a_fire",
        find=forbids(
            "(高い|上の) ?階[へに]",
            r"(higher|upper|high) floor",
            "高层|更高楼层|高樓層|更高樓層",
            "높은 층",
            "tầng cao",
            "माथिल्लो तला",
            r"lantai (lebih )?tinggi",
        ),
        mend="火事では上の階へ逃げません。火から離れる行動を書いてください。",
        applies=lambda s: s.hazard is HazardKind.LARGE_FIRE,
    ),
    Rule(
        name="level3_names_everybody",
        find=requires(L3),
        mend="警戒レベル3では「高齢の方・障害のある方など、避難に時間がかかる方と支援する方は避難開始」と「ほかの人も準備」を書いてください。",
        applies=lambda s: s.directs and s.level == 3 and s.issuer == "city",
    ),
    # What a whole message owes
    Rule(
        name="names_the_level",
        find=level_missing,
        mend="警戒レベルの数字を書いてください（例：警戒レベル4 避難指示）。",
        applies=lambda s: s.directs and s.level is not None and s.issuer == "city",
    ),
    Rule(
        name="names_the_tsunami",
        find=requires(TSUNAMI),
        mend="津波であること（大津波警報・津波警報・津波注意報）を書いてください。",
        applies=lambda s: s.directs and s.is_tsunami,
    ),
    Rule(
        name="names_the_city",
        find=requires(CITY),
        mend="誰が出したか（仙台市）を書いてください。",
        applies=lambda s: s.whole and s.issuer == "city",
    ),
    Rule(
        name="names_jma",
        find=requires(JMA),
        mend="誰が出したか（気象庁発表）を書いてください。",
        applies=lambda s: s.whole and s.issuer == "jma",
    ),
    Rule(
        name="foreign_page",
        find=foreign_page,
        mend="市の公式ページのほかのアドレスは書けません。偽の案内と見分けられなくなります。",
    ),
    # Drills
    Rule(
        name="not_a_drill",
        find=forbids(
            "訓練では ?(ありません|ない)",
            "これは本番",
            "れんしゅうでは ?(ありません|ない)",
            r"not a drill",
            r"不是演[习習]",
            "훈련이 아닙니다",
            "không phải (là )?diễn tập",
            "अभ्यास होइन",
            "bukan latihan",
        ),
        mend="「訓練ではありません」とは、どの文にも書きません。",
    ),
    Rule(
        name="drill_words_on_live",
        find=forbids(
            "訓練", r"\bdrill\b", "れんしゅう", r"演习|演習", "훈련", "diễn tập", "अभ्यास", "latihan"
        ),
        mend="本番の文に訓練の言葉が入っています。",
        applies=lambda s: not s.realm.is_drill,
    ),
    Rule(
        name="drill_unmarked",
        find=requires(f"\\A{DRILL_START}"),
        mend=f"文の最初に「{DRILL_START}」を付けてください。",
        applies=lambda s: s.realm.is_drill,
    ),
    Rule(
        name="drill_end",
        find=requires(f"{DRILL_END}[。.]?\\s*\\Z"),
        mend=f"文の最後を「{DRILL_END}」にしてください。",
        applies=lambda s: s.realm.is_drill and s.whole,
    ),
)
"""The table, by subject."""
