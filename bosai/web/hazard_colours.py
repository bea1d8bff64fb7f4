"""How a class of a hazard map looks: its colour, and a pattern, because colour alone carries no meaning.

Sources: depths and durations 「水害ハザードマップ作成の手引き」(国土交通省, 令和5年5月) and 「洪水浸水想定区域図作成
マニュアル」表-7.4; 土砂災害 as ハザードマップポータルサイト shows it. The pattern is ours: the denser, the worse.
"""

from typing import NamedTuple

from geodata.hazard_layers import HazardClass, HazardLayer
from geodata.hazards import HazardKind

DEPTH_COLOURS: tuple[tuple[float, str], ...] = (
    (0.3, "#FFFFB3"),
    (0.5, "#F7F5A9"),
    (1.0, "#F8E1A6"),
    (3.0, "#FFD8C0"),
    (5.0, "#FFB7B7"),
    (10.0, "#FF9191"),
    (20.0, "#F285C9"),
)
"""(the class ends at this depth in metres, colour); beyond the last row DEEPEST."""
DEEPEST = "#DC7ADC"

DURATION_COLOURS: tuple[tuple[float, str], ...] = (
    (12, "#A0D2FF"),
    (24, "#0041FF"),
    (72, "#FAF500"),
    (168, "#FF9900"),
    (336, "#FF2800"),
    (672, "#B40068"),
)
"""(the class ends after so many hours under water, colour); beyond the last row LONGEST."""
LONGEST = "#600060"

WARNING_ZONE, SPECIAL_ZONE = "#FAE600", "#FA2800"
"""土砂災害警戒区域 (yellow zone), 土砂災害特別警戒区域 (red zone)."""
UNKNOWN_DEPTH = "#B8B8C0"
"""Ours: no colour of the scale, so that nobody reads a depth from it."""
BY_RANK = ("#FAE600", "#FF9900", "#FF2800", "#B40068", "#600060")
"""Classes of no known scale, the mildest first."""

PATTERNS = ("none", "dots", "lines", "dense_lines", "cross", "dense_cross")


class Look(NamedTuple):
    """A fill and the pattern over it; the outline is the text colour of the page."""

    colour: str  # "#RRGGBB"
    pattern: str  # one of PATTERNS


def looks_of(layer: HazardLayer) -> dict[str, Look]:
    """Code of each class → how it looks. Patterns grow denser with the rank, spread over the classes of the layer."""
    ordered = sorted(layer.classes, key=lambda one: one.rank)
    steps = max(len(ordered) - 1, 1)
    return {
        one.code: Look(
            colour_of(layer, one, place),
            PATTERNS[round(place * (len(PATTERNS) - 1) / steps)] if len(ordered) > 1 else "lines",
        )
        for place, one in enumerate(ordered)
    }


def colour_of(layer: HazardLayer, one: HazardClass, place: int) -> str:
    """The colour of a class; `place`: how many classes of the layer are milder."""
    if one.depth_min_m is not None or one.depth_max_m is not None:
        return _by_end(DEPTH_COLOURS, one.depth_max_m, DEEPEST)
    if one.duration_min_h is not None or one.duration_max_h is not None:
        return _by_end(DURATION_COLOURS, one.duration_max_h, LONGEST)
    if one.depth_unknown:
        return UNKNOWN_DEPTH
    if layer.hazard is HazardKind.LANDSLIDE:
        return SPECIAL_ZONE if "special" in one.code else WARNING_ZONE
    return BY_RANK[min(place, len(BY_RANK) - 1)]


def _by_end(table: tuple[tuple[float, str], ...], end: float | None, beyond: str) -> str:
    return beyond if end is None else next((colour for limit, colour in table if end <= limit), beyond)
