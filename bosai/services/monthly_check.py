"""The monthly check: by day, silent, clearly no emergency, so that dead subscriptions are found before a disaster.

tick ─▶ the day, the hour? ─▶ an order in force? wait ─▶ the next buckets ─▶ written down, so that a crash goes on there
                                                        done ─▶ a day later: what it found is kept

Only the live side has one: a drill subscription is for drills, and the next drill finds it dead as well.
"""

import itertools
import logging
import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from redis.asyncio import Redis

from bosai.model.instruction import CHECK_INCIDENT, MessageKind, Stage
from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.services.checks import check_draft
from bosai.settings_schema import Settings
from bosai.stores.alerts import AlertStore
from bosai.stores.instructions import InstructionDraft, InstructionStore
from bosai.stores.keys import BUCKETS, Keys
from bosai.stores.replies import as_bytes, as_text
from bosai.stores.scripts import Script

log = logging.getLogger(__name__)

TICK_S = 30
DAYS_OF_TRIES = 7
WINDOW = timedelta(hours=4)
"""From the hour on: what is not written by then goes on the next day at the same hour."""
EVENING_HOUR = 21
"""Local time: what has not arrived by then never will, so that no device shows it at night or days later."""
SETTLED = timedelta(hours=25)
"""So long after the last message nothing of it is under way any more: what it found is kept as it stands."""
COUNTED_AT_ONCE = 4
"""Buckets; some 10 ms of Redis with 300,000 subscribers."""
DRAFTS_AT_ONCE = 400
HEALTH_PART = "monthly_check"
OPTED_OUT = "opted_out"
"""The cause delivery gives to a check for somebody who does not want one."""


class RunState(StrEnum):
    """Where the check of one month stands."""

    WAITING = "waiting"  # an order is in force
    RUNNING = "running"
    DONE = "done"  # everybody was written to
    GIVEN_UP = "given_up"  # a week of tries was not enough


class MonthlyFound(msgspec.Struct, frozen=True, kw_only=True):
    """What a monthly check found, in subscriptions. `accepted` includes `displayed`: the one is not the other."""

    asked: int = 0  # without those who opted out
    accepted: int = 0
    displayed: int = 0
    retired: int = 0
    opted_out: int = 0
    not_reached: int = 0  # failed, or not accepted by the evening
    under_way: int = 0


class MonthlyRun(msgspec.Struct, frozen=True, kw_only=True):
    """The check of one month. `next_bucket`: buckets below it were written to."""

    month: str
    state: RunState
    next_bucket: int = 0
    written: int = 0
    started_at: datetime | None = None
    done_at: datetime | None = None
    found: MonthlyFound | None = None  # kept once everything of it has settled


_run = msgspec.json.Decoder(MonthlyRun).decode


_checks_found = Script("checks_found")
_checks_forget = Script("checks_forget")


def meaning_of(month: str) -> str:
    """What the checks of a month have in common: written to nobody twice."""
    return f"monthly-{month}"


class MonthlyCheck:
    """The monthly check of one side; `tick` comes every `tick_s` seconds from one scheduler at a time.

    Two at once do no harm: a check of the same month has the same meaning, and that is written once.
    """

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        clock: Clock,
        settings: Settings,
        instructions: InstructionStore,
        *,
        tick_s: float = TICK_S,
    ) -> None:
        self.realm = realm
        self._redis = redis
        self._clock = clock
        self._settings = settings.checks
        self._zone = ZoneInfo(settings.city.timezone)
        self._instructions = instructions
        self._alerts = AlertStore(redis, realm)
        self._keys = Keys(realm)
        self._buckets_a_tick = math.ceil(BUCKETS * tick_s / (self._settings.spread_min * 60))

    async def tick(self) -> None:
        """Do what is due now, a few buckets at most."""
        if not self._settings.monthly:
            return
        now = self._clock.now()
        await self._keep_what_settled(now)
        month = now.astimezone(self._zone).strftime("%Y-%m")
        run = await self._read(month)
        after = await self._advance(run, month, now)
        if after is not None and after != run:
            await self._write(after)
        await self._tell_health(after, now)

    async def _advance(self, run: MonthlyRun | None, month: str, now: datetime) -> MonthlyRun | None:
        if run is not None and run.state in (RunState.DONE, RunState.GIVEN_UP):
            return run
        local = now.astimezone(self._zone)
        first = local.date().replace(day=self._settings.monthly_day)
        if local.date() >= first + timedelta(days=DAYS_OF_TRIES):
            return self._given_up(run)
        if not self._is_hour(local, first):
            return run
        run = run or MonthlyRun(month=month, state=RunState.WAITING)
        for _ in range(self._buckets_a_tick):
            if any(one.alert.guides_people for one in await self._alerts.in_force()):
                return msgspec.structs.replace(run, state=RunState.WAITING)
            run = await self._next_bucket(run, now)
            await self._write(run)  # at each step: a crash repeats one bucket, which writes nothing twice
            if run.state is RunState.DONE:
                break
        return run

    def _is_hour(self, local: datetime, first: date) -> bool:
        opens = local.replace(hour=self._settings.monthly_hour, minute=0, second=0, microsecond=0)
        return local.date() >= first and opens <= local < opens + WINDOW

    def _given_up(self, run: MonthlyRun | None) -> MonthlyRun | None:
        if run is None:  # the service was not there in that week: nothing was tried, nothing failed
            return None
        log.error(
            "the monthly check of %s was given up with %s of %s buckets written: orders were in force for a week",
            *(run.month, run.next_bucket, BUCKETS),
        )
        return msgspec.structs.replace(run, state=RunState.GIVEN_UP)

    async def _next_bucket(self, run: MonthlyRun, now: datetime) -> MonthlyRun:
        ids = [as_text(one) for one in await self._redis.hkeys(self._keys.push(run.next_bucket))]
        written = 0
        for start in range(0, len(ids), DRAFTS_AT_ONCE):
            drafts = self._drafts(sorted(ids)[start : start + DRAFTS_AT_ONCE], run.month, now)
            written += (await self._instructions.emit_checks(drafts, now)).written
        is_last = run.next_bucket + 1 >= BUCKETS
        if is_last:
            log.info("the monthly check of %s: %s subscribers asked", run.month, run.written + written)
        return msgspec.structs.replace(
            run,
            state=RunState.DONE if is_last else RunState.RUNNING,
            next_bucket=run.next_bucket + 1,
            written=run.written + written,
            started_at=run.started_at or now,
            done_at=now if is_last else None,
        )

    def _drafts(self, ids: Sequence[str], month: str, now: datetime) -> list[InstructionDraft]:
        local = now.astimezone(self._zone)
        fresh = local.replace(hour=EVENING_HOUR, minute=0, second=0, microsecond=0) - local
        return [
            check_draft(
                one,
                MessageKind.MONTHLY_CHECK,
                at=now,
                fresh=fresh,
                meaning=meaning_of(month),
            )
            for one in ids
        ]

    async def _keep_what_settled(self, now: datetime) -> None:
        """Later checks take the places of this month's in the store: count them before that."""
        month = now.astimezone(self._zone).strftime("%Y-%m")
        for run in await _runs(self._redis, self._keys):
            if run.found is not None or not _has_settled(run, month, now):
                continue
            found = await found_in(self._redis, self._keys, run.month)
            await self._write(msgspec.structs.replace(run, found=found))
            await self._forget(run.month)
            log.info("the monthly check of %s found: %s", run.month, found)

    async def _forget(self, month: str) -> None:
        """What it found is kept; its rows are not. A crash before the end leaves some: they do no harm."""
        k = self._keys
        calls = [
            (
                [k.deliveries(number), k.instructions(number), k.due(number), k.counts(number)],
                [CHECK_INCIDENT, meaning_of(month)],
            )
            for number in range(BUCKETS)
        ]
        for start in range(0, BUCKETS, COUNTED_AT_ONCE):  # Redis serves others in between
            await _checks_forget.many(self._redis, calls[start : start + COUNTED_AT_ONCE])

    async def _tell_health(self, run: MonthlyRun | None, now: datetime) -> None:
        given_up = run is not None and run.state is RunState.GIVEN_UP
        detail = ""
        if run is not None:
            detail = {
                RunState.WAITING: f"{run.month}：発令中のため待っています",
                RunState.RUNNING: f"{run.month}：送信中（{run.next_bucket}/{BUCKETS}）",
                RunState.DONE: f"{run.month}：送信済み",
                RunState.GIVEN_UP: f"{run.month}：発令が続いたため、今月は行いません",
            }[run.state]
        note = {"at": now, "ok": not given_up, "detail": detail}
        await self._redis.hset(self._keys.health, HEALTH_PART, msgspec.json.encode(note))

    async def _read(self, month: str) -> MonthlyRun | None:
        stored = await self._redis.hget(self._keys.checked, month)
        return None if stored is None else _run(as_bytes(stored))

    async def _write(self, run: MonthlyRun) -> None:
        await self._redis.hset(self._keys.checked, run.month, msgspec.json.encode(run))


def _has_settled(run: MonthlyRun, month: str, now: datetime) -> bool:
    """Given up, or cut off by a service that stood still: such a check is over with its month, days after its tries."""
    if run.month < month:
        return True
    return run.done_at is not None and now - run.done_at >= SETTLED


async def checks_report(redis: Redis, realm: Realm) -> list[MonthlyRun]:
    """Every monthly check so far, newest first, each with what it found up to now."""
    keys = Keys(realm)
    return [
        run
        if run.found is not None
        else msgspec.structs.replace(run, found=await found_in(redis, keys, run.month))
        for run in sorted(await _runs(redis, keys), key=lambda one: one.month, reverse=True)
    ]


async def found_in(redis: Redis, keys: Keys, month: str) -> MonthlyFound:
    """How far the checks of a month have come by now. One who tested again since then is not among them."""
    calls = [
        ([keys.deliveries(number), keys.instructions(number)], [CHECK_INCIDENT, meaning_of(month)])
        for number in range(BUCKETS)
    ]
    rows: list[Any] = []
    for start in range(0, BUCKETS, COUNTED_AT_ONCE):  # Redis serves others in between
        answers = await _checks_found.many(redis, calls[start : start + COUNTED_AT_ONCE])
        rows += itertools.chain.from_iterable(answers)
    counts: dict[str, int] = dict.fromkeys(MonthlyFound.__struct_fields__, 0)
    for stage, cause, many in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        if as_text(cause) == OPTED_OUT:
            columns: tuple[str, ...] = ("opted_out",)
        elif as_text(stage) == Stage.REPLACED:  # an order came: it was not sent
            continue
        else:
            columns = ("asked", *_COLUMNS[Stage(as_text(stage))])
        for column in columns:
            counts[column] += int(many)
    return MonthlyFound(**counts)


_SEEN = ("accepted", "displayed")
_COLUMNS: dict[Stage, tuple[str, ...]] = {
    Stage.QUEUED: ("under_way",),
    Stage.ACCEPTED: ("accepted",),
    Stage.DISPLAYED: _SEEN,
    Stage.OPENED: _SEEN,
    Stage.ANSWERED: _SEEN,
    Stage.ARRIVED: _SEEN,
    Stage.RETIRED: ("retired",),
    Stage.EXPIRED: ("not_reached",),
    Stage.FAILED: ("not_reached",),
    Stage.REPLACED: (),
}


async def _runs(redis: Redis, keys: Keys) -> list[MonthlyRun]:
    stored: dict[Any, Any] = await redis.hgetall(keys.checked)
    return [_run(as_bytes(one)) for one in stored.values()]
