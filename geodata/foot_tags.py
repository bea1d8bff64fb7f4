"""Which ways of OpenStreetMap a person may walk along: tags in, a verdict out, nothing else.

    tags of a way ─▶ judge_way ─▶ Walkable (kind, flags, layer)  or  WhyNot
    tags of a node ─▶ shuts_the_way ─▶ a gate nobody opens?

The rules, in order: what is not there or not for walking is out; `foot` wins over `access`; motorways (and trunk roads
kept for motor traffic) need `foot` to say yes; a value nobody here knows counts as no. Times of day
(`access:conditional`) are left out of account: the way counts as its plain tags say.

An underpass is a way below the ground that water runs into: layer below 0, or a tunnel (not a passage through a
building) without a layer, or a level below 0. Road tunnels through hills carry the same tags and count too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from geodata.roads import RoadFlag, RoadKind

Tags = Mapping[str, str]


class WhyNot(StrEnum):
    """Why a line is not for walkers. The value is what counts are kept under."""

    MOTORWAY = "motorway"
    NOT_BUILT = "not_built"
    NO_ACCESS = "no_access"
    PLATFORM = "platform"
    AREA = "area"
    NOT_A_WAY = "not_a_way"
    MOUNTAIN = "mountain"
    BY_BOAT = "by_boat"
    UNKNOWN_VALUE = "unknown_value"
    DELETED = "deleted"
    NO_VERTICES = "no_vertices"
    OUTSIDE = "outside"

    @property
    def ja(self) -> str:
        """The same for the person who imported the file."""
        return _WHY_JA[self]


_WHY_JA = {
    WhyNot.MOTORWAY: "自動車専用道路",
    WhyNot.NOT_BUILT: "工事中・計画中・廃止",
    WhyNot.NO_ACCESS: "立入禁止・私道など通れない道",
    WhyNot.PLATFORM: "鉄道・バスのホーム",
    WhyNot.AREA: "面として描かれた場所の縁",
    WhyNot.NOT_A_WAY: "歩く道ではないもの（昇降機・競走路など）",
    WhyNot.MOUNTAIN: "難しい登山道",
    WhyNot.BY_BOAT: "船で渡るところ",
    WhyNot.UNKNOWN_VALUE: "種別の値が分からない道",
    WhyNot.DELETED: "削除済みの道",
    WhyNot.NO_VERTICES: "座標のない道",
    WhyNot.OUTSIDE: "対象市域の外",
}


@dataclass(frozen=True, slots=True)
class Walkable:
    """What a walker meets on a way."""

    kind: RoadKind
    flags: RoadFlag
    layer: int


_KINDS: Mapping[str, RoadKind] = {
    **dict.fromkeys(
        ("trunk", "trunk_link", "primary", "primary_link", "secondary", "secondary_link"), RoadKind.MAIN_ROAD
    ),
    **dict.fromkeys(("motorway", "motorway_link"), RoadKind.MAIN_ROAD),
    **dict.fromkeys(("tertiary", "tertiary_link", "unclassified", "residential"), RoadKind.ROAD),
    **dict.fromkeys(("service", "living_street", "track", "busway", "bus_guideway"), RoadKind.SERVICE),
    **dict.fromkeys(
        ("pedestrian", "footway", "path", "cycleway", "bridleway", "corridor"), RoadKind.PEDESTRIAN
    ),
    "steps": RoadKind.STEPS,
    "road": RoadKind.UNKNOWN,
}
_NEEDS_FOOT = frozenset({"motorway", "motorway_link", "busway", "bus_guideway"})
_NOT_BUILT = frozenset(
    {
        "construction",
        "proposed",
        "planned",
        "abandoned",
        "disused",
        "razed",
        "demolished",
        "removed",
        "dismantled",
    }
)
_NOT_A_WAY = frozenset(
    {
        "raceway",
        "elevator",
        "escape",
        "emergency_bay",
        "rest_area",
        "services",
        "ladder",
        "via_ferrata",
        "traffic_island",
        "ohm:military:Trench",
        "no",
    }
)
_OUTLINES_WALKED = frozenset({"pedestrian", "footway", "living_street", "path"})
_YES = frozenset({"yes", "designated", "permissive", "public", "official", "destination"})
_HARD_CLIMBS = frozenset(
    {
        "demanding_mountain_hiking",
        "alpine_hiking",
        "demanding_alpine_hiking",
        "difficult_alpine_hiking",
    }
)
_PASSABLE_BARRIERS = frozenset(
    {
        *(
            "bollard",
            "block",
            "kerb",
            "cycle_barrier",
            "motorcycle_barrier",
            "kissing_gate",
            "stile",
            "turnstile",
        ),
        *("gate", "swing_gate", "lift_gate", "sliding_gate", "hampshire_gate", "wicket_gate", "entrance"),
        *("chain", "rope", "height_restrictor", "width_restrictor", "bus_trap", "sump_buster", "cattle_grid"),
        *("toll_booth", "border_control", "jersey_barrier", "log", "planter", "step", "bar", "horse_stile"),
        *(
            "full-height_turnstile",
            "coupure",
            "handrail",
            "guard_rail",
            "yes",
            "no",
            "flower_pot",
            "bump_gate",
        ),
    }
)


def judge_way(tags: Tags) -> Walkable | WhyNot:
    """Whether and how a person walks along a way with these tags (it has `highway`)."""
    highway = tags.get("highway", "")
    out = _out_by_nature(tags, highway)
    if out is not None:
        return out
    if highway not in _KINDS:
        return WhyNot.UNKNOWN_VALUE
    out = _out_by_access(tags, highway)
    if out is not None:
        return out
    return Walkable(_KINDS[highway], _flags(tags, highway), layer_of(tags))


def shuts_the_way(tags: Tags) -> bool:
    """Whether a node with these tags stops a walker: locked, not for the public, or a wall."""
    barrier = tags.get("barrier", "")
    if barrier in {"", "no"}:
        return False
    foot = tags.get("foot", "")
    if foot:
        return foot not in _YES
    if tags.get("locked") == "yes":
        return True
    access = tags.get("access", "")
    if access:
        return access not in _YES
    return barrier not in _PASSABLE_BARRIERS


def layer_of(tags: Tags) -> int:
    """The layer of a way, 0 where it is not said or not a number; of a list the first."""
    found = re.match(r"\s*([+-]?\d{1,2})(?!\d)", tags.get("layer", ""))
    return int(found[1]) if found else 0


def _out_by_nature(tags: Tags, highway: str) -> WhyNot | None:
    # A pavement that is a bus platform too stays a pavement; a railway's lies behind ticket gates.
    if highway == "platform" or tags.get("railway") == "platform":
        return WhyNot.PLATFORM
    if highway in _NOT_BUILT:
        return WhyNot.NOT_BUILT
    if highway in _NOT_A_WAY:
        return WhyNot.NOT_A_WAY
    if tags.get("ford") == "boat" or tags.get("route") == "ferry":
        return WhyNot.BY_BOAT
    if tags.get("sac_scale") in _HARD_CLIMBS:
        return WhyNot.MOUNTAIN
    # Round a square people walk; round a car park drawn as an area there is no way.
    if tags.get("area") == "yes" and highway not in _OUTLINES_WALKED:
        return WhyNot.AREA
    return None


def _out_by_access(tags: Tags, highway: str) -> WhyNot | None:
    foot = tags.get("foot", "")
    if foot:
        return None if foot in _YES else WhyNot.NO_ACCESS
    if highway in _NEEDS_FOOT or tags.get("motorroad") == "yes":
        return WhyNot.MOTORWAY if "bus" not in highway else WhyNot.NO_ACCESS
    access = tags.get("access", "")
    return WhyNot.NO_ACCESS if access and access not in _YES else None


def _flags(tags: Tags, highway: str) -> RoadFlag:
    flags = RoadFlag(0)
    tunnel, layer = tags.get("tunnel", "no"), layer_of(tags)
    bridge = tags.get("bridge", "no") != "no"
    if bridge:
        flags |= RoadFlag.BRIDGE
    if tunnel != "no" or tags.get("covered", "no") != "no":
        flags |= RoadFlag.TUNNEL
    bored = tunnel not in {"no", "building_passage"} and "layer" not in tags
    if not bridge and (layer < 0 or bored or _below_ground(tags)):
        flags |= RoadFlag.UNDERPASS
    if tags.get("ford", "no") != "no":
        flags |= RoadFlag.FORD
    if highway == "corridor" or tags.get("indoor", "no") != "no" or "opening_hours" in tags:
        flags |= RoadFlag.INDOOR
    return flags


def _below_ground(tags: Tags) -> bool:
    """Whether any part lies on a level below 0 ("-1", "-1;0")."""
    return (
        re.search(r"(^|;)\s*-\s*[1-9]", tags.get("level", "")) is not None
        or tags.get("location") == "underground"
    )
