"""Approving in quiet times what may go out at once: two officers, per side and class, void as soon as it would differ.

content of today ─▶ asked by one officer ─▶ typed words of another ─▶ ready ─▶ settings, zones or texts change: void
                                                └──────── withdrawn ◀───────┘
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from redis.asyncio import Redis

from bosai.errors import (
    ConfirmationMismatch,
    DecisionChanged,
    InvalidInput,
    NotAllowed,
    NotFound,
    SameOfficer,
    WrongRealm,
)
from bosai.model.alert import TsunamiClass
from bosai.model.realm import Realm
from bosai.model.staff import Permission, Session
from bosai.ports import Clock
from bosai.services.alert_moves import OrderTextWriter
from bosai.services.at_once_content import content_hash, content_of, ready_words, what_differs
from bosai.services.confirmation import TSUNAMI_NAMES, same_words
from bosai.services.order_rules import checked_reason
from bosai.services.zones import ZoneCatalogue
from bosai.settings_schema import Settings
from bosai.stores.at_once import AtOnceState, AtOnceStore, Content, PreApproval, asked_field, ready_field
from bosai.stores.audit import AuditStore, Step, until_head_holds


class Readiness(StrEnum):
    """Whether the texts of a class may go out as they are."""

    READY = "ready"
    NEVER = "never"  # nobody approved any
    VOID = "void"  # what would go out is not what was approved
    UNMADE = "unmade"  # nothing can go out: a zone of the settings is not there


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassState:
    """One class now. `today`: what would go out (None: `problem` says why it can not be made)."""

    tsunami_class: TsunamiClass
    readiness: Readiness
    today: Content | None
    today_hash: str
    approval: PreApproval | None
    asked: PreApproval | None  # by one officer, of exactly what would go out today
    differs: tuple[str, ...] = ()
    problem: str = ""

    @property
    def approved(self) -> PreApproval | None:
        """What may go out now."""
        return self.approval if self.readiness is Readiness.READY else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Today:
    """What would go out for a class now with its hash, or (None) why nothing can."""

    content: Content | None = None
    content_hash: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """What was found of these two objects. `content_hash`: of the approved content, as it is and not as it is noted."""

    approval: PreApproval
    today: Content
    content_hash: str
    differs: tuple[str, ...]


class PreApprovals:
    """The pre-approvals of one side. Sessions of the other side are refused (WrongRealm)."""

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        clock: Clock,
        settings: Settings,
        *,
        zones: Callable[[], ZoneCatalogue],
        texts: OrderTextWriter,
    ) -> None:
        self.realm = realm
        self.store = AtOnceStore(redis, realm)
        self._clock = clock
        self._settings = settings
        self._zones = zones
        self._texts = texts
        self._audit = AuditStore(redis, realm)
        self._made: tuple[ZoneCatalogue, Mapping[TsunamiClass, _Today]] | None = None
        self._compared: dict[TsunamiClass, _Compared] = {}

    async def states(self, state: AtOnceState | None = None) -> Mapping[TsunamiClass, ClassState]:
        """Every class, the gravest first."""
        known = state or await self.store.state()
        today = await self._today()
        return {one: self._class_state(one, known, today[one]) for one in reversed(TsunamiClass)}

    async def ask(self, officer: Session, tsunami_class: TsunamiClass, seen_hash: str) -> PreApproval:
        """Ask a second officer to approve exactly what was shown. Raises DecisionChanged, InvalidInput, NotAllowed."""
        self._need(officer, Permission.DRAFT)
        content = await self._shown(tsunami_class, seen_hash)
        asked = PreApproval(
            content=content, content_hash=seen_hash, drafter=officer.name, drafted_at=self._clock.now()
        )
        step = Step(officer.name, "asked_pre_approval", _subject(tsunami_class), facts_of(asked))

        async def attempt() -> PreApproval:
            head = await self._audit.head()
            await self.store.commit(head, asked.drafted_at, [step], {asked_field(tsunami_class): asked})
            return asked

        return await until_head_holds(attempt)

    async def approve(
        self, officer: Session, tsunami_class: TsunamiClass, seen_hash: str, typed: str
    ) -> PreApproval:
        """The second officer's word. From now on it goes out as the settings allow.

        Raises NotAllowed, NotFound (nobody asked), SameOfficer, DecisionChanged, ConfirmationMismatch.
        """
        self._need(officer, Permission.APPROVE)
        content = await self._shown(tsunami_class, seen_hash)

        async def attempt() -> PreApproval:
            head = await self._audit.head()
            asked = (await self.store.state()).asked.get(tsunami_class)
            if asked is None:
                raise NotFound("pre_approval", tsunami_class.value)
            if officer.name == asked.drafter:
                raise SameOfficer(officer.name)
            if asked.content_hash != seen_hash:
                raise DecisionChanged(_subject(tsunami_class))
            if not same_words(typed, ready_words(content)):
                raise ConfirmationMismatch(ready_words(content))
            now = self._clock.now()
            ready = msgspec.structs.replace(asked, approver=officer.name, approved_at=now)
            facts = {**facts_of(ready), "typed": typed}
            step = Step(officer.name, "pre_approved", _subject(tsunami_class), facts)
            fields = {ready_field(tsunami_class): ready, asked_field(tsunami_class): None}
            await self.store.commit(head, now, [step], fields)
            return ready

        return await until_head_holds(attempt)

    async def withdraw(self, officer: Session, tsunami_class: TsunamiClass, reason: str) -> None:
        """What was approved, or asked for, holds no more. Raises InvalidInput, NotFound, NotAllowed."""
        self._need(officer, Permission.DRAFT)
        text = checked_reason(reason)

        async def attempt() -> None:
            head = await self._audit.head()
            known = await self.store.state()
            if tsunami_class not in known.ready and tsunami_class not in known.asked:
                raise NotFound("pre_approval", tsunami_class.value)
            step = Step(officer.name, "withdrew_pre_approval", _subject(tsunami_class), {"reason": text})
            fields = {ready_field(tsunami_class): None, asked_field(tsunami_class): None}
            await self.store.commit(head, self._clock.now(), [step], fields)

        await until_head_holds(attempt)

    # ---- inside ------------------------------------------------------------------------------------

    def _need(self, officer: Session, permission: Permission) -> None:
        if officer.realm is not self.realm:
            raise WrongRealm(self.realm.value, officer.realm.value)
        if not officer.may(permission):
            raise NotAllowed(permission.value)

    async def _shown(self, tsunami_class: TsunamiClass, seen_hash: str) -> Content:
        today = (await self._today())[tsunami_class]
        if today.content is None:
            raise InvalidInput("area", "unknown_zone", today.problem)
        if today.content_hash != seen_hash:
            raise DecisionChanged(_subject(tsunami_class))
        return today.content

    async def _today(self) -> Mapping[TsunamiClass, _Today]:
        """What would go out now, or why it can not be made. Worked out once for each import of zones."""
        zones = self._zones()
        if self._made is None or self._made[0] is not zones:
            self._made = zones, await asyncio.to_thread(self._make, zones)
        return self._made[1]

    def _make(self, zones: ZoneCatalogue) -> Mapping[TsunamiClass, _Today]:
        found: dict[TsunamiClass, _Today] = {}
        for one in TsunamiClass:
            try:
                content = content_of(self.realm, one, self._settings, zones, self._texts)
            except InvalidInput as error:
                found[one] = _Today(problem=error.detail or error.problem)
            else:
                found[one] = _Today(content=content, content_hash=content_hash(content))
        return found

    def _class_state(self, tsunami_class: TsunamiClass, known: AtOnceState, today: _Today) -> ClassState:
        approval, asked = known.ready.get(tsunami_class), known.asked.get(tsunami_class)
        if today.content is None:
            return ClassState(
                tsunami_class=tsunami_class,
                readiness=Readiness.UNMADE,
                today=None,
                today_hash="",
                approval=approval,
                asked=None,
                problem=f"{TSUNAMI_NAMES[tsunami_class]}の区域「{today.problem}」が区域の一覧にありません",
            )
        compared = None if approval is None else self._comparison(tsunami_class, approval, today.content)
        readiness = Readiness.NEVER
        if approval is not None and compared is not None:
            same = approval.content_hash == today.content_hash == compared.content_hash
            readiness = Readiness.READY if same else Readiness.VOID
        return ClassState(
            tsunami_class=tsunami_class,
            readiness=readiness,
            today=today.content,
            today_hash=today.content_hash,
            approval=approval,
            asked=asked if asked is not None and asked.content_hash == today.content_hash else None,
            differs=() if compared is None else compared.differs,
        )

    def _comparison(self, tsunami_class: TsunamiClass, approval: PreApproval, today: Content) -> _Compared:
        """Worked out once for two that stay the same: areas of a whole coast have 100,000 corners."""
        known = self._compared.get(tsunami_class)
        if known is None or known.approval is not approval or known.today is not today:
            known = _Compared(
                approval=approval,
                today=today,
                content_hash=content_hash(approval.content),
                differs=what_differs(approval.content, today),
            )
            self._compared[tsunami_class] = known
        return known


def facts_of(approval: PreApproval) -> dict[str, object]:
    """What the log keeps of a pre-approval, wherever it is used."""
    content = approval.content
    return {
        "pre_approval": approval.content_hash,
        "tsunami_class": content.tsunami_class.value,
        "kind": content.kind.value,
        "area": list(content.area.names),
        "standing_rule": content.standing_rule,
        "pre_drafter": approval.drafter,
        "pre_approver": approval.approver,
        "pre_approved_at": approval.approved_at,
    }


def _subject(tsunami_class: TsunamiClass) -> str:
    return f"at_once:{tsunami_class.value}"
