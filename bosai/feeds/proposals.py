"""A proposal to HQ: what JMA (or a CAP sender) said, and what the city's table makes of it. Only people decide.

The table is `proposal_rules`, the way from changes to proposals is `proposing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from bosai.feeds.jma.envelope import InfoType
from bosai.feeds.jma.tsunami import TsunamiClass as JmaClass
from bosai.feeds.readings import LEVELLED, Danger, Expected, FirstHeight, Grade, Happening, MaxHeight
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
from bosai.model.alert import OrderKind, TsunamiClass
from geodata.hazards import HazardKind

TSUNAMI_CLASS_BY_GRADE: dict[Grade, TsunamiClass] = {
    Grade.ADVISORY: TsunamiClass.ADVISORY,
    Grade.WARNING: TsunamiClass.WARNING,
    Grade.EMERGENCY: TsunamiClass.MAJOR_WARNING,
}


class ProposedAct(StrEnum):
    """What HQ is asked to consider. REVIEW asks for eyes only: there is nothing to draft from it."""

    ISSUE = "issue"
    UPDATE = "update"
    LIFT = "lift"
    RECALL = "recall"
    REVIEW = "review"


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """One suggestion to HQ, with what was announced word for word. Serialisable by msgspec.

    `id` depends only on the announcement, the rule, the areas and the realm: the same one proposes once.
    `subject`: of one subject, where `area_codes` overlap, only the newest waits. `restated`: the rest of a wider one
    whose other areas changed; it waits only where that wider one still waited.
    `zones` are keys of the ZoneCatalogue: the target of an issue or update; for lift and recall what was concerned;
    () where HQ has to choose. `geometry`: GeoJSON text (lon, lat) of a CAP area beside or instead of zones, "" if none.
    `kind` is None where nothing is to be drafted. `texts` names the prepared text (`messages.notices`), "" if none.
    `expected_arrival_at`: a tsunami's arrival, or when 気象庁 expects 警戒レベル4相当 to begin, as given; None is
    unknown, or with `arrival_is_now` no time left. `expected` is all that was given. Nothing is extrapolated.
    `basis`: what stands and was announced by another telegram than this one (a forecast for an area under warning).
    """

    id: str
    realm: RealmName
    act: ProposedAct
    hazard: HazardKind
    danger: Danger
    kind: OrderKind | None
    subject: str
    area_codes: tuple[str, ...]
    area_names: tuple[str, ...]
    zones: tuple[str, ...]
    telegram_key: str
    telegram_title: str
    editorial_office: str
    report_at: datetime
    rule: str = ""
    origin: Literal["jma", "cap"] = "jma"
    issuer: str = "気象庁"
    grade: Grade = Grade.NONE
    previous_grade: Grade = Grade.NONE
    kind_name: str = ""
    previous_zones: tuple[str, ...] = ()
    geometry: str = ""
    geometry_name: str = ""
    texts: str = ""
    expected_arrival_at: datetime | None = None
    arrival_is_now: bool = False
    arrival_as_given: str | None = None
    height_as_given: str | None = None
    expected: tuple[Expected, ...] = ()
    happening: Happening | None = None
    shaken_at: datetime | None = None  # strong shaking in the city: HQ's hand can record it
    event_ids: tuple[str, ...] = ()
    headline: str = ""
    basis: str = ""
    review_hint: str = ""
    restated: bool = False

    @property
    def level(self) -> int | None:
        """警戒レベル相当 now; None where the danger has none, or nothing is in force."""
        return _level(self.danger, self.grade)

    @property
    def previous_level(self) -> int | None:
        """警戒レベル相当 before."""
        return _level(self.danger, self.previous_grade)

    @property
    def tsunami_class(self) -> TsunamiClass | None:
        """The class of a tsunami in force now; None where nothing is, and for every other danger."""
        return TSUNAMI_CLASS_BY_GRADE.get(self.grade) if self.danger is Danger.TSUNAMI else None

    @property
    def previous_class(self) -> TsunamiClass | None:
        """The class before."""
        return TSUNAMI_CLASS_BY_GRADE.get(self.previous_grade) if self.danger is Danger.TSUNAMI else None


def _level(danger: Danger, grade: Grade) -> int | None:
    in_force = danger in LEVELLED and Grade.ADVISORY <= grade <= Grade.EMERGENCY
    return int(grade) if in_force else None


# ---- from the tsunami events of state.py, until the fold over readings takes their place ----------------------------

SENDAI_AREA_CODE = "220"  # 津波予報区 宮城県
ZONES_BY_CLASS: Mapping[JmaClass, tuple[str, ...]] = {
    JmaClass.MAJOR_WARNING: ("area1", "area2"),
    JmaClass.WARNING: ("area1",),
    JmaClass.ADVISORY: ("seaward",),
}
_GRADES = {
    JmaClass.NONE: Grade.NONE,
    JmaClass.FORECAST: Grade.BELOW,
    JmaClass.ADVISORY: Grade.ADVISORY,
    JmaClass.WARNING: Grade.WARNING,
    JmaClass.MAJOR_WARNING: Grade.EMERGENCY,
    JmaClass.UNKNOWN: Grade.UNKNOWN,
}


def propose(
    event: TsunamiEvent,
    *,
    realm: RealmName,
    area_code: str = SENDAI_AREA_CODE,
    zones_by_class: Mapping[JmaClass, tuple[str, ...]] = ZONES_BY_CLASS,
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
    now = JmaClass.NONE if after is None else after.kind
    was = _previous_class(event)
    first = after.first_height if after is not None else FirstHeight()
    highest = after.max_height if after is not None else MaxHeight()
    previous_zones = tuple(f"tsunami:{one}" for one in zones_by_class.get(was, ()))
    withdrawn = act in {ProposedAct.LIFT, ProposedAct.RECALL, ProposedAct.REVIEW}
    return Proposal(
        id=f"tsunami-{realm}-{area_code}-{event.source.key}",
        realm=realm,
        act=act,
        hazard=HazardKind.TSUNAMI,
        danger=Danger.TSUNAMI,
        kind=None if act is ProposedAct.REVIEW else OrderKind.TSUNAMI_EVACUATION,
        subject="tsunami",
        grade=_GRADES[now],
        previous_grade=_GRADES[was],
        area_codes=(area_code,),
        area_names=() if named is None else (named.name,),
        zones=previous_zones if withdrawn else tuple(f"tsunami:{one}" for one in zones_by_class.get(now, ())),
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


def _previous_class(event: TsunamiAreaEvent) -> JmaClass:
    """What was in force before: as we knew it, else as the telegram states it."""
    if event.before is not None:
        return event.before.kind
    stated = event.after.last_kind if event.after is not None else None
    return stated if stated is not None else JmaClass.NONE


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
