"""From a tsunami event for our coast to a proposal for HQ. A proposal proposes; only people decide.

Rule of Sendai (domain §1.5): 津波警報 → 津波避難エリア1, 大津波警報 → エリア1 and 2, 津波注意報 → seaward of
the 海岸堤防. The zones are names here; their polygons belong to the city's area file.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from bosai.feeds.jma.envelope import InfoType
from bosai.feeds.jma.tsunami import TsunamiClass
from bosai.feeds.readings import FirstHeight, MaxHeight
from bosai.feeds.realms import ACCEPT_STATUS, AcceptStatus, RealmName, is_accepted
from bosai.feeds.state import (
    TelegramIgnored,
    TsunamiAreaEvent,
    TsunamiEvent,
    TsunamiLifted,
    TsunamiLowered,
    TsunamiRaised,
    TsunamiRecalled,
    TsunamiUnchanged,
    TsunamiUnclear,
)

SENDAI_AREA_CODE = "220"  # 津波予報区 宮城県
ZONES_BY_CLASS: Mapping[TsunamiClass, tuple[str, ...]] = {
    TsunamiClass.MAJOR_WARNING: ("area1", "area2"),
    TsunamiClass.WARNING: ("area1",),
    TsunamiClass.ADVISORY: ("seaward",),
}


class ProposedAct(StrEnum):
    """What HQ is asked to consider. REVIEW asks for eyes only: the telegram could not be fully read."""

    ISSUE = "issue"
    UPDATE = "update"
    LIFT = "lift"
    RECALL = "recall"
    REVIEW = "review"


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """One suggestion to HQ, with what JMA said word for word. Serialisable by msgspec.

    `id` depends only on the telegram, the area and the realm: the same telegram proposes once.
    No `expected_arrival_at` means unknown, or with `arrival_is_now` that no time is left.
    `zones` are the target zones of an issue or update; for lift and recall those that were concerned.
    """

    id: str
    realm: RealmName
    hazard: Literal["tsunami"] = "tsunami"
    act: ProposedAct
    tsunami_class: TsunamiClass
    previous_class: TsunamiClass
    area_code: str
    area_name: str
    zones: tuple[str, ...]
    previous_zones: tuple[str, ...]
    expected_arrival_at: datetime | None
    arrival_is_now: bool
    arrival_as_given: str | None
    height_as_given: str | None
    telegram_key: str
    telegram_title: str
    editorial_office: str
    event_ids: tuple[str, ...]
    report_at: datetime
    headline: str
    review_hint: str


def propose(
    event: TsunamiEvent,
    *,
    realm: RealmName,
    area_code: str = SENDAI_AREA_CODE,
    zones_by_class: Mapping[TsunamiClass, tuple[str, ...]] = ZONES_BY_CLASS,
    accept_status: AcceptStatus = ACCEPT_STATUS,
) -> Proposal | None:
    """The proposal an event gives rise to on one side, or None: another area, nothing new, or a status
    (訓練, 試験 …) that must not act on this side."""
    if isinstance(event, TelegramIgnored) or event.area_code != area_code:
        return None
    if not is_accepted(event.source.status, realm, accept_status):
        return None
    act = _act(event)
    if act is None:
        return None
    before, after = event.before, event.after
    named = after if after is not None else before
    now = TsunamiClass.NONE if after is None else after.kind
    was = _previous_class(event)
    first = after.first_height if after is not None else FirstHeight()
    highest = after.max_height if after is not None else MaxHeight()
    previous_zones = zones_by_class.get(was, ())
    withdrawn = act in {ProposedAct.LIFT, ProposedAct.RECALL, ProposedAct.REVIEW}
    return Proposal(
        id=f"tsunami-{realm}-{area_code}-{event.source.key}",
        realm=realm,
        act=act,
        tsunami_class=now,
        previous_class=was,
        area_code=area_code,
        area_name="" if named is None else named.name,
        zones=previous_zones if withdrawn else zones_by_class.get(now, ()),
        previous_zones=previous_zones,
        expected_arrival_at=first.arrival_at,
        arrival_is_now=first.is_now,
        arrival_as_given=first.as_given,
        height_as_given=highest.as_given,
        telegram_key=event.source.key,
        telegram_title=event.source.title,
        editorial_office=event.source.editorial_office,
        event_ids=event.source.event_ids,
        report_at=event.source.report_at,
        headline=event.source.headline,
        review_hint=_hint(event, act),
    )


def _act(event: TsunamiAreaEvent) -> ProposedAct | None:
    match event:
        case TsunamiRaised(before=before):
            newly = before is None or not before.kind.is_in_force
            return ProposedAct.ISSUE if newly else ProposedAct.UPDATE
        case TsunamiLowered():
            return ProposedAct.UPDATE
        case TsunamiUnchanged(changed=changed):
            return ProposedAct.UPDATE if changed else None
        case TsunamiLifted():
            return ProposedAct.LIFT
        case TsunamiRecalled():
            return ProposedAct.RECALL
        case TsunamiUnclear():
            return ProposedAct.REVIEW


def _previous_class(event: TsunamiAreaEvent) -> TsunamiClass:
    """What was in force before: as we knew it, else as the telegram states it."""
    if event.before is not None:
        return event.before.kind
    stated = event.after.last_kind if event.after is not None else None
    return stated if stated is not None else TsunamiClass.NONE


def _hint(event: TsunamiAreaEvent, act: ProposedAct) -> str:
    if act is ProposedAct.REVIEW:
        code = event.after.kind_code if event.after is not None else ""
        return (
            f"種別コード「{code}」を読めません。気象庁の発表を直接確認してください。"
            "発令中の避難指示はそのままです。"
        )
    if act is ProposedAct.RECALL:
        way = "訂正" if event.source.info_type is InfoType.CORRECTED else "取消"
        return (
            f"気象庁の{way}です（解除ではありません）。何が取り消されたかを気象庁の発表で確認し、"
            "避難指示の取消・継続を判断してください。自動では取り消しません。"
        )
    if act is ProposedAct.LIFT:
        stated = isinstance(event, TsunamiLifted) and event.explicit
        why = "" if stated else "電文にこの予報区の記載がなくなりました。気象庁の発表を確認してください。"
        return f"{why}気象庁の解除は避難指示の解除ではありません。安全を確認してから市が解除を判断します。"
    if isinstance(event, TsunamiLowered):
        return "気象庁の切替（引下げ）です。対象区域を狭めるかどうかは市が判断します。"
    return "市の避難指示（警戒レベルの数字はつけません）として発令するか、対象区域と本文を確認してください。"
