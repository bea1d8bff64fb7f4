"""Hazard maps and roads for the maps of the pages: thinned out once for each version and zoom, packed, and kept.

GET /hazard-layers              which maps there are, with words and colours of their classes
GET /hazards.geojson?layer&zoom  one of them        GET /roads.geojson?zoom  the ways on foot

Nothing imported is an empty collection that says `known: false`: no danger drawn is not "no danger".
"""

from collections.abc import Callable, Mapping

import msgspec
from aiohttp import web

from bosai.errors import InvalidInput
from bosai.messages.map_words import class_name, layer_name
from bosai.services.geo_facts import GeoFacts
from bosai.web.base import html_lang, lang_of, services
from bosai.web.geojson import GEOJSON
from bosai.web.hazard_colours import looks_of
from bosai.web.packed import MAPS, answer
from bosai.web.parsing import number
from geodata.hazard_layers import HazardClass, HazardLayer
from geodata.map_layers import geojson_bytes, hazard_features, level_of, road_features

KEPT = "public, max-age=600, must-revalidate"
"""An import is seen ten minutes later at the latest; a page asks again with the tag and gets 304."""
MAX_ZOOM = 24  # of any map program


class MapClass(msgspec.Struct, frozen=True, kw_only=True):
    """One class of a hazard map. `name` is in the reader's language where we have the words, else as published."""

    code: str
    rank: int  # rises with danger
    name: str
    name_lang: str
    name_ja: str
    colour: str  # "#RRGGBB"
    pattern: str  # over the colour: none, dots, lines, dense_lines, cross, dense_cross
    depth_min_m: float | None = None
    depth_max_m: float | None = None


class MapLayer(msgspec.Struct, frozen=True, kw_only=True):
    """One hazard map. `coverage_known` false: where it shows nothing, nothing is known."""

    key: str
    hazard: str
    name: str
    name_lang: str
    name_ja: str
    classes: tuple[MapClass, ...]
    source: str
    version: str
    coverage_known: bool
    sample: bool
    valid_from: str | None = None
    valid_until: str | None = None


class MapLayers(msgspec.Struct, frozen=True, kw_only=True):
    """The hazard maps that were imported; none = unknown, never "no danger"."""

    version: str
    known: bool
    layers: tuple[MapLayer, ...]
    roads: bool  # there is a network of ways to draw
    roads_source: str  # who drew them, to stand on the map; "" without
    attributions: tuple[str, ...]


async def hazard_layers(request: web.Request) -> web.Response:
    """The hazard maps there are, with the words, colours and patterns of their classes."""
    facts, lang = services(request).geo.facts, lang_of(request)
    listed = map_layers(facts, lang, roads_source=services(request).settings.sources.roads)
    shelf = request.config_dict[MAPS]
    packed = await shelf.get(("layers", facts.sight, lang), lambda: msgspec.json.encode(listed))
    response = answer(request, packed, media="application/json", cache_control="no-cache")
    response.headers["Vary"] = "Accept-Encoding, Accept-Language, Cookie"
    return response


async def hazards_geojson(request: web.Request) -> web.Response:
    """One hazard map for one zoom: each class covers what was published, and half a pixel more at the most."""
    facts = services(request).geo.facts
    zoom = level_of(number(request, "zoom", 0, MAX_ZOOM))
    key = request.query.get("layer")
    if not key:
        raise InvalidInput("layer", "missing")
    layer = next((one for one in facts.layers if one.key == key), None)
    if layer is None and facts.layers:
        raise InvalidInput("layer", "unknown_value", ", ".join(one.key for one in facts.layers))
    return await _made(
        request, ("hazard", facts.sight, layer.key if layer else "", zoom), _hazard(layer, zoom)
    )


async def roads_geojson(request: web.Request) -> web.Response:
    """The ways on foot for one zoom: main roads from afar, every path near by."""
    facts = services(request).geo.facts
    zoom = level_of(number(request, "zoom", 0, MAX_ZOOM))
    return await _made(
        request, ("roads", facts.sight, zoom), _roads(facts, zoom, services(request).settings.sources.roads)
    )


def map_layers(facts: GeoFacts, lang: str, *, roads_source: str) -> MapLayers:
    """What `facts` have for a map, in the words of `lang`. `roads_source`: of roads that name none themselves."""
    network = facts.network
    return MapLayers(
        version=facts.version,
        known=bool(facts.layers),
        layers=tuple(_layer(one, lang) for one in facts.layers),
        roads=network is not None,
        roads_source=(network.source or roads_source) if network is not None else "",
        attributions=facts.attributions,
    )


def _layer(layer: HazardLayer, lang: str) -> MapLayer:
    looks = looks_of(layer)
    name, name_lang = layer_name(layer, lang)

    def shown(one: HazardClass) -> MapClass:
        words, words_lang = class_name(layer, one, lang)
        return MapClass(
            code=one.code,
            rank=one.rank,
            name=words,
            name_lang=html_lang(words_lang),
            name_ja=one.ja,
            colour=looks[one.code].colour,
            pattern=looks[one.code].pattern,
            depth_min_m=one.depth_min_m,
            depth_max_m=one.depth_max_m,
        )

    return MapLayer(
        key=layer.key,
        hazard=layer.hazard.value,
        name=name,
        name_lang=html_lang(name_lang),
        name_ja=layer.name_ja,
        classes=tuple(shown(one) for one in sorted(layer.classes, key=lambda one: -one.rank)),
        source=layer.source,
        version=layer.version,
        coverage_known=layer.coverage_lonlat is not None,
        sample=layer.sample,
        valid_from=layer.valid_from.isoformat() if layer.valid_from else None,
        valid_until=layer.valid_until.isoformat() if layer.valid_until else None,
    )


def _hazard(layer: HazardLayer | None, zoom: int) -> Callable[[], bytes]:
    def make() -> bytes:
        if layer is None:
            return geojson_bytes([], {"known": False, "zoom": zoom})
        about: Mapping[str, object] = {
            "known": True,
            "zoom": zoom,
            "layer": layer.key,
            "source": layer.source,
            "version": layer.version,
            "coverage_known": layer.coverage_lonlat is not None,
            "sample": layer.sample,
        }
        return geojson_bytes(hazard_features(layer, zoom), about)

    return make


def _roads(facts: GeoFacts, zoom: int, source: str) -> Callable[[], bytes]:
    def make() -> bytes:
        network = facts.network
        if network is None:
            return geojson_bytes([], {"known": False, "zoom": zoom})
        about = {"known": True, "zoom": zoom, "source": network.source or source}
        return geojson_bytes(road_features(network, zoom), about)

    return make


async def _made(request: web.Request, key: tuple[object, ...], make: Callable[[], bytes]) -> web.Response:
    packed = await request.config_dict[MAPS].get(key, make)
    return answer(request, packed, media=GEOJSON, cache_control=KEPT)
