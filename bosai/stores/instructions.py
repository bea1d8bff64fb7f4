"""What each subscriber was told last, per incident, and how far it came. Written by planner and watchdog.

The instruction itself is sealed: how far somebody walks to two known sites tells where that person lives.

drafts ─by bucket─▶ emit.lua ─▶ instruction + delivery (queued) + due in 30 s ─▶ pointers on the outbox streams
                      │                              └── the guarantee              └── the fast path, may be lost
                      └─▶ unchanged (same meaning) · refused (older, gone, or somebody was quicker)
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
from redis.asyncio import Redis

from bosai.errors import SealBroken
from bosai.model.instruction import Delivery, Destination, Instruction, MessageKind, Stage
from bosai.model.realm import Realm
from bosai.push.sealing import Sealer
from bosai.stores.deliveries import delivery_of, unix_s
from bosai.stores.keys import BUCKETS, Keys, bucket_of
from bosai.stores.replies import as_bytes, as_text, unix_ms
from bosai.stores.scripts import Script
from shelters.model import Action

FIRST_DUE = timedelta(seconds=30)
DANGER_CLASSES = 3
DRAFTS_PER_SCRIPT = 400
ENTRIES_PER_POINTER = 200
OUTBOX_KEPT = 100_000

log = logging.getLogger(__name__)

TOLD_KIND = "told"
T = TypeVar("T")
_emit = Script("emit")
_tally = Script("tally")


class InstructionDraft(msgspec.Struct, frozen=True, kw_only=True):
    """An instruction before the store gives it its seq; the fields are those of `Instruction`."""

    subscription_id: str
    incident: str
    place_id: str | None
    message: MessageKind
    action: Action | None
    alert_key: str
    danger_class: int
    destination: Destination | None = None
    alternate: Destination | None = None
    reasons: tuple[str, ...] = ()
    plan_id: str
    decided_at: datetime
    stale_at: datetime
    meaning: str

    def numbered(self, seq: int, alert_key: str) -> Instruction:
        """The instruction with its seq, standing on the version it now stands on."""
        facts = {name: getattr(self, name) for name in self.__struct_fields__}
        return Instruction(**{**facts, "seq": seq, "alert_key": alert_key})


class EmitReport(msgspec.Struct, frozen=True, kw_only=True):
    """How many drafts were written, were known already, and were refused (see emit.lua).

    `fenced`: the lease was lost to a holder with a higher token; nothing of the rest was written.
    """

    written: int = 0
    unchanged: int = 0
    refused: int = 0
    fenced: bool = False


_encode = msgspec.msgpack.Encoder().encode
_draft = msgspec.msgpack.Decoder(InstructionDraft).decode


class ToldSeal:
    """Seals and opens the stored instructions of one side."""

    def __init__(self, sealer: Sealer, realm: Realm) -> None:
        self._sealer = sealer
        self._realm = realm

    def seal(self, draft: InstructionDraft) -> bytes:
        """What is stored behind the head line."""
        name = member_of(draft.incident, draft.subscription_id)
        return self._sealer.seal(TOLD_KIND, self._realm, name, _encode(draft))

    def open(self, member: str, stored: bytes) -> Instruction | None:
        """A stored instruction: the head line and the sealed draft behind it. None, logged, for one that does not
        open: one broken record must not keep the others from being told."""
        head, _, body = stored.partition(b"\n")
        seq, _meaning, alert_key, _message = head.decode().split(" ")
        try:
            draft = _draft(self._sealer.open(TOLD_KIND, self._realm, member, body))
        except (SealBroken, msgspec.DecodeError):
            log.exception("the instruction of %s can not be read", member)
            return None
        return draft.numbered(int(seq), alert_key)


def member_of(incident: str, subscription_id: str) -> str:
    """The field under which instruction and delivery are stored."""
    return f"{incident}/{subscription_id}"


class InstructionStore:
    """The instructions of one side."""

    def __init__(self, redis: Redis, realm: Realm, sealer: Sealer) -> None:
        self.realm = realm
        self._told = ToldSeal(sealer, realm)
        self._redis = redis
        self._keys = Keys(realm)

    async def emit(self, fence: int | None, drafts: Sequence[InstructionDraft], at: datetime) -> EmitReport:
        """Write what is new to somebody and hand it to delivery, most endangered first.

        `fence` is the token of the planner's lease; a lower one than seen before is refused (`fenced`). A writer
        without a lease (the watchdog) gives None: then, as for every PROVISIONAL draft, only those are told for
        whom nothing stands on that version of the order yet. Repeating a call changes nothing. Raises ValueError
        for a draft whose incident, meaning or alert key can not be stored.
        """
        by_bucket: dict[int, list[InstructionDraft]] = {}
        for one in sorted(drafts, key=lambda one: one.danger_class):
            _check(one)
            by_bucket.setdefault(bucket_of(one.subscription_id), []).append(one)
        written = unchanged = refused = 0
        for number, group in by_bucket.items():
            for chunk in _chunks(group, DRAFTS_PER_SCRIPT):
                seqs = await self._emit_chunk(number, fence, chunk, at)
                if seqs is None:
                    left = len(drafts) - written - unchanged - refused
                    return EmitReport(
                        written=written, unchanged=unchanged, refused=refused + left, fenced=True
                    )
                written += sum(seq > 0 for seq in seqs)
                unchanged += seqs.count(0)
                refused += seqs.count(-1)
        return EmitReport(written=written, unchanged=unchanged, refused=refused)

    async def _emit_chunk(
        self, number: int, fence: int | None, chunk: Sequence[InstructionDraft], at: datetime
    ) -> list[int] | None:
        k = self._keys
        rows: list[str | bytes] = []
        for one in chunk:
            only_if_absent = fence is None or one.message is MessageKind.PROVISIONAL
            rows += [one.subscription_id, one.incident, one.meaning, one.alert_key, one.message.value]
            rows += ["1" if only_if_absent else "0", self._told.seal(one)]
        answer = await _emit(
            self._redis,
            keys=[
                k.fence(number),
                k.instructions(number),
                k.deliveries(number),
                k.due(number),
                k.push(number),
                k.told(number),
            ],
            args=["" if fence is None else fence, unix_ms(at), unix_s(at + FIRST_DUE), *rows],
        )
        if answer and answer[0] == b"fenced":
            return None
        seqs = [int(one) for one in answer]
        await self._point(number, [(one, seq) for one, seq in zip(chunk, seqs, strict=True) if seq > 0])
        return seqs

    async def _point(self, number: int, written: Iterable[tuple[InstructionDraft, int]]) -> None:
        """Put pointers on the streams. Lost ones (a crash here) cost the 30 s until the due sweep."""
        by_class: dict[int, list[tuple[str, int]]] = {}
        for one, seq in written:
            danger_class = min(max(one.danger_class, 0), DANGER_CLASSES - 1)
            by_class.setdefault(danger_class, []).append((member_of(one.incident, one.subscription_id), seq))
        if not by_class:
            return
        async with self._redis.pipeline(transaction=False) as pipe:
            for danger_class, entries in sorted(by_class.items()):
                for chunk in _chunks(entries, ENTRIES_PER_POINTER):
                    pipe.xadd(
                        self._keys.outbox(danger_class),
                        {"bucket": number, "entries": _encode(chunk)},
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
            if (instruction := self._told.open(member, one)) is not None
        ]
        return max(found, key=lambda pair: pair[0].decided_at, default=None)

    async def latest_of_incident(self, incident: str) -> dict[str, tuple[Instruction, Delivery]]:
        """Subscription id → newest instruction and its travel, for everybody told of this incident."""
        k, found = self._keys, {}
        for number in range(BUCKETS):
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hgetall(k.instructions(number))
                pipe.hgetall(k.deliveries(number))
                instructions, deliveries = await pipe.execute()
            for raw_member, stored in instructions.items():
                member, line = as_text(raw_member), deliveries.get(raw_member)
                where, _, subscription_id = member.rpartition("/")
                if where != incident or line is None:
                    continue
                instruction = self._told.open(member, as_bytes(stored))
                if instruction is not None:
                    found[subscription_id] = (instruction, delivery_of(as_bytes(line)))
        return found

    async def deliveries_of_incident(self, incident: str) -> dict[str, Delivery]:
        """Subscription id → how far its newest instruction has come."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for number in range(BUCKETS):
                pipe.hgetall(self._keys.deliveries(number))
            buckets = await pipe.execute()
        found = {}
        for rows in buckets:
            for member, line in rows.items():
                where, _, subscription_id = as_text(member).rpartition("/")
                if where == incident:
                    found[subscription_id] = delivery_of(as_bytes(line))
        return found

    async def tally(self, incident: str) -> dict[Stage, int]:
        """How many newest instructions stand at each stage. Accepted by a push service is not displayed.

        Counted where they lie: every open board asks for it every few seconds.
        """
        counts = dict.fromkeys(Stage, 0)
        for number in range(BUCKETS):
            pairs = await _tally(self._redis, keys=[self._keys.deliveries(number)], args=[incident])
            for stage, count in zip(pairs[::2], pairs[1::2], strict=True):
                counts[Stage(as_text(stage))] += int(count)
        return counts

    async def not_reached(self, incident: str) -> list[tuple[str, Stage, str]]:
        """(subscription id, stage, cause) of everybody no push service has taken a message for, by id.

        Whoever still waits stands here as QUEUED; one whose order ended before it was sent (REPLACED) does not.
        """
        return [
            (subscription_id, one.stage, one.cause)
            for subscription_id, one in sorted((await self.deliveries_of_incident(incident)).items())
            if not one.stage.is_reached and one.stage is not Stage.REPLACED
        ]


def _check(draft: InstructionDraft) -> None:
    """The head line and the field name are split at blanks and slashes."""
    if not draft.incident or "/" in draft.incident or any(map(str.isspace, draft.incident)):
        raise ValueError(f"incident: {draft.incident!r} must be a word without '/'")
    if not draft.meaning or any(map(str.isspace, draft.meaning)):
        raise ValueError(f"meaning: {draft.meaning!r} must be a word")
    alert_id, _, version = draft.alert_key.rpartition(":")
    if not alert_id or not version.isdecimal() or any(map(str.isspace, draft.alert_key)):
        raise ValueError(f"alert_key: {draft.alert_key!r} must be 'alert_id:version'")


def _chunks(many: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    return (many[start : start + size] for start in range(0, len(many), size))
