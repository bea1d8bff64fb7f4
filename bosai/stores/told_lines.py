"""Reading what everybody of some buckets was told of one incident; only what is not known yet is opened."""

from collections.abc import Mapping, Sequence

import msgspec
from redis.asyncio import Redis

from bosai.model.instruction import Answer, Instruction, Stage
from bosai.stores.keys import Keys
from bosai.stores.replies import as_text
from bosai.stores.told_seal import ToldSeal, member_of

_BUCKETS_AT_ONCE = 16


class ToldLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What changed of one person: the travel, and the instruction where it is another than the one known."""

    subscription_id: str
    seq: int
    stage: Stage
    at_s: float
    answer: Answer | None
    alert_key: str
    instruction: Instruction | None


async def read_told(  # noqa: PLR0917 - where, what, and what is known of it
    redis: Redis, keys: Keys, seal: ToldSeal, incident: str, numbers: Sequence[int], known: Mapping[str, int]
) -> dict[int, list[ToldLine]]:
    """By bucket, everybody who was told of the incident. known: subscription id → seq that need not be opened."""
    found = {}
    for start in range(0, len(numbers), _BUCKETS_AT_ONCE):
        some = numbers[start : start + _BUCKETS_AT_ONCE]
        ids = await _told_of(redis, keys, incident, some)
        lines = await _fields(redis, [keys.deliveries(one) for one in some], incident, ids)
        new = [
            [name for name, line in zip(names, got, strict=True) if line and _seq_of(line) != known.get(name)]
            for names, got in zip(ids, lines, strict=True)
        ]
        stored = await _fields(redis, [keys.instructions(one) for one in some], incident, new)
        for number, names, got, fresh, bodies in zip(some, ids, lines, new, stored, strict=True):
            opened = {
                name: seal.open(member_of(incident, name).encode(), body)
                for name, body in zip(fresh, bodies, strict=True)
                if body is not None
            }
            found[number] = [
                _told_line(name, line, opened.get(name))
                for name, line in zip(names, got, strict=True)
                if line is not None and (name not in opened or opened[name] is not None)
            ]
    return found


async def _told_of(redis: Redis, keys: Keys, incident: str, numbers: Sequence[int]) -> list[list[str]]:
    async with redis.pipeline(transaction=False) as pipe:
        for number in numbers:
            pipe.hgetall(keys.told(number))
        told = await pipe.execute()
    return [
        [as_text(one) for one, incidents in rows.items() if incident in as_text(incidents).split()]
        for rows in told
    ]


async def _fields(
    redis: Redis, keys: Sequence[str], incident: str, ids: Sequence[Sequence[str]]
) -> list[list[bytes | None]]:
    """What stands in each hash for the people of its bucket."""
    async with redis.pipeline(transaction=False) as pipe:
        for key, names in zip(keys, ids, strict=True):
            if names:
                pipe.hmget(key, [member_of(incident, one) for one in names])
        got = iter(await pipe.execute())
    return [next(got) if names else [] for names in ids]


def _seq_of(line: bytes) -> int:
    return int(line[: line.index(b" ")])


def _told_line(name: str, line: bytes, instruction: Instruction | None) -> ToldLine:
    seq, stage, at_ms, _, _, answer, _, _, alert_key, _ = line.decode().split(" ", 9)
    return ToldLine(
        name,
        instruction.seq if instruction is not None else int(seq),
        Stage(stage),
        int(at_ms) / 1000,
        None if answer == "-" else Answer(answer),
        alert_key,
        instruction,
    )
