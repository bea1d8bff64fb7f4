"""What delivery does with an order that changed under a message, and with what a push service answered. Pure."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from bosai.model.alert import Act, AlertRecord, AlertState, OrderKind
from bosai.model.instruction import Instruction, MessageKind, Stage
from bosai.ports import PushOutcome
from geodata.hazards import HazardKind

HOLD_AT_MOST = timedelta(seconds=10)
"""How long a message of a superseded version waits for the plan of the new one (the watchdog answers in 5 s)."""
HOLD_FOR = timedelta(seconds=1)
MAX_TRIES = 200
TOO_LARGE = 413
REFUSED = "host_refused"
"""Cause of an outcome that no repetition mends: the endpoint leads where nothing may be sent."""
BAD_KEYS = "bad_keys"
"""Cause of a failure that no repetition mends: the stored keys can not be encrypted to."""

ENDINGS = {MessageKind.LIFTED, MessageKind.RECALLED, MessageKind.OUT_OF_AREA}


@dataclass(frozen=True, slots=True)
class Go:
    """Send it, worded by this version of the order."""

    record: AlertRecord


@dataclass(frozen=True, slots=True)
class Hold:
    """Look again a little later."""


@dataclass(frozen=True, slots=True)
class Drop:
    """It must not be sent any more."""

    cause: str


def standing(
    instruction: Instruction, record: AlertRecord, newest: AlertRecord, newest_planned: bool, now: datetime
) -> Go | Hold | Drop:
    """May this instruction still go out? `record`: the version it stands on; `newest`: the newest released one."""
    if instruction.message in ENDINGS:
        return Go(record)  # whoever was told of the order hears of its end, whatever came later
    ended = {Act.LIFT: "order_lifted", Act.RECALL: "order_recalled"}.get(newest.alert.act)
    if ended is not None:
        return Drop(ended)
    if record.state is AlertState.ISSUED:
        return Go(record)
    if record.state is AlertState.SUPERSEDED:
        if newest_planned:
            return Go(newest)  # the new plan left this person's instruction as it was
        since = newest.released_at or now
        return Hold() if now - since < HOLD_AT_MOST else Go(record)
    return Drop("order_not_in_force")


def urgency_of(record: AlertRecord) -> str:
    """RFC 8030 §5.3: orders of every level, tsunami, strong shaking, lifts and recalls wake the device; any other
    お知らせ can be read when the device is next looked at."""
    alert = record.alert
    can_wait = (
        alert.kind is OrderKind.NOTICE
        and not alert.is_tsunami_call
        and alert.hazard is not HazardKind.EARTHQUAKE
    )
    return "normal" if can_wait else "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waiting times: doubled each time up to `max_s`, with jitter so that nobody comes back all at once."""

    base_s: float
    max_s: float

    def wait_s(self, tries: int, rng: random.Random) -> float:
        """Seconds to wait after so many tries: between half and all of the doubled time."""
        return min(self.max_s, self.base_s * 2.0 ** min(tries - 1, 30)) * rng.uniform(0.5, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What an answer means. `wait_s` is given for QUEUED. `our_fault`: somebody must look."""

    stage: Stage
    cause: str = ""
    wait_s: float | None = None
    our_fault: bool = False


def settle(outcome: PushOutcome, tries: int, backoff: Backoff, rng: random.Random) -> Settled:
    """The table of answers: taken, gone, later, our fault. 413 comes here only after the shorter text was tried."""
    status, cause = outcome.status, outcome.cause
    if 200 <= status < 300:
        return Settled(stage=Stage.ACCEPTED)
    if status in (404, 410):
        return Settled(stage=Stage.RETIRED, cause=cause)
    if status == TOO_LARGE or cause == REFUSED:
        return Settled(stage=Stage.FAILED, cause=cause, our_fault=status == TOO_LARGE)
    if tries >= MAX_TRIES:
        return Settled(stage=Stage.FAILED, cause=f"gave_up {cause}")
    if status in (0, 408, 429) or status >= 500:
        wait_s = backoff.wait_s(tries, rng)
        if outcome.retry_after_s is not None:
            wait_s = max(wait_s, outcome.retry_after_s * rng.uniform(1.0, 1.1))
        return Settled(stage=Stage.QUEUED, cause=cause, wait_s=wait_s)
    # 400, 401, 403 and what else is ours: keep the subscription, wake somebody, and try on in case it is mended.
    return Settled(
        stage=Stage.QUEUED, cause=cause, wait_s=backoff.max_s * rng.uniform(0.5, 1.0), our_fault=True
    )


_UNTRIED = frozenset(
    {"push_service_down", "push_service_slow", "deadline", "stopped", "order_changed", "out_of_files"}
)


def is_untried(outcome: PushOutcome) -> bool:
    """True when the message was held back on our side: it does not count as a try."""
    return outcome.status == 0 and not outcome.left and outcome.cause in _UNTRIED


def heard(outcome: PushOutcome) -> int:
    """Whether the person can have got it: 2 the push service took it, 1 it may have, 0 it can not."""
    if 200 <= outcome.status < 300:
        return 2
    return int(outcome.left and (outcome.status in (0, 408) or outcome.status >= 500))
