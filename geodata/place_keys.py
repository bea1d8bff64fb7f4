"""What a person types for a town, brought to the forms under which towns are filed.

    text ─▶ postcode · kanji keys · kana keys · romaji keys, each in the variants that may be meant

Both sides go through the same functions, so it matters less which form is right than that both agree.
"""

from __future__ import annotations

import re
import unicodedata

from geodata.kana import chome_kana, kana_key, romaji_key, to_romaji

_OLD_FORMS = str.maketrans(
    "澤濱邊邉嶋國櫻髙﨑嵜廣瀨龜榮澁驛學靏廳壹貳臺瀧齋齊栁桺逹藏鄕桧籔薮籠槙曾壽惠眞圓萬龍埜冨嶽關淺體豐鹽條應圖縣變發觀實寶蘆鉤渕舘塲壺蠣靈鐵會來勳德增祿淨",
    "沢浜辺辺島国桜高崎崎広瀬亀栄渋駅学鶴庁一二台滝斎斎柳柳達蔵郷檜藪藪篭槇曽寿恵真円万竜野富岳関浅体豊塩条応図県変発観実宝芦鈎淵館場壷蛎霊鉄会来勲徳増禄浄",
)
# Written so often by people who do not live there that they must be found all the same.
_MISSPELT = {"閑上": "閖上", "淘上": "閖上", "ゆり上": "閖上", "荒井浜": "荒浜", "鶴ケ屋": "鶴ケ谷"}
_DIGITS = {one: n for n, one in enumerate("〇一二三四五六七八九")}
_NUMERAL = "([〇一二三四五六七八九十]+)"
_KANJI = "\u4e00-\u9fff"
_PREFECTURE = r"(?:東京都|北海道|(?:京都|大阪)府|\D{2,3}県)?"
_PREFIXES = re.compile(rf"^{_PREFECTURE}(?:[^\d\s市区]{{1,6}}市)?(?:[^\d\s区]{{1,4}}区(?=.))?")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_POSTCODE = re.compile(r"〒?(?P<area>\d{3})-?(?P<rest>\d{0,4})")
_WARD_ROMAJI = re.compile(r"\b[a-z']+[- ]?(?:shi|ku|ken)\b|\b[a-z']+ (?:city|ward|prefecture)\b|\bjapan\b")


def postcode_key(text: str) -> str:
    """The figures of a postcode or of its first three to six (〒980-08 → 98008), else ""."""
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
    hit = _POSTCODE.fullmatch(re.sub(r"[‐‑–—―−ー]", "-", plain))
    return hit["area"] + hit["rest"] if hit else ""


def kanji_key(text: str) -> str:
    """A name in one form: old forms, ヶ/ケ/が, 之/ノ/の, widths, blanks, and numerals before 丁目 and the like."""
    text = unicodedata.normalize("NFKC", text).translate(_OLD_FORMS)
    text = re.sub(r"[\s・,、。]", "", text)
    text = re.sub(rf"(?<=[{_KANJI}ぁ-ん])[ヶケがガヵ](?=[{_KANJI}])", "ケ", text)
    text = re.sub(rf"(?<=[{_KANJI}ぁ-ん])[之乃ノの](?=[{_KANJI}])", "ノ", text)
    for wrong, right in _MISSPELT.items():
        text = text.replace(wrong, right)
    text = re.sub(rf"{_NUMERAL}(?=丁|番丁|番町|人町|日町|番$)", lambda hit: str(_number(hit[1])), text)
    return re.sub(r"(?<=\D)(\d+)(?:[-‐–—−ーの].*)?$", r"\1丁目", text)


def loose_key(key: str) -> str:
    """A kanji key without the letters people leave out: 鶴ケ谷 as 鶴谷, 六丁の目 as 六丁目, 字 between names."""
    return re.sub(r"大?字|[ケノ]", "", key)


def kanji_queries(text: str) -> list[str]:
    """The kanji keys a text may mean: as it is, and without the prefecture, city and ward it starts with.

    A ward alone (宮城野区) means the towns named like it. A numeral at the end may be the first letter of a
    name (一番町) or the number of a 丁目 (荒井三).
    """
    words = unicodedata.normalize("NFKC", text).split()
    plain = "".join(words)
    apart = "".join(one for one in words if not one.endswith(("県", "市", "区")))  # 五橋 若林区
    town = _PREFIXES.sub("", plain)
    numbered = re.sub(rf"{_NUMERAL}$", lambda hit: str(_number(hit[1])), town)
    return _distinct(kanji_key(one) for one in (town, plain, apart, numbered, town.removesuffix("区")))


def kana_queries(text: str) -> list[str]:
    """The kana keys a text may mean; figures before 丁目 or at the end are read out."""
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
    read = re.sub(r"(\d{1,2})(?:ちょうめ|チョウメ|丁目).*$", lambda hit: _chome(hit[1]), plain)
    read = re.sub(r"(?<=\D)(\d{1,2})(?:[-‐–—−ー].*)?$", lambda hit: _chome(hit[1]), read)
    return _distinct(kana_key(one) for one in (read, plain))


def romaji_queries(text: str) -> list[str]:
    """The romaji keys a text may mean: "3-17 Arai, Wakabayashi-ku, Sendai", "arai 3-chome", "miyagino-ku"."""
    plain = unicodedata.normalize("NFKC", text).lower().strip()
    first = plain.split(",")[0]
    variants = [plain, first, _WARD_ROMAJI.sub(" ", plain), _WARD_ROMAJI.sub(" ", first)]
    variants.append(re.sub(r"[- ]ku$", "", first))
    return _distinct(romaji_key(_numbers_read(one.strip(" ,"))) for one in variants)


def is_japanese(text: str) -> bool:
    """Whether a text has kana or kanji."""
    return _JAPANESE.search(unicodedata.normalize("NFKC", text)) is not None


def _numbers_read(text: str) -> str:
    """Latin text with its 丁目 read out: arai 3-chome, arai 3-17-1 and 3-17-1 arai are all arai sanchome."""
    hit = re.fullmatch(r"(\d{1,2})(?:-\d+)*\s+(\D+)", text)
    if hit:
        return f"{hit[2]} {to_romaji(_chome(hit[1]))}"
    text = re.sub(
        r"(\d{1,2})\s*-?\s*ch[oōô]u?-?me\b.*", lambda found: to_romaji(_chome(found[1])), text, count=1
    )
    return re.sub(
        r"(?<=[a-zōū])[\s-]*(\d{1,2})(?:-\d+)*$", lambda found: to_romaji(_chome(found[1])), text, count=1
    )


def _chome(figures: str) -> str:
    return chome_kana(int(figures)) if int(figures) else figures


def _distinct(keys: object) -> list[str]:
    return [one for one in dict.fromkeys(keys) if one]  # type: ignore[call-overload]


def _number(kanji: str) -> int:
    tens, ten, ones = kanji.rpartition("十")
    if not ten:
        return int("".join(str(_DIGITS[one]) for one in kanji))
    return (_number(tens) if tens else 1) * 10 + (_number(ones) if ones else 0)
