"""Forgetting visitors whose day is over: done by the clock, and only while no order is in force."""

import logging

from bosai.services.subscriptions import SubscriptionService
from bosai.stores.alerts import AlertStore

TICK_S = 600.0
log = logging.getLogger(__name__)


class EndedDays:
    """One side's. A tick does nothing twice: what ended is gone after it."""

    def __init__(self, alerts: AlertStore, subscriptions: SubscriptionService) -> None:
        self._alerts = alerts
        self._subscriptions = subscriptions

    async def tick(self) -> None:
        """Forget the places that ended, unless an order is in force: who is guided by one is guided to its end.

        An お知らせ that guides nobody may stand for days.
        """
        if any(one.alert.guides_people for one in await self._alerts.in_force()):
            return
        if done := await self._subscriptions.drop_ended():
            log.info("%s: %d visitors' days are over and forgotten", self._alerts.realm, done)
