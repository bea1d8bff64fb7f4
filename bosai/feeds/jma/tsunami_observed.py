"""VTSE51 津波情報 and VTSE52 沖合の津波観測: arrivals by station, waves seen, and what the sea off the coast foretells.

Nothing here changes what is in force: that is VTSE41 alone. 「観測中」「微弱」「欠測」 are words about a gauge, never
good news (domain §3.3); an offshore height is lower than what will reach the coast.
"""

from __future__ import annotations

from lxml import etree

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.body import BodyView, day_and_time, lines, plain
from bosai.feeds.jma.envelope import NS_ELEMENT_BASIS, NS_SEISMOLOGY, InfoType, Telegram
from bosai.feeds.jma.tsunami import first_height, forecast_areas, max_height
from bosai.feeds.readings import Area, Danger, Expected, Forecast, Happening, Kind, Reading, System

STATION_LAYER = "潮位観測点"
OFFSHORE_LAYER = "潮位観測点（沖合）"
ESTIMATED_LAYER = "沿岸地域"
OFFSHORE_TYPE = "VTSE52"


def read_tsunami_observations(telegram: Telegram) -> tuple[Reading, ...]:
    """One reading without a scope. Raises TelegramRefused when nothing in it is readable.

    Areas: 津波予報区 as VTSE41 gives them, then their stations with the arrival there. Forecasts: the arrival at each
    station that has a time. Happenings: observations, then coasts estimated from offshore gauges.
    """
    body = BodyView(telegram, NS_SEISMOLOGY)
    if telegram.info_type is InfoType.CANCELLED:
        return (Reading(source=telegram.source, text=body.text(body.root, "Text")),)
    coasts = forecast_areas(body)
    stations = _stations(body, {area.code: area for area in coasts})
    offshore = telegram.type_code == OFFSHORE_TYPE
    happenings = [*_observed(body, OFFSHORE_LAYER if offshore else STATION_LAYER), *_estimated(body)]
    if not coasts and not happenings:
        raise TelegramRefused(
            RefusalReason.FIELD_MISSING, "Body/Tsunami", "・".join(body.problems.all())[:200]
        )
    return (
        Reading(
            source=telegram.source,
            areas=(*coasts, *stations),
            happenings=tuple(happenings),
            forecasts=tuple(one for station in stations if (one := _arrival(station)) is not None),
            text=_text(body),
            problems=body.problems.all(),
        ),
    )


def _stations(body: BodyView, coasts: dict[str, Area]) -> tuple[Area, ...]:
    """The stations of the forecast, each with the kind of its 津波予報区 and an arrival of its own."""
    found: dict[str, Area] = {}
    for item in body.all(body.root, "Tsunami", "Forecast", "Item"):
        coast = coasts.get(body.text(item, "Area", "Code"))
        if coast is None:
            continue
        for station in body.all(item, "Station"):
            code, name = body.text(station, "Code"), body.text(station, "Name")
            if not code:
                body.problems.add(f"潮位観測点のコードがありません：{name or '名称もなし'}")
                continue
            of = f"潮位観測点{code}"
            high_tide = body.time(station, "HighTideDateTime", of=f"{of}の満潮時刻")
            (of_coast,) = coast.kinds
            found[code] = Area(
                system=System.TSUNAMI,
                code=code,
                name=name,
                layer=STATION_LAYER,
                kinds=(
                    Kind(
                        code=of_coast.code,
                        name=of_coast.name,
                        danger=Danger.TSUNAMI,
                        grade=of_coast.grade,
                        conditions=() if high_tide is None else (f"満潮 {day_and_time(high_tide)}",),
                        first_height=first_height(body, station, of),
                    ),
                ),
            )
    return tuple(found.values())


def _arrival(station: Area) -> Forecast | None:
    (kind,) = station.kinds
    first = kind.first_height
    if first is None or first.arrival_at is None:
        return None
    expected = Expected(
        grade=kind.grade,
        level=None,
        starts_at=first.arrival_at,
        lasts=None,
        place=station.name,
        as_given=first.as_given or "",
    )
    return Forecast(
        system=System.TSUNAMI,
        code=station.code,
        name=station.name,
        danger=Danger.TSUNAMI,
        expected=(expected,),
    )


def _observed(body: BodyView, layer: str) -> list[Happening]:
    found = []
    for item in body.all(body.root, "Tsunami", "Observation", "Item"):
        for station in body.all(item, "Station"):
            code, name = body.text(station, "Code"), body.text(station, "Name")
            if not code:
                body.problems.add(f"潮位観測点のコードがありません：{name or '名称もなし'}")
                continue
            found.append(_wave(body, station, code, name, layer))
    return found


def _estimated(body: BodyView) -> list[Happening]:
    found = []
    for item in body.all(body.root, "Tsunami", "Estimation", "Item"):
        code, name = body.text(item, "Area", "Code"), body.text(item, "Area", "Name")
        if not code:
            body.problems.add(f"沿岸地域のコードがありません：{name or '名称もなし'}")
            continue
        found.append(_wave(body, item, code, name, ESTIMATED_LAYER))
    return found


def _wave(body: BodyView, element: etree._Element, code: str, name: str, layer: str) -> Happening:
    """A height seen or estimated; where there is none, the word that stands in its place, or the first wave's."""
    of = f"{layer}{code}"
    first, highest = first_height(body, element, of), max_height(body, element, of)
    at = body.time(element, "MaxHeight", "DateTime", of=f"{of}の最大波の時刻")
    height = plain(highest.description or "") or ("" if highest.value_m is None else f"{highest.value_m:g}m")
    words = [word for word in highest.conditions if word not in {"重要", "不明"}]
    first_words = [first.condition] if first.condition is not None else []
    value = height or next(iter((*words, *first_words)), "不明")
    conditions = [
        *highest.conditions,
        *first_words,
        body.text(element, "Sensor"),
        body.text(element, "MaxHeight", "Revise") or body.text(element, "FirstHeight", "Revise"),
    ]
    initial = body.text(element, "FirstHeight", "Initial")
    if first.arrival_at is None:
        seen = f"第１波は{initial}" if initial else ""
    else:
        seen = f"第１波 {day_and_time(first.arrival_at)}" + (f" {initial}" if initial else "")
    return Happening(
        danger=Danger.TSUNAMI,
        system=System.TSUNAMI,
        layer=layer,
        code=code,
        name=name,
        value=value,
        at=at or first.arrival_at,
        conditions=tuple(dict.fromkeys(one for one in conditions if one and one != value)),
        text=seen,
    )


def _text(body: BodyView) -> str:
    parts = [
        body.text(body.root, "Text"),
        *(body.text(one, "Text") for one in body.all(body.root, "Comments", "WarningComment")),
        *(body.text(one, "Text") for one in body.all(body.root, "Comments", "ForecastComment")),
        *(one.text or "" for one in body.all(body.root, "Comments", "FreeFormComment")),
    ]
    magnitude = body.root.find(f"{body.path('Earthquake')}/{{{NS_ELEMENT_BASIS}}}Magnitude")
    hypocentre = body.text(body.root, "Earthquake", "Hypocenter", "Area", "Name")
    if magnitude is not None and hypocentre:
        parts.append(f"震源：{hypocentre}（{plain(magnitude.get('description') or '')}）")
    return "\n".join(filter(None, (lines(part) for part in parts)))
