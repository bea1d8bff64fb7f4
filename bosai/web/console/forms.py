"""The compose form: what was typed, kept as typed, and the one way from there to a `DraftForm`.

POST ─▶ Typed (strings, returned to the page on any error) ─▶ parsed() ─▶ DraftForm
                                                            └▶ FormInvalid: every field at fault at once
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from multidict import MultiMapping

from bosai.errors import InvalidInput
from bosai.messages.catalogue import LANGS
from bosai.messages.measures import JST
from bosai.messages.notices import is_foretold
from bosai.model.alert import AlertArea, OrderKind, TsunamiClass
from bosai.services.order_rules import DraftForm, checked_reason
from bosai.services.zones import ZoneCatalogue
from geodata.hazards import HazardKind

E = TypeVar("E", HazardKind, OrderKind, TsunamiClass)
_PAIR = re.compile(
    r"\s*[\[(]?\s*(?P<first>-?\d+(?:\.\d+)?)\s*[,、\s]\s*(?P<second>-?\d+(?:\.\d+)?)\s*[\])]?\s*,?\s*"
)
_LAT_BELOW = 90.0


@dataclass(eq=False)
class FormInvalid(Exception):
    """What is wrong, by field: all of it, so that one round is enough."""

    problems: dict[str, InvalidInput]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The form as typed. Nothing here is trusted or changed before it goes back to the page."""

    hazard: str = ""
    kind: str = ""
    tsunami_class: str = ""
    zones: tuple[str, ...] = ()
    drawn: str = ""
    drawn_name: str = ""
    free: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    arrival: str = ""
    review_after_min: str = ""
    proposal: str = ""

    @classmethod
    def of(cls, post: MultiMapping[Any]) -> "Typed":
        """The fields of a POST; files and unknown fields are nothing to us."""

        def one(name: str) -> str:
            value = post.get(name, "")
            return value.replace("\r\n", "\n") if isinstance(value, str) else ""

        return cls(
            hazard=one("hazard"),
            kind=one("kind"),
            tsunami_class=one("tsunami_class"),
            zones=tuple(value for value in post.getall("zone", []) if isinstance(value, str)),
            drawn=one("drawn"),
            drawn_name=one("drawn_name"),
            free={lang: one(f"free_{lang}") for lang in LANGS},
            reason=one("reason"),
            arrival=one("arrival"),
            review_after_min=one("review_after_min"),
            proposal=one("proposal"),
        )


def parsed(typed: Typed, zones: ZoneCatalogue) -> DraftForm:
    """The form as values. Raises FormInvalid with every problem found. Some ms for wards and towns: off the loop."""
    problems: dict[str, InvalidInput] = {}

    def attempt(make: Any) -> Any:
        try:
            return make()
        except InvalidInput as error:
            problems.setdefault(_field_id(error.field), error)
            return None

    hazard = attempt(lambda: _choice(HazardKind, typed.hazard, "hazard"))
    kind = attempt(lambda: _choice(OrderKind, typed.kind, "kind"))
    is_tsunami_order = kind is OrderKind.TSUNAMI_EVACUATION
    wanted_class = typed.tsunami_class if hazard is HazardKind.TSUNAMI else ""
    tsunami_class = (
        attempt(lambda: _choice(TsunamiClass, wanted_class, "tsunami_class"))
        if wanted_class or is_tsunami_order
        else None
    )
    area = attempt(lambda: area_of(typed, zones))
    reason = attempt(lambda: checked_reason(typed.reason))
    takes_time = hazard is HazardKind.TSUNAMI or (hazard and kind and is_foretold(hazard, kind))
    arrival = attempt(lambda: _arrival(typed.arrival) if takes_time else None)
    review = attempt(lambda: _minutes(typed.review_after_min))
    if problems:
        raise FormInvalid(problems)
    return DraftForm(
        hazard=hazard,
        kind=kind,
        tsunami_class=tsunami_class,
        area=area,
        texts_free={lang: text for lang, text in typed.free.items() if text.strip()},
        reason=reason,
        expected_arrival_at=arrival,
        proposal_id=typed.proposal or None,
        review_after_min=review,
    )


def invalid(error: InvalidInput) -> dict[str, InvalidInput]:
    """The one problem a service found, under the field of the page it belongs to."""
    return {_field_id(error.field): error}


def area_of(typed: Typed, zones: ZoneCatalogue) -> AlertArea:
    """The union of the chosen zones and what was drawn. Raises InvalidInput; nothing chosen is never everything."""
    drawn = geometry_of(typed.drawn) if typed.drawn.strip() else None
    if drawn is None and typed.drawn_name.strip():
        raise InvalidInput(
            "area", "empty_area", "名前だけが入っています。区域を描くか、座標を入れてください。"
        )
    return zones.area(typed.zones, drawn, typed.drawn_name)


def geometry_of(text: str) -> object:
    """GeoJSON, or one corner a line as 「経度, 緯度」 (or 緯度, 経度: 緯度 is below 90). Raises InvalidInput."""
    stripped = text.strip()
    if stripped.startswith("{"):
        return _from_json(stripped)
    corners = [_corner(line, n) for n, line in enumerate(stripped.splitlines(), start=1) if line.strip()]
    if len(corners) < 3:
        raise InvalidInput(
            "area", "empty_area", f"座標が{len(corners)}点です。3点以上を1行に1点ずつ入れてください。"
        )
    return {"type": "Polygon", "coordinates": [corners]}


def _from_json(text: str) -> object:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("area", "bad_geometry", f"GeoJSON として読めません（{error}）。") from None
    if document.get("type") != "FeatureCollection":
        return document
    features = document.get("features")
    geometries = [_geometry(one) for one in features] if isinstance(features, list) else []
    polygons: list[object] = []
    for one in geometries:
        if one.get("type") == "Polygon":
            polygons.append(one.get("coordinates"))
        elif one.get("type") == "MultiPolygon" and isinstance(one.get("coordinates"), list):
            polygons.extend(one["coordinates"])
        else:
            raise InvalidInput(
                "area", "bad_geometry", f"面（Polygon）ではない図形があります：{one.get('type')}"
            )
    return {"type": "MultiPolygon", "coordinates": polygons}


def _geometry(feature: object) -> dict[str, Any]:
    found = feature.get("geometry") if isinstance(feature, dict) else None
    return found if isinstance(found, dict) else {}


def _corner(line: str, number: int) -> list[float]:
    found = _PAIR.fullmatch(line)
    if found is None:
        raise InvalidInput(
            "area", "bad_geometry", f"{number}行目「{line.strip()[:40]}」を座標として読めません。"
        )
    first, second = float(found["first"]), float(found["second"])
    # 緯度 stays below 90 and Japan's 経度 above it: both ways to write a pair mean one place.
    return [second, first] if abs(first) <= _LAT_BELOW < abs(second) else [first, second]


def _choice(wanted: type[E], value: str, name: str) -> E:
    if not value:
        raise InvalidInput(name, "missing")
    try:
        return wanted(value)
    except ValueError:
        raise InvalidInput(name, "unknown_value", value[:40]) from None


def _arrival(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput("expected_arrival_at", "unreadable", "例：2026-11-23T14:30") from None
    return at if at.utcoffset() is not None else at.replace(tzinfo=JST)


def _minutes(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isascii() or not text.strip().isdigit() or len(text.strip()) > 5:
        raise InvalidInput("review_after_min", "not_a_number", text.strip()[:20])
    return int(text)


def _field_id(name: str) -> str:
    """The field of the page for the field of a service."""
    return _FIELDS.get(name, "free" if name.startswith("texts_free") else name)


_FIELDS = {"area.names": "area_name"}
FIELD_ORDER: Sequence[str] = (
    "hazard",
    "kind",
    "tsunami_class",
    "area",
    "area_name",
    "free",
    "reason",
    "expected_arrival_at",
    "review_after_min",
)
"""Fields as they stand on the page, for the list of problems at its head."""
