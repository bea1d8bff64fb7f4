"""What a draft must hold before it may become an order. Pure: a form comes in, checked values go out.

Sources: 災害対策基本法 60条 and the guideline of May 2021 (levels), domain §1.4-1.5 (tsunami has no level).
"""

import unicodedata
from datetime import datetime

import msgspec

from bosai.errors import InvalidInput
from bosai.messages.catalogue import LANGS
from bosai.messages.notices import is_foretold
from bosai.messages.wording import DRILL_START, check_wording
from bosai.model.alert import AlertArea, OrderKind, TsunamiClass, level_of
from bosai.model.realm import Realm
from geodata.areas import Bbox, canonical_units, parse_area
from geodata.errors import EmptyArea, GeodataError, OutsideCity, SelfCrossing
from geodata.hazards import HazardKind

SENDAI_BBOX = Bbox(140.44, 38.05, 141.12, 38.48)
"""Sendai and the sea before it (a 津波注意報 concerns the shore and what lies seaward of it)."""

_LEVELLED = frozenset(
    {OrderKind.ELDERLY_ETC, OrderKind.EVACUATE, OrderKind.EMERGENCY_SAFETY, OrderKind.NOTICE}
)
_WITHOUT_LEVEL = frozenset({OrderKind.EVACUATE, OrderKind.NOTICE})

LEGAL_KINDS: dict[HazardKind, frozenset[OrderKind]] = {
    HazardKind.FLOOD: _LEVELLED,
    HazardKind.LANDSLIDE: _LEVELLED,
    HazardKind.STORM_SURGE: _LEVELLED,
    HazardKind.INLAND_FLOOD: _LEVELLED,
    HazardKind.EARTHQUAKE: _WITHOUT_LEVEL,
    HazardKind.LARGE_FIRE: _WITHOUT_LEVEL,
    HazardKind.VOLCANO: _WITHOUT_LEVEL,
    HazardKind.TSUNAMI: frozenset({OrderKind.TSUNAMI_EVACUATION, OrderKind.NOTICE}),
}
"""Which kinds may be issued for which hazard. The console offers exactly these."""

MAX_NAMES = 300
MAX_NAME_LENGTH = 60
MAX_REASON_LENGTH = 1000
MAX_FREE_TEXT_LENGTH = 300
MIN_REVIEW_MIN = 5
MAX_REVIEW_MIN = 24 * 60

_PROBLEMS: dict[type[GeodataError], str] = {
    EmptyArea: "empty_area",
    SelfCrossing: "self_crossing",
    OutsideCity: "outside_city",
}
"""What else can be wrong with a geometry is told by its own sentence, as the detail of "bad_geometry"."""


class DraftForm(msgspec.Struct, frozen=True, kw_only=True):
    """What an officer fills in. The side comes from the path, the texts are made from this."""

    hazard: HazardKind
    kind: OrderKind
    tsunami_class: TsunamiClass | None = None
    area: AlertArea
    texts_free: dict[
        str, str
    ] = {}  # one sentence of one's own, by language; untranslated ones show as Japanese
    reason: str
    expected_arrival_at: datetime | None = None  # a wave, or the beginning of level 4, as JMA gave it
    announced_at: datetime | None = None  # JMA's 発表; the service takes it from the proposal
    proposal_id: str | None = None
    review_after_min: int | None = None


def checked_form(form: DraftForm, *, realm: Realm, bbox: Bbox) -> DraftForm:
    """The form with its texts tidied and its area in canonical order. Raises InvalidInput naming the field.

    HQ's own words (sentences, names of areas) pass the wording rules; the rest of the text is ours and passes them in
    the tests, so that no rule can hold up an order without words to blame.
    """
    _check_kind(form)
    _check_arrival(form)
    after = form.review_after_min
    if after is not None and not MIN_REVIEW_MIN <= after <= MAX_REVIEW_MIN:
        raise InvalidInput("review_after_min", "out_of_range", f"{MIN_REVIEW_MIN}–{MAX_REVIEW_MIN}")
    area = checked_area(form.area, bbox=bbox)
    for name in area.names:
        _check_words("area.names", name, "ja", form, realm)
    return msgspec.structs.replace(
        form,
        area=area,
        texts_free=_checked_free(form, realm),
        reason=checked_reason(form.reason),
    )


def checked_reason(reason: str, field: str = "reason") -> str:
    """A reason (判断の理由), required in every act. Raises InvalidInput."""
    text = plain_text(reason)
    if not text:
        raise InvalidInput(field, "missing")
    if len(text) > MAX_REASON_LENGTH:
        raise InvalidInput(field, "too_long", str(MAX_REASON_LENGTH))
    return text


def checked_area(area: AlertArea, *, bbox: Bbox) -> AlertArea:
    """A sound area inside `bbox` with names, the same geometry always as the same integers.

    Nothing is filled in: no area, or an area without a name, is an error and never "the whole city".
    Raises InvalidInput ("area" or "area.names").
    """
    names = tuple(dict.fromkeys(filter(None, (plain_text(one) for one in area.names))))
    if not names:
        raise InvalidInput("area.names", "missing")
    if len(names) > MAX_NAMES:
        raise InvalidInput("area.names", "too_many", str(MAX_NAMES))
    long = next((one for one in names if len(one) > MAX_NAME_LENGTH), None)
    if long is not None:
        raise InvalidInput("area.names", "too_long", long[:MAX_NAME_LENGTH])
    polygons = [
        [
            [[lon / 1e7, lat / 1e7] for lon, lat in ring]
            for n, ring in enumerate(rings)
            # Areas put together from neighbours keep hair-thin gaps, which rounding turns into holes of no size.
            if n == 0 or len(set(ring)) > 2
        ]
        for rings in area.polygons_e7_lonlat
    ]
    try:
        sound = parse_area({"type": "MultiPolygon", "coordinates": polygons}, bbox=bbox)
    except GeodataError as error:
        raise InvalidInput("area", _PROBLEMS.get(type(error), "bad_geometry"), error.ja) from error
    closed = tuple(tuple((*ring, ring[0]) for ring in rings) for rings in canonical_units(sound))
    return msgspec.structs.replace(area, names=names, polygons_e7_lonlat=closed)


def plain_text(text: str) -> str:
    """NFC, one line, no control, invisible or direction-changing characters, runs of space as one, none at the ends."""
    kept = (
        " " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one
        for one in unicodedata.normalize("NFC", text)
        if unicodedata.category(one) != "Cf" or one in _JOINERS
    )
    return " ".join("".join(kept).split())


_JOINERS = "\u200c\u200d"
"""Nepali is written with them; whatever else can not be seen is not what the approver read."""


def _check_kind(form: DraftForm) -> None:
    if form.kind not in LEGAL_KINDS[form.hazard]:
        raise InvalidInput("kind", "not_for_this_hazard", f"{form.hazard.value}/{form.kind.value}")
    if form.kind is OrderKind.TSUNAMI_EVACUATION and form.tsunami_class is None:
        raise InvalidInput("tsunami_class", "missing")
    if form.hazard is not HazardKind.TSUNAMI and form.tsunami_class is not None:
        raise InvalidInput("tsunami_class", "not_for_this_hazard", form.hazard.value)


def _check_arrival(form: DraftForm) -> None:
    if form.expected_arrival_at is None:
        return
    if form.hazard is not HazardKind.TSUNAMI and not is_foretold(form.hazard, form.kind):
        raise InvalidInput("expected_arrival_at", "not_for_this_hazard", form.hazard.value)
    if form.expected_arrival_at.utcoffset() is None:
        raise InvalidInput("expected_arrival_at", "no_time_zone", form.expected_arrival_at.isoformat())


def _checked_free(form: DraftForm, realm: Realm) -> dict[str, str]:
    unknown = sorted(set(form.texts_free) - set(LANGS))
    if unknown:
        raise InvalidInput("texts_free", "unknown_language", unknown[0])
    tidy = {lang: text for lang, given in form.texts_free.items() if (text := plain_text(given))}
    if tidy and "ja" not in tidy:
        raise InvalidInput("texts_free.ja", "missing")
    for lang, text in tidy.items():
        if len(text) > MAX_FREE_TEXT_LENGTH:
            raise InvalidInput(f"texts_free.{lang}", "too_long", str(MAX_FREE_TEXT_LENGTH))
        _check_words(f"texts_free.{lang}", text, lang, form, realm)
    return tidy


def _check_words(field: str, text: str, lang: str, form: DraftForm, realm: Realm) -> None:
    level = level_of(form.hazard, form.kind)
    as_sent = f"{DRILL_START}{text}" if realm.is_drill else text
    broken = check_wording(as_sent, lang, hazard=form.hazard, level=level, realm=realm, issuer="city")
    if broken:
        raise InvalidInput(field, "wording", f"「{broken[0].found}」{broken[0].mend}")
