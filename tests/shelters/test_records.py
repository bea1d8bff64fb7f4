"""A plan written down and read again is the same problem, and planned again the same plan, to the last byte."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from enum import Enum

import numpy as np
import pytest
from hypothesis import given, settings
from shapely.geometry.base import BaseGeometry

from shelters.hand import Hand, Pin
from shelters.model import Opening, SiteStatus
from shelters.people_left import StandingWays, with_people_left
from shelters.plan import Plan, PlanInput
from shelters.planning import plan
from shelters.records import (
    CannotRecord,
    Outside,
    RecordUnreadable,
    pack,
    problem_again,
    straight_ways,
    unpack,
)
from shelters.replay import NOT_SAID, answers, answers_again, first_difference
from shelters.ways import StraightWays, Ways
from tests.shelters.test_what_must_always_hold import a_problem
from tests.shelters.town import NOW_S, level, people, problem, site

Block = tuple[bytes, int]


class Blocks:
    """What a store would do with the blocks: kept once, by their content."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.puts = 0

    def put(self, raw: bytes, width: int) -> str:
        name = f"{hash(raw):x}:{len(raw)}"
        self.puts += name not in self.held
        self.held[name] = raw
        return name


def no_network(path: str, word: str, problem_: PlanInput) -> object:
    raise AssertionError(f"{path} stands for {word}")


def again(given_problem: PlanInput, blocks: Blocks) -> PlanInput:
    tree = pack(given_problem, blocks.put)
    return problem_again(tree, blocks.held.__getitem__, no_network)


@settings(max_examples=60, deadline=None)
@given(a_problem())
def test_a_recorded_plan_made_again_is_the_same_to_the_last_byte(given_problem):
    made, blocks = plan(given_problem), Blocks()
    told = answers_again(answers(made, blocks.put), blocks.held.__getitem__)
    assert first_difference(told, plan(again(made.problem, blocks))) is None


@settings(max_examples=30, deadline=None)
@given(a_problem())
def test_a_problem_read_again_is_written_the_same_way(given_problem):
    first, second = Blocks(), Blocks()
    whole = pack(given_problem, first.put)
    read = problem_again(whole, first.held.__getitem__, no_network)
    assert repr(pack(read, second.put)) == repr(whole) and second.held == first.held


def crowd(count: int = 40_000, seed: int = 5) -> PlanInput:
    rng = np.random.default_rng(seed)
    spots = rng.uniform(-2000, 4000, (count, 2))
    who = people([(float(x), float(y)) for x, y in spots], persons=list(rng.integers(1, 6, count)))
    sites = {(-500.0, 100.0 * n): site(f"s{n:02d}") for n in range(20)}
    return problem(who, sites, [level(4)], owner=list(range(count)))


def test_the_next_plan_after_one_head_count_is_written_with_few_new_bytes():
    before, blocks = crowd(), Blocks()
    pack(before, blocks.put)
    first = sum(map(len, blocks.held.values()))
    counted = before.counted_at_s.copy()
    counted[3] = before.now_s
    pack(replace(before, now_s=before.now_s + 60, counted_at_s=counted), blocks.put)
    assert sum(map(len, blocks.held.values())) - first < first / 100


def test_a_few_changed_rows_of_a_long_array_cost_their_pieces_and_no_more():
    before, blocks = crowd(100_000), Blocks()
    pack(before, blocks.put)
    puts = blocks.puts
    told = before.told.site.copy()
    told[7:10] = 2
    pack(replace(before, told=replace(before.told, site=told)), blocks.put)
    assert blocks.puts == puts + 1


def hints(cls: type) -> dict[str, object]:
    return typing.get_type_hints(cls)


def values_of(kind: object) -> typing.Iterator[object]:
    """Every class a field of this type may hold."""
    origin = typing.get_origin(kind)
    if origin is np.ndarray or kind in (type(None), ...):
        return
    if origin in (types.UnionType, typing.Union) or origin is not None:
        for one in typing.get_args(kind):
            yield from values_of(one)
        return
    yield kind


def test_every_field_of_a_plan_and_its_problem_has_a_written_form():
    plain = (bool, int, float, str, datetime, Ways)
    seen: set[object] = set()
    todo: list[object] = [PlanInput, *(hints(Plan)[f.name] for f in fields(Plan) if f.name not in NOT_SAID)]
    while todo:
        for kind in values_of(todo.pop()):
            if kind in plain or kind in seen:
                continue
            seen.add(kind)
            assert isinstance(kind, type), kind
            if is_dataclass(kind):
                assert kind.__module__.startswith(("shelters.", "geodata.")), kind
                todo += [hints(kind)[one.name] for one in fields(kind)]
            else:
                protocol = getattr(kind, "_is_protocol", False)
                assert issubclass(kind, Enum | BaseGeometry | np.ndarray) or protocol, kind
    assert any(one.__name__ == "Designation" for one in seen if isinstance(one, type))


def test_hqs_hand_and_straight_ways_are_taken_along():
    given_problem = crowd(50)
    hand = Hand(excluded={"s01": "停電"}, pins={"荒浜": Pin(site_id="s02", reason="道路")}, shaken_at_s=5.0)
    ways = StraightWays(given_problem.people.xy_m, given_problem.sites.xy_m, 1.25)
    read = again(replace(given_problem, hand=hand, ways=ways, towns=("荒浜",)), Blocks())
    assert read.hand == hand and read.towns == ("荒浜",)
    assert isinstance(read.ways, StraightWays) and straight_ways(read.ways) == straight_ways(ways)
    starts, sites = np.arange(70) % 50, np.arange(70) % 20
    assert (read.ways.efforts(starts, sites) == ways.efforts(starts, sites)).all()


def test_a_plan_with_people_left_in_a_failed_site_is_made_again_too():
    who = people([(1000.0, 0.0), (1100.0, 0.0)])
    sites = {(-100.0, 0.0): site("a"), (-300.0, 0.0): site("b"), (-900.0, 0.0): site("c")}
    statuses = {"a": SiteStatus(site_id="a", opening=Opening.UNUSABLE, present_persons=7)}
    bare = problem(who, sites, [level(4)], statuses=statuses, counted_at_s={"a": NOW_S - 60})
    ways = StraightWays(who.xy_m, bare.sites.xy_m, 1.25)
    full = with_people_left(replace(bare, ways=ways))
    assert len(full.people) == 9 and type(full.ways) is StandingWays
    made, blocks = plan(full), Blocks()
    told = answers_again(answers(made, blocks.put), blocks.held.__getitem__)
    assert len(made) > 2
    assert first_difference(told, plan(again(made.problem, blocks))) is None


def test_walks_over_a_network_are_a_word_and_are_asked_for_again():
    class Roads:
        pass

    given_problem, blocks = crowd(5), Blocks()
    tree = pack(
        replace(given_problem, ways=Roads()),
        blocks.put,
        lambda value: "network" if isinstance(value, Roads) else None,
        "problem",
    )
    asked = []

    def remake(path: str, word: str, bare: PlanInput) -> object:
        asked.append((path, word, len(bare.people)))
        return Roads()

    read = problem_again(tree, blocks.held.__getitem__, remake)
    assert isinstance(read.ways, Roads) and asked == [("problem.ways", "network", 5)]


def test_what_has_no_written_form_is_refused_by_its_name():
    class Sock:
        pass

    with pytest.raises(CannotRecord, match=r"problem\.ways: a Sock"):
        pack(replace(crowd(3), ways=Sock()), Blocks().put, path="problem")
    with pytest.raises(CannotRecord, match="object array"):
        pack(np.array([object()]), Blocks().put)


@pytest.mark.parametrize(
    "tree",
    [
        ["c", "os.path", []],
        ["c", "shelters.plan.Nothing", []],
        ["c", "shelters.hand.Pin", [["site_id", "s1"]]],
        ["c", "shelters.hand.Pin", [["site_id", "s1"], ["reason", ""], ["more", 1]]],
        ["e", "shelters.planning.plan", 1],
        ["e", "shelters.model.Action", "fly"],
        ["a", "<f8", [3], [b"1234"]],
        ["?", 1],
    ],
)
def test_a_record_of_another_form_is_refused(tree):
    with pytest.raises(RecordUnreadable):
        unpack(tree, {}.__getitem__)


def test_words_of_a_record_never_reach_beyond_the_pure_rooms():
    assert unpack(["o", "network"], {}.__getitem__) == Outside("network")
    with pytest.raises(RecordUnreadable, match=r"subprocess\.Popen"):
        unpack(["c", "subprocess.Popen", [["args", "ls"]]], {}.__getitem__)


def test_the_first_changed_value_is_named_with_its_row_and_both_values():
    made, blocks = plan(crowd(200)), Blocks()
    told = answers_again(answers(made, blocks.put), blocks.held.__getitem__)
    site_rows = made.site.copy()
    site_rows[[4, 9]] = 1 - np.minimum(site_rows[[4, 9]], 1)
    found = first_difference(told, replace(made, site=site_rows))
    assert found is not None
    assert (found.field, found.n, found.row, found.rows_differing) == ("site", 4, int(made.row[4]), 2)
    assert (found.recorded, found.replayed) == (str(int(made.site[4])), str(int(site_rows[4])))


def test_another_number_of_people_and_a_field_of_another_version_are_named():
    made, blocks = plan(crowd(200)), Blocks()
    told = answers_again(answers(made, blocks.put), blocks.held.__getitem__)
    found = first_difference(told, plan(crowd(150)))
    assert found is not None and found.field == "row" and found.n == -1
    del told["site"]
    found = first_difference({**told}, made)
    assert found is not None and (found.field, found.recorded) == ("site", "missing")
