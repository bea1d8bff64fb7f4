"""A recorded plan made again: the same to the last byte, or the first thing that differs.

record ─▶ PlanInput (the walks over the imported network made again) ─▶ plan ─▶ compared with what was answered
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from bosai.model.realm import Realm
from bosai.push.sealing import Sealer
from bosai.services.geo_facts import GeoFacts
from bosai.services.plan_archive import NETWORK_WORD, OpenedPlan, PlanArchive, Remake, codec_of
from bosai.services.plan_records import PlanRecorder, told_health
from bosai.services.plan_versions import made_with
from bosai.stores.keys import Keys
from bosai.stores.plan_records import BlockCodec, PlanRecordStore
from shelters.plan import Plan, PlanInput
from shelters.planning import plan
from shelters.records import RecordUnreadable
from shelters.replay import Difference, first_difference

if TYPE_CHECKING:  # the walks load SciPy, which a process without an imported network never needs
    from bosai.services.geo_holder import GeoHolder
    from bosai.services.walking import Walking
    from bosai.wiring import Wired

MB = 1_000_000
PLANNER = "system"
"""Nobody's own doing: the board calls it 自動."""


@dataclass(eq=False)
class OtherGround(Exception):
    """The plan was made over ways that are not imported here; "" = none."""

    then: str
    now: str

    def __str__(self) -> str:
        return f"made over the ways {self.then or 'of no import'!r}, here are {self.now or 'none'!r}"


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found. other_versions: name → [then, now] where they differ."""

    name: str
    plan_id: str
    incident: str
    at: datetime
    people: int
    decisions: int
    told: int
    same: bool
    difference: Difference | None = None
    other_versions: dict[str, tuple[str, str]] = {}
    lock: str
    lock_now: str


def replay(opened: OpenedPlan, facts: GeoFacts | None, walking: Walking | None) -> Replayed:
    """Make the plan again and compare. Computes, for seconds in a city. Raises OtherGround, RecordUnreadable."""
    again = plan_again(opened, facts, walking)
    found = first_difference(dict(opened.answers), again)
    record, now = opened.record, made_with(facts)
    return Replayed(
        name=opened.name,
        plan_id=record.plan_id,
        incident=record.incident,
        at=record.at,
        people=len(again.problem.people),
        decisions=len(again),
        told=record.told,
        same=found is None,
        difference=found,
        other_versions=record.made.others(now),
        lock=record.made.lock,
        lock_now=now.lock,
    )


def plan_again(opened: OpenedPlan, facts: GeoFacts | None, walking: Walking | None) -> Plan:
    """The recorded plan, made anew. Raises OtherGround, RecordUnreadable."""
    return plan(opened.problem(_over(opened.record.made.network, facts, walking)))


def plan_as_recorded(opened: OpenedPlan, facts: GeoFacts | None, walking: Walking | None) -> Plan:
    """The plan as it was said then, nothing planned anew. Raises OtherGround, RecordUnreadable."""
    problem = opened.problem(_over(opened.record.made.network, facts, walking))
    try:
        return Plan(problem=problem, **dict(opened.answers))  # type: ignore[arg-type]  # their names are its fields
    except TypeError as error:
        raise RecordUnreadable(opened.name, f"is not of this version's form ({error})") from error


def _over(network: str, facts: GeoFacts | None, walking: Walking | None) -> Remake:
    """Walks over the network that is imported here, if it is the one of the record."""

    def remake(path: str, word: str, problem: PlanInput) -> object:
        now = made_with(facts).network
        if word != NETWORK_WORD:
            raise RecordUnreadable(path, f"stands for {word!r}, which this version does not know")
        if walking is None or now != network:
            raise OtherGround(network, now)
        return walking.ways(problem.people, problem.dangers, problem.sites.xy_m)

    return remake


def archive_of(wired: Wired, realm: Realm) -> PlanArchive:
    """The plan records of one side, to be read: opens with the key of the places."""
    return PlanArchive(PlanRecordStore(wired.redis, realm), _codec(wired, realm))


def recorder_of(wired: Wired, realm: Realm, geo: GeoHolder | None = None) -> PlanRecorder:
    """Who writes the plan records of one side. geo: what the plans stand on, if not what is wired."""
    here, kept = wired.realms[realm], wired.settings.plan_records
    holder = geo or here.geo.holder
    return PlanRecorder(
        PlanRecordStore(wired.redis, realm),
        _codec(wired, realm),
        wired.clock,
        ground=lambda: holder.facts,
        open_incident=here.alert_store.incident,
        note=partial(here.audit.note, PLANNER, "planned"),
        tell=told_health(wired.redis, Keys(realm).health, wired.clock),
        keep_for=timedelta(days=kept.keep_days),
        max_bytes=kept.max_mb * MB,
    )


def _codec(wired: Wired, realm: Realm) -> BlockCodec:
    key = wired.secrets.realm(realm.value).places_seal_key
    return codec_of(Sealer(key.key, key.key_id), realm)
