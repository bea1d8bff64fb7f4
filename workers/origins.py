"""One push service never delays another: a share of the slots for each origin, and a rest for one that is down."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

FAILURES_IN_A_ROW = 8
FIRST_REST_S = 2.0
LONGEST_REST_S = 30.0


@dataclass(slots=True)
class _Origin:
    slots: asyncio.Semaphore
    failures: int = 0
    rests: int = 0
    until_s: float = 0.0  # 0 = not resting
    is_tried: bool = False


class Origins:
    """State per origin. `monotonic_s` is a clock that only rises."""

    def __init__(self, in_flight_each: int, monotonic_s: Callable[[], float]) -> None:
        self._in_flight_each = in_flight_each
        self._monotonic_s = monotonic_s
        self._known: dict[str, _Origin] = {}

    def slots(self, origin: str) -> asyncio.Semaphore:
        """The slots of one origin."""
        return self._of(origin).slots

    def rest_s(self, origin: str) -> float:
        """Seconds this origin is still to be left alone; 0 = send. After a rest one message tries, then others."""
        one = self._of(origin)
        now_s = self._monotonic_s()
        if one.until_s == 0.0:
            return 0.0
        if now_s < one.until_s:
            return one.until_s - now_s
        one.until_s, one.is_tried = now_s + FIRST_REST_S, True  # should the try be lost, another follows
        return 0.0

    def heard(self, origin: str, *, alive: bool) -> None:
        """What the origin answered: alive = any answer that is not its own breakdown."""
        one = self._of(origin)
        if alive:
            one.failures, one.rests, one.until_s, one.is_tried = 0, 0, 0.0, False
            return
        one.failures += 1
        if one.is_tried:
            one.rests, one.is_tried = one.rests + 1, False
        elif one.failures < FAILURES_IN_A_ROW or one.until_s > 0.0:
            return  # few yet, or one of those that were under way when the rest began
        one.until_s = self._monotonic_s() + min(LONGEST_REST_S, FIRST_REST_S * 2.0 ** min(one.rests, 10))

    def _of(self, origin: str) -> _Origin:
        found = self._known.get(origin)
        if found is None:
            found = self._known[origin] = _Origin(asyncio.Semaphore(self._in_flight_each))
        return found
