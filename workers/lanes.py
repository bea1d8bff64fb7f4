"""One push service never delays another: a bounded lane for each, a share of the slots, a rest for one that is down.

    put ─▶ lane of the origin (bounded, first in first out) ─▶ take: round robin, a share of the slots each ─▶ fly
     │      └ full ─▶ "push_service_slow"                        └ permit withdrawn ─▶ its cause
     └ resting ─▶ "push_service_down"
    accepted / answered / failed / released ─▶ breaker: 8 failures in a row ─▶ rest 2 … 30 s ─▶ one tries

Pure: the time is an argument, nothing is sent here. One thread changes it; `room`, `rest_s` and `origins` only read and
may be asked from another.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from bosai.ports import OriginState, Parcel, PushOutcome

FAILURES_IN_A_ROW = 8
FIRST_REST_S = 2.0
LONGEST_REST_S = 30.0
WHILE_TRYING_S = 1.0
"""What others are told while one message tries."""
A_FEW = 16
"""How many of one lane leave before it is the next one's turn."""
MANY = 200
"""Lanes; when there are more, those that never took a message are forgotten."""
OLD_AFTER_S = 2.0
"""A message under way for longer is old; where half of a lane's are, the lane is slow."""

DOWN = "push_service_down"
SLOW = "push_service_slow"

Returned = tuple[Parcel, PushOutcome]


class LaneState(StrEnum):
    """Of one push service; the words of `ports.OriginState.state`."""

    OPEN = "open"
    RESTING = "resting"
    TRYING = "trying"


@dataclass(eq=False, slots=True)
class Flight:
    """One parcel under way. `is_try`: it alone finds out whether the push service is back."""

    parcel: Parcel
    lane: "Lane"
    started_s: float
    breaks: int  # how often the lane had broken down when this left
    is_try: bool


@dataclass(eq=False, slots=True)
class Lane:
    """One push service. `limit`: how many may be under way; it is learnt from the first answers."""

    origin: str
    limit: int
    waiting: deque[Parcel] = field(default_factory=deque)
    flying: dict["Flight", None] = field(default_factory=dict)  # a set that keeps its order: oldest first
    is_known: bool = False  # whether many share a connection there
    state: LaneState = LaneState.OPEN
    is_slow: bool = False
    failures: int = 0  # in a row
    breaks: int = 0
    is_tried: bool = False  # the one that tries is under way
    rests: int = 0  # in a row
    until_s: float = 0.0
    broke_s: float = -math.inf  # when the last rest began
    broken_connection: int = -1
    accepted: int = 0
    failed: int = 0
    cause: str = ""


class Lanes:
    """All lanes of a sending process, sharing `in_flight` slots.

    in_flight_per_origin: at most so many for one, and never so many that less than a third is left for others.
    lane_length: parcels that may wait for one origin. first_limit: under way to an origin nothing is known of yet,
    and to one where every message needs a connection of its own.
    """

    def __init__(
        self, *, in_flight: int, in_flight_per_origin: int, lane_length: int, first_limit: int
    ) -> None:
        self._in_flight = in_flight
        self._most_each = max(1, min(in_flight_per_origin, in_flight - in_flight // 3))
        self._few_each = max(1, in_flight // 4)
        self._lane_length = lane_length
        self._first_limit = min(first_limit, self._most_each)
        self._lanes: dict[str, Lane] = {}
        self._turns: deque[Lane] = deque()  # lanes where something waits, each once
        self._flying = 0

    # ---- asked from any thread -----------------------------------------------------------------------

    def room(self) -> int:
        """Parcels that would find a place soon. A lane that does not move counts for no more than its share."""
        taken = 0
        for lane in list(self._lanes.values()):
            count = len(lane.waiting) + len(lane.flying)
            stuck = lane.is_slow or lane.state is not LaneState.OPEN
            taken += min(count, self._few_each) if stuck else count
        return max(0, 3 * self._in_flight - taken)

    def rest_s(self, origin: str, now_s: float) -> float:
        """Seconds the origin is to be left alone yet; 0 = send."""
        lane = self._lanes.get(origin)
        return 0.0 if lane is None else _rest_s(lane, now_s)

    def origins(self, now_s: float) -> list[OriginState]:
        """Every push service met, in order of name."""
        return [
            OriginState(
                origin=one.origin,
                state=one.state.value,
                in_flight=len(one.flying),
                waiting=len(one.waiting),
                accepted=one.accepted,
                failed=one.failed,
                rest_s=_rest_s(one, now_s),
                cause=one.cause,
            )
            for one in sorted(self._lanes.values(), key=lambda one: one.origin)
        ]

    # ---- asked from the one thread that sends --------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """True while anything waits in any lane."""
        return bool(self._turns)

    @property
    def flying(self) -> int:
        """How many are under way."""
        return self._flying

    def flights(self) -> list[Flight]:
        """All under way."""
        return [flight for lane in self._lanes.values() for flight in lane.flying]

    def put(self, parcel: Parcel, now_s: float) -> Returned | None:
        """Take a parcel in; or it comes back at once, because its push service rests or its lane is full."""
        lane = self._lanes.get(parcel.origin)
        if lane is None:
            lane = Lane(parcel.origin, self._first_limit)
            self._lanes[parcel.origin] = lane
        if lane.state is LaneState.RESTING:
            if now_s < lane.until_s:
                return parcel, _back(DOWN, _rest_s(lane, now_s))
            lane.state = LaneState.TRYING
        if len(lane.waiting) >= self._lane_length:
            return parcel, _back(SLOW, WHILE_TRYING_S)
        if not lane.waiting:
            self._turns.append(lane)
        lane.waiting.append(parcel)
        return None

    def take(self, now_s: float, back: list[Returned]) -> list[Flight]:
        """What leaves now, a few of each lane in turn. Withdrawn ones are put into `back` instead."""
        flights: list[Flight] = []
        turns, passed = self._turns, 0  # lanes in a row that could not send
        while passed < len(turns):
            lane = turns[0]
            count = min(
                A_FEW, len(lane.waiting), self._share(lane) - len(lane.flying), self._in_flight - self._flying
            )
            if count <= 0:
                turns.rotate(-1)
                passed += 1
                continue
            passed = 0
            is_try = lane.state is LaneState.TRYING
            for _ in range(count):
                parcel = lane.waiting.popleft()
                if parcel.permit.withdrawn:
                    back.append((parcel, _back(parcel.permit.withdrawn)))
                    continue
                flight = Flight(parcel, lane, now_s, lane.breaks, is_try)
                lane.flying[flight] = None
                lane.is_tried = is_try
                flights.append(flight)
                self._flying += 1
            if lane.waiting:
                turns.rotate(-1)
            else:
                turns.popleft()
        return flights

    def accepted(self, flight: Flight) -> None:
        """The push service took it."""
        self._land(flight)
        flight.lane.accepted += 1
        self._is_well(flight)

    def answered(self, flight: Flight) -> None:
        """The push service is well, but did not take this one."""
        self._land(flight)
        self._is_well(flight)

    def learn(self, lane: Lane, *, multiplexes: bool) -> None:
        """How many may be under way: many where they share a connection, else one for each connection."""
        lane.is_known = True
        lane.limit = self._most_each if multiplexes else self._first_limit

    def failed(
        self,
        flight: Flight,
        cause: str,
        now_s: float,
        back: list[Returned],
        *,
        connection: int = -1,
        told_s: float | None = None,
    ) -> None:
        """It failed: time-outs, resets, 5xx, 429. When that opens the breaker, what waits comes back (into `back`).

        connection: the one that broke, if known: all its messages are one failure. told_s: its Retry-After.
        """
        self._land(flight)
        lane = flight.lane
        lane.failed += 1
        lane.cause = cause
        lane.is_known = False  # whoever comes back may be another
        if flight.breaks != lane.breaks:
            return  # under way when the rest began: known already
        if connection >= 0 and connection == lane.broken_connection and not flight.is_try:
            return
        lane.broken_connection = connection
        lane.failures += 1
        if lane.state is LaneState.TRYING or lane.failures >= FAILURES_IN_A_ROW:
            rest_s = min(LONGEST_REST_S, FIRST_REST_S * 2.0 ** min(lane.rests, 10))
            lane.broke_s = now_s
            lane.until_s = now_s + min(LONGEST_REST_S, max(rest_s, told_s or 0.0))
            lane.state, lane.failures = LaneState.RESTING, 0
            lane.rests += 1
            lane.breaks += 1
            self._empty(lane, _back(DOWN, lane.until_s - now_s), back)

    def released(self, flight: Flight) -> None:
        """It ended and says nothing of its push service (refused by us, withdrawn, stopped)."""
        self._land(flight)

    def look(self, now_s: float, back: list[Returned]) -> None:
        """Now and then: find slow lanes, and waiting parcels whose permit was withdrawn (they go into `back`)."""
        if len(self._lanes) > MANY:
            self._forget_the_useless(now_s)
        for lane in self._lanes.values():
            old = 0
            for flight in lane.flying:
                if now_s - flight.started_s < OLD_AFTER_S:
                    break
                old += 1
            lane.is_slow = old > 0 and 2 * old >= len(lane.flying)
            if any(one.permit.withdrawn for one in lane.waiting):
                stays: deque[Parcel] = deque()
                for one in lane.waiting:
                    if one.permit.withdrawn:
                        back.append((one, _back(one.permit.withdrawn)))
                    else:
                        stays.append(one)
                lane.waiting = stays
                if not stays:
                    self._turns.remove(lane)

    def give_up(self, cause: str, back: list[Returned]) -> None:
        """Everything that waits comes back."""
        for lane in list(self._turns):
            self._empty(lane, _back(cause), back)

    def _forget_the_useless(self, now_s: float) -> None:
        """Names below an allowed one can be made up by anybody: those that never took a message go, when their rest
        is over."""
        for origin, lane in list(self._lanes.items()):
            if not (lane.accepted or lane.waiting or lane.flying) and now_s >= lane.until_s:
                del self._lanes[origin]

    def _share(self, lane: Lane) -> int:
        if lane.state is LaneState.TRYING:
            return len(lane.flying) + (not lane.is_tried)  # older ones may be under way yet
        return min(lane.limit, self._few_each) if lane.is_slow else lane.limit

    def _land(self, flight: Flight) -> None:
        del flight.lane.flying[flight]
        self._flying -= 1
        if flight.is_try:
            flight.lane.is_tried = False

    def _is_well(self, flight: Flight) -> None:
        lane = flight.lane
        if flight.breaks == lane.breaks:  # else it left before the rest began, and says nothing of now
            lane.failures = 0
            if lane.rests:
                lane.rests, lane.state, lane.until_s = 0, LaneState.OPEN, 0.0

    def _empty(self, lane: Lane, outcome: PushOutcome, back: list[Returned]) -> None:
        if lane.waiting:
            back += [(one, outcome) for one in lane.waiting]
            lane.waiting.clear()
            self._turns.remove(lane)


def _rest_s(lane: Lane, now_s: float) -> float:
    if lane.state is LaneState.RESTING:
        return max(0.0, lane.until_s - now_s)
    return WHILE_TRYING_S if lane.state is LaneState.TRYING and lane.is_tried else 0.0


def _back(cause: str, retry_after_s: float | None = None) -> PushOutcome:
    return PushOutcome(status=0, cause=cause, retry_after_s=retry_after_s, left=False)
