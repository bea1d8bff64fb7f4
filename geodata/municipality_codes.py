"""全国地方公共団体コード: six figures, the last of which checks the five before it (JIS X 0401, JIS X 0402).

Spreadsheets drop the leading zero of the first nine prefectures, and many files leave the check figure out.
"""

from __future__ import annotations

import re
import unicodedata

_PREFECTURES = 47
_FIRST_MUNICIPALITY = 100


def check_figure(code5: str) -> str:
    """The sixth figure: weights 6 5 4 3 2, eleven minus the rest of the sum, its last figure."""
    total = sum(int(figure) * weight for figure, weight in zip(code5, (6, 5, 4, 3, 2), strict=True))
    return str((11 - total % 11) % 10)


def six_figures(text: str) -> str:
    """The whole code, with a lost zero and a missing check figure put back: 92011 → 092011, 4100 → 041009.

    Raises ValueError, in Japanese with the mend, for anything that has no reading or two: a municipality code
    without its check figure can look like a whole code without its zero (13102).
    """
    figures = re.sub(r"\.0$", "", unicodedata.normalize("NFKC", text).strip())
    if not re.fullmatch(r"\d{4,6}", figures):
        raise ValueError(f"「{text}」は団体コードではありません。6桁の数字（例：041009）を記入してください。")
    # Only a whole code can have lost one zero and kept its check figure; it must then be right.
    readings = {one for one in (figures, f"0{figures}") if len(one) == 6 and _holds(one)}
    readings |= {
        one + check_figure(one)
        for one in (figures, f"0{figures}")
        if len(one) == 5 and _may_be_municipality(one)
    }
    if len(readings) == 1:
        return readings.pop()
    if readings:
        both = "か".join(sorted(readings))
        raise ValueError(f"「{text}」は{both}のどちらか決められません。6桁で記入してください。")
    raise ValueError(f"「{text}」は検査数字が合いません。6桁の団体コードを確かめてください。")


def _holds(code6: str) -> bool:
    return _may_be_municipality(code6[:5]) and check_figure(code6[:5]) == code6[5]


def _may_be_municipality(code5: str) -> bool:
    """Prefecture 01–47, then 000 for the prefecture itself or 100 and above."""
    number = int(code5[2:])
    return 1 <= int(code5[:2]) <= _PREFECTURES and (number == 0 or number >= _FIRST_MUNICIPALITY)
