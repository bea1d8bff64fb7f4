"""Released versions for the tests of channels, made as AlertService makes them, without a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bosai.channels.cap import CapFrame
from bosai.messages.orders import OrderTexts
from bosai.model.alert import AlertArea, AlertRecord, AlertState, OrderKind, TsunamiClass
from bosai.model.cap import CapValue
from bosai.model.realm import Realm
from bosai.services.alert_moves import OrderWriter, moved, released
from bosai.services.order_rules import DraftForm
from geodata.hazards import HazardKind
from tests.bosai.services.hq import AREA

NOW = datetime(2026, 11, 24, 5, 3, tzinfo=UTC)
INCIDENT = "20261124T050300-ab12cd"
REVIEW = dict.fromkeys(OrderKind, 60)
FRAME = CapFrame(
    sender="bosai@city.example.jp",
    sender_name="仙台市",
    contact="仙台市危機管理局 https://city.example.jp/",
    web="https://bosai.example.jp/",
    codes=("JISX0402:04100",),
    geocodes={"ward:若林区": (CapValue(name="JISX0402", value="04103"),)},
)


def form(**changes: Any) -> DraftForm:
    base = DraftForm(
        hazard=HazardKind.FLOOD, kind=OrderKind.EVACUATE, area=AREA, reason="内部の理由だけに書く言葉"
    )
    return msgspec.structs.replace(base, **changes)


def tsunami_form(tsunami_class: TsunamiClass | None = TsunamiClass.WARNING, **changes: Any) -> DraftForm:
    return form(
        hazard=HazardKind.TSUNAMI, kind=OrderKind.TSUNAMI_EVACUATION, tsunami_class=tsunami_class, **changes
    )


def named(*names: str, keys: tuple[str, ...] = ("drawn",), **changes: Any) -> AlertArea:
    return msgspec.structs.replace(AREA, names=names, zone_keys=keys, **changes)


class Series:
    """One order and its versions, each released as soon as it is written."""

    def __init__(self, draft: DraftForm, realm: Realm = Realm.LIVE, at: datetime = NOW) -> None:
        self._writer = OrderWriter(realm, OrderTexts(), review_min=REVIEW)
        self._at = at
        self.records = [self._released(self._writer.first(draft, "abe", at))]

    @property
    def head(self) -> AlertRecord:
        return self.records[-1]

    def update(self, draft: DraftForm, *, after_min: int = 10) -> AlertRecord:
        self._at += timedelta(minutes=after_min)
        return self._next(self._writer.update(self.head, self._number, draft, drafter="abe", now=self._at))

    def lift(self, *, after_min: int = 10) -> AlertRecord:
        self._at += timedelta(minutes=after_min)
        return self._next(
            self._writer.lift(self.head, self._number, "水位の低下", drafter="abe", now=self._at)
        )

    def recall(self, *, after_min: int = 10) -> AlertRecord:
        self._at += timedelta(minutes=after_min)
        return self._next(
            self._writer.recall(self.head, self._number, "区域の誤り", drafter="abe", now=self._at)
        )

    @property
    def _number(self) -> int:
        return self.head.alert.version + 1

    def _next(self, draft: AlertRecord) -> AlertRecord:
        self.records.append(self._released(draft))
        return self.head

    def _released(self, draft: AlertRecord) -> AlertRecord:
        pending = moved(draft, AlertState.PENDING_APPROVAL)
        return released(pending, "sato", INCIDENT, self._at)
