"""A form that is already filled in: from a proposal of JMA's, or from the version it changes. Pure."""

import json
import re
from collections.abc import Mapping
from datetime import datetime

import shapely
from shapely import MultiPolygon, Polygon

from bosai.feeds.proposals import Proposal
from bosai.feeds.readings import Danger
from bosai.messages.catalogue import LANGS
from bosai.messages.measures import JST
from bosai.messages.notices import is_foretold, prepared, prepared_in_japanese
from bosai.messages.orders import OrderTexts, is_newly_issued
from bosai.model.alert import Alert, AlertArea
from bosai.model.geometry import from_e7
from bosai.services.order_rules import MAX_REASON_LENGTH
from bosai.services.zones import ZoneCatalogue
from bosai.web.console.forms import Typed
from bosai.web.console.suggestions import announced
from geodata.areas import to_geojson
from geodata.hazards import HazardKind

_SLIVER_DEG2 = 1e-9  # about 10 m²: what rounding leaves between a zone and what was drawn beside it
_MARK = "\ufffc"


def from_proposal(proposal: Proposal, zones: ZoneCatalogue, base: Typed | None = None) -> Typed:
    """What was announced suggests this, on top of `base` (the order in force). The reason quotes it word for word.

    Where the proposal leaves the area to HQ, that of the order in force stands; so do sentences of HQ's own.
    """
    known = tuple(key for key in proposal.zones if _is_known(key, zones))
    drawn, keeps_area = proposal.geometry, not known and not proposal.geometry and base is not None
    ready = prepared(proposal.texts)
    own = base.free if base else {}
    return Typed(
        hazard=proposal.hazard.value,
        kind=proposal.kind.value if proposal.kind else "",
        tsunami_class=proposal.tsunami_class.value if proposal.tsunami_class else "",
        zones=base.zones if base and keeps_area else known,
        drawn=base.drawn if base and keeps_area else drawn,
        drawn_name=base.drawn_name if base and keeps_area else proposal.geometry_name if drawn else "",
        free=own if _is_hqs_own(own) else {**ready},
        reason=reason_of(proposal)[:MAX_REASON_LENGTH],
        arrival=_arrival(proposal),
        review_after_min=base.review_after_min if base else "",
        proposal=proposal.id,
    )


def missing_zones(proposal: Proposal, zones: ZoneCatalogue) -> tuple[str, ...]:
    """Proposed zones that are not in the lists: the form has to say so, or people would be left out in silence."""
    return tuple(key for key in proposal.zones if not _is_known(key, zones))


def reason_of(proposal: Proposal) -> str:
    """判断の理由 as far as the announcement gives it: who, when, what, where, and its headline."""
    at = proposal.report_at.astimezone(JST)
    said_at = f"{at.year}/{at.month}/{at.day} {at:%H:%M}"
    verb = "発表" if proposal.origin == "jma" else ""
    quoted = f"{proposal.issuer} {said_at}{verb}「{proposal.telegram_title}」"
    is_told = proposal.danger is Danger.TSUNAMI and proposal.origin == "jma" and proposal.happening is None
    what = "" if is_told else announced(proposal)  # the headline of a tsunami warning names its class itself
    named = " ".join(one for one in ("・".join(proposal.area_names), what) if one) if what else ""
    standing = f"継続中：{proposal.basis}" if proposal.basis else ""
    return " ".join(one for one in (quoted, named, proposal.headline, standing) if one)


def _arrival(proposal: Proposal) -> str:
    at = proposal.expected_arrival_at
    takes_time = proposal.hazard is HazardKind.TSUNAMI or (
        proposal.kind is not None and is_foretold(proposal.hazard, proposal.kind)
    )
    # Another sender's time is not 気象庁's, and the form's texts say that it is.
    if (
        at is None
        or not takes_time
        or (proposal.origin != "jma" and proposal.hazard is not HazardKind.TSUNAMI)
    ):
        return ""
    return f"{at.astimezone(JST):%Y-%m-%dT%H:%M}"


def _is_hqs_own(free: Mapping[str, str]) -> bool:
    """Whether somebody wrote these sentences: what was prepared gives way to what is prepared for the new grade."""
    japanese = free.get("ja", "").strip()
    return bool(japanese) and japanese not in prepared_in_japanese()


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
    found = _free_written_at(alert, alert.drafted_at)
    if not found and alert.expected_arrival_at is not None:
        # Rewritten after the expected time had passed, which the text says then.
        found = _free_written_at(alert, max(alert.drafted_at, alert.expected_arrival_at))
    return found


def _free_written_at(alert: Alert, at: datetime) -> dict[str, str]:
    marked = _bodies(alert, dict.fromkeys(LANGS, _MARK), at)
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
    labelled = _bodies(alert, {"ja": found["ja"]}, at)
    return {
        lang: own for lang, own in found.items() if lang == "ja" or alert.texts[lang].body != labelled[lang]
    }


def _bodies(alert: Alert, free: dict[str, str], at: datetime) -> dict[str, str]:
    written = OrderTexts().for_order(
        alert.realm_of,
        alert.act,
        alert.hazard,
        alert.kind,
        alert.tsunami_class,
        alert.area.names,
        free=free,
        at=at,
        expected_at=alert.expected_arrival_at,
        announced_at=alert.announced_at,
        newly=is_newly_issued(alert),
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
