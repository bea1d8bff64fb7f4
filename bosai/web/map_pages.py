"""What pages show of the ground beside a map: the words of its controls, and what the hazard maps say of one place.

Every map has an equal list: whoever sees no map reads here what lies at the place they chose.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from aiohttp import web

from bosai.messages.catalogue import html_lang, text
from bosai.messages.map_words import class_name, layer_name
from bosai.messages.measures import JST
from bosai.web.base import lang_of, services
from bosai.web.hazard_colours import looks_of
from geodata.hazard_layers import HazardLayer

OUTSIDE, UNKNOWN = -1, -2
"""In place of a class: outside every area where the map was made, and where nobody says it was made."""

_PLAIN = ("title", "none", "legend", "no_colour", "nothing", "sample", "failed", "map", "zoom_in", "zoom_out")


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardLine:
    """What one hazard map says of a place. `state`: inside, unknown or outside (a CSS class)."""

    state: str
    layer: str
    layer_lang: str
    words: str
    words_lang: str
    colour: str  # "#RRGGBB", "" where the place is in no class
    source: str
    notes: tuple[str, ...]  # a sample, an old map


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardsHere:
    """The list for one place, what concerns it first. No line: nothing was imported."""

    lines: tuple[HazardLine, ...]
    attributions: tuple[str, ...]


@cache
def map_texts(lang: str) -> dict[str, str]:
    """The words of a map's controls, for its script."""
    return {name: text(f"maps.{name}", lang) for name in _PLAIN} | {
        "source": text("maps.source", lang, source="{source}", version="{version}")
    }


async def hazards_here(request: web.Request, lon: float, lat: float) -> HazardsHere:
    """What every hazard map says of a point in the city."""
    here = services(request)
    found = await here.geo.at(lon, lat)
    today = here.clock.now().astimezone(JST).date()
    return HazardsHere(
        lines=hazard_lines(found, lang_of(request), today), attributions=here.geo.facts.attributions
    )


def hazard_lines(found: Sequence[tuple[HazardLayer, int]], lang: str, today: date) -> tuple[HazardLine, ...]:
    """Lines for (map, row of the class or OUTSIDE or UNKNOWN): what one is inside of, then what nobody knows."""
    lines = [_line(layer, row, lang, today) for layer, row in found]
    return tuple(sorted(lines, key=lambda one: ("inside", "unknown", "outside").index(one.state)))


def _line(layer: HazardLayer, row: int, lang: str, today: date) -> HazardLine:
    name, name_lang = layer_name(layer, lang)
    if row >= 0:
        one = layer.classes[row]
        state, colour = "inside", looks_of(layer)[one.code].colour
        words, words_lang = class_name(layer, one, lang)
    else:
        state, colour = ("outside" if row == OUTSIDE else "unknown"), ""
        words, words_lang = text(f"maps.{state}", lang), lang
    notes = [text("maps.sample", lang)] if layer.sample else []
    if layer.valid_until is not None and layer.valid_until < today:
        notes.append(text("maps.expired", lang, date=layer.valid_until.isoformat()))
    return HazardLine(
        state=state,
        layer=name,
        layer_lang=html_lang(name_lang),
        words=words,
        words_lang=html_lang(words_lang),
        colour=colour,
        source=text("maps.source", "ja", source=layer.source, version=layer.version),
        notes=tuple(notes),
    )
