"""Hazard maps, roads and areas thinned out for one zoom of a map, as GeoJSON that is the same byte for byte each time.

HazardLayer ─┐                    ┌─▶ grown ▸ joined ▸ thinned ▸ rounded   (areas of danger)
WalkNetwork ─┼─▶ pixels of a zoom ┤                                                    ├─▶ Feature ─▶ GeoJSON bytes
RoadLines  ──┘                    └─▶ chosen by kind ▸ joined ▸ thinned    (roads)

The rule for danger: **what is drawn covers what is published** and reaches at most half a pixel beyond it; a part
smaller than a pixel becomes the pixels it lies in, so that no area is ever dropped; a hole smaller than a pixel is
filled. Where classes meet, each covers its own ground and the worse is drawn over the milder (`rank`), so no gap
opens between them. A map is a picture: what holds at a place is asked of the catalogue, never of these shapes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiLineString, MultiPolygon
from shapely.geometry.base import BaseGeometry

from geodata.crs import to_lonlat
from geodata.hazard_layers import HazardLayer
from geodata.pixels import Objects, decimals_for, to_degrees, to_pixels
from geodata.roads import RoadKind, RoadLines

if TYPE_CHECKING:  # it loads SciPy, which no map needs
    from geodata.network import WalkNetwork

MIN_ZOOM, MAX_ZOOM = 8, 16
"""Below the city is a few pixels; above, the shapes are drawn as published."""
LEVELS = (10, 12, 14, 16)
"""The zooms that shapes are made for; a map of another zoom takes the next finer one."""

THIN_PX = 0.085
ROUND_PX = 0.03
GROW_PX = 2 * THIN_PX + ROUND_PX
MITRE = 1.4  # a corner is grown this much farther at the most, so that a square stays four corners
"""Thinned, grown, thinned, rounded: the truth stays covered, and 0.48 px beyond it is the farthest."""
LINE_THIN_PX = 0.5
LINE_ROUND_PX = 0.25

Fact = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Feature:
    """One GeoJSON feature: a MultiPolygon or a MultiLineString in degrees lon, lat, its vertices rounded."""

    id: str
    geometry: BaseGeometry
    properties: Mapping[str, Fact]
    decimals: int


def level_of(zoom: float) -> int:
    """The level of LEVELS that a map of this zoom shows: the next finer one, or the finest."""
    return next((one for one in LEVELS if one >= zoom), LEVELS[-1])


def hazard_features(layer: HazardLayer, zoom: int) -> list[Feature]:
    """One feature for each class of the layer that has an area, mildest first (drawn lowest)."""
    order = sorted(range(len(layer.classes)), key=lambda row: (layer.classes[row].rank, row))
    found = []
    for row in order:
        one = layer.classes[row]
        shape = danger_shape(layer.areas_lonlat[layer.class_row == row], zoom)
        if shape is None:
            continue
        facts: dict[str, Fact] = {
            "layer": layer.key,
            "class": one.code,
            "rank": one.rank,
            "name": one.ja,
            "sample": layer.sample,
        }
        found.append(Feature(f"{layer.key}/{one.code}", shape, facts, decimals_for(zoom, ROUND_PX)))
    return found


def area_feature(
    key: str,
    areas_lonlat: Iterable[BaseGeometry],
    zoom: int,
    properties: Mapping[str, Fact],
) -> Feature | None:
    """Any polygons as one feature by the same rule; None without an area."""
    shape = danger_shape(np.array(list(areas_lonlat), dtype=object), zoom)
    return None if shape is None else Feature(key, shape, properties, decimals_for(zoom, ROUND_PX))


def danger_shape(areas_lonlat: Objects, zoom: int) -> BaseGeometry | None:
    """The MultiPolygon that covers all of (k,) valid polygons, thinned for `zoom`; None for nothing.

    Not farther than half a pixel from them, or a pixel's diagonal round a part that is smaller than one.
    """
    parts = shapely.get_parts(to_pixels(np.asarray(areas_lonlat, dtype=object), zoom))
    parts = parts[~shapely.is_empty(parts)]
    if not len(parts):
        return None
    # Close to the world's corner, floats have fewer digits to spare; near the shapes themselves they have plenty.
    origin = np.floor(shapely.total_bounds(parts)[:2])
    parts = shapely.transform(parts, lambda pairs: pairs - origin)
    box = shapely.bounds(parts)
    is_tiny = (box[:, 2] - box[:, 0] < 1) & (box[:, 3] - box[:, 1] < 1)
    drawn = np.concatenate([_thinned(parts[~is_tiny]), _pixels_of(box[is_tiny])])
    joined = shapely.transform(shapely.union_all(drawn), lambda pairs: pairs + origin)
    grid = 10.0 ** -decimals_for(zoom, ROUND_PX)
    rounded = shapely.set_precision(to_degrees(np.array([joined], dtype=object), zoom)[0], grid)
    return MultiPolygon(list(shapely.get_parts(rounded))).normalize()


def _thinned(parts: Objects) -> Objects:
    """Grown, joined, small holes filled, and thinned, so that the parts stay covered; pixels."""
    if not len(parts):
        return parts
    plain = shapely.simplify(parts, THIN_PX, preserve_topology=True)
    grown = shapely.buffer(plain, GROW_PX, join_style="mitre", mitre_limit=MITRE)
    joined = _without_small_holes(shapely.get_parts(shapely.union_all(grown)))
    thinned: Objects = shapely.simplify(joined, THIN_PX, preserve_topology=True)
    return thinned


def _without_small_holes(polygons: Objects) -> Objects:
    rings, owner = shapely.get_rings(polygons, return_index=True)
    is_shell = np.r_[True, owner[1:] != owner[:-1]]
    box = shapely.bounds(rings)
    is_kept = is_shell | (box[:, 2] - box[:, 0] >= 1) | (box[:, 3] - box[:, 1] >= 1)
    holes = rings[is_kept & ~is_shell]
    starts = np.searchsorted(owner[is_kept & ~is_shell], np.arange(len(polygons) + 1))
    shells = rings[is_shell]
    return np.array(
        [
            shapely.Polygon(shell, holes[first:last])
            for shell, first, last in zip(shells, starts[:-1], starts[1:], strict=True)
        ],
        dtype=object,
    )


def _pixels_of(boxes: NDArray[np.float64]) -> Objects:
    """The pixels that (n, 4) small boxes touch, joined."""
    if not len(boxes):
        return np.empty(0, dtype=object)
    west, south, east, north = np.floor(boxes).astype(np.int64).T
    corners = np.column_stack([west, south, east, south, west, north, east, north]).reshape(-1, 2)
    pixels = np.unique(corners, axis=0).astype(np.float64)
    # A little more on every side: what lies on a pixel's edge stays covered when positions are rounded.
    west, south, east, north = np.column_stack([pixels - ROUND_PX, pixels + 1 + ROUND_PX]).T
    squares = shapely.box(west, south, east, north)
    joined: Objects = shapely.simplify(shapely.get_parts(shapely.union_all(squares)), 0)
    return joined


SHOWN_FROM: Mapping[RoadKind, int] = {
    RoadKind.MAIN_ROAD: MIN_ZOOM,
    RoadKind.ROAD: 12,
    RoadKind.UNKNOWN: 12,  # most of what no source names are streets of houses
    RoadKind.SERVICE: 14,
    RoadKind.PEDESTRIAN: 14,
    RoadKind.STEPS: 14,
}
"""The first level that shows a kind: a city is told by its main roads, a neighbourhood by every path."""


def road_features(roads: WalkNetwork | RoadLines, zoom: int) -> list[Feature]:
    """One feature for each kind of road that `zoom` shows; ways that fall on the same pixels are drawn once.

    A line bends by at most three quarters of a pixel, and goes where nothing of it would be seen.
    """
    lonlat, first, kind = _lines_of(roads)
    rows = np.repeat(np.arange(len(kind)), np.diff(first))
    found = []
    for one in RoadKind:
        chosen = (kind == one) & (np.diff(first) >= 2)
        if SHOWN_FROM[one] > zoom or not chosen.any():
            continue
        of_kind = chosen[rows]
        lines = shapely.linestrings(lonlat[of_kind], indices=np.cumsum(np.r_[0, chosen])[rows[of_kind]])
        shape = _line_shape(np.atleast_1d(lines), zoom)
        if shape is not None:
            name = one.name.lower()
            found.append(Feature(f"road/{name}", shape, {"kind": name}, decimals_for(zoom, LINE_ROUND_PX)))
    return found


def _lines_of(
    roads: WalkNetwork | RoadLines,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int8]]:
    """(vertices in degrees, offsets of the lines, kind of each), whichever of the two it was."""
    if isinstance(roads, RoadLines):
        return roads.lonlat, np.asarray(roads.first, dtype=np.int64), roads.kind
    lonlat = to_lonlat(roads.xy_m, roads.epsg)[roads.chain]
    return lonlat, np.asarray(roads.chain_first, dtype=np.int64), roads.kind


def _line_shape(lines: Objects, zoom: int) -> BaseGeometry | None:
    joined = shapely.line_merge(shapely.multilinestrings(lines))
    thinned = shapely.simplify(to_pixels(shapely.get_parts(joined), zoom), LINE_THIN_PX)
    pairs, line = shapely.get_coordinates(to_degrees(thinned, zoom), return_index=True)
    decimals = decimals_for(zoom, LINE_ROUND_PX)
    cells = np.round(pairs * 10.0**decimals).astype(np.int64)
    ends = np.column_stack([cells[:-1], cells[1:]])[line[1:] == line[:-1]]
    # Both directions of a divided road fall together here: each piece is drawn once, whichever way it was given.
    turned = (ends[:, 0] > ends[:, 2]) | ((ends[:, 0] == ends[:, 2]) & (ends[:, 1] > ends[:, 3]))
    ends[turned] = ends[turned][:, [2, 3, 0, 1]]
    ends = np.unique(ends, axis=0)
    ends = ends[(ends[:, :2] != ends[:, 2:]).any(axis=1)]
    if not len(ends):
        return None
    pieces = shapely.linestrings(ends.reshape(-1, 2, 2) / 10.0**decimals)
    whole = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(pieces)))
    return MultiLineString(list(whole)).normalize()


def geojson_bytes(features: Sequence[Feature], members: Mapping[str, object] | None = None) -> bytes:
    """A feature collection as UTF-8; `members` are foreign members of it (RFC 7946 §6.1). Same input, same bytes."""
    head = {"type": "FeatureCollection", **(members or {})}
    opening = json.dumps(head, ensure_ascii=False, separators=(",", ":"))[:-1]
    return (opening + ',"features":[' + ",".join(map(_feature, features)) + "]}").encode()


def _feature(one: Feature) -> str:
    kind = "MultiPolygon" if one.geometry.geom_type == "MultiPolygon" else "MultiLineString"
    head = json.dumps(
        {"type": "Feature", "id": one.id, "properties": dict(one.properties)},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    coordinates = _coordinates(one.geometry, one.decimals)
    return f'{head[:-1]},"geometry":{{"type":"{kind}","coordinates":[{coordinates}]}}}}'


def _coordinates(geometry: BaseGeometry, decimals: int) -> str:
    # Written line by line: one call for a whole city would keep every other thread waiting until it is done.
    if geometry.geom_type == "MultiLineString":
        return ",".join(_positions(shapely.get_parts(geometry), decimals))
    rings, polygon = shapely.get_rings(shapely.get_parts(geometry), return_index=True)
    written = _positions(rings, decimals)
    starts = [*np.flatnonzero(np.diff(polygon, prepend=-1)).tolist(), len(written)]
    return ",".join(f"[{','.join(written[first:last])}]" for first, last in pairwise(starts))


def _positions(lines: Objects, decimals: int) -> list[str]:
    pairs, line = shapely.get_coordinates(lines, return_index=True)
    positions = np.round(pairs, decimals).tolist()
    starts = [*np.flatnonzero(np.diff(line, prepend=-1)).tolist(), len(positions)]
    return [json.dumps(positions[first:last], separators=(",", ":")) for first, last in pairwise(starts)]
