"""Hazard maps in words: the name of a map and of its classes, in the reader's language where we have them.

What only its publisher has words for stays Japanese and says so: each name comes with the language it is in.
"""

from bosai.messages.catalogue import has_text, text
from geodata.hazard_layers import HazardClass, HazardLayer
from geodata.hazards import HazardKind

Named = tuple[str, str]
"""(words, the language they are in: the reader's, or "ja")."""

HOURS_PER_DAY = 24


def layer_name(layer: HazardLayer, lang: str) -> Named:
    """The map's name. Japanese readers read the publisher's own."""
    key = f"maps.layer.{layer.key}"
    if lang == "ja" or not has_text(key, lang):
        return layer.name_ja, "ja"
    return text(key, lang), lang


def class_name(layer: HazardLayer, one: HazardClass, lang: str) -> Named:
    """What the class says. Japanese readers read the publisher's own, but for depths: 「20m以上」 says not of what."""
    depth = _range("depth", one.depth_min_m, one.depth_max_m, lang)
    words = depth if lang == "ja" else depth or _time_of(one, lang) or _zone(layer, one, lang)
    return (words, lang) if words else (one.ja, "ja")


def _time_of(one: HazardClass, lang: str) -> str:
    low, high = one.duration_min_h, one.duration_max_h
    if low and low >= HOURS_PER_DAY:
        return _range("days", low / HOURS_PER_DAY, high / HOURS_PER_DAY if high else None, lang)
    return _range("hours", low, high, lang)


def _range(kind: str, low: float | None, high: float | None, lang: str) -> str:
    """From `low` to `high`; a class from 0 is "less than"; both None: it has no such measure."""
    if low is None and high is None:
        return ""
    if not low and high is not None:
        return text(f"maps.{kind}.below", lang, max=_plain(high))
    if high is None:
        return text(f"maps.{kind}.from", lang, min=_plain(low or 0.0))
    return text(f"maps.{kind}.between", lang, min=_plain(low or 0.0), max=_plain(high))


def _zone(layer: HazardLayer, one: HazardClass, lang: str) -> str:
    if one.depth_unknown:
        return text("maps.depth.unknown", lang)
    if layer.hazard is HazardKind.LANDSLIDE:
        return text("maps.zone.special" if "special" in one.code else "maps.zone.warning", lang)
    return ""


def _plain(value: float) -> str:
    return f"{value:g}"
