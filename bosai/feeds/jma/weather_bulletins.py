"""What is told once and never lifted: VPBS50 府県気象防災速報, VPHW50 竜巻注意情報, VPNO50 気象特別警報報知.

The kind of a 速報 is the 情報タグ of its headline (線状降水帯発生, 記録雨, 短時間大雪 and others); there is no code.
VPNO50 is read for its headline only: it may cover several warnings and its body is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec
from lxml import etree

from bosai.feeds.errors import RefusalReason, TelegramRefused
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
# Far more than any 速報 has; they bound what a document made to be costly can cost.
MAX_TAGS, MAX_HAPPENINGS, MAX_PHRASES = 20, 10_000, 50
_QUANTITIES = (("PrecipitationPart", "Precipitation"), ("SnowfallDepthPart", "SnowfallDepth"))


class Place(msgspec.Struct, frozen=True):
    """An area of a 速報 as its headline names it."""

    code: str
    name: str
    layer: str


class Observed(msgspec.Struct, frozen=True):
    """One statement of the body: where (an area, or a station without a code of ours), when, and how much."""

    place: Place | None
    at: datetime | None
    phrase: str


class Observations:
    """All statements of a body: when by area, the newest of all, and how much in words."""

    def __init__(self, observed: Iterable[Observed]) -> None:
        self.places: dict[str, Place] = {}
        self._at: dict[str, datetime] = {}
        self._newest: datetime | None = None
        phrases: dict[str, None] = {}
        for one in observed:
            code = ""
            if one.place is not None:
                code = one.place.code
                self.places.setdefault(code, one.place)
            if one.at is not None:
                self._newest = one.at if self._newest is None else max(one.at, self._newest)
                self._at[code] = max(one.at, self._at.get(code, one.at))
            if one.phrase and len(phrases) < MAX_PHRASES:
                phrases[one.phrase] = None
        self.phrases = tuple(phrases)

    def at(self, code: str) -> datetime | None:
        """The time of the area itself, else the newest of what was observed anywhere."""
        return self._at.get(code, self._newest)


def read_bulletin(telegram: Telegram) -> tuple[Reading, ...]:
    """A 速報: a Happening for each tag and area of the headline, and for each further area observed. No scope."""
    check_type(telegram, {BULLETIN})
    recalled = cancellation(telegram)
    if recalled is not None:
        return (recalled,)
    problems = Problems()
    observed = Observations(_observed(telegram.body, problems))
    happenings: list[Happening] = []
    for tag, named in _tags(telegram, problems).items():
        places = named | {code: one for code, one in observed.places.items() if code not in named}
        if len(happenings) + len(places) > MAX_HAPPENINGS:
            raise TelegramRefused(
                RefusalReason.TOO_MANY_ELEMENTS, "Head/Headline/Information", f"> {MAX_HAPPENINGS}"
            )
        danger = _danger(tag, problems)
        happenings.extend(
            Happening(
                danger=danger,
                system=System.WEATHER,
                code=place.code,
                name=place.name,
                layer=place.layer,
                value=tag,
                at=observed.at(place.code),
                conditions=observed.phrases,
                text=telegram.headline,
            )
            for place in places.values()
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


def _tags(telegram: Telegram, problems: Problems) -> dict[str, dict[str, Place]]:
    """The tags of the headline with their areas by code. The envelope keeps no Kind/Condition, so Head is read
    here beside Body."""

    def said(element: etree._Element, name: str) -> str:
        return (element.findtext(f"{{{NS_HEAD}}}{name}") or "").strip()

    tags: dict[str, dict[str, Place]] = {}
    report = telegram.body.getparent()
    path = "/".join(f"{{{NS_HEAD}}}{name}" for name in ("Head", "Headline", "Information", "Item"))
    for item in report.iterfind(path) if report is not None else ():
        places: dict[str, Place] = {}
        for areas in item.iterfind(f"{{{NS_HEAD}}}Areas"):
            for area in areas.iterfind(f"{{{NS_HEAD}}}Area"):
                code, name = said(area, "Code"), said(area, "Name")
                if code:
                    places.setdefault(code, Place(code, name, _layer_of_code(areas)))
                else:
                    problems.add(f"見出しの{name or '名称もない区域'}に区域のコードがありません")
        words = (said(kind, "Condition") for kind in item.iterfind(f"{{{NS_HEAD}}}Kind"))
        for tag in dict.fromkeys(tag for joined in words for tag in split_words(joined)):
            if tag not in tags and len(tags) == MAX_TAGS:
                raise TelegramRefused(
                    RefusalReason.TOO_MANY_ELEMENTS, "Head/Headline/Information/Item/Kind", f"> {MAX_TAGS}"
                )
            known = tags.setdefault(tag, {})
            for code, place in places.items():
                known.setdefault(code, place)
    return tags


def _layer_of_code(element: etree._Element) -> str:
    """市町村等 from 気象・地震・火山情報／市町村等."""
    return (element.get("codeType") or "").rsplit("／", 1)[-1].strip()


def _observed(body: etree._Element, problems: Problems) -> Iterator[Observed]:
    for item in body.iterfind(m("MeteorologicalInfos", "MeteorologicalInfo", "Item")):
        area = item.find(m("Area"))
        place, where = None, text(item, m("Station", "Name"))
        if area is not None:
            where = text(area, m("Name"))
            code = text(area, m("Code"))
            place = Place(code, where, _layer_of_code(area)) if code else None
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
