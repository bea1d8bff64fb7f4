"""What the resident pages show, as values ready for a template: no template decides what a state means."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bosai.messages.advice import AdviceText, order_areas, render_advice
from bosai.messages.catalogue import text
from bosai.messages.destinations import floor_text, place_name
from bosai.messages.measures import compass_of, distance_text, minutes_of, time_text
from bosai.messages.orders import join_names
from bosai.messages.terms import head, term
from bosai.model.alert import AlertArea, AlertRecord
from bosai.model.gravity import gravest_first
from bosai.model.instruction import Destination, Instruction
from bosai.model.realm import Realm
from bosai.services.guidance import Guidance, NearestSite
from geodata.hazards import HazardKind
from shelters.model import FigureSource, Opening
from shelters.sites import floor_label

NEAREST_PER_HAZARD = 2
SHOWN_HAZARDS = (
    HazardKind.TSUNAMI,
    HazardKind.FLOOD,
    HazardKind.INLAND_FLOOD,
    HazardKind.LANDSLIDE,
    HazardKind.EARTHQUAKE,
)
"""The dangers a Sendai resident asks about; the other three have next to no designated sites."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """One order in force, as the list shows it."""

    badge: str  # CSS class: level-4, tsunami-warning, level-none
    head: str
    headline: str
    body: str
    areas: str
    shape_note: str  # what is not exact about the area, or ""
    released_at: datetime | None
    released: str
    drill: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteView:
    """One site with what is known of it now."""

    name: str
    address: str
    opening: str  # CSS class = Opening value
    opening_text: str
    seats: str
    crowding: str
    age: str  # 「14:05 時点」 or "no report yet"
    way: str
    fits: tuple[str, ...]
    floors: tuple[str, ...]  # 「津波：3階以上」: the floor that counts, where one is published


@dataclass(frozen=True, slots=True, kw_only=True)
class HereView:
    """The answer to "where do I go now?" for one point."""

    place: str
    covered: bool
    orders: tuple[OrderView, ...]
    advice: AdviceText | None
    destination: str  # 「名前」（3階以上）
    way: str
    second: str
    nearest: tuple[tuple[str, tuple[SiteView, ...]], ...]  # hazards → sites


def order_view(record: AlertRecord, lang: str, now: datetime) -> OrderView:
    """How an order in force looks on a page in `lang`."""
    alert = record.alert
    words = alert.texts.get(lang) or alert.texts["ja"]
    return OrderView(
        badge=badge_of(record),
        head=head(lang, alert.hazard, alert.kind, alert.tsunami_class),
        headline=words.headline,
        body=words.body,
        areas=order_areas(alert, lang),
        shape_note=_shape_note(alert.area, lang),
        released_at=record.released_at,
        released=time_text(record.released_at, now) if record.released_at else "",
        drill=alert.realm_of.is_drill,
    )


def _shape_note(area: AlertArea, lang: str) -> str:
    if not area.approximate:
        return ""
    is_sample = any(key.startswith(_ZONE_FILES) for key in area.zone_keys)
    return text("resident.here.sample" if is_sample else "resident.here.approximate", lang)


_ZONE_FILES = ("tsunami:", "jma:")
"""Zones from files are exact or samples; wards and towns are cells round points."""


def badge_of(record: AlertRecord) -> str:
    """The CSS class of the badge; a tsunami never looks like a level."""
    alert = record.alert
    if alert.is_tsunami_call and alert.tsunami_class is not None:
        return f"tsunami-{alert.tsunami_class.value}"
    return f"level-{int(alert.level)}" if alert.level else "level-none"


def here_view(
    found: Guidance, place: str, point: tuple[float, float], *, realm: Realm, lang: str, now: datetime
) -> HereView:
    """The page's answer from what the guidance service found. `point`: (lon, lat) degrees."""
    decision = found.decision
    record = _record_of(decision, found.alerts)
    walks = decision is not None and decision.destination is not None
    return HereView(
        place=place,
        covered=bool(found.alerts),
        orders=tuple(order_view(one, lang, now) for one in sorted(found.alerts, key=gravest_first)),
        advice=render_advice(decision, record, realm, lang, now=now) if decision and record else None,
        destination=_destination(decision, lang) if decision else "",
        way=_way(decision.destination, point, lang) if walks and decision and decision.destination else "",
        second=_second(decision, point, lang) if decision else "",
        nearest=_nearest(found, point, lang, now),
    )


def _record_of(decision: Instruction | None, alerts: Sequence[AlertRecord]) -> AlertRecord | None:
    if decision is None:
        return None
    return next((one for one in alerts if one.alert.key == decision.alert_key), None)


def _destination(decision: Instruction, lang: str) -> str:
    site = decision.destination
    return place_name(site, lang) if site is not None and site.site_id is not None else ""


def _second(decision: Instruction, point: tuple[float, float], lang: str) -> str:
    other = decision.alternate
    return f"{place_name(other, lang)} {_way(other, point, lang)}" if other is not None else ""


def _way(site: Destination, point: tuple[float, float], lang: str) -> str:
    distance = distance_text(site.walk_m)
    direction = text(f"resident.{compass_of(point, (site.lon, site.lat))}", lang)
    return text(
        "resident.site.way", lang, direction=direction, distance=distance, minutes=minutes_of(site.walk_s)
    )


def _nearest(
    found_here: Guidance, point: tuple[float, float], lang: str, now: datetime
) -> tuple[tuple[str, tuple[SiteView, ...]], ...]:
    """Hazards that have the same nearest sites share one list; first those an order here speaks of."""
    sites = found_here.nearest
    live = {one.alert.hazard for one in found_here.alerts}
    groups: dict[tuple[str, ...], list[HazardKind]] = {}
    for hazard in sorted(SHOWN_HAZARDS, key=lambda one: one not in live):
        found = [one.site.site_id for one in sites if hazard in one.fits][:NEAREST_PER_HAZARD]
        groups.setdefault(tuple(found), []).append(hazard)
    by_id = {one.site.site_id: one for one in sites}
    return tuple(
        (
            join_names(lang, [term(lang, f"hazard.{one}") for one in hazards]),
            tuple(site_view(by_id[one], point, lang, now, hazards) for one in found),
        )
        for found, hazards in groups.items()
    )


def site_view(
    one: NearestSite,
    point: tuple[float, float],
    lang: str,
    now: datetime,
    hazards: Sequence[HazardKind] = SHOWN_HAZARDS,
) -> SiteView:
    """One site of the list, with the age of what is known; assumed figures say so. `hazards`: it is listed for."""
    site, status = one.site, one.status
    seats = site.capacity.refuge_persons
    assumed = site.capacity.source is FigureSource.ASSUMED
    reported_at = (status.present_at or status.opening_at) if status else None
    crowding = status.crowding if status else None
    return SiteView(
        name=site.name,
        address=site.address,
        opening=one.opening.value,
        opening_text=text(f"resident.site.{one.opening.value}", lang),
        seats=text("resident.site.seats_assumed" if assumed else "resident.site.seats", lang, persons=seats),
        crowding=text(f"resident.site.{crowding.value}", lang) if crowding else "",
        age=text("resident.site.at", lang, time=time_text(reported_at, now))
        if reported_at
        else ("" if one.opening is Opening.ALWAYS else text("resident.site.no_report", lang)),
        way=text(
            "resident.site.way",
            lang,
            direction=text(f"resident.{compass_of(point, (site.lon, site.lat))}", lang),
            distance=distance_text(one.walk_m),
            minutes=minutes_of(one.walk_s),
        ),
        fits=tuple(term(lang, f"hazard.{hazard}") for hazard in HazardKind if hazard in one.fits),
        floors=tuple(
            f"{term(lang, f'hazard.{hazard}')}：{floor_text(label, lang)}"
            for hazard in hazards
            if (label := floor_label(site, hazard))
        ),
    )
