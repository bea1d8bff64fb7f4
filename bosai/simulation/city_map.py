"""The map of a run: areas, sites by how full they end, and the ways of some households. SVG, north up.

How full a site is, is told by the shape, a word and the colour together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from markupsafe import Markup, escape
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from shelters.simulate.measures import Outcome, SiteOutcome

Floats = NDArray[np.float64]

WIDTH_PX = 720.0
MOST_TALL_PX = 900.0
AROUND_M = 400.0
LONGEST_NAME = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Fullness:
    """What one word on the map means. shape: circle, diamond, square, cross."""

    word: str
    kind: str
    shape: str


ROOM = Fullness(word="空きあり（70%未満）", kind="room", shape="circle")
SOME = Fullness(word="やや混雑（70–90%）", kind="some", shape="diamond")
CROWDED = Fullness(word="混雑・満員（90%以上）", kind="crowded", shape="square")
OUT_OF_USE = Fullness(word="使用不可・未開設", kind="shut", shape="cross")
EMPTY = Fullness(word="だれも入っていない（区域内の施設など）", kind="empty", shape="circle")
WORDS = (ROOM, SOME, CROWDED, OUT_OF_USE, EMPTY)


def fullness_of(site: SiteOutcome) -> Fullness:
    """By the seats that are truly there."""
    if site.state != "open":
        return OUT_OF_USE
    if not site.inside:
        return EMPTY
    share = site.inside / max(1, site.true_seats)
    return ROOM if share < 0.7 else SOME if share < 0.9 else CROWDED


def city_map(
    map_id: str,
    title: str,
    says: str,
    outcome: Outcome,
    *,
    site_xy_m: Floats,
    areas_xy_m: Sequence[tuple[str, BaseGeometry]],
    used: NDArray[np.bool_],
) -> Markup:
    """areas: (name, geometry), drawn in order; used: (m,) sites that are named in words."""
    frame = _Frame.around(outcome, site_xy_m, areas_xy_m)
    parts = [
        f'<g class="area area-{min(n, 3)}"><title>{escape(name)}</title>'
        f'<path fill-rule="evenodd" d="{frame.path(area)}"/></g>'
        for n, (name, area) in enumerate(areas_xy_m)
    ]
    parts += [
        frame.track(track, end) for track, end in zip(_tracks(outcome), outcome.track_ends, strict=True)
    ]
    labels = []
    for site, (x, y), in_use in zip(outcome.sites, site_xy_m, used, strict=True):
        full = fullness_of(site)
        px, py = frame.at(x, y)
        percent = round(site.inside / max(1, site.true_seats) * 100)
        parts.append(
            f'<g class="site {full.kind}"><title>{escape(site.name)}：{site.inside:,}人／{site.true_seats:,}人'
            f"（{percent}%）{escape(full.word)}</title>{_mark(full.shape, px, py, 7.0 if in_use else 4.0)}</g>"
        )
        if in_use:
            labels.append((px, py, f"{_short(site.name)} {percent}%"))
    parts += _labels(labels, frame.wide)
    keys = "".join(
        f'<li><svg class="key" viewBox="0 0 16 16" aria-hidden="true"><g class="site {one.kind}">'
        f"{_mark(one.shape, 8, 8, 6)}</g></svg>{escape(one.word)}</li>"
        for one in WORDS
    )
    return Markup(  # noqa: S704 - drawn above; every text in it is escaped
        f'<figure class="map"><figcaption>{escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {frame.wide:.0f} {frame.tall:.0f}" role="img" aria-labelledby="{map_id}-t {map_id}-d">'
        f'<title id="{map_id}-t">{escape(title)}</title><desc id="{map_id}-d">{escape(says)}</desc>'
        f"{''.join(parts)}{frame.scale_bar()}</svg>"
        f'<ul class="legend">{keys}<li><svg class="key" viewBox="0 0 32 12" aria-hidden="true">'
        f'<path class="track" d="M0 6H32"/></svg>抜き出した世帯の歩いた道（直線で表示）</li></ul></figure>'
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    west: float
    north: float
    scale: float
    wide: float
    tall: float

    @classmethod
    def around(cls, outcome: Outcome, site_xy_m: Floats, areas: Sequence[tuple[str, BaseGeometry]]) -> _Frame:
        """People's ways and the sites they use, and what of the areas lies near; far sites fall outside."""
        ways = np.array([spot for step in outcome.tracks for spot in step], dtype=np.float64).reshape(-1, 2)
        busy = np.array([one.most_inside > 0 for one in outcome.sites], dtype=np.bool_)
        seen = np.concatenate([ways, site_xy_m[busy]])
        if not len(seen):
            seen = np.array([corner for _, one in areas for corner in _corners(one)], dtype=np.float64)
        (west, south), (east, north) = seen.min(axis=0) - AROUND_M, seen.max(axis=0) + AROUND_M
        scale = min(WIDTH_PX / (east - west), MOST_TALL_PX / (north - south))
        return cls(west, north, scale, (east - west) * scale, (north - south) * scale)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels."""
        return (x - self.west) * self.scale, (self.north - y) * self.scale

    def path(self, area: BaseGeometry) -> str:
        """The rings of an area, cut to the frame and thinned to a pixel."""
        box = shapely.box(
            self.west, self.north - self.tall / self.scale, self.west + self.wide / self.scale, self.north
        )
        cut = shapely.simplify(shapely.intersection(area, box), 1.0 / self.scale)
        rings = []
        for part in shapely.get_parts(cut):
            if part.geom_type != "Polygon":
                continue
            for ring in (part.exterior, *part.interiors):
                spots = [self.at(x, y) for x, y in shapely.get_coordinates(ring)]
                rings.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in spots) + "Z")
        return "".join(rings)

    def track(self, spots: Sequence[tuple[float, float]], end: str) -> str:
        """One household's way, without the steps at which it stood."""
        kept = [spot for n, spot in enumerate(spots) if n == 0 or spot != spots[n - 1]]
        if len(kept) < 2:
            x, y = self.at(*kept[0]) if kept else (0.0, 0.0)
            return f'<circle class="home" cx="{x:.1f}" cy="{y:.1f}" r="1.5"/>'
        line = "L".join("{:.1f} {:.1f}".format(*self.at(*spot)) for spot in kept)
        return f'<path class="track {escape(end)}" d="M{line}"/>'

    def scale_bar(self) -> str:
        """A round number of metres, at the lower left."""
        length_m = next((one for one in (2000, 1000, 500, 200, 100) if one * self.scale < self.wide / 4), 100)
        x, y = 12.0, self.tall - 14.0
        return (
            f'<path class="bar-line" d="M{x} {y}h{length_m * self.scale:.1f}"/>'
            f'<text class="tick start" x="{x}" y="{y - 6}">{length_m:,} m・上が北</text>'
        )


def _tracks(outcome: Outcome) -> list[list[tuple[float, float]]]:
    """[household][step], from [step][household]."""
    return [
        [(float(step[n][0]), float(step[n][1])) for step in outcome.tracks]
        for n in range(len(outcome.track_ends))
    ]


def _corners(area: BaseGeometry) -> list[tuple[float, float]]:
    west, south, east, north = area.bounds
    return [(west, south), (east, north)]


def _mark(shape: str, x: float, y: float, r: float) -> str:
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:g}"/>'
    if shape == "square":
        return f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r:g}" height="{2 * r:g}"/>'
    if shape == "diamond":
        d = r * 1.3
        return f'<path d="M{x:.1f} {y - d:.1f}l{d:g} {d:g}l{-d:g} {d:g}l{-d:g} {-d:g}z"/>'
    return f'<path class="x" d="M{x - r:.1f} {y - r:.1f}l{2 * r:g} {2 * r:g}m{-2 * r:g} 0l{2 * r:g} {-2 * r:g}"/>'


def _short(name: str) -> str:
    """A long name is cut on the map; the table has it whole."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _labels(wanted: Sequence[tuple[float, float, str]], most_px: float) -> list[str]:
    """Names beside their sites where they do not cover an earlier one; the table below the map has all of them."""
    taken: list[tuple[float, float, float, float]] = []
    parts = []
    for x, y, text in wanted:
        wide = sum(17.0 if ord(sign) > 0x2E7F else 9.0 for sign in text)  # as large as on a phone
        for left, base in (
            (x + 10, y + 4),
            (x - 10 - wide, y + 4),
            (x - wide / 2, y - 11),
            (x - wide / 2, y + 20),
        ):
            box = (left, base - 11, left + wide, base + 3)
            if left > 0 and left + wide < most_px and not any(_overlap(box, one) for one in taken):
                taken.append(box)
                parts.append(f'<text class="site-name" x="{left:.1f}" y="{base:.1f}">{escape(text)}</text>')
                break
    return parts


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
