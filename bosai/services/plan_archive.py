"""The plan records of one side, to be read: name ─▶ PlanArchive.open ─▶ PlanInput and what was answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from bosai.model.realm import Realm
from bosai.push.sealing import Sealer
from bosai.services.plan_versions import Made
from bosai.stores.plan_records import BlockCodec, Listed, PlanFacts, PlanRecordStore
from bosai.stores.replies import unix_ms
from shelters.plan import PlanInput
from shelters.records import RecordUnreadable, Tree, problem_again
from shelters.replay import answers_again

NETWORK_WORD = "network"
Remake = Callable[[str, str, PlanInput], object]
"""(path, word, problem) → what stood outside the problem: the walks over the imported network."""


@dataclass(eq=False)
class NoPlanRecord(Exception):
    """No plan of this name is kept (any more)."""

    name: str

    def __str__(self) -> str:
        return f"no record of the plan {self.name!r}"


class PlanRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of one plan. `problem` and `answers`: trees of `shelters.records`, their blocks beside them."""

    plan_id: str
    incident: str
    at: datetime
    parent: str  # the record before it, "" = none: what both have in common is kept once
    told: int
    made: Made
    problem: Tree
    answers: Tree


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenedPlan:
    """One record, opened. answers: field of `Plan` → value."""

    name: str
    record: PlanRecord
    answers: Mapping[str, object]
    _blocks: Mapping[str, bytes]

    def problem(self, remake: Remake) -> PlanInput:
        """What the plan was made from. Raises RecordUnreadable, and what `remake` raises."""
        return problem_again(self.record.problem, self._blocks.__getitem__, remake)


class PlanArchive:
    """The plan records of one side, to be read."""

    def __init__(self, store: PlanRecordStore, codec: BlockCodec) -> None:
        self._store, self._codec = store, codec

    async def listed(self, count: int = 50) -> list[Listed]:
        """The newest records, the newest first."""
        return await self._store.listed(count)

    async def find(self, name: str, at: datetime | None = None) -> str:
        """The record of a plan: by its full name, else the one made at `at`, else the newest of this plan id.

        Raises NoPlanRecord.
        """
        names = await self._store.names()
        if name in names:
            return name
        if at is not None and f"{name}@{unix_ms(at)}" in names:
            return f"{name}@{unix_ms(at)}"
        found = [one for one in names if one.partition("@")[0] == name]
        if not found:
            raise NoPlanRecord(name)
        return found[-1]

    async def open(self, name: str) -> OpenedPlan:
        """A record with everything of it. Raises NoPlanRecord, RecordUnreadable, SealBroken."""
        sealed, facts = await self._store.record(name), await self._store.facts(name)
        if sealed is None or facts is None:
            raise NoPlanRecord(name)
        blocks = await self._store.blocks(facts.blocks)
        return await asyncio.to_thread(self._opened, name, sealed, blocks, facts)

    def _opened(self, name: str, sealed: bytes, blocks: Mapping[str, bytes], facts: PlanFacts) -> OpenedPlan:
        lost = [one for one in facts.blocks if one not in blocks]
        if lost:
            raise RecordUnreadable(name, f"{len(lost)} of its {len(facts.blocks)} blocks are gone")
        try:
            record = msgspec.msgpack.decode(self._codec.open_record(name, sealed), type=PlanRecord)
        except msgspec.MsgspecError as error:
            raise RecordUnreadable(name, f"is not of this version's form ({error})") from error
        plain = {one: self._codec.open_block(one, row) for one, row in blocks.items()}
        return OpenedPlan(
            name=name,
            record=record,
            answers=answers_again(record.answers, plain.__getitem__),
            _blocks=plain,
        )


def codec_of(places_sealer: Sealer, realm: Realm) -> BlockCodec:
    """Records tell where people live: they open with the key of the places, each kind under a subkey of its own."""
    return BlockCodec(places_sealer, realm)
