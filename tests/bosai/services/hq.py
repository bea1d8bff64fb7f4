"""An HQ for tests: officers, a clock that stands until it is moved, forms, and a planner that answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from redis.asyncio import Redis

from bosai.messages.orders import OrderTexts
from bosai.model.alert import Act, Alert, AlertArea, AlertRecord, OrderKind, TsunamiClass
from bosai.model.realm import Realm
from bosai.model.staff import Role, Session
from bosai.services.alerts import AlertService
from bosai.services.audit import AuditService
from bosai.services.order_rules import DraftForm
from bosai.services.previews import Preview, PreviewBroker
from bosai.stores.alerts import AlertStore
from geodata.hazards import HazardKind

START = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


class HandClock:
    """Stands still until moved."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def move(self, **step: float) -> None:
        self.at += timedelta(**step)


def square(west: float = 140.98, south: float = 38.21, side: float = 0.01) -> tuple[Any, ...]:
    """One closed ring in 1e-7 degrees, near 荒浜."""
    w, s, step = round(west * 1e7), round(south * 1e7), round(side * 1e7)
    return ((((w, s), (w + step, s), (w + step, s + step), (w, s + step), (w, s)),),)


AREA = AlertArea(names=("若林区荒浜",), polygons_e7_lonlat=square(), zone_keys=("drawn",))


def flood(**changes: Any) -> DraftForm:
    form = DraftForm(
        hazard=HazardKind.FLOOD, kind=OrderKind.EVACUATE, area=AREA, reason="名取川の水位が上がっている"
    )
    return msgspec.structs.replace(form, **changes)


def tsunami(**changes: Any) -> DraftForm:
    form = DraftForm(
        hazard=HazardKind.TSUNAMI,
        kind=OrderKind.TSUNAMI_EVACUATION,
        tsunami_class=TsunamiClass.MAJOR_WARNING,
        area=msgspec.structs.replace(AREA, names=("津波避難エリア1",)),
        reason="大津波警報の発表",
    )
    return msgspec.structs.replace(form, **changes)


def officer(name: str, role: Role = Role.HQ_APPROVER, realm: Realm = Realm.LIVE) -> Session:
    return Session(session_id="0" * 64, realm=realm, name=name, role=role, signed_in_at=START)


class Hq:
    """One side with two officers who may approve (`sato`, `ito`) and one who may only draft (`abe`)."""

    def __init__(self, redis: Redis, realm: Realm = Realm.LIVE, **options: Any) -> None:
        self.realm = realm
        self.redis = redis
        self.clock = HandClock()
        # Nobody answers unless a test says so, and no test waits for that.
        self.broker = PreviewBroker(redis, realm, self.clock, wait_s=0.05)
        self.alerts = AlertService(
            redis, realm, self.clock, OrderTexts(), self.broker, **{"quick_preview_s": 0.05, **options}
        )
        self.store = AlertStore(redis, realm)
        self.audit = AuditService(redis, realm, self.clock)
        self.sato = officer("sato", realm=realm)
        self.ito = officer("ito", realm=realm)
        self.abe = officer("abe", Role.HQ_DRAFTER, realm)

    async def pending(self, form: DraftForm | None = None, by: Session | None = None) -> AlertRecord:
        by = by or self.abe
        record = await self.alerts.draft(by, form or flood())
        return await self.alerts.submit(by, record.alert.key, record.decision_hash)

    async def approve(self, record: AlertRecord, by: Session | None = None) -> AlertRecord:
        return await self.alerts.approve(
            by or self.sato,
            record.alert.key,
            record.decision_hash,
            self.alerts.confirmation_words(record),
        )

    async def issue(self, form: DraftForm | None = None) -> AlertRecord:
        return await self.approve(await self.pending(form))

    async def update(self, alert_id: str, form: DraftForm | None = None) -> AlertRecord:
        draft = await self.alerts.draft_update(self.abe, alert_id, form or flood(reason="水位がさらに上昇"))
        return await self.approve(await self.alerts.submit(self.abe, draft.alert.key, draft.decision_hash))

    async def lift(self, alert_id: str) -> AlertRecord:
        draft = await self.alerts.draft_lift(self.abe, alert_id, "水位が下がった")
        return await self.approve(await self.alerts.submit(self.abe, draft.alert.key, draft.decision_hash))

    async def recall(self, record: AlertRecord, by: Session | None = None) -> AlertRecord:
        words = self.alerts.confirmation_words(record, Act.RECALL)
        return await self.alerts.recall(by or self.abe, record.alert.alert_id, "区域の誤り", words)

    async def steps(self) -> list[tuple[str, str]]:
        return [(one.actor, one.step) for one in await self.audit.read(0, 1000)]


@contextlib.asynccontextmanager
async def planner(hq: Hq, people: Callable[[Alert], int]) -> AsyncIterator[None]:
    """A planner that counts people as told, while the block runs."""

    def answer(alert: Alert) -> Preview:
        return Preview(available=True, people=people(alert), households=1, at=hq.clock.now())

    async def loop() -> None:
        while True:
            await hq.broker.serve(answer, block_ms=50)

    task = asyncio.create_task(loop())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
