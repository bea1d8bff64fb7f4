"""屋内安全確保 from a map of 国土数値情報 to the words: only where depth, duration and zones are known at the place."""

import msgspec
import pytest
import shapely

from bosai.messages.advice import render_advice
from bosai.model.alert import AlertArea, OrderKind
from bosai.model.geometry import to_e7
from bosai.model.instruction import Instruction, MessageKind
from bosai.model.realm import Realm
from bosai.model.subscription import Need, PaceClass, Place, Structure
from bosai.services.geo_hazards import parse_hazards
from bosai.services.people import rows_of
from bosai.services.planning import problem_of
from bosai.settings import load_settings
from geodata.areas import Bbox
from geodata.hazards import HazardKind
from shelters.model import Action, ReasonCode
from shelters.planning import plan
from shelters.water import WaterMaps
from tests.bosai.messages.examples import record
from tests.bosai.services.hq import START
from tests.bosai.services.test_plan_ground import order, situation
from tests.geodata.made_maps import SQUARE, geojson, zipped

RIVER = "名取川"
FLOOD_4 = record(order=(HazardKind.FLOOD, OrderKind.EVACUATE, None))
KINDS = {3: OrderKind.ELDERLY_ETC, 4: OrderKind.EVACUATE, 5: OrderKind.EMERGENCY_SAFETY}
BANK = shapely.box(140.900, 38.200, 140.902, 38.210)  # the houses along it would be swept away
SETTINGS = load_settings(None, {}, {"planner.rivers_with_collapse_zones": [RIVER]})
MIDDLE = Place(
    place_id="home",
    lon=140.906,
    lat=38.205,
    floor=3,
    structure=Structure.SOLID,
    persons=2,
    pace=PaceClass.STANDARD,
)


def layers(depth=2, duration=2):
    """A31a of one river: 0.5 to 3 m deep for 12 to 24 hours unless told otherwise, and its zone along the bank."""
    members = {
        "20_想定最大規模/A31a-20-22_04_1.geojson": geojson(
            [SQUARE], [{"A31a_205": depth, "A31a_202": RIVER}]
        ),
        "30_浸水継続時間/A31a-30-22_04_1.geojson": geojson(
            [SQUARE], [{"A31a_305": duration, "A31a_302": RIVER}]
        ),
        "42_家屋倒壊等氾濫想定区域_河岸侵食/A31a-42-22_04_1.geojson": geojson(
            [BANK], [{"A31a_405": 2, "A31a_402": RIVER}]
        ),
    }
    parsed = parse_hazards(
        zipped(members),
        name="A31a-22_04_GML.zip",
        layer="",
        epsg=None,
        mapped={},
        bbox=Bbox(140.4, 38.0, 141.1, 38.5),
        plane_epsg=SETTINGS.city.plane_epsg,
    )
    return [one.layer for one in parsed]


def decided(place=MIDDLE, level=4, settings=SETTINGS, maps=None):
    water = WaterMaps(
        layers() if maps is None else maps,
        settings.city.plane_epsg,
        rivers_with_zones=settings.planner.rivers_with_collapse_zones,
    )
    area = AlertArea(names=("若林区",), polygons_e7_lonlat=to_e7(SQUARE.buffer(0.001)))
    moment = situation(in_force=[order(area=area, kind=KINDS[level])], water_maps=water)
    rows = rows_of([("s" * 32, [place])], settings.city.plane_epsg)
    (found,) = plan(problem_of(moment, rows, settings)).decisions()
    return found


def with_(**changes):
    return msgspec.structs.replace(MIDDLE, **changes)


def test_three_floors_up_over_shallow_water_that_goes_in_a_day_one_stays_and_reads_what_for():
    found = decided()
    assert (found.action, found.site) == (Action.STAY, -1)
    assert set(found.reasons) == {ReasonCode.ABOVE_WATER, ReasonCode.STAY_NEEDS}
    told = Instruction(
        subscription_id="s" * 32,
        incident="i1",
        seq=1,
        place_id="home",
        message=MessageKind.ORDER,
        action=found.action,
        alert_key="a1:1",
        danger_class=found.danger_class,
        reasons=tuple(one.value for one in found.reasons),
        plan_id="p",
        decided_at=START,
        stale_at=START,
        meaning="m",
    )
    words = render_advice(told, FLOOD_4, Realm.LIVE, "ja", now=START)
    assert "屋内安全確保" in words.body and "薬をそろえ、停電や断水にも備えて" in words.body


@pytest.mark.parametrize(
    "place",
    [
        with_(lon=140.901),  # in the zone along the bank
        with_(floor=2),  # 2.5 m up over water of up to 3 m
        with_(floor=None),
        with_(structure=Structure.UNKNOWN),
        with_(structure=Structure.WOODEN),
        with_(is_cell=True),  # kept to 250 m: whose water would it be?
        with_(needs=(Need.POWER,)),
    ],
)
def test_whatever_is_bad_or_not_known_of_the_place_means_leave(place):
    assert decided(place).action is Action.GO


def test_who_needs_power_leaves_at_level_3_while_the_neighbours_stay():
    assert decided(level=3).action is Action.STAY
    found = decided(with_(needs=(Need.POWER,)), level=3)
    assert found.action is Action.GO and ReasonCode.POWER_EARLY in found.reasons


def test_at_level_5_nobody_is_told_to_stay_as_planned_or_to_set_out():
    assert decided(level=5).action is Action.UP


def test_deep_or_long_water_means_leave():
    assert decided(maps=layers(depth=3)).action is Action.GO
    assert decided(maps=layers(duration=4)).action is Action.GO


def test_without_the_citys_word_on_the_river_or_without_a_map_nobody_stays():
    silent = load_settings(None, {}, {})
    assert silent.planner.rivers_with_collapse_zones == ()
    assert decided(settings=silent).action is Action.GO
    assert decided(maps=[one for one in layers() if one.key != "flood_duration"]).action is Action.GO
    assert decided(maps=[]).action is Action.GO
