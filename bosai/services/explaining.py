"""Why somebody was told what he was told; and what would be told at a point now.

subscription ─▶ newest instruction ─▶ the record of its plan ─▶ the row of that place in it ─▶ Explanation
point        ─▶ everybody's places and this one ─▶ the plan of now ─▶ Explanation

Both open where people live, so only who may open the places can ask, and asking about a person goes into the audit log.
A record knows no subscriptions: the row is found by the place, its household and what it was told.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bosai.model.instruction import Instruction, MessageKind
from bosai.model.realm import Realm
from bosai.model.subscription import Place
from bosai.push.sealing import Sealer
from bosai.services.people import PeopleRows, joined, rows_of
from bosai.services.plan_archive import OpenedPlan
from bosai.services.plan_replay import archive_of, plan_as_recorded
from bosai.services.plan_sources import PlanSources
from bosai.services.planning import Situation, problem_of
from bosai.services.subscriptions import ID_HEX
from bosai.settings_schema import Settings
from bosai.stores.subscriptions import SubscriptionStore
from geodata.crs import to_plane
from shelters.explain import explain
from shelters.explanation import Explanation
from shelters.plan import Plan
from shelters.planning import plan

if TYPE_CHECKING:
    from bosai.services.geo_holder import GeoHolder
    from bosai.wiring import Wired

HERE = "here"
SAME_PLACE_M = 0.05
_ID = re.compile(f"[0-9a-f]{{{ID_HEX}}}")
DIRECTED = (MessageKind.ORDER, MessageKind.REDIRECT)


@dataclass(eq=False)
class CannotExplain(Exception):
    """There is nothing to explain, or not any more. ja, en: a sentence with the mend."""

    ja: str
    en: str

    def __str__(self) -> str:
        return self.en


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One explanation and what it stands on. plan: the record's name, "" = made just now for a point."""

    plan: str
    at: datetime
    incident: str
    message: str  # MessageKind of the instruction; "" = a point
    explanation: Explanation


async def explain_subscription(
    wired: Wired, realm: Realm, subscription_id: str, *, actor: str, plan_name: str = ""
) -> Explained:
    """The newest instruction of one subscriber, explained from the plan behind it. Written into the audit log.

    plan_name: another plan than that of the newest instruction. Raises CannotExplain, NoPlanRecord, OtherGround,
    RecordUnreadable.
    """
    here = wired.realms[realm]
    store = _places_of(wired, realm)
    known = (
        _ID.fullmatch(subscription_id) is not None
    )  # a slip of the hand names nobody, and no place in the store
    held = await store.held(subscription_id) if known else None
    found = await here.instructions.latest(subscription_id) if held is not None else None
    if held is None:
        raise CannotExplain(
            f"登録「{subscription_id}」はありません。IDを確かめてください（訓練の登録は --drill）。",
            f"there is no subscription {subscription_id!r}: check the id (the drill's with --drill)",
        )
    await here.audit.note(actor, "explained", f"subscription:{subscription_id}", {"plan": plan_name})
    archive = archive_of(wired, realm)
    instruction = None if plan_name else _to_explain(found[0] if found else None)
    if instruction is None:
        name = await archive.find(plan_name)
    else:
        name = await archive.find(instruction.plan_id, instruction.decided_at)
    opened = await archive.open(name)
    places = store.open_places(subscription_id, held.places_sealed)
    holder = here.geo.holder
    explanation = await asyncio.to_thread(
        _of_record,
        opened,
        holder,
        places,
        instruction,
        wired.settings,
    )
    return Explained(
        plan=name,
        at=opened.record.at,
        incident=opened.record.incident,
        message=instruction.message.value if instruction else "",
        explanation=explanation,
    )


async def explain_point(wired: Wired, realm: Realm, place: Place) -> Explained:
    """What would be told at this place now, with every subscriber planned beside it. Raises CannotExplain."""
    sources = sources_of(wired, realm)
    await sources.refresh_people()
    incident = await sources.alerts.incident() or ""
    situation, rows = await sources.situation(incident), await sources.people()
    own = rows_of([(HERE, (place,))], wired.settings.city.plane_epsg, wired.realms[realm].places)
    explanation = await asyncio.to_thread(_of_point, situation, rows, own, wired.settings)
    return Explained(plan="", at=situation.now, incident=incident, message="", explanation=explanation)


async def explain_alone(wired: Wired, realm: Realm, place: Place) -> Explained:
    """The same for a household alone in the city: opens nobody's place, so seats are not shared with others.

    Raises CannotExplain.
    """
    situation = await sources_of(wired, realm).situation("")
    own = rows_of([(HERE, (place,))], wired.settings.city.plane_epsg, wired.realms[realm].places)
    explanation = await asyncio.to_thread(_of_point, situation, None, own, wired.settings)
    return Explained(plan="", at=situation.now, incident="", message="", explanation=explanation)


def sources_of(wired: Wired, realm: Realm) -> PlanSources:
    """What plans of one side are made of, with the key of the places."""
    here = wired.realms[realm]
    return PlanSources(
        wired.redis,
        realm,
        wired.clock,
        wired.settings,
        subscriptions=_places_of(wired, realm),
        instructions=here.instructions,
        places=here.places,
        geo=here.geo.holder,
    )


def _places_of(wired: Wired, realm: Realm) -> SubscriptionStore:
    key = wired.secrets.realm(realm.value).places_seal_key
    return SubscriptionStore(wired.redis, realm, places_sealer=Sealer(key.key, key.key_id))


def _to_explain(instruction: Instruction | None) -> Instruction:
    if instruction is None:
        raise CannotExplain(
            "この登録には、まだ何も送っていません。", "nothing was ever sent to this subscription"
        )
    said = instruction.message.value
    if instruction.action is None and instruction.message in DIRECTED:
        said = "お知らせ"  # read by everybody inside; nothing was planned for anybody
    if instruction.message not in DIRECTED or instruction.action is None:
        raise CannotExplain(
            f"最後に送ったのは「{said}」で、行き先を決めた計画はありません。"
            "前の計画を見るには --plan で計画を指定してください（bosai replay --list）。",
            f"the newest message is {said!r}, no plan stands behind it: name one with --plan",
        )
    return instruction


def _of_record(
    opened: OpenedPlan,
    holder: GeoHolder,
    places: tuple[Place, ...],
    instruction: Instruction | None,
    settings: Settings,
) -> Explanation:
    made = plan_as_recorded(opened, holder.facts, holder.walking)
    return explain(made, row_of_household(made, places, instruction, settings))


def row_of_household(
    made: Plan, places: tuple[Place, ...], instruction: Instruction | None, settings: Settings
) -> int:
    """Which decision of the plan is this household's: by its places, and by what it was told. Raises CannotExplain.

    Households of one point that were told the same have the same explanation.
    """
    if instruction is not None:
        places = tuple(one for one in places if one.place_id == instruction.place_id) or places
    lonlat = np.array([[one.lon, one.lat] for one in places], dtype=np.float64).reshape(-1, 2)
    xy_m = to_plane(lonlat, settings.city.plane_epsg)
    people = made.problem.people
    there = people.xy_m[made.row]
    best: tuple[int, int] | None = None
    for one, at in zip(places, xy_m, strict=True):
        for n in np.flatnonzero(np.hypot(*(there - at).T) <= SAME_PLACE_M).tolist():
            row = int(made.row[n])
            if made.problem.owner[row] < 0 or not (instruction is None or _is_told(made, n, instruction)):
                continue
            unlike = int(people.persons[row] != one.persons) + int(people.floor[row] != (one.floor or 0))
            if best is None or unlike < best[0]:
                best = unlike, n
    if best is None:
        raise CannotExplain(
            "この登録の場所は、その計画の対象の中に見つかりません。計画のあとに登録が変わったか、"
            "別の計画です。--plan で計画を指定するか、--point で今の計画を見てください。",
            "this subscription's places are not among the decisions of that plan: they were changed since, or it "
            "is another plan; name one with --plan, or ask for the plan of now with --point",
        )
    return best[1]


def _is_told(made: Plan, n: int, instruction: Instruction) -> bool:
    said = made.decision(n)
    to = instruction.destination
    site = made.problem.sites.sites[said.site].site_id if said.site >= 0 else None
    return (
        said.action is instruction.action
        and site == (to.site_id if to else None)
        and (to is None or said.walk_m == to.walk_m)
    )


def _of_point(
    situation: Situation, others: PeopleRows | None, own: PeopleRows, settings: Settings
) -> Explanation:
    rows = own if others is None else joined([others, own])
    made = plan(problem_of(situation, rows, settings))
    mine = np.flatnonzero(made.row == len(rows) - 1)
    if not len(mine):
        raise CannotExplain(
            "この地点は、発令中の避難情報の区域の外です。",
            "no order in force covers this point",
        )
    return explain(made, int(mine[0]))
