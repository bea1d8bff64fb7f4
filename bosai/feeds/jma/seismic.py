"""VXSE51 震度速報, VXSE52 震源, VXSE53 震源・震度, VYSE60 後発地震注意情報: what was felt, where, and how strong.

All of it happened; nothing is in force. 震度 is read from Body by area (都道府県, 細分区域, 市町村等), never from
the names in Head. A 市町村等 whose gauges are silent where 5弱 or more is expected has the value "未入電" and counts
as at least that: silence after a strong quake is no good news.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lxml import etree

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.body import BodyView, lines, plain
from bosai.feeds.jma.envelope import NS_ELEMENT_BASIS, NS_SEISMOLOGY, InfoType, Telegram
from bosai.feeds.readings import Danger, Happening, Reading, System

INTENSITIES: Final = ("1", "2", "3", "4", "5-", "5+", "6-", "6+", "7")
"""震度 in rising order, as JMA spells them in MaxInt."""
NOT_REPORTED: Final = "未入電"
NOT_REPORTED_CONDITION: Final = "震度５弱以上未入電"
STRONG: Final = frozenset({"5-", "5+", "6-", "6+", "7", NOT_REPORTED})

PREFECTURE_LAYER = "都道府県"
AREA_LAYER = "細分区域"
CITY_LAYER = "市町村等"
HYPOCENTRE_LAYER = "震央地名"
COMMENT_LAYER = "固定付加文"
LATER_QUAKE_TYPE = "VYSE60"


def read_shaking(telegram: Telegram) -> tuple[Reading, ...]:
    """VXSE51, 52 or 53 as one reading of happenings. Raises TelegramRefused when neither quake nor 震度 is there.

    Order: the hypocentre, 震度 as in the telegram (都道府県, then its 細分区域, then their 市町村等), comments.
    """
    body = BodyView(telegram, NS_SEISMOLOGY)
    if telegram.info_type is InfoType.CANCELLED:
        return (Reading(source=telegram.source, text=body.text(body.root, "Text")),)
    quakes = body.all(body.root, "Earthquake")
    felt_at = _origin(body, quakes) or telegram.target_at
    hypocentres = [_hypocentre(body, quake) for quake in quakes]
    felt = _felt(body, felt_at)
    happenings = [one for one in hypocentres if one is not None] + felt
    if not happenings:
        raise TelegramRefused(
            RefusalReason.FIELD_MISSING,
            "Body/Earthquake・Body/Intensity/Observation",
            "・".join(body.problems.all())[:200],
        )
    comments = _comments(body, felt_at)
    free = [
        body.text(body.root, "Text"),
        *(lines(one.text or "") for one in body.all(body.root, "Comments", "FreeFormComment")),
    ]
    return (
        Reading(
            source=telegram.source,
            happenings=(*happenings, *comments),
            text="\n".join(dict.fromkeys(part for part in (*(one.value for one in comments), *free) if part)),
            problems=body.problems.all(),
        ),
    )


def read_later_quake(telegram: Telegram) -> tuple[Reading, ...]:
    """VYSE60 as one happening: a week of readiness, never an evacuation (domain §1.5). Raises TelegramRefused."""
    body = BodyView(telegram, NS_SEISMOLOGY)
    if telegram.info_type is InfoType.CANCELLED:
        return (Reading(source=telegram.source, text=body.text(body.root, "Text")),)
    info = body.root.find(body.path("EarthquakeInfo"))
    if info is None:
        raise TelegramRefused(RefusalReason.FIELD_MISSING, "Body/EarthquakeInfo")
    text = lines(body.text(info, "Text"))
    kind = body.text(info, "InfoKind") or telegram.title
    happening = Happening(
        danger=Danger.LATER_QUAKE,
        system=System.SEISMIC,
        layer="情報",
        code=LATER_QUAKE_TYPE,
        name=kind,
        value=telegram.info_type.value,
        at=telegram.report_at,
        text=text,
    )
    return (Reading(source=telegram.source, happenings=(happening,), text=text),)


def _origin(body: BodyView, quakes: list[etree._Element]) -> datetime | None:
    for quake in quakes:
        at = body.time(quake, "OriginTime", of="地震の発生時刻") or body.time(
            quake, "ArrivalTime", of="地震の検知時刻"
        )
        if at is not None:
            return at
    return None


def _hypocentre(body: BodyView, quake: etree._Element) -> Happening | None:
    area = quake.find(body.path("Hypocenter", "Area"))
    magnitude = quake.find(f"{{{NS_ELEMENT_BASIS}}}Magnitude")
    if area is None and magnitude is None:
        body.problems.add("震源要素がありません")
        return None
    given = [] if area is None else area.findall(f"{{{NS_ELEMENT_BASIS}}}Coordinate")
    places = [plain(one.get("description") or "") for one in given]
    if area is not None:
        places += [body.text(area, "DetailedName"), body.text(area, "NameFromMark")]
    source = body.text(quake, "Hypocenter", "Source")
    return Happening(
        danger=Danger.SHAKING,
        system=System.SEISMIC,
        layer=HYPOCENTRE_LAYER,
        code="" if area is None else body.text(area, "Code"),
        name="震源不明" if area is None else body.text(area, "Name"),
        value=_magnitude(magnitude),
        at=_origin(body, [quake]),
        conditions=tuple(
            part for part in (body.text(quake, "Condition"), source and f"震源要素は{plain(source)}") if part
        ),
        text="、".join(place for place in places if place),
    )


def _magnitude(element: etree._Element | None) -> str:
    """ "M8.4", or the words that stand where JMA gives no number: "M不明", "M8を超える巨大地震"."""
    if element is None:
        return "M不明"
    described = plain(element.get("description") or "")
    number = (element.text or "").strip()
    return described or (f"M{number}" if number and number != "NaN" else "M不明")


def _felt(body: BodyView, at: datetime | None) -> list[Happening]:
    found: list[Happening] = []
    for prefecture in body.all(body.root, "Intensity", "Observation", "Pref"):
        found += _one(body, prefecture, PREFECTURE_LAYER, at)
        for area in body.all(prefecture, "Area"):
            found += _one(body, area, AREA_LAYER, at)
            for city in body.all(area, "City"):
                found += _one(body, city, CITY_LAYER, at)
    return found


def _one(body: BodyView, element: etree._Element, layer: str, at: datetime | None) -> list[Happening]:
    code, name = body.text(element, "Code"), body.text(element, "Name")
    if not code:
        body.problems.add(f"{layer}のコードがありません：{name or '名称もなし'}")
        return []
    observed = body.text(element, "MaxInt")
    conditions = [part for part in (body.text(element, "Condition"), body.text(element, "Revise")) if part]
    value = observed
    if NOT_REPORTED_CONDITION in conditions and observed not in STRONG:
        value = NOT_REPORTED
        if observed:
            conditions.append(f"入電した震度の最大は{observed}")
    elif observed not in INTENSITIES:
        body.problems.add(f"{layer}{code}（{name}）の震度を読めません：{observed[:40] or '空欄'}")
        if not observed:
            return []
    return [
        Happening(
            danger=Danger.SHAKING,
            system=System.SEISMIC,
            layer=layer,
            code=code,
            name=name,
            value=value,
            at=at,
            conditions=tuple(conditions),
        )
    ]


def _comments(body: BodyView, at: datetime | None) -> list[Happening]:
    """固定付加文, one for each code; where codes and lines do not pair, each code has the whole text."""
    found = []
    for comment in body.all(body.root, "Comments", "ForecastComment"):
        codes, text = body.text(comment, "Code").split(), lines(body.text(comment, "Text"))
        sentences = text.splitlines()
        if len(sentences) != len(codes):
            sentences = [text] * len(codes)
        found += [
            Happening(
                danger=Danger.SHAKING,
                system=System.SEISMIC,
                layer=COMMENT_LAYER,
                code=code,
                name=COMMENT_LAYER,
                value=sentence,
                at=at,
            )
            for code, sentence in zip(codes, sentences, strict=True)
        ]
    return found
