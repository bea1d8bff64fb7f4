"""Readings: katakana to hiragana, and kana to modified Hepburn romaji.

Long vowels are written with macrons (ō, ū) or, as on most road signs, simply dropped. Only the kana are
seen, so a vowel pair across two words (いの・うえ) reads as a long one, on both sides of a comparison.
"""

from __future__ import annotations

import re
import unicodedata

_ROWS = {
    "あいうえお": "a i u e o",
    "かきくけこ": "ka ki ku ke ko",
    "がぎぐげご": "ga gi gu ge go",
    "さしすせそ": "sa shi su se so",
    "ざじずぜぞ": "za ji zu ze zo",
    "たちつてと": "ta chi tsu te to",
    "だぢづでど": "da ji zu de do",
    "なにぬねの": "na ni nu ne no",
    "はひふへほ": "ha hi fu he ho",
    "ばびぶべぼ": "ba bi bu be bo",
    "ぱぴぷぺぽ": "pa pi pu pe po",
    "まみむめも": "ma mi mu me mo",
    "らりるれろ": "ra ri ru re ro",
    "やゆよわゐゑをゔ": "ya yu yo wa i e o vu",
    "ぁぃぅぇぉゃゅょゎゕゖ": "a i u e o ya yu yo wa ka ke",
}
_SYLLABLES = {
    kana: romaji for row, names in _ROWS.items() for kana, romaji in zip(row, names.split(), strict=True)
}
_ONES = ("", "いち", "に", "さん", "よん", "ご", "ろく", "なな", "はち", "きゅう")
_BEFORE_CH = {1: "いっ", 8: "はっ"}
_ONE_SIZE = str.maketrans("ぁぃぅぇぉっゃゅょゎゕゖぢづゐゑ", "あいうえおつやゆよわかけじずいえ")
_GLIDES = {"ゃ": "ya", "ゅ": "yu", "ょ": "yo"}
_MACRONS = {"aa": "ā", "uu": "ū", "ee": "ē", "oo": "ō", "ou": "ō"}
# Spellings of the official (kunrei) and keyboard kind, brought to Hepburn before comparing.
_TO_HEPBURN = (
    (r"sy(?=[auo])", "sh"),
    (r"[zj]y(?=[auo])", "j"),
    (r"tty(?=[auo])", "cch"),
    (r"ty(?=[auo])", "ch"),
    (r"si", "shi"),
    (r"[zd]i", "ji"),
    (r"tti", "cchi"),
    (r"ti", "chi"),
    (r"tu", "tsu"),
    (r"du", "zu"),
    (r"(?<![sc])hu", "fu"),
    (r"tch", "cch"),
    (r"m(?=[bmp])", "n"),
    (r"oh(?![aiueoy])", "o"),
)


def to_hiragana(text: str) -> str:
    """NFKC, with every katakana as hiragana; everything else stays."""
    text = unicodedata.normalize("NFKC", text)
    return "".join(chr(ord(one) - 0x60) if "ァ" <= one <= "ヶ" else one for one in text)


def to_romaji(kana: str, *, macrons: bool = False) -> str:
    """Modified Hepburn in lower case: あらはま → arahama, ちゅうおう → chūō (chuo without macrons).

    ん before a vowel or y is n', っ doubles (matchi → matchi), ー lengthens. Other characters stay.
    """
    text = to_hiragana(kana)
    pieces: list[str] = []
    for n, one in enumerate(text):
        after = text[n + 1 : n + 2]
        if one in _GLIDES and pieces and pieces[-1].endswith("i") and len(pieces[-1]) > 1:
            stem, glide = pieces[-1][:-1], _GLIDES[one]
            pieces[-1] = stem + (glide[1:] if stem in {"sh", "ch", "j"} else glide)
        elif one == "ん":
            pieces.append("n'" if _SYLLABLES.get(after, "x")[0] in "aiueoy" else "n")
        elif one == "っ":
            pieces.append("っ")
        elif one == "ー":
            pieces.append(pieces[-1][-1] if pieces else "")
        else:
            pieces.append(_SYLLABLES.get(one, one))
    joined = re.sub(
        r"っ+(ch|[a-z])", lambda hit: ("t" if hit[1] == "ch" else hit[1]) + hit[1], "".join(pieces)
    )
    joined = re.sub(r"っ", "tsu", joined)
    return re.sub(r"aa|uu|ee|oo|ou", lambda hit: _MACRONS[hit[0]] if macrons else hit[0][0], joined)


def kana_key(text: str) -> str:
    """A key under which spellings of one reading meet: katakana, small kana, ぢ/じ, づ/ず, おお/おう/オー.

    Kanji, letters and figures stay as they are; blanks and signs fall away.
    """
    kana = re.sub(r"[^\u3041-\u309fー一-鿿a-z0-9]", "", to_hiragana(text).lower()).translate(_ONE_SIZE)
    kana = re.sub(r"(?<=[おこそとのほもよろごぞどぼぽ])お", "う", kana)
    return re.sub(r"(?<=[うくすつぬふむゆるぐずぶぷおこそとのほもよろごぞどぼぽ])ー", "う", kana)


def chome_kana(number: int) -> str:
    """How 丁目 of a number is usually read: 1 → いっちょうめ. By rule, so a local exception may differ."""
    tens, ones = divmod(number, 10)
    if not 1 <= number <= 99:
        raise ValueError(f"no 丁目 has the number {number}")
    before_ten = ("" if tens == 1 else _ONES[tens]) + ("じゅう" if ones else "じゅっ") if tens else ""
    return f"{before_ten}{_BEFORE_CH.get(ones, _ONES[ones])}ちょうめ"


def romaji_key(text: str) -> str:
    """A key under which spellings of one reading meet: case, macrons, hyphens, oh/ou/oo, m before b, kunrei.

    Rokuchōnome, Rokuchounome, rokuchonome and ROKUTYOUNOME give the same key.
    """
    plain = unicodedata.normalize("NFKD", text.lower())
    plain = re.sub(r"[^a-z]", "", plain)
    for pattern, replacement in _TO_HEPBURN:
        plain = re.sub(pattern, replacement, plain)
    return re.sub(r"ou|([aiueo])\1+|nn+", lambda hit: hit[0][0], plain)
