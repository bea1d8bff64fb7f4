"""What each subscriber was told last, per incident, and how far it came. Written by planner and watchdog.

The instruction itself is sealed: how far somebody walks to two known sites tells where that person lives.

drafts ─by class, least time left─▶ emit.lua per bucket ─▶ instruction + delivery (queued) + due in 30 s ─▶ pointers
                                      │                                              └── the guarantee      └── the fast
                                      ├─▶ unchanged (same meaning) · refused (older, gone, somebody was quicker)   path
                                      └─▶ spared (the end of an order nobody can have told this person of)
"""

import itertools
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TypeVar

import msgspec
from redis.asyncio import Redis

from bosai.model.instruction import (
    CHECK_ALERT_KEY,
    CHECK_INCIDENT,
    REMINDERS,
    Delivery,
    Instruction,
    MessageKind,
    Stage,
)
from bosai.model.realm import Realm
from bosai.push.sealing import Sealer
from bosai.stores.deliveries import delivery_of, unix_s
from bosai.stores.delivery_counts import DeliveryCounts
from bosai.stores.keys import BUCKETS, Keys, bucket_of
from bosai.stores.replies import as_text, unix_ms
from bosai.stores.scripts import Script
from bosai.stores.told_lines import ToldLine, read_told
from bosai.stores.told_seal import InstructionDraft as InstructionDraft  # noqa: PLC0414 (asked for here by all)
from bosai.stores.told_seal import ToldSeal as ToldSeal  # noqa: PLC0414
from bosai.stores.told_seal import member_of as member_of  # noqa: PLC0414

FIRST_DUE = timedelta(seconds=30)
DANGER_CLASSES = 3
SLICE = 65_536
"""Within a class the least time left goes first, as exactly as slices of so many people have it."""
DRAFTS_PER_SCRIPT = 512
FIRST_WAVE, WAVE = 1_024, 4_096
"""Drafts written per round trip: the first few soon, the rest in bulk."""
ENTRIES_PER_POINTER = 512
OUTBOX_KEPT = 100_000
_BUCKETS_AT_ONCE = 16

log = logging.getLogger(__name__)

T = TypeVar("T")
_emit = Script("emit")
_not_reached = Script("not_reached")
_seen = Script("seen")


Written = Callable[[int, Sequence[tuple[InstructionDraft, int]], int | None], None]
"""Hears what a bucket's script did: the bucket, the drafts written, each with its seq, and the told version when the
script raised it by these drafts alone."""
Moved = Callable[[int, Sequence[tuple[str, int, str]], int | None], None]
"""The same of instructions that moved to another version of their order."""


class EmitReport(msgspec.Struct, frozen=True, kw_only=True):
    """How many drafts were written, were known already, were refused, and were spared (see emit.lua).

    `fenced`: the lease was lost to a holder with a higher token; nothing of the rest was written.
    """

    written: int = 0
    unchanged: int = 0
    refused: int = 0
    spared: int = 0
    fenced: bool = False


_encode = msgspec.msgpack.Encoder().encode


class InstructionStore:
    """The instructions of one side."""

    def __init__(self, redis: Redis, realm: Realm, sealer: Sealer) -> None:
        self.realm = realm
        self._told = ToldSeal(sealer, realm)
        self._redis = redis
        self._keys = Keys(realm)

    async def emit(
        self,
        fence: int | None,
        drafts: Sequence[InstructionDraft],
        at: datetime,
        written: Written | None = None,
    ) -> EmitReport:
        """Write what is new to somebody and hand it to delivery, most endangered first.

        `fence` is the token of the planner's lease; a lower one than seen before is refused (`fenced`). A writer
        without a lease (the watchdog) gives None: then, as for every PROVISIONAL draft, only those are told for
        whom nothing stands on that version of the order yet. Repeating a call changes nothing. Raises ValueError
        for a draft whose incident, meaning or alert key can not be stored, and for two drafts for one person.
        """
        _check(drafts)
        if len({(one.incident, one.subscription_id) for one in drafts}) < len(drafts):
            raise ValueError("drafts: one for each person and incident")
        modes = {
            kind: "a" if fence is None or kind is MessageKind.PROVISIONAL else "n" for kind in MessageKind
        }
        return await self._write(drafts, modes, fence, at, written)

    async def remind(
        self,
        fence: int,
        drafts: Sequence[InstructionDraft],
        at: datetime,
        written: Written | None = None,
    ) -> EmitReport:
        """Hand quiet reminders to delivery: only those due (see emit.lua) are written, the others count as unchanged.

        They are nobody's newest advice and in no count of their incident. Raises ValueError for other drafts.
        """
        for one in drafts:
            if one.message is not MessageKind.STILL_IN_FORCE or not one.incident.startswith(REMINDERS):
                raise ValueError(f"message: {one.message} of {one.incident} is no reminder")
        _check(drafts)
        return await self._write(drafts, dict.fromkeys(MessageKind, "r"), fence, at, written)

    async def restamp(
        self,
        fence: int,
        incident: str,
        moves: Sequence[tuple[str, int, str]],
        at: datetime,
        hear: Moved | None = None,
    ) -> EmitReport:
        """Let instructions that still say the same stand on a later version of the order; nobody hears of it.

        moves: (subscription id, seq that must still stand there, alert key). Nothing is sealed anew.
        """
        seen: Counter[int] = Counter()
        by_bucket: dict[int, list[tuple[str, int, str]]] = {}
        for one in moves:
            by_bucket.setdefault(bucket_of(one[0]), []).append(one)
        wave = [
            (number, chunk)
            for number, group in sorted(by_bucket.items())
            for chunk in _chunks(group, DRAFTS_PER_SCRIPT)
        ]
        calls = [(self._emit_keys(number), _restamping(incident, fence, at, chunk)) for number, chunk in wave]
        fenced = False
        for (number, chunk), answer in zip(wave, await _emit.many(self._redis, calls), strict=True):
            if answer and answer[0] == b"fenced":
                fenced = True
                continue
            said = [int(one) for one in answer[: len(chunk)]]
            seen.update(said)
            if hear is not None:
                moved = [one for one, what in zip(chunk, said, strict=True) if what == 0]
                hear(number, moved, int(answer[-1]) if len(answer) > len(chunk) else None)
        return EmitReport(unchanged=seen[0], refused=len(moves) - seen[0], fenced=fenced)

    async def emit_checks(self, drafts: Sequence[InstructionDraft], at: datetime) -> EmitReport:
        """Hand checks to delivery. They are nobody's newest advice, and stand on no order. Raises ValueError for
        a draft that is not a check."""
        for one in drafts:
            if not one.message.is_check or (one.incident, one.alert_key) != (CHECK_INCIDENT, CHECK_ALERT_KEY):
                raise ValueError(f"message: {one.message} of {one.incident} on {one.alert_key} is no check")
        _check(drafts)
        return await self._write(drafts, dict.fromkeys(MessageKind, "c"), None, at)

    async def _write(
        self,
        drafts: Sequence[InstructionDraft],
        modes: dict[MessageKind, str],
        fence: int | None,
        at: datetime,
        hear: Written | None = None,
    ) -> EmitReport:
        seen: Counter[int] = Counter()  # 1 written, 0 unchanged, -1 refused, -2 spared
        ordered = sorted(drafts, key=_urgency)
        fenced = False
        for danger_class, of_class in itertools.groupby(ordered, key=_class_of):
            for wave in _waves(list(of_class)):
                seqs, raised, fenced = await self._write_wave(wave, modes, fence, at)
                written = [
                    (number, [(one, seq) for one, seq in zip(group, got, strict=True) if seq > 0])
                    for (number, group), got in zip(wave, seqs, strict=True)
                ]
                await self._point(danger_class, [pair for pair in written if pair[1]])
                if hear is not None:
                    for (number, pairs), got, version in zip(written, seqs, raised, strict=True):
                        # What was spared, or moved to another version, is not among the pairs: it is to be read.
                        hear(number, pairs, version if all(seq > 0 for seq in got) else None)
                seen.update(min(seq, 1) for got in seqs for seq in got)
                if fenced:
                    break
            if fenced:
                break
        return EmitReport(
            written=seen[1],
            unchanged=seen[0],
            refused=seen[-1] + len(drafts) - seen.total(),
            spared=seen[-2],
            fenced=fenced,
        )

    async def _write_wave(
        self,
        wave: Sequence[tuple[int, Sequence[InstructionDraft]]],
        modes: dict[MessageKind, str],
        fence: int | None,
        at: datetime,
    ) -> tuple[list[list[int]], list[int | None], bool]:
        """The seqs of each group, the told versions where they rose, and whether a bucket refused the token (its group
        counts as refused)."""
        token = "" if fence is None else fence
        calls = []
        for number, group in wave:
            rows: list[str | bytes] = []
            for one in group:
                mode = modes[one.message]
                head = (
                    f"{one.subscription_id} {one.incident} {one.meaning} {one.alert_key} {one.message} {mode}"
                )
                rows += [head, self._told.seal(one)]
            calls.append((self._emit_keys(number), [token, unix_ms(at), unix_s(at + FIRST_DUE), *rows]))
        fenced, seqs, raised = False, [], list[int | None]()
        for (_, group), answer in zip(wave, await _emit.many(self._redis, calls), strict=True):
            refused = bool(answer) and answer[0] == b"fenced"
            fenced = fenced or refused
            seqs.append([-1] * len(group) if refused else [int(one) for one in answer[: len(group)]])
            raised.append(int(answer[-1]) if not refused and len(answer) > len(group) else None)
        return seqs, raised, fenced

    def _emit_keys(self, number: int) -> list[str]:
        k = self._keys
        return [
            k.fence(number),
            k.instructions(number),
            k.deliveries(number),
            k.due(number),
            k.push(number),
            k.told(number),
            k.counts(number),
            k.told_version(number),
        ]

    async def _point(
        self, danger_class: int, written: Sequence[tuple[int, Sequence[tuple[InstructionDraft, int]]]]
    ) -> None:
        """Put pointers on the streams. Lost ones (a crash here) cost the 30 s until the due sweep."""
        if not written:
            return
        async with self._redis.pipeline(transaction=False) as pipe:
            for groups in _pointers(written):
                pipe.xadd(
                    self._keys.outbox(danger_class),
                    {"groups": _encode(groups)},
                    maxlen=OUTBOX_KEPT,
                    approximate=True,
                )
            await pipe.execute()

    async def latest(self, subscription_id: str) -> tuple[Instruction, Delivery] | None:
        """The newest instruction of one subscriber, by decision time over all incidents, with its travel."""
        k, number = self._keys, bucket_of(subscription_id)
        told = await self._redis.hget(k.told(number), subscription_id)
        if told is None:
            return None
        members = [member_of(incident, subscription_id) for incident in as_text(told).split()]
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hmget(k.instructions(number), members)
            pipe.hmget(k.deliveries(number), members)
            instructions, deliveries = await pipe.execute()
        found = [
            (instruction, delivery_of(line))
            for member, one, line in zip(members, instructions, deliveries, strict=True)
            if one is not None and line is not None
            if (instruction := self._told.open(member.encode(), one)) is not None
        ]
        return max(found, key=lambda pair: pair[0].decided_at, default=None)

    async def note_seen(self, instruction: Instruction) -> None:
        """Its owner has read it on a page: the end of the order is then to be told, though no message came."""
        number = bucket_of(instruction.subscription_id)
        member = member_of(instruction.incident, instruction.subscription_id)
        await _seen(self._redis, keys=[self._keys.deliveries(number)], args=[member, instruction.seq])

    async def latest_of_incident(self, incident: str) -> dict[str, tuple[Instruction, Delivery]]:
        """Subscription id → newest instruction and its travel, for everybody told of this incident.

        Only these are read: what is kept of older incidents and of checks costs nothing.
        """
        k, found = self._keys, {}
        for numbers in _chunks(range(BUCKETS), _BUCKETS_AT_ONCE):
            async with self._redis.pipeline(transaction=False) as pipe:
                for number in numbers:
                    pipe.hgetall(k.told(number))
                told = await pipe.execute()
            ids = [
                [one for one, incidents in rows.items() if incident in as_text(incidents).split()]
                for rows in told
            ]
            wanted = [(number, some) for number, some in zip(numbers, ids, strict=True) if some]
            async with self._redis.pipeline(transaction=False) as pipe:
                for number, some in wanted:
                    members = [member_of(incident, as_text(one)) for one in some]
                    pipe.hmget(k.instructions(number), members)
                    pipe.hmget(k.deliveries(number), members)
                rows = await pipe.execute()
            for at, (_, some) in enumerate(wanted):
                for one, stored, line in zip(some, rows[2 * at], rows[2 * at + 1], strict=True):
                    name = as_text(one)
                    member = member_of(incident, name).encode()
                    if stored is None or line is None:
                        continue
                    instruction = self._told.open(member, stored)
                    if instruction is not None:
                        found[name] = (instruction, delivery_of(line))
        return found

    async def told_versions(self) -> list[int]:
        """(256,) a number per bucket that rises when what its people were told, answered or lost has changed."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for number in range(BUCKETS):
                pipe.get(self._keys.told_version(number))
            return [int(one or 0) for one in await pipe.execute()]

    async def told_lines(
        self, incident: str, numbers: Sequence[int], known: Mapping[str, int]
    ) -> dict[int, list[ToldLine]]:
        """By bucket, everybody who was told of the incident. known: subscription id → seq that need not be opened."""
        return await read_told(self._redis, self._keys, self._told, incident, numbers, known)

    async def check_of(self, subscription_id: str) -> tuple[Instruction, Delivery] | None:
        """The newest check of one subscriber with its travel."""
        k, number, member = self._keys, bucket_of(subscription_id), member_of(CHECK_INCIDENT, subscription_id)
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hget(k.instructions(number), member)
            pipe.hget(k.deliveries(number), member)
            stored, line = await pipe.execute()
        if stored is None or line is None:
            return None
        instruction = self._told.open(member.encode(), stored)
        return None if instruction is None else (instruction, delivery_of(line))

    async def tally(self, incident: str) -> dict[Stage, int]:
        """How many newest instructions stand at each stage. Accepted by a push service is not displayed."""
        return await DeliveryCounts(self._redis, self.realm).by_stage(incident)

    async def not_reached(self, incident: str) -> list[tuple[str, Stage, str]]:
        """(subscription id, stage, cause) of everybody no push service has taken a message for, by id.

        Whoever still waits stands here as QUEUED; one whose order ended before it was sent (REPLACED) does not.
        """
        calls = [([self._keys.deliveries(number)], [incident]) for number in range(BUCKETS)]
        rows = itertools.chain.from_iterable(await _not_reached.many(self._redis, calls))
        words = [as_text(one) for one in rows]
        found = zip(words[::3], map(Stage, words[1::3]), words[2::3], strict=True)
        return sorted(found)


def _restamping(
    incident: str, fence: int, at: datetime, moves: Sequence[tuple[str, int, str]]
) -> list[str | bytes | int]:
    """The arguments of one script that writes nothing new."""
    rows: list[str | bytes | int] = [fence, unix_ms(at), "0"]
    for name, seq, alert_key in moves:
        rows += [f"{name} {incident} {seq} {alert_key} {MessageKind.ORDER} s", b""]
    return rows


def _check(drafts: Sequence[InstructionDraft]) -> None:
    """The head line and the field name are split at blanks and slashes. What a city shares is looked at once."""
    for incident in {one.incident for one in drafts}:
        if not incident or "/" in incident or any(map(str.isspace, incident)):
            raise ValueError(f"incident: {incident!r} must be a word without '/'")
    for meaning in {one.meaning for one in drafts}:
        if not meaning or any(map(str.isspace, meaning)):
            raise ValueError(f"meaning: {meaning!r} must be a word")
    for alert_key in {one.alert_key for one in drafts}:
        alert_id, _, version = alert_key.rpartition(":")
        if not alert_id or not version.isdecimal() or any(map(str.isspace, alert_key)):
            raise ValueError(f"alert_key: {alert_key!r} must be 'alert_id:version'")


def _class_of(one: InstructionDraft) -> int:
    return min(max(one.danger_class, 0), DANGER_CLASSES - 1)


# Most endangered first: the class, then the time left. For a whole city, before anybody is written.
_urgency = attrgetter("danger_class", "left_s")


def _waves(ordered: Sequence[InstructionDraft]) -> Iterator[list[tuple[int, list[InstructionDraft]]]]:
    """Groups of one bucket each, as many as one round trip takes; the first round trip is a short one."""
    wave: list[tuple[int, list[InstructionDraft]]] = []
    size, limit = 0, FIRST_WAVE
    for some in _chunks(ordered, SLICE):
        by_bucket: dict[int, list[InstructionDraft]] = {}
        for one in some:
            by_bucket.setdefault(bucket_of(one.subscription_id), []).append(one)
        for number, group in by_bucket.items():
            for chunk in _chunks(group, DRAFTS_PER_SCRIPT):
                wave.append((number, list(chunk)))
                size += len(chunk)
                if size >= limit:
                    yield wave
                    wave, size, limit = [], 0, WAVE
    if wave:
        yield wave


def _pointers(
    written: Iterable[tuple[int, Sequence[tuple[InstructionDraft, int]]]],
) -> Iterator[list[tuple[int, list[tuple[str, int]]]]]:
    """What one worker takes at once: (bucket, [(member, seq)]) groups of about ENTRIES_PER_POINTER in all."""
    groups: list[tuple[int, list[tuple[str, int]]]] = []
    size = 0
    for number, pairs in written:
        for some in _chunks(pairs, ENTRIES_PER_POINTER):
            groups.append(
                (number, [(member_of(one.incident, one.subscription_id), seq) for one, seq in some])
            )
            size += len(some)
            if size >= ENTRIES_PER_POINTER:
                yield groups
                groups, size = [], 0
    if groups:
        yield groups


def _chunks(many: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    return (many[start : start + size] for start in range(0, len(many), size))
