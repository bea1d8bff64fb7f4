"""Which type a telegram is: Control/Title (what it says it is), then the code in its file name.

The title decides, because it travels inside the document; a file name is only a label. Titles are matched
exactly, full-width signs included (domain §2.3, §3.3).
"""

from __future__ import annotations

import re

VTSE41 = "VTSE41"

TYPE_BY_TITLE: dict[str, str] = {
    "津波警報・注意報・予報a": VTSE41,
    "津波情報a": "VTSE51",
    "沖合の津波観測に関する情報": "VTSE52",
    "震度速報": "VXSE51",
    "震源に関する情報": "VXSE52",
    "震源・震度に関する情報": "VXSE53",
    "緊急地震速報（警報）": "VXSE43",
    "南海トラフ地震臨時情報": "VYSE50",
    "北海道・三陸沖後発地震注意情報": "VYSE60",
    "噴火警報・予報": "VFVO50",
    "気象警報・注意報（Ｒ０６）（大雨）": "VPWW55",
    "気象警報・注意報（Ｒ０６）（土砂）": "VPWW56",
    "気象警報・注意報（Ｒ０６）（高潮）": "VPWW57",
    "気象警報・注意報（Ｒ０６）（暴風）": "VPWW58",
    "気象警報・注意報（Ｒ０６）（波浪）": "VPWW59",
    "気象警報・注意報（Ｒ０６）（大雪）": "VPWW60",
    "気象警報・注意報（Ｒ０６）（その他注意報）": "VPWW61",
    "気象警報・注意報（Ｒ０６）（集約通報）": "VPWS50",
    "気象警報・注意報時系列情報（Ｒ０６）": "VPWP50",
    "府県気象防災速報": "VPBS50",
    "気象特別警報・警報・注意報": "VPWW53",
    "気象警報・注意報（Ｈ２７）": "VPWW54",
    "土砂災害警戒情報": "VXWW50",
    "竜巻注意情報": "VPHW50",
    "気象特別警報報知": "VPNO50",
    "記録的短時間大雨情報": "VPOA50",
    # Kept and listed without reading the body:
    "長周期地震動に関する観測情報": "VXSE62",
    "顕著な地震の震源要素更新のお知らせ": "VXSE61",
    "台風解析・予報情報（５日予報）（Ｈ３０）": "VPTW60",
    "府県気象情報": "VPFJ50",
}
# One title for VXKO50–89: the number is only in the file name.
FLOOD_TITLE, FLOOD_FAMILY = "指定河川洪水予報", "VXKO"

_TYPE_IN_NAME = re.compile(r"(?<![A-Z0-9])(VXKOii|[A-Z]{4}[0-9]{2})(?![A-Za-z0-9])")


def type_in_name(name: str) -> str | None:
    """The type code in a file name or address, such as `20260831022641_0_VPCJ50_471000.xml`; None if none."""
    found = _TYPE_IN_NAME.findall(name.rsplit("/", 1)[-1])
    return str(found[-1]) if found else None


def type_of(title: str, name: str = "") -> str | None:
    """The type code of a telegram with this Control/Title and file name; None when neither tells."""
    named = type_in_name(name)
    if title == FLOOD_TITLE:
        return named if named is not None and named.startswith(FLOOD_FAMILY) else FLOOD_FAMILY
    return TYPE_BY_TITLE.get(title, named)
