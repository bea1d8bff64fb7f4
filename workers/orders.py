"""What delivery knows of the orders its messages stand on, and the permits that end when an order changes.

learn (a chunk's orders, in as few reads as there are orders) ─▶ of(key)
permit(key) for what is under way ─▶ watch: a newer version, a lift or a recall withdraws it ─▶ it is not sent
"""

import asyncio
import weakref
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Protocol

from bosai.errors import NotFound, WrongRealm
from bosai.model.alert import AlertRecord
from bosai.model.realm import Realm
from bosai.ports import Permit

_KEPT = 256
CHANGED = "order_changed"


class Alerts(Protocol):
    """What delivery reads of the orders (`bosai.stores.alerts.AlertStore`)."""

    async def get(self, key: str) -> AlertRecord:
        """The version "alert_id:version". Raises NotFound, WrongRealm."""

    async def head(self, alert_id: str) -> AlertRecord:
        """The newest released version. Raises NotFound."""

    async def planned(self, alert_key: str) -> bool:
        """True once the planner has told everybody concerned by this version."""

    async def in_force(self) -> list[AlertRecord]:
        """The newest released versions of orders that are neither lifted nor recalled."""


@dataclass(frozen=True, slots=True)
class Order:
    """One version that instructions stand on. `newest`: the newest released version of the same order."""

    record: AlertRecord
    newest: AlertRecord
    newest_planned: bool
    read_s: float


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no such order for this side: "alert_missing" or "wrong_realm"."""

    cause: str


class OrderBook:
    """The orders of one side, at most `recheck_after_s` old when a message is made."""

    def __init__(
        self, realm: Realm, alerts: Alerts, *, recheck_after_s: float, monotonic_s: Callable[[], float]
    ) -> None:
        self.realm = realm
        self._alerts = alerts
        self._recheck_after_s = recheck_after_s
        self._monotonic_s = monotonic_s
        self._known: dict[str, Order | Missing] = {}
        self._permits: dict[str, weakref.WeakSet[Permit]] = {}
        self._reading = asyncio.Lock()
        self._directs: tuple[float, bool] | None = None  # when it was read, whether an order directs people

    def of(self, alert_key: str) -> Order | Missing:
        """What `learn` found. Raises KeyError for what was never asked."""
        return self._known[alert_key]

    async def learn(self, alert_keys: Set[str]) -> None:
        """Know these, none older than `recheck_after_s`."""
        async with self._reading:  # one reads, the other chunks use it
            if len(self._known) + len(alert_keys) > _KEPT:
                in_use = {*alert_keys, *self._permits}
                self._known = {key: known for key, known in self._known.items() if key in in_use}
            for key in alert_keys:
                known = self._known.get(key)
                if isinstance(known, Order) and self._monotonic_s() - known.read_s < self._recheck_after_s:
                    continue
                self._note(key, await self._read(key))

    async def learn_whether_any_directs(self) -> None:
        """Know whether anything that guides people is in force, not older than `recheck_after_s`."""
        read_s = self._monotonic_s()
        if self._directs is None or read_s - self._directs[0] >= self._recheck_after_s:
            found = await self._alerts.in_force()
            self._directs = read_s, any(one.alert.guides_people for one in found)

    @property
    def any_directs(self) -> bool:
        """What was learnt last; True, the cautious side, before."""
        return self._directs is None or self._directs[1]

    def permit(self, alert_key: str) -> Permit:
        """For messages that stand on this version and may be stopped. Lives as long as somebody holds it."""
        made = Permit()
        self._permits.setdefault(alert_key, weakref.WeakSet()).add(made)
        return made

    async def watch(self) -> int:
        """Look again at the orders of what is under way; how many permits were withdrawn."""
        withdrawn = 0
        for key in list(self._permits):
            if not list(self._permits[key]):
                del self._permits[key]
                continue
            withdrawn += self._note(key, await self._read(key))
        return withdrawn

    def _note(self, key: str, now: Order | Missing) -> int:
        """Whoever finds that an order has changed stops what is under way for it; how many permits that were."""
        before = self._known.get(key)
        if isinstance(before, Order) and isinstance(now, Order) and now.read_s < before.read_s:
            return 0  # somebody read later and was quicker
        self._known[key] = now
        if before is None or not _differs(before, now):
            return 0
        live = [one for one in self._permits.get(key, ()) if not one.withdrawn]
        for one in live:
            one.withdrawn = CHANGED
        return len(live)

    async def _read(self, alert_key: str) -> Order | Missing:
        read_s = self._monotonic_s()
        try:
            record = await self._alerts.get(alert_key)
            newest = await self._alerts.head(record.alert.alert_id)
        except NotFound:
            return Missing("alert_missing")
        except WrongRealm:
            return Missing("wrong_realm")
        if any(one.alert.realm_of is not self.realm for one in (record, newest)):
            return Missing("wrong_realm")
        planned = newest.alert.key == alert_key or await self._alerts.planned(newest.alert.key)
        return Order(record, newest, planned, read_s)


def _differs(before: Order | Missing, now: Order | Missing) -> bool:
    """True when what was allowed before may not be allowed any more."""
    if isinstance(before, Order) and isinstance(now, Order):
        return (before.record.state, before.newest.alert.key) != (now.record.state, now.newest.alert.key)
    return type(before) is not type(now)
