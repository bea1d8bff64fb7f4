"""Which ways of OpenStreetMap are for walkers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.foot_tags import Walkable, WhyNot, judge_way, layer_of, shuts_the_way
from geodata.roads import RoadFlag, RoadKind


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"highway": "residential"}, RoadKind.ROAD),
        ({"highway": "trunk"}, RoadKind.MAIN_ROAD),
        ({"highway": "footway", "access": "yes"}, RoadKind.PEDESTRIAN),
        ({"highway": "steps"}, RoadKind.STEPS),
        ({"highway": "road"}, RoadKind.UNKNOWN),
        ({"highway": "service", "access": "private", "foot": "yes"}, RoadKind.SERVICE),
        ({"highway": "motorway", "foot": "designated"}, RoadKind.MAIN_ROAD),
        ({"highway": "trunk", "motorroad": "yes", "foot": "yes"}, RoadKind.MAIN_ROAD),
        ({"highway": "pedestrian", "area": "yes"}, RoadKind.PEDESTRIAN),
        ({"highway": "service", "access:conditional": "no @ (22:00-05:00)"}, RoadKind.SERVICE),
        ({"highway": "footway", "public_transport": "platform"}, RoadKind.PEDESTRIAN),
    ],
)
def test_a_way_for_walkers_is_told_with_its_kind(tags, kind):
    verdict = judge_way(tags)
    assert isinstance(verdict, Walkable)
    assert verdict.kind is kind


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({"highway": "motorway"}, WhyNot.MOTORWAY),
        ({"highway": "motorway_link", "access": "yes"}, WhyNot.MOTORWAY),
        ({"highway": "trunk", "motorroad": "yes"}, WhyNot.MOTORWAY),
        ({"highway": "trunk", "foot": "no"}, WhyNot.NO_ACCESS),
        ({"highway": "service", "access": "private"}, WhyNot.NO_ACCESS),
        ({"highway": "service", "access": "customers"}, WhyNot.NO_ACCESS),
        ({"highway": "service", "access": "delivery"}, WhyNot.NO_ACCESS),
        ({"highway": "footway", "access": "yes", "foot": "private"}, WhyNot.NO_ACCESS),
        ({"highway": "footway", "foot": "on tuesdays"}, WhyNot.NO_ACCESS),
        ({"highway": "footway", "access": "unknown"}, WhyNot.NO_ACCESS),
        ({"highway": "construction", "construction": "footway"}, WhyNot.NOT_BUILT),
        ({"highway": "proposed"}, WhyNot.NOT_BUILT),
        ({"highway": "raceway"}, WhyNot.NOT_A_WAY),
        ({"highway": "elevator"}, WhyNot.NOT_A_WAY),
        ({"highway": "busway"}, WhyNot.NO_ACCESS),
        ({"highway": "platform"}, WhyNot.PLATFORM),
        ({"highway": "footway", "railway": "platform"}, WhyNot.PLATFORM),
        ({"highway": "service", "area": "yes"}, WhyNot.AREA),
        ({"highway": "path", "sac_scale": "alpine_hiking"}, WhyNot.MOUNTAIN),
        ({"highway": "path", "ford": "boat"}, WhyNot.BY_BOAT),
        ({"highway": "sky_bridge_of_the_future"}, WhyNot.UNKNOWN_VALUE),
        ({}, WhyNot.UNKNOWN_VALUE),
    ],
)
def test_what_is_not_for_walkers_says_why(tags, why):
    assert judge_way(tags) is why
    assert why.ja


@pytest.mark.parametrize(
    ("tags", "flags"),
    [
        ({}, RoadFlag(0)),
        ({"bridge": "yes", "layer": "1"}, RoadFlag.BRIDGE),
        ({"bridge": "no"}, RoadFlag(0)),
        ({"tunnel": "building_passage"}, RoadFlag.TUNNEL),
        ({"covered": "arcade"}, RoadFlag.TUNNEL),
        ({"tunnel": "yes", "layer": "-1"}, RoadFlag.TUNNEL | RoadFlag.UNDERPASS),
        ({"tunnel": "yes"}, RoadFlag.TUNNEL | RoadFlag.UNDERPASS),
        ({"layer": "-1"}, RoadFlag.UNDERPASS),
        ({"bridge": "yes", "layer": "-1"}, RoadFlag.BRIDGE),
        ({"level": "-1;0", "indoor": "yes"}, RoadFlag.UNDERPASS | RoadFlag.INDOOR),
        ({"level": "0;1"}, RoadFlag(0)),
        ({"ford": "stepping_stones"}, RoadFlag.FORD),
        ({"opening_hours": "06:00-23:00"}, RoadFlag.INDOOR),
    ],
)
def test_what_may_close_a_way_is_told_by_its_tags(tags, flags):
    verdict = judge_way({"highway": "footway", **tags})
    assert isinstance(verdict, Walkable)
    assert verdict.flags == flags


def test_a_corridor_is_open_only_while_its_building_is():
    verdict = judge_way({"highway": "corridor"})
    assert isinstance(verdict, Walkable)
    assert verdict.flags == RoadFlag.INDOOR


@pytest.mark.parametrize(
    ("text", "layer"), [("2", 2), ("-3", -3), (" 1;2", 1), ("+1", 1), ("above", 0), ("", 0), ("999999", 0)]
)
def test_the_layer_is_the_first_number_or_the_ground(text, layer):
    assert layer_of({"layer": text}) == layer


@pytest.mark.parametrize(
    ("tags", "shut"),
    [
        ({"barrier": "gate"}, False),
        ({"barrier": "gate", "locked": "yes"}, True),
        ({"barrier": "gate", "access": "private"}, True),
        ({"barrier": "gate", "access": "private", "foot": "yes"}, False),
        ({"barrier": "gate", "locked": "yes", "foot": "designated"}, False),
        ({"barrier": "bollard"}, False),
        ({"barrier": "bollard", "foot": "no"}, True),
        ({"barrier": "wall"}, True),
        ({"barrier": "no", "access": "no"}, False),
        ({"barrier": "something_new"}, True),
        ({"highway": "crossing", "access": "no"}, False),
    ],
)
def test_a_node_stops_walkers_when_it_is_locked_closed_to_them_or_a_wall(tags, shut):
    assert shuts_the_way(tags) is shut


_tag_values = st.text(max_size=12) | st.sampled_from(
    ["yes", "no", "private", "-1", "footway", "motorway", "steps"]
)
_tag_keys = st.sampled_from(
    ["foot", "access", "bridge", "tunnel", "layer", "level", "ford", "area", "motorroad"]
)


@given(_tag_values, st.dictionaries(_tag_keys, _tag_values))
def test_any_tags_get_a_verdict_and_foot_no_is_always_no(highway, tags):
    verdict = judge_way({"highway": highway, **tags})
    assert isinstance(verdict, Walkable | WhyNot)
    assert isinstance(judge_way({"highway": highway, **tags, "foot": "no"}), WhyNot)
