"""What a subscriber's places may say, and how coarsely they are kept. Pure."""

import math
import re
from collections.abc import Collection
from datetime import datetime

import msgspec

from bosai.errors import InvalidInput
from bosai.messages.catalogue import LANGS
from bosai.model.subscription import Place
from geodata.mesh import quarter_cell_centres

MAX_PLACES = 5
MAX_PERSONS = 20
MAX_LABEL_CHARS = 40
MIN_FLOOR, MAX_FLOOR = -2, 60
POINT_DECIMALS = 4  # about 11 m × 9 m here: the planner widens areas for it
_CELL_DECIMALS = 7
_PLACE_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")

Bbox = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


def check_lang(lang: str) -> str:
    """The language tag. Raises InvalidInput for one we do not speak."""
    if lang not in LANGS:
        raise InvalidInput("lang", "unknown_lang", ", ".join(LANGS))
    return lang


def settled_places(places: tuple[Place, ...], bbox_lonlat: Bbox) -> tuple[Place, ...]:
    """The places as they are kept: points rounded, or moved to the centre of their 250 m cell when asked for.

    Raises InvalidInput naming the field (`places[0].lon` …).
    """
    if not places:
        raise InvalidInput("places", "missing")
    if len(places) > MAX_PLACES:
        raise InvalidInput("places", "too_many", str(MAX_PLACES))
    seen: set[str] = set()
    settled = []
    for row, place in enumerate(places):
        _check(place, f"places[{row}]", bbox_lonlat)
        if place.place_id in seen:
            raise InvalidInput(f"places[{row}].place_id", "twice")
        seen.add(place.place_id)
        settled.append(_coarsened(place, bbox_lonlat))
    return tuple(settled)


def with_ends(
    places: tuple[Place, ...], *, now: datetime, midnight: datetime, today_only: bool
) -> tuple[Place, ...]:
    """The places with the end of a visitor's day: his own end at the next local midnight; relatives' have none.

    An end that is sent back as it was read stays. Raises InvalidInput for any other end (`places[0].until`).
    """
    ending = []
    for row, place in enumerate(places):
        if place.until is not None and not (place.until.tzinfo and now < place.until <= midnight):
            raise InvalidInput(f"places[{row}].until", "out_of_range", midnight.isoformat())
        end = midnight if today_only else place.until
        ending.append(msgspec.structs.replace(place, until=None if place.relative else end))
    return tuple(ending)


def with_welfare_site(places: tuple[Place, ...], *, opened: str, held: Collection[str]) -> tuple[Place, ...]:
    """The places with the shelter a code has just opened ("" = none). `held`: those opened before, which may stay.

    Raises InvalidInput for a shelter no code opened: nobody names one for himself (`places[0].welfare_site`).
    """
    settled = []
    for row, place in enumerate(places):
        if place.welfare_site and place.welfare_site != opened and place.welfare_site not in held:
            raise InvalidInput(f"places[{row}].welfare_site", "needs_code")
        site = (opened or place.welfare_site) if not place.relative else ""
        settled.append(msgspec.structs.replace(place, welfare_site=site))
    return tuple(settled)


def _check(place: Place, at: str, bbox_lonlat: Bbox) -> None:
    if not _PLACE_ID.fullmatch(place.place_id):
        raise InvalidInput(f"{at}.place_id", "not_a_name", "1-32 of A-Z a-z 0-9 _ -")
    west, south, east, north = bbox_lonlat
    for name, value, low, high in (("lon", place.lon, west, east), ("lat", place.lat, south, north)):
        if not math.isfinite(value):
            raise InvalidInput(f"{at}.{name}", "not_a_number")
        if not low <= value <= high:
            raise InvalidInput(f"{at}.{name}", "outside_city")
    if len(place.label) > MAX_LABEL_CHARS:
        raise InvalidInput(f"{at}.label", "too_long", str(MAX_LABEL_CHARS))
    if not place.label.isprintable():
        raise InvalidInput(f"{at}.label", "not_printable")
    if not 1 <= place.persons <= MAX_PERSONS:
        raise InvalidInput(f"{at}.persons", "out_of_range", f"1-{MAX_PERSONS}")
    if place.floor is not None and not MIN_FLOOR <= place.floor <= MAX_FLOOR:
        raise InvalidInput(f"{at}.floor", "out_of_range", f"{MIN_FLOOR}-{MAX_FLOOR}")
    if len(set(place.needs)) != len(place.needs):
        raise InvalidInput(f"{at}.needs", "twice")


def _coarsened(place: Place, bbox_lonlat: Bbox) -> Place:
    lon, lat = round(place.lon, POINT_DECIMALS), round(place.lat, POINT_DECIMALS)
    if place.is_cell:
        centre = quarter_cell_centres([[place.lon, place.lat]])[0]
        lon, lat = round(float(centre[0]), _CELL_DECIMALS), round(float(centre[1]), _CELL_DECIMALS)
    # A cell on the edge may have its centre outside: its owner must still be able to send it back.
    west, south, east, north = bbox_lonlat
    return msgspec.structs.replace(place, lon=min(max(lon, west), east), lat=min(max(lat, south), north))
