from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from bosai.ports import Parcel, Permit
from workers.lanes import (
    A_FEW,
    DOWN,
    FAILURES_IN_A_ROW,
    FIRST_REST_S,
    LONGEST_REST_S,
    MANY,
    OLD_AFTER_S,
    SLOW,
    WHILE_TRYING_S,
    Flight,
    Lanes,
    Returned,
)

FCM, MOZILLA, APPLE = (f"https://{one}.example" for one in ("fcm", "mozilla", "apple"))


def parcel(origin: str = FCM, permit: Permit | None = None) -> Parcel:
    return Parcel(f"{origin}/x", origin, (), b"", permit or Permit(), None)


def lanes_of(in_flight: int = 60, each: int = 60, length: int = 1000, first: int = 60) -> Lanes:
    return Lanes(in_flight=in_flight, in_flight_per_origin=each, lane_length=length, first_limit=first)


def fill(lanes: Lanes, origin: str, count: int, now_s: float = 0.0) -> list[Returned]:
    return [one for one in (lanes.put(parcel(origin), now_s) for _ in range(count)) if one is not None]


def take(lanes: Lanes, now_s: float = 0.0) -> list[Flight]:
    back: list[Returned] = []
    flights = lanes.take(now_s, back)
    assert back == []
    return flights


def break_down(lanes: Lanes, origin: str, now_s: float = 0.0) -> list[Returned]:
    """Let one push service fail until its breaker opens; what came back."""
    back: list[Returned] = []
    fill(lanes, origin, FAILURES_IN_A_ROW)
    for flight in take(lanes, now_s):
        lanes.failed(flight, "timeout", now_s, back)
    assert lanes.rest_s(origin, now_s) > 0
    return back


# ---- sharing ------------------------------------------------------------------------------------------


def test_a_third_of_the_slots_stays_for_others_however_much_one_has():
    lanes = lanes_of(in_flight=60)
    fill(lanes, FCM, 500)
    assert len(take(lanes)) == 40
    fill(lanes, MOZILLA, 500)
    assert Counter(one.parcel.origin for one in take(lanes)) == {MOZILLA: 20}


def test_the_slots_that_get_free_go_round_the_lanes():
    lanes = lanes_of(in_flight=3 * A_FEW)
    for origin in (FCM, MOZILLA, APPLE):
        fill(lanes, origin, 500)
    assert Counter(one.parcel.origin for one in take(lanes)) == {FCM: A_FEW, MOZILLA: A_FEW, APPLE: A_FEW}


def test_one_lane_keeps_its_order():
    lanes = lanes_of()
    parcels = [parcel() for _ in range(30)]
    assert [lanes.put(one, 0.0) for one in parcels] == [None] * 30
    assert [one.parcel for one in take(lanes)] == parcels


def test_an_unknown_push_service_gets_few_slots_until_it_says_that_messages_share_a_connection():
    lanes = lanes_of(in_flight=60, each=30, first=4)
    fill(lanes, FCM, 100)
    first, *others = take(lanes)
    assert len(others) == 3
    lanes.accepted(first)
    lanes.learn(first.lane, multiplexes=True)
    assert len(take(lanes)) == 27
    fill(lanes, MOZILLA, 100)
    first = take(lanes)[0]
    lanes.accepted(first)
    lanes.learn(first.lane, multiplexes=False)  # every message needs a connection of its own
    assert len(take(lanes)) == 1


def test_a_push_service_that_does_not_answer_holds_no_more_than_a_quarter_of_the_slots():
    lanes = lanes_of(in_flight=60)
    fill(lanes, FCM, 100)
    held = take(lanes)
    assert len(held) == 40
    lanes.look(OLD_AFTER_S, [])
    for flight in held[:25]:
        lanes.accepted(flight)
    assert take(lanes, OLD_AFTER_S) == []  # 15 are under way yet: a quarter
    fill(lanes, MOZILLA, 100)
    assert Counter(one.parcel.origin for one in take(lanes, OLD_AFTER_S)) == {MOZILLA: 40}
    for flight in held[25:]:
        lanes.accepted(flight)
    lanes.look(OLD_AFTER_S, [])
    assert len(take(lanes, OLD_AFTER_S)) == 20  # it answers again, and has all that is free


def test_one_late_answer_among_many_does_not_make_a_push_service_slow():
    lanes = lanes_of(in_flight=60)
    fill(lanes, FCM, 40)
    late, *others = take(lanes)
    for flight in others:
        lanes.accepted(flight)
    fill(lanes, FCM, 60, 1.9)
    take(lanes, 1.9)
    lanes.look(OLD_AFTER_S, [])
    assert not late.lane.is_slow
    lanes.accepted(late)
    assert len(take(lanes, OLD_AFTER_S)) == 1


def test_a_full_lane_says_so_at_once_and_nothing_of_it_has_left():
    lanes = lanes_of(length=10)
    [(_, outcome)] = fill(lanes, FCM, 11)
    assert (outcome.status, outcome.cause, outcome.left) == (0, SLOW, False)
    assert fill(lanes, MOZILLA, 10) == []


def test_a_push_service_that_does_not_move_leaves_room_for_the_others():
    lanes = lanes_of(in_flight=60, length=1000)
    fill(lanes, FCM, 1000)
    assert lanes.room() == 0
    take(lanes)
    lanes.look(OLD_AFTER_S, [])
    assert lanes.room() == 3 * 60 - 15
    fill(lanes, MOZILLA, 100)
    assert lanes.room() == 3 * 60 - 15 - 100


# ---- the breaker --------------------------------------------------------------------------------------


def test_eight_failures_in_a_row_rest_a_push_service_and_give_back_what_waits():
    lanes = lanes_of(in_flight=60)
    fill(lanes, FCM, 100)
    flights, back = take(lanes), []
    for flight in flights[:7]:
        lanes.failed(flight, "timeout", 1.0, back)
    assert (back, lanes.rest_s(FCM, 1.0)) == ([], 0.0)
    lanes.failed(flights[7], "timeout", 1.0, back)
    assert {(one.cause, one.left, one.retry_after_s) for _, one in back} == {(DOWN, False, FIRST_REST_S)}
    assert len(back) == 60
    [(_, outcome)] = fill(lanes, FCM, 1, 2.0)
    assert (outcome.cause, outcome.retry_after_s) == (DOWN, FIRST_REST_S - 1.0)
    [state] = lanes.origins(2.0)
    assert (state.state, state.cause, state.failed, state.waiting) == ("resting", "timeout", 8, 0)
    assert state.rest_s == FIRST_REST_S - 1.0


def test_an_answer_in_between_starts_the_count_anew():
    lanes, back = lanes_of(), []
    for _ in range(3):
        fill(lanes, FCM, FAILURES_IN_A_ROW)
        *failing, well = take(lanes)
        for flight in failing:
            lanes.failed(flight, "http_500", 0.0, back)
        lanes.answered(well)
    assert (lanes.rest_s(FCM, 0.0), back) == (0.0, [])


def test_all_messages_of_one_broken_connection_are_one_failure():
    lanes, back = lanes_of(), []
    fill(lanes, FCM, 30)
    for flight in take(lanes):
        lanes.failed(flight, "reset", 0.0, back, connection=7)
    assert lanes.rest_s(FCM, 0.0) == 0.0
    fill(lanes, FCM, FAILURES_IN_A_ROW)
    for number, flight in enumerate(take(lanes)):
        lanes.failed(flight, "reset", 0.0, back, connection=8 + number)
    assert lanes.rest_s(FCM, 0.0) == FIRST_REST_S


def test_after_the_rest_one_message_tries_and_the_others_wait_for_it():
    lanes = lanes_of()
    break_down(lanes, FCM)
    assert fill(lanes, FCM, 20, FIRST_REST_S) == []
    [tries] = take(lanes, FIRST_REST_S)
    assert tries.is_try
    assert (lanes.rest_s(FCM, FIRST_REST_S), lanes.origins(FIRST_REST_S)[0].state) == (
        WHILE_TRYING_S,
        "trying",
    )
    lanes.accepted(tries)
    assert (len(take(lanes, 3.0)), lanes.rest_s(FCM, 3.0), lanes.origins(3.0)[0].state) == (19, 0.0, "open")


def test_each_failed_try_doubles_the_rest_up_to_the_longest():
    lanes, now_s, rests = lanes_of(), 0.0, []
    break_down(lanes, FCM)
    for _ in range(6):
        rests.append(lanes.rest_s(FCM, now_s))
        now_s += rests[-1]
        fill(lanes, FCM, 3, now_s)
        [tries] = take(lanes, now_s)
        back: list[Returned] = []
        lanes.failed(tries, "no_connection", now_s, back)
        assert len(back) == 2
    assert rests == [2.0, 4.0, 8.0, 16.0, LONGEST_REST_S, LONGEST_REST_S]
    now_s += lanes.rest_s(FCM, now_s)
    fill(lanes, FCM, 1, now_s)
    lanes.accepted(take(lanes, now_s)[0])
    break_down(lanes, FCM, now_s)
    assert lanes.rest_s(FCM, now_s) == FIRST_REST_S  # what is over is forgotten


def test_failures_of_messages_under_way_when_the_rest_began_do_not_extend_it():
    lanes, back = lanes_of(), []
    fill(lanes, FCM, 30)
    flights = take(lanes)
    for flight in flights[:FAILURES_IN_A_ROW]:
        lanes.failed(flight, "timeout", 0.0, back)
    for flight in flights[FAILURES_IN_A_ROW:-1]:
        lanes.failed(flight, "timeout", 1.0, back)
    assert lanes.rest_s(FCM, 1.0) == FIRST_REST_S - 1.0
    fill(lanes, FCM, 2, 2.0)
    [tries] = take(lanes, 2.0)
    lanes.failed(flights[-1], "timeout", 2.0, back)  # an old one, while the try is out
    assert lanes.origins(2.0)[0].state == "trying"
    lanes.accepted(tries)
    assert lanes.rest_s(FCM, 2.0) == 0.0


def test_a_try_that_was_never_made_lets_the_next_one_try():
    lanes = lanes_of()
    break_down(lanes, FCM)
    fill(lanes, FCM, 2, FIRST_REST_S)
    [withdrawn] = take(lanes, FIRST_REST_S)
    lanes.released(withdrawn)
    [tries] = take(lanes, FIRST_REST_S)
    assert tries.is_try


def test_a_push_service_that_names_its_pause_rests_as_long_but_no_longer_than_we_rest_ourselves():
    for told_s, rest_s in ((7.0, 7.0), (1.0, FIRST_REST_S), (900.0, LONGEST_REST_S)):
        lanes, back = lanes_of(), []
        fill(lanes, FCM, FAILURES_IN_A_ROW)
        for flight in take(lanes):
            lanes.failed(flight, "http_503", 0.0, back, told_s=told_s)
        assert lanes.rest_s(FCM, 0.0) == rest_s


def test_made_up_names_are_forgotten_and_push_services_are_not():
    lanes = lanes_of()
    for number in range(MANY + 1):
        fill(lanes, f"https://made-up-{number}.example", 1)
        for flight in take(lanes):
            lanes.failed(flight, "name_not_found", 0.0, [])
    fill(lanes, FCM, 1)
    lanes.accepted(take(lanes)[0])
    fill(lanes, MOZILLA, 1)
    lanes.look(1.0, [])
    assert [one.origin for one in lanes.origins(1.0)] == [FCM, MOZILLA]


# ---- permits ------------------------------------------------------------------------------------------


def test_what_was_withdrawn_does_not_leave_and_says_why():
    lanes, permit, back = lanes_of(), Permit(), []
    lanes.put(parcel(permit=permit), 0.0)
    lanes.put(parcel(), 0.0)
    permit.withdrawn = "order_recalled"
    assert len(lanes.take(0.0, back)) == 1
    [(_, outcome)] = back
    assert (outcome.status, outcome.cause, outcome.left) == (0, "order_recalled", False)


def test_what_was_withdrawn_comes_back_even_from_a_lane_that_does_not_move():
    lanes, permit, back = lanes_of(in_flight=3), Permit(), []
    fill(lanes, FCM, 3)
    held = take(lanes)
    for number in range(10):
        lanes.put(parcel(permit=permit if number % 2 else None), 0.0)
    permit.withdrawn = "order_recalled"
    lanes.look(0.5, back)
    assert [one.cause for _, one in back] == ["order_recalled"] * 5
    for flight in held:
        lanes.accepted(flight)
    assert len(take(lanes, 0.5)) == 2  # the others still wait in turn


# ---- whatever happens ---------------------------------------------------------------------------------


class AnyOrderOfEvents(RuleBasedStateMachine):
    """Every parcel comes back or flies exactly once, and the slots are never exceeded, in any order of events."""

    flights = Bundle("flights")

    @initialize(
        in_flight=st.integers(1, 12),
        each=st.integers(1, 12),
        length=st.integers(1, 10),
        first=st.integers(1, 6),
    )
    def open(self, in_flight: int, each: int, length: int, first: int) -> None:
        self.lanes = lanes_of(in_flight, each, length, first)
        self.in_flight, self.now_s = in_flight, 0.0
        self.posted, self.ended, self.flying = 0, 0, 0
        self.permits = [Permit() for _ in range(3)]

    @rule(origin=st.sampled_from([FCM, MOZILLA, APPLE]), count=st.integers(1, 12), permit=st.integers(0, 2))
    def post(self, origin: str, count: int, permit: int) -> None:
        for _ in range(count):
            self.posted += 1
            self.ended += self.lanes.put(parcel(origin, self.permits[permit]), self.now_s) is not None

    @rule(target=flights)
    def take(self) -> list[Flight]:
        back: list[Returned] = []
        taken = self.lanes.take(self.now_s, back)
        assert all(not one.parcel.permit.withdrawn for one in taken)
        self.ended += len(back)
        self.flying += len(taken)
        return taken

    @rule(taken=consumes(flights), ends=st.lists(st.sampled_from("afrx"), min_size=12, max_size=12))
    def end(self, taken: list[Flight], ends: list[str]) -> None:
        back: list[Returned] = []
        for flight, end in zip(taken, ends, strict=False):
            match end:
                case "a":
                    self.lanes.accepted(flight)
                    self.lanes.learn(flight.lane, multiplexes=True)
                case "r":
                    self.lanes.answered(flight)
                    self.lanes.learn(flight.lane, multiplexes=False)
                case "f":
                    self.lanes.failed(flight, "timeout", self.now_s, back)
                case _:
                    self.lanes.released(flight)
        self.flying -= len(taken)
        self.ended += len(taken) + len(back)

    @rule(after_s=st.sampled_from([0.1, 2.0, 31.0]))
    def wait(self, after_s: float) -> None:
        self.now_s += after_s
        back: list[Returned] = []
        self.lanes.look(self.now_s, back)
        self.ended += len(back)

    @rule(permit=st.integers(0, 2))
    def withdraw(self, permit: int) -> None:
        self.permits[permit].withdrawn = "order_recalled"
        back: list[Returned] = []
        self.lanes.look(self.now_s, back)
        self.ended += len(back)
        self.permits[permit] = Permit()

    @invariant()
    def nothing_is_lost_and_nothing_is_double(self) -> None:
        if not hasattr(self, "lanes"):
            return
        states = self.lanes.origins(self.now_s)
        assert sum(one.in_flight for one in states) == self.flying == self.lanes.flying <= self.in_flight
        assert self.ended + self.flying + sum(one.waiting for one in states) == self.posted
        assert bool(sum(one.waiting for one in states)) == self.lanes.waiting
        assert self.lanes.room() >= 0


TestAnyOrderOfEvents = AnyOrderOfEvents.TestCase


@given(
    counts=st.dictionaries(st.sampled_from([FCM, MOZILLA, APPLE]), st.integers(1, 400), min_size=1),
    in_flight=st.integers(3, 60),
)
def test_as_long_as_all_are_well_everything_leaves(counts: dict[str, int], in_flight: int):
    lanes, sent = lanes_of(in_flight), Counter[str]()
    for origin, count in counts.items():
        assert fill(lanes, origin, count) == []
    while flights := take(lanes):
        for flight in flights:
            sent[flight.parcel.origin] += 1
            lanes.accepted(flight)
    assert sent == counts
