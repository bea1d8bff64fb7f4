"""What HQ sees of delivery: how far messages have come, whom none reached and why, by town and person by person.

counts (kept by the scripts) ─────────────▶ funnel, causes, bytes: cheap, read for every look
sealed instructions + deliveries ─thread──▶ by town, most bytes for one person: read at most twice a minute
deliveries, bucket by bucket ─────────────▶ one page of persons
health, push services, one-time pairs, monthly checks ─▶ what delivers
"""

import asyncio
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from redis.asyncio import Redis

from bosai.errors import InvalidInput, NotAllowed
from bosai.model.instruction import Delivery, Stage
from bosai.model.realm import Realm
from bosai.model.staff import Role, Session
from bosai.ports import Clock, OriginState
from bosai.push.sealing import Sealer
from bosai.services.monthly_check import MonthlyRun, checks_report
from bosai.stores.deliveries import delivery_of
from bosai.stores.delivery_counts import Counted, DeliveryCounts
from bosai.stores.instructions import ToldSeal
from bosai.stores.keys import BUCKETS, Keys, bucket_of
from bosai.stores.prekeys import PrekeyStatus, PrekeyStore
from bosai.stores.replies import as_bytes, as_text

log = logging.getLogger(__name__)

NOT_REACHED = (Stage.RETIRED, Stage.EXPIRED, Stage.FAILED)
"""Stages at which nothing more will happen and no push service took anything."""
PERSONS_A_PAGE = 100
KEPT_FOR = timedelta(seconds=30)
QUIET = timedelta(seconds=60)
"""Who reported nothing for this long is shown as not answering."""
_EXACT = frozenset({Role.HQ_DRAFTER, Role.HQ_APPROVER, Role.ADMIN, Role.AUDITOR})
_PERSONS = frozenset({Role.HQ_APPROVER, Role.ADMIN, Role.AUDITOR})
_ID = re.compile(r"[0-9a-f]{2,64}")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """The persons of one town by (stage, cause); the cause only where nobody was reached.

    bytes_sent: to push services for the newest instructions of all of them, every attempt.
    """

    name: str  # "" = told before towns were noted
    counts: Mapping[tuple[Stage, str], int]
    bytes_sent: int = 0

    def at(self, *stages: Stage) -> int:
        """Persons at these stages."""
        return sum(count for (stage, _), count in self.counts.items() if stage in stages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Towns:
    """Everybody told of one incident by town, most not reached first. `most_bytes`: sent for one person."""

    towns: tuple[Town, ...]
    most_bytes: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The travel of one person's newest instruction."""

    subscription_id: str
    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Persons:
    """One page of persons by id. `after`: where the next page goes on; "" = this is the last."""

    persons: tuple[Person, ...]
    after: str


class OriginRow(OriginState, frozen=True, kw_only=True):
    """One push service as one sending process last saw it."""

    at: datetime
    consumer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What delivers. Rows older than QUIET are of processes that no longer answer. `pairs` of one-time keys."""

    origins: tuple[OriginRow, ...]
    pairs: PrekeyStatus
    checks: tuple[MonthlyRun, ...]


_origin = msgspec.json.Decoder(OriginRow).decode


def sees_exact(officer: Session) -> bool:
    """True for roles of the headquarters; wards and viewers see no counts below five."""
    return officer.role in _EXACT


def lists_persons(officer: Session) -> bool:
    """True for who may look at single deliveries. An id is a pseudonym, and still one person."""
    return officer.role in _PERSONS


class DeliveryReport:
    """The reports of one side. `told_sealer` opens what people were told, for their towns."""

    def __init__(self, redis: Redis, realm: Realm, clock: Clock, told_sealer: Sealer) -> None:
        self.realm = realm
        self._redis = redis
        self._clock = clock
        self._told = ToldSeal(told_sealer, realm)
        self._keys = Keys(realm)
        self._counts = DeliveryCounts(redis, realm)
        self._prekeys = PrekeyStore(redis, realm)
        self._kept: dict[str, tuple[datetime, Any]] = {}
        self._reading = asyncio.Lock()

    async def incident(self) -> str:
        """The open incident, else the last one; "" while nothing was ever released."""
        newest = await self._redis.zrange(self._keys.releases, -1, -1)
        return as_text(newest[0]).partition("/")[0] if newest else ""

    async def counted(self, incident: str) -> Counted:
        """How far the newest instructions have come, read now."""
        return await self._counts.read(incident)

    async def by_town(self, incident: str) -> Towns:
        """Everybody by town, at most half a minute old."""
        return await self._keep(f"towns {incident}", lambda: self._read_towns(incident))

    async def persons(
        self, officer: Session, incident: str, stages: tuple[Stage, ...], after: str = ""
    ) -> Persons:
        """A page of persons at these stages, by id, after the id given. Raises NotAllowed, InvalidInput."""
        if not lists_persons(officer):
            raise NotAllowed("list_persons")
        if after and not _ID.fullmatch(after):
            raise InvalidInput("after", "unreadable", after[:40])
        found: list[Person] = []
        for number in range(bucket_of(after) if after else 0, BUCKETS):
            rows: Any = await self._redis.hgetall(self._keys.deliveries(number))
            found += await asyncio.to_thread(_persons_in, rows, incident, stages, after)
            if len(found) > PERSONS_A_PAGE:
                break
        page = found[:PERSONS_A_PAGE]
        return Persons(
            persons=tuple(page),
            after=page[-1].subscription_id if len(found) > PERSONS_A_PAGE else "",
        )

    async def sending(self) -> Sending:
        """Push services now; one-time pairs and monthly checks at most half a minute old."""
        rows = await self._redis.hgetall(self._keys.push_origins)
        found = [one for field, row in rows.items() if (one := _origin_row(as_text(field), as_bytes(row)))]
        return Sending(
            origins=tuple(sorted(found, key=lambda one: (one.origin, one.consumer))),
            pairs=await self._keep("pairs", self._prekeys.status),
            checks=tuple(await self._keep("checks", lambda: checks_report(self._redis, self.realm))),
        )

    async def _keep(self, name: str, read: Callable[[], Awaitable[T]]) -> T:
        """What was read under this name a moment ago, else read now; only once however many ask."""
        async with self._reading:
            now = self._clock.now()
            held = self._kept.get(name)
            if held is None or not timedelta() <= now - held[0] < KEPT_FOR:
                value = await read()
                held = (self._clock.now(), value)  # reading a whole city takes a while itself
                kind = name.partition(" ")[0]  # of an older incident nothing is kept
                self._kept = {
                    key: value for key, value in self._kept.items() if key.partition(" ")[0] != kind
                }
                self._kept[name] = held
            found: T = held[1]
            return found

    async def _read_towns(self, incident: str) -> Towns:
        counts: defaultdict[str, Counter[tuple[Stage, str]]] = defaultdict(Counter)
        sent: Counter[str] = Counter()
        most = 0
        for number in range(BUCKETS):
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hgetall(self._keys.instructions(number))
                pipe.hgetall(self._keys.deliveries(number))
                instructions, deliveries = await pipe.execute()
            if deliveries:
                most = max(
                    most,
                    await asyncio.to_thread(self._count, incident, instructions, deliveries, counts, sent),
                )
        towns = [
            Town(name=name, counts=dict(of_town), bytes_sent=sent[name]) for name, of_town in counts.items()
        ]
        towns.sort(key=lambda one: (-one.at(*NOT_REACHED), -sum(one.counts.values()), one.name))
        return Towns(towns=tuple(towns), most_bytes=most, at=self._clock.now())

    def _count(
        self,
        incident: str,
        instructions: Mapping[bytes, bytes],
        deliveries: Mapping[bytes, bytes],
        counts: Mapping[str, Counter[tuple[Stage, str]]],
        sent_to: Counter[str],
    ) -> int:
        """Add one bucket to `counts` and `sent_to`; the most bytes sent for one person in it."""
        prefix, most = f"{incident}/".encode(), 0
        for member, line in deliveries.items():
            stored = instructions.get(member)
            if not member.startswith(prefix) or stored is None:
                continue
            stage, sent, cause = _glance(line)
            told = self._told.open(as_bytes(member), stored)
            town = told.town if told is not None else ""
            counts[town][stage, cause if stage in NOT_REACHED else ""] += 1
            sent_to[town] += sent
            most = max(most, sent)
        return most


def _persons_in(
    rows: Mapping[bytes, bytes], incident: str, stages: tuple[Stage, ...], after: str
) -> list[Person]:
    prefix, found = f"{incident}/".encode(), []
    for member in sorted(rows):
        subscription_id = as_text(member[len(prefix) :])
        if not member.startswith(prefix) or subscription_id <= after:
            continue
        if _glance(rows[member])[0] in stages:
            found.append(Person(subscription_id=subscription_id, delivery=delivery_of(rows[member])))
    return found


_STAGES = {one.value.encode(): one for one in Stage}


def _glance(line: bytes) -> tuple[Stage, int, str]:
    """Stage, bytes sent and cause of a stored delivery (lua/delivery_line.lua): a whole city is looked through."""
    _seq, stage, _at, _attempts, sent, _answer, _claimed, _heard, _alert, cause = line.split(b" ", 9)
    return _STAGES[stage], int(sent), cause.decode()


def _origin_row(field: str, row: bytes) -> OriginRow | None:
    try:
        said = _origin(row)
    except msgspec.DecodeError:
        log.warning("what %s says of push services can not be read", field)
        return None
    return msgspec.structs.replace(said, consumer=field.partition(" ")[0])
