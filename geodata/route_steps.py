"""A walk told step by step, without a language: the codes for turns, directions and kinds of way.

`route_finding` finds the steps, the catalogues word them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from geodata.roads import RoadFlag, RoadKind

STRAIGHT_DEG, SLIGHT_DEG, PLAIN_DEG, SHARP_DEG = 20.0, 45.0, 120.0, 165.0


class Turn(StrEnum):
    """What to do where a step begins."""

    START = "start"
    STRAIGHT = "straight"
    SLIGHT_LEFT = "slight_left"
    SLIGHT_RIGHT = "slight_right"
    LEFT = "left"
    RIGHT = "right"
    SHARP_LEFT = "sharp_left"
    SHARP_RIGHT = "sharp_right"
    U_TURN = "u_turn"
    ARRIVE = "arrive"


class Compass(StrEnum):
    """Eight directions, clockwise from north."""

    NORTH = "north"
    NORTHEAST = "northeast"
    EAST = "east"
    SOUTHEAST = "southeast"
    SOUTH = "south"
    SOUTHWEST = "southwest"
    WEST = "west"
    NORTHWEST = "northwest"


class StepKind(StrEnum):
    """What one walks on."""

    MAIN_ROAD = "main_road"
    ROAD = "road"
    SERVICE = "service"
    FOOTWAY = "footway"
    STAIRS = "stairs"
    BRIDGE = "bridge"
    TUNNEL = "tunnel"
    UNDERPASS = "underpass"
    FORD = "ford"
    INDOOR = "indoor"
    UNKNOWN = "unknown"  # the source does not say
    OFF_NETWORK = "off_network"  # between the last way and the place


class Side(StrEnum):
    """Where the place lies when the walk on the network ends."""

    LEFT = "left"
    RIGHT = "right"
    AHEAD = "ahead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. metres: until the next one; lon, lat: where it begins; name: "" where the data has none.

    compass: of the start only; side: of the arrival, None when the place is on the way.
    gap_m: at the start and the arrival, straight metres between the place and the network; else 0.
    """

    turn: Turn
    kind: StepKind
    metres: float
    effort_m: float
    lon: float
    lat: float
    name: str = ""
    name_en: str = ""
    compass: Compass | None = None
    side: Side | None = None
    gap_m: float = 0.0


_PLAIN_KIND = {
    RoadKind.MAIN_ROAD: StepKind.MAIN_ROAD,
    RoadKind.ROAD: StepKind.ROAD,
    RoadKind.SERVICE: StepKind.SERVICE,
    RoadKind.PEDESTRIAN: StepKind.FOOTWAY,
    RoadKind.STEPS: StepKind.STAIRS,
    RoadKind.UNKNOWN: StepKind.UNKNOWN,
}
ALWAYS_TOLD = frozenset(
    {
        StepKind.STAIRS,
        StepKind.BRIDGE,
        StepKind.TUNNEL,
        StepKind.UNDERPASS,
        StepKind.FORD,
        StepKind.INDOOR,
    }
)
"""What a walker must know before walking on it."""


def kind_of(kind: int, flags: int) -> StepKind:
    """The word for a piece of way; of several the one a walker must know first."""
    for flag, word in (
        (RoadFlag.FORD, StepKind.FORD),
        (RoadFlag.UNDERPASS, StepKind.UNDERPASS),
        (RoadFlag.INDOOR, StepKind.INDOOR),
    ):
        if flags & flag:
            return word
    if kind == RoadKind.STEPS:
        return StepKind.STAIRS
    if flags & RoadFlag.BRIDGE:
        return StepKind.BRIDGE
    if flags & RoadFlag.TUNNEL:
        return StepKind.TUNNEL
    return _PLAIN_KIND.get(RoadKind(kind), StepKind.UNKNOWN) if kind >= 0 else StepKind.UNKNOWN


def turn_of(angle_deg: float) -> Turn:
    """The word for a change of direction; clockwise (to the right) is positive."""
    size, right = abs(angle_deg), angle_deg > 0
    if size < STRAIGHT_DEG:
        return Turn.STRAIGHT
    if size >= SHARP_DEG:
        return Turn.U_TURN
    if size < SLIGHT_DEG:
        return Turn.SLIGHT_RIGHT if right else Turn.SLIGHT_LEFT
    if size < PLAIN_DEG:
        return Turn.RIGHT if right else Turn.LEFT
    return Turn.SHARP_RIGHT if right else Turn.SHARP_LEFT


def compass_of(bearing_deg: float) -> Compass:
    """The nearest of the eight directions to a bearing, clockwise from north."""
    return tuple(Compass)[round(bearing_deg / 45) % 8]
