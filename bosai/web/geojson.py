"""Sites, orders and zones as GeoJSON features (lon, lat), for maps and for open data."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from bosai.model.alert import AlertArea, AlertRecord, MultiPolygonE7
from bosai.web.packed import LIVE, answer
from geodata.hazards import HazardKind
from shelters.model import Site, SiteStatus
from shelters.sites import floor_label
from shelters.suitability import opening_of

E7 = 10_000_000
GEOJSON = "application/geo+json"
ASK_AGAIN = "no-cache"
"""What changes by the minute is kept only to be asked for again with its tag: no map shows a closed site as open."""


async def live_answer(request: web.Request, features: Sequence[Mapping[str, Any]]) -> web.Response:
    """The features as they are now, packed once for each content, or 304 when the client has them."""
    body = msgspec.json.encode({"type": "FeatureCollection", "features": features})
    # By content: packing costs ten times what hashing does, and nobody has to say when something changed.
    key = ("live", hashlib.blake2b(body, digest_size=16).digest())
    packed = await request.config_dict[LIVE].get(key, lambda: body)
    return answer(request, packed, media=GEOJSON, cache_control=ASK_AGAIN)


def geometry_of(polygons: MultiPolygonE7) -> dict[str, Any]:
    """A MultiPolygon in degrees."""
    return {
        "type": "MultiPolygon",
        "coordinates": [
            [[[lon / E7, lat / E7] for lon, lat in ring] for ring in polygon] for polygon in polygons
        ],
    }


def site_features(sites: Iterable[Site], statuses: Mapping[str, SiteStatus]) -> list[dict[str, Any]]:
    """One point a site, with its fitness, opening, seats and the age of what is known."""
    return [_site(site, statuses.get(site.site_id)) for site in sites]


def _site(site: Site, status: SiteStatus | None) -> dict[str, Any]:
    hazards = sorted({hazard.value for one in site.designations for hazard in one.hazards})
    return {
        "type": "Feature",
        "id": site.site_id,
        "geometry": {"type": "Point", "coordinates": [site.lon, site.lat]},
        "properties": {
            "id": site.site_id,
            "name": site.name,
            "address": site.address,
            "form": site.form.value,
            "hazards": hazards,
            # A refuge inside the danger counts only from this floor up; without it the flag alone would mislead.
            "floors": {one: label for one in hazards if (label := floor_label(site, HazardKind(one)))},
            "not_opened_first_in_rain": any(one.not_first_in_rain for one in site.designations),
            "public": site.open_to_public,
            "opening": opening_of(site, status).value,
            "present_persons": status.present_persons if status else None,
            "present_at": _iso(status.present_at) if status else None,
            "refuge_persons": site.capacity.refuge_persons,
            "stay_persons": site.capacity.stay_persons,
            "capacity_source": site.capacity.source.value,
            "source": site.source,
        },
    }


def alert_features(records: Iterable[AlertRecord]) -> list[dict[str, Any]]:
    """One multi-polygon an order in force."""
    return [
        {
            "type": "Feature",
            "id": record.alert.key,
            "geometry": geometry_of(record.alert.area.polygons_e7_lonlat),
            "properties": {
                "alert": record.alert.key,
                "hazard": record.alert.hazard.value,
                "kind": record.alert.kind.value,
                "level": int(record.alert.level) if record.alert.level else None,
                "tsunami_class": record.alert.tsunami_class.value if record.alert.tsunami_class else None,
                "names": list(record.alert.area.names),
                "approximate": record.alert.area.approximate,
                "released_at": _iso(record.released_at),
            },
        }
        for record in records
    ]


def area_feature(key: str, area: AlertArea) -> dict[str, Any]:
    """A named area that may be chosen; `approximate` must be shown with it."""
    return {
        "type": "Feature",
        "id": key,
        "geometry": geometry_of(area.polygons_e7_lonlat),
        "properties": {"key": key, "names": list(area.names), "approximate": area.approximate},
    }


def _iso(at: Any) -> str | None:
    return at.isoformat() if at is not None else None
