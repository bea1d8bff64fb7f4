"""Orders of the mayor (避難情報) and notices of ours, with their states and the legal moves between them.

An order is a *series* of versions under one `alert_id`. A version never changes once submitted:
an update, a lift (解除) and a recall (取消) are new versions. Only the newest released version counts,
and only a lift, a recall or a successor ends an order: no clock does.
"""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import ClassVar

import msgspec

from bosai.model.realm import Realm
from geodata.hazards import HazardKind


class OrderKind(StrEnum):
    """What is issued (避難情報: 災害対策基本法 60条; guideline of May 2021). お知らせ is ours, not an order."""

    ELDERLY_ETC = "elderly_etc"  # 高齢者等避難
    EVACUATE = "evacuate"  # 避難指示
    EMERGENCY_SAFETY = "emergency_safety"  # 緊急安全確保
    TSUNAMI_EVACUATION = "tsunami_evacuation"  # 避難指示 for a tsunami: no level, ever
    NOTICE = "notice"  # お知らせ


class AlertLevel(IntEnum):
    """警戒レベル. Purple (4) is worse than red (3); black (5) is worse than purple."""

    L3 = 3
    L4 = 4
    L5 = 5


class TsunamiClass(StrEnum):
    """JMA's three kinds (気象庁の発表). Rank is the order of the members' list below."""

    ADVISORY = "advisory"  # 津波注意報
    WARNING = "warning"  # 津波警報
    MAJOR_WARNING = "major_warning"  # 大津波警報


LEVELLED_HAZARDS = frozenset(
    {HazardKind.FLOOD, HazardKind.INLAND_FLOOD, HazardKind.LANDSLIDE, HazardKind.STORM_SURGE}
)
"""Only these hazards have 警戒レベル. Tsunami, earthquake, fire and volcano never show a number."""

_LEVELS = {
    OrderKind.ELDERLY_ETC: AlertLevel.L3,
    OrderKind.EVACUATE: AlertLevel.L4,
    OrderKind.EMERGENCY_SAFETY: AlertLevel.L5,
}


def level_of(hazard: HazardKind, kind: OrderKind) -> AlertLevel | None:
    """The 警戒レベル to show, or None where the field has none (tsunami, fire, earthquake, お知らせ)."""
    return _LEVELS.get(kind) if hazard in LEVELLED_HAZARDS else None


class Act(StrEnum):
    """What a version does. 解除, 取消 and 訂正 are three different things."""

    ISSUE = "issue"  # 発令
    UPDATE = "update"  # 更新 (area, level or text)
    LIFT = "lift"  # 解除: the danger is over
    RECALL = "recall"  # 取消: it should never have been sent


class AlertState(StrEnum):
    """Where a version stands."""

    DRAFT = "draft"
    PENDING_APPROVAL = "pending_approval"
    WITHDRAWN = "withdrawn"
    ISSUED = "issued"  # in force (or, for LIFT and RECALL, released)
    SUPERSEDED = "superseded"
    LIFTED = "lifted"
    RECALLED = "recalled"

    @property
    def is_terminal(self) -> bool:
        """True where no move leads on."""
        return not LEGAL_MOVES[self]


LEGAL_MOVES: dict[AlertState, frozenset[AlertState]] = {
    AlertState.DRAFT: frozenset({AlertState.PENDING_APPROVAL, AlertState.WITHDRAWN}),
    AlertState.PENDING_APPROVAL: frozenset({AlertState.DRAFT, AlertState.WITHDRAWN, AlertState.ISSUED}),
    AlertState.WITHDRAWN: frozenset(),
    AlertState.ISSUED: frozenset({AlertState.SUPERSEDED, AlertState.LIFTED, AlertState.RECALLED}),
    AlertState.SUPERSEDED: frozenset(),
    AlertState.LIFTED: frozenset(),
    AlertState.RECALLED: frozenset(),
}

Ring = tuple[tuple[int, int], ...]
MultiPolygonE7 = tuple[tuple[Ring, ...], ...]
"""Polygons → rings (outer first) → (lon, lat) in 1e-7 degrees; each ring closed."""


class AlertArea(msgspec.Struct, frozen=True, kw_only=True):
    """The target area: geometry and the names the public hears. Both are part of what is approved."""

    names: tuple[str, ...]
    polygons_e7_lonlat: MultiPolygonE7
    approximate: bool = False  # drawn round town points, or a sample: shown wherever the area is shown
    zone_keys: tuple[str, ...] = ()  # what it was chosen from: "tsunami:area1", "ward:若林区", "drawn" …


class AlertText(msgspec.Struct, frozen=True, kw_only=True):
    """One language's text of the order itself (仙台市の発令), apart from our guidance to each person."""

    headline: str
    body: str


class Alert(msgspec.Struct, frozen=True, kw_only=True, tag_field="realm"):
    """One version of one order. Only `LiveAlert` and `DrillAlert` exist; a store takes only its own."""

    realm_of: ClassVar[Realm]

    alert_id: str
    version: int
    act: Act
    hazard: HazardKind
    kind: OrderKind
    tsunami_class: TsunamiClass | None = None
    area: AlertArea
    texts: dict[str, AlertText]  # language tag → text; "ja" is always there
    reason: str  # 判断の理由, for the record and the report to the governor
    references: tuple[str, ...] = ()  # "alert_id:version" of every version this one replaces or ends
    # As JMA gave it. Tsunami: 到達予想時刻, None = treat as now; with levels: the expected beginning of level 4相当.
    expected_arrival_at: datetime | None = None
    announced_at: datetime | None = None  # when JMA announced what the order answers (気象庁 14:49発表)
    proposal_id: str | None = None
    review_after_min: int  # nags HQ; never ends the order
    drafter: str
    drafted_at: datetime

    @property
    def key(self) -> str:
        """`alert_id:version`, as references and plans name it."""
        return f"{self.alert_id}:{self.version}"

    @property
    def level(self) -> AlertLevel | None:
        """警戒レベル, or None where the hazard has none."""
        return level_of(self.hazard, self.kind)

    @property
    def directs_people(self) -> bool:
        """True for the acts that put an order in force (LIFT and RECALL end one)."""
        return self.act in (Act.ISSUE, Act.UPDATE)

    @property
    def is_tsunami_call(self) -> bool:
        """True for what calls people away from the sea: a tsunami order, and our お知らせ of a tsunami class that JMA
        announced. The two guide alike; only the order is the mayor's (発令)."""
        return self.kind is OrderKind.TSUNAMI_EVACUATION or (
            self.kind is OrderKind.NOTICE and self.tsunami_class is not None
        )

    @property
    def guides_people(self) -> bool:
        """True for what the planner gives everybody inside a place or an action for: orders in force, and the お知らせ
        of a tsunami class. Any other お知らせ is only read."""
        return self.directs_people and (self.kind is not OrderKind.NOTICE or self.is_tsunami_call)


class LiveAlert(Alert, frozen=True, kw_only=True, tag="live"):
    """An order of the live side."""

    realm_of: ClassVar[Realm] = Realm.LIVE


class DrillAlert(Alert, frozen=True, kw_only=True, tag="drill"):
    """An order of the drill side. It can not be stored, planned or sent on the live side."""

    realm_of: ClassVar[Realm] = Realm.DRILL


ALERT_TYPES: dict[Realm, type[Alert]] = {Realm.LIVE: LiveAlert, Realm.DRILL: DrillAlert}


class AlertRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A version with what happened to it. The alert inside never changes; the rest is moved by scripts."""

    alert: LiveAlert | DrillAlert
    state: AlertState
    decision_hash: str  # canonical.decision_hash(alert), hex
    incident: str | None = None  # one per connected spell of danger; given at release
    submitted_at: datetime | None = None
    approver: str | None = None
    released_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    review_at: datetime | None = None
    previewed_people: int | None = None  # subscribers inside at the preview, beside the hash, not in it
    editors: tuple[str, ...] = ()  # everybody who drafted, changed or submitted it: none of them may approve
    note: str = ""  # why it was sent back, for whoever takes it up again
