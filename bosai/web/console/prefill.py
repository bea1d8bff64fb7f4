"""A form that is already filled in: from a proposal of JMA's, or from the version it changes. Pure."""

import json
import re

import shapely
from shapely import MultiPolygon, Polygon

from bosai.feeds.proposals import Proposal
from bosai.messages.catalogue import LANGS
from bosai.messages.measures import JST
from bosai.messages.orders import OrderTexts
from bosai.model.alert import Alert, AlertArea
from bosai.model.geometry import from_e7
from bosai.services.zones import ZoneCatalogue
from bosai.web.console.forms import Typed
from geodata.areas import to_geojson

_SLIVER_DEG2 = 1e-9  # about 10 m²: what rounding leaves between a zone and what was drawn beside it
_MARK = "\ufffc"


def from_proposal(proposal: Proposal, zones: ZoneCatalogue, base: Typed | None = None) -> Typed:
    """What JMA's report suggests, on top of `base` (an order in force). The reason quotes JMA, word for word."""
    known = [key for key in proposal.zones if _is_known(key, zones)]
    arrival = proposal.expected_arrival_at
    report = proposal.report_at.astimezone(JST)
    at = f"{report.year}/{report.month}/{report.day} {report:%H:%M}"
    quoted = f"{proposal.issuer} {at}発表「{proposal.telegram_title}」"
    return Typed(
        hazard=proposal.hazard.value,
        kind=proposal.kind.value if proposal.kind else "",
        tsunami_class=proposal.tsunami_class.value if proposal.tsunami_class else "",
        zones=tuple(known),
        drawn="",
        drawn_name="",
        free=base.free if base else {},
        reason=f"{quoted} {proposal.headline}".strip(),
        arrival=f"{arrival.astimezone(JST):%Y-%m-%dT%H:%M}" if arrival else "",
        review_after_min=base.review_after_min if base else "",
        proposal=proposal.id,
    )


def from_alert(alert: Alert, zones: ZoneCatalogue, *, keep_reason: bool) -> Typed:
    """The form that made this version. What was drawn by hand is what the named zones do not cover."""
    known = tuple(key for key in alert.area.zone_keys if key != "drawn" and _is_known(key, zones))
    drawn = _drawn_part(alert.area, known, zones)
    covered = {name for key in known for name in zones.area([key]).names}
    names = [name for name in alert.area.names if name not in covered]
    return Typed(
        hazard=alert.hazard.value,
        kind=alert.kind.value,
        tsunami_class=alert.tsunami_class.value if alert.tsunami_class else "",
        zones=known,
        drawn=json.dumps(to_geojson(drawn)) if drawn is not None else "",
        # A name whose ground the zones cover comes back alone: the form asks what is meant, instead of dropping it.
        drawn_name="・".join(names),
        free=free_sentences(alert),
        reason=alert.reason if keep_reason else "",
        arrival=f"{alert.expected_arrival_at.astimezone(JST):%Y-%m-%dT%H:%M}"
        if alert.expected_arrival_at
        else "",
        review_after_min=str(alert.review_after_min),
        proposal=(alert.proposal_id or "") if keep_reason else "",
    )


def free_sentences(alert: Alert) -> dict[str, str]:
    """HQ's own sentences inside the texts, by language: a version keeps the whole texts only."""
    marked = _bodies(alert, dict.fromkeys(LANGS, _MARK))
    found: dict[str, str] = {}
    for lang, body in marked.items():
        before, _, after = body.partition(_MARK)
        shown = alert.texts.get(lang)
        hit = re.fullmatch(re.escape(before) + "(.+)" + re.escape(after), shown.body) if shown else None
        if hit:
            found[lang] = hit[1].strip()
    if "ja" not in found:
        return {}
    # Where nobody translated it, the Japanese sentence stands with a label: that is not the officer's own.
    labelled = _bodies(alert, {"ja": found["ja"]})
    return {
        lang: own for lang, own in found.items() if lang == "ja" or alert.texts[lang].body != labelled[lang]
    }


def _bodies(alert: Alert, free: dict[str, str]) -> dict[str, str]:
    written = OrderTexts().for_order(
        alert.realm_of,
        alert.act,
        alert.hazard,
        alert.kind,
        alert.tsunami_class,
        alert.area.names,
        free=free,
        at=alert.drafted_at,
        expected_at=alert.expected_arrival_at,
        announced_at=alert.announced_at,
    )
    return {lang: one.body for lang, one in written.items()}


def _is_known(key: str, zones: ZoneCatalogue) -> bool:
    return (
        key in zones.tsunami()
        or key in zones.jma()
        or key in zones.towns
        or key.removeprefix("ward:") in zones.wards
    )


def _drawn_part(
    area: AlertArea, known: tuple[str, ...], zones: ZoneCatalogue
) -> Polygon | MultiPolygon | None:
    whole = from_e7(area.polygons_e7_lonlat)
    if not known:
        return whole
    if "drawn" not in area.zone_keys and len(known) == len(area.zone_keys):
        return None
    rest = shapely.difference(whole, from_e7(zones.area(known).polygons_e7_lonlat))
    parts = [one for one in shapely.get_parts(rest) if isinstance(one, Polygon) and one.area > _SLIVER_DEG2]
    return MultiPolygon(parts) if parts else None
