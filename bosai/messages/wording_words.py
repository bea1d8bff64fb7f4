"""Words that the wording rules look for, by language, as patterns; "{}" stands for a level's number.

Texts are searched in NFKC and ignoring case. A language that needs a word of its own has its own entry.
"""

LEVEL = {
    "ja": r"レベル\s*{}",
    "ja-x-easy": r"レベル\s*{}",
    "en": r"\blevel\s*{}",
    "zh-Hans": r"等级\s*{}",
    "zh-Hant": r"等級\s*{}",
    "ko": r"레벨\s*{}",
    "vi": r"cấp độ( cảnh giác)?\s*{}",
    "ne": r"श्रेणी\s*{}",
    "id": r"tingkat( kewaspadaan)?\s*{}",
}
DEVANAGARI = str.maketrans("0123456789", "०१२३४५६७८९")
TSUNAMI = {
    "ja": "津波",
    "ja-x-easy": "津波|つなみ|高い 波|海から はなれて",
    "en": "tsunami",
    "zh-Hans": "海啸",
    "zh-Hant": "海嘯",
    "ko": "지진해일|쓰나미",
    "vi": "sóng thần",
    "ne": "सुनामी",
    "id": "tsunami",
}
CITY = {
    "ja": "仙台市",
    "ja-x-easy": "仙台市",
    "en": "Sendai",
    "zh-Hans": "仙台市",
    "zh-Hant": "仙台市",
    "ko": "센다이",
    "vi": "Sendai",
    "ne": "सेन्दाई",
    "id": "Sendai",
}
JMA = "気象庁|気象台|JMA|Meteorological Agency|气象厅|氣象廳|기상청|Cơ quan Khí tượng|मौसम एजेन्सी|Badan Meteorologi"
L3 = {
    "ja": r"(?=.*高齢)(?=.*障害)(?=.*支援する)(?=.*ほかの(人|方)も準備)",
    "ja-x-easy": r"(?=.*お年より)(?=.*体の 不自由な)(?=.*手伝う 人)(?=.*ほかの 人も じゅんび)",
    "en": r"(?=.*elderly)(?=.*disabilit)(?=.*(helping|support|assist))(?=.*else: prepare)",
    "zh-Hans": r"(?=.*老年人)(?=.*残障)(?=.*协助者)(?=.*其他人也请做好准备)",
    "zh-Hant": r"(?=.*老年人)(?=.*障礙)(?=.*協助者)(?=.*其他人也請做好準備)",
    "ko": r"(?=.*고령자)(?=.*장애인)(?=.*돕는 분)(?=.*다른 분도 준비)",
    "vi": r"(?=.*người cao tuổi)(?=.*khuyết tật)(?=.*hỗ trợ)(?=.*người khác: hãy chuẩn bị)",
    "ne": r"(?=.*वृद्धवृद्धा)(?=.*अपाङ्गता)(?=.*सहयोग गर्ने)(?=.*अरू: तयारी)",
    "id": r"(?=.*lansia)(?=.*disabilitas)(?=.*membantu)(?=.*orang lain: bersiap)",
}
LIFTED = "解除|おわりました|\\blifted\\b|해제|dỡ bỏ|हटाइ|हटायो|(di|men)cabut"
ENDED = "|終了|\\bended\\b|结束|結束|종료|kết thúc|समाप्त|mengakhiri|berakhir"
"""An お知らせ of ours ends (終了): nothing was ordered that could be lifted."""
RECALLED = "取消|取り消|まちがい|\\brecalled\\b|撤销|撤銷|취소|hủy bỏ|रद्द|dibatalkan"
KEEP_AWAY = (
    "近づかない|行かないで|戻らない|stay away|不要靠近|가까이 가지|đừng đến gần|नजानुहोस्|jangan mendekati"
)
LEAVE_THE_SEA = (
    "海(岸)?から離れ|海から はなれ|海岸堤防より内陸",
    r"(leave|away from) the (coast|sea)\b(?! and rivers)",
    "远离(海边|大海)|遠離(海邊|大海)",
    "바다에서 떨어",
    "rời xa biển",
    "समुद्रबाट टाढा",
    "jauhi laut",
)
