"""What is told once and never lifted: VPBS50 府県気象防災速報, VPHW50 竜巻注意情報, VPNO50 気象特別警報報知.

The kind of a 速報 is the 情報タグ of its headline (線状降水帯発生, 記録雨, 短時間大雪 and others); there is no code.
VPNO50 is read for its headline only: it may cover several warnings and its body is empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from lxml import etree

from bosai.feeds.jma.envelope import NS_HEAD, Telegram
from bosai.feeds.jma.weather_items import items_of
from bosai.feeds.jma.weather_xml import (
    Problems,
    cancellation,
    check_type,
    layer_of,
    m,
    read_time,
    split_words,
    text,
)
from bosai.feeds.readings import Danger, Happening, Reading, System

BULLETIN, TORNADO_WATCH, EMERGENCY_NOTICE = "VPBS50", "VPHW50", "VPNO50"

DANGER_OF_TAG: dict[str, Danger] = {
    "線状降水帯": Danger.RAINBAND,
    "記録雨": Danger.RECORD_RAIN,
    "記録的短時間大雨": Danger.RECORD_RAIN,
    "短時間大雪": Danger.SHORT_HEAVY_SNOW,
    "竜巻": Danger.TORNADO,
}
"""How a 情報タグ begins; the rest of it says how far things are (発生, 直前, 注意, 目撃)."""

ISSUED_CODE = "1"
_QUANTITIES = (("PrecipitationPart", "Precipitation"), ("SnowfallDepthPart", "SnowfallDepth"))


class Place(msgspec.Struct, frozen=True):
    """An area of a 速報 as its headline names it."""

    code: str
    name: str
    layer: str


class Observed(msgspec.Struct, frozen=True):
    """One Item of the body: where (an area, or a station without a code of ours), when, and how much."""

    place: Place | None
    at: datetime | None
    phrase: str


def read_bulletin(telegram: Telegram) -> tuple[Reading, ...]:
    """A 速報: a Happening for each tag and area of the headline, and for each further area observed. No scope."""
    check_type(telegram, {BULLETIN})
    recalled = cancellation(telegram)
    if recalled is not None:
        return (recalled,)
    problems = Problems()
    observed = tuple(_observed(telegram.body, problems))
    happenings: list[Happening] = []
    for tag, places in _tags(telegram, problems):
        danger = _danger(tag, problems)
        named = {place.code for place in places}
        more = [one.place for one in observed if one.place is not None and one.place.code not in named]
        happenings.extend(
            _happening(danger, tag, place, observed, telegram.headline)
            for place in dict.fromkeys((*places, *more))
        )
    if not happenings:
        problems.add("情報タグのある区域を読めません。見出しの文を読んでください")
    return (
        Reading(
            source=telegram.source,
            happenings=tuple(happenings),
            text=telegram.headline,
            problems=problems.all(),
        ),
    )


def read_tornado_watch(telegram: Telegram) -> tuple[Reading, ...]:
    """竜巻注意情報: a Happening for each area of each layer that it is issued for. No scope: it ends by itself."""
    check_type(telegram, {TORNADO_WATCH})
    recalled = cancellation(telegram)
    if recalled is not None:
        return (recalled,)
    return (happenings_by_code(telegram, Danger.TORNADO, is_legacy=False),)


def read_emergency_notice(telegram: Telegram) -> tuple[Reading, ...]:
    """特別警報報知: its headline as text, nothing else."""
    check_type(telegram, {EMERGENCY_NOTICE})
    recalled = cancellation(telegram)
    return (recalled if recalled is not None else Reading(source=telegram.source, text=telegram.headline),)


def happenings_by_code(telegram: Telegram, danger: Danger, *, is_legacy: bool) -> Reading:
    """The Reading of a telegram whose Warning items say 発表 (1) or なし (0) for each area.

    The value is what the title has in brackets, 竜巻注意 of 気象防災速報（竜巻注意）: the kind itself still has its old
    name. A title without brackets leaves that name.
    """
    problems = Problems()
    in_brackets = layer_of(telegram.head_title)
    value = in_brackets if in_brackets != telegram.head_title.strip() else ""
    happenings: dict[tuple[str, str], Happening] = {}
    for layer, item in items_of(telegram.body):
        code, name = text(item, m("Area", "Code")), text(item, m("Area", "Name"))
        for kind in item.iterfind(m("Kind")):
            kind_code = text(kind, m("Code"))
            if kind_code == "0":
                continue
            if not code:
                problems.add(f"{layer}の{name or '名称もない区域'}に区域のコードがありません")
                continue
            if kind_code != ISSUED_CODE:
                problems.add(f"{layer} {name}：種別のコード{kind_code[:10]}は知らないコードです")
            happenings[(layer, code)] = Happening(
                danger=danger,
                system=System.WEATHER,
                code=code,
                name=name,
                layer=layer,
                value=value or text(kind, m("Name")) or telegram.title,
                text=telegram.headline,
            )
    return Reading(
        source=telegram.source,
        happenings=tuple(happenings.values()),
        text=telegram.headline,
        is_legacy=is_legacy,
        problems=problems.all(),
    )


def _danger(tag: str, problems: Problems) -> Danger:
    for start, danger in DANGER_OF_TAG.items():
        if tag.startswith(start):
            return danger
    problems.add(f"情報タグ「{tag[:40]}」は知らない種類です。見出しの文を読んでください")
    return Danger.OTHER


def _tags(telegram: Telegram, problems: Problems) -> Iterator[tuple[str, tuple[Place, ...]]]:
    """(tag, its areas) of the headline. The envelope keeps no Kind/Condition, so Head is read beside Body."""

    def said(element: etree._Element, *names: str) -> str:
        path = "/".join(f"{{{NS_HEAD}}}{name}" for name in names)
        return (element.findtext(path) or "").strip()

    report = telegram.body.getparent()
    if report is None:
        return
    path = "/".join(f"{{{NS_HEAD}}}{name}" for name in ("Head", "Headline", "Information", "Item"))
    for item in report.iterfind(path):
        places: list[Place] = []
        for areas in item.iterfind(f"{{{NS_HEAD}}}Areas"):
            layer = (areas.get("codeType") or "").rsplit("／", 1)[-1].strip()
            for area in areas.iterfind(f"{{{NS_HEAD}}}Area"):
                place = Place(said(area, "Code"), said(area, "Name"), layer)
                if place.code:
                    places.append(place)
                else:
                    problems.add(f"見出しの{place.name or '名称もない区域'}に区域のコードがありません")
        for kind in item.iterfind(f"{{{NS_HEAD}}}Kind"):
            for tag in split_words(said(kind, "Condition")):
                yield tag, tuple(dict.fromkeys(places))


def _observed(body: etree._Element, problems: Problems) -> Iterator[Observed]:
    for item in body.iterfind(m("MeteorologicalInfos", "MeteorologicalInfo", "Item")):
        area = item.find(m("Area"))
        place, where = None, text(item, m("Station", "Name"))
        if area is not None:
            layer = (area.get("codeType") or "").rsplit("／", 1)[-1].strip()
            where = text(area, m("Name"))
            code = text(area, m("Code"))
            place = Place(code, where, layer) if code else None
            where += text(area, m("Status"))  # 付近
        for found in item.iterfind(m("Kind", "Property")):
            for event in found.iterfind(m("EventPart", "Event")):
                yield Observed(place, read_time(text(event, m("Time")), "気象現象の実況", problems), "")
            yield from _quantities(found, place, where, problems)


def _quantities(
    found: etree._Element, place: Place | None, where: str, problems: Problems
) -> Iterator[Observed]:
    for part_name, element_name in _QUANTITIES:
        for part in found.iterfind(m(part_name)):
            at = read_time(text(part, m("Time")), "観測の実況", problems)
            for element in part.iterchildren("{*}" + element_name):
                how_much = (element.get("description") or "").strip()
                over = (element.get("type") or "").strip()
                yield Observed(place, at, f"{where} {how_much}（{over}）" if how_much else "")


def _happening(
    danger: Danger, tag: str, place: Place, observed: tuple[Observed, ...], headline: str
) -> Happening:
    """The time is that of the area itself, else the newest of what was observed anywhere."""
    own = [one.at for one in observed if one.at and one.place is not None and one.place.code == place.code]
    times = own or [one.at for one in observed if one.at is not None]
    return Happening(
        danger=danger,
        system=System.WEATHER,
        code=place.code,
        name=place.name,
        layer=layer_of(place.layer),
        value=tag,
        at=max(times) if times else None,
        conditions=tuple(dict.fromkeys(one.phrase for one in observed if one.phrase)),
        text=headline,
    )
