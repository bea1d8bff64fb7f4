"""`python -m workers NAME`: one worker against the configured Redis, until it is told to stop."""

import asyncio
import logging
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable

from bosai.model.realm import Realm
from bosai.services import at_once_watch, cap_feed, decision_lag, ended_days, prekey_fill
from bosai.services.at_once_watch import AtOnceWatch
from bosai.services.monthly_check import TICK_S, MonthlyCheck
from bosai.settings import Settings, SettingsInvalid, load_settings
from bosai.stores.lease import Lease
from bosai.wiring import Wired, open_services, push_sealer
from workers.delivery_open import open_delivery
from workers.fallback import open_watch
from workers.faults import log_fault
from workers.feeds import FeedLoop, open_session
from workers.leased import while_held
from workers.planner import open_planner
from workers.schedules import Job, Schedules

log = logging.getLogger("workers")


async def planner(wired: Wired) -> None:
    """Plan both sides; each holds its own lease."""
    async with asyncio.TaskGroup() as group:
        for realm in Realm:
            group.create_task(open_planner(wired, realm).run())


async def delivery(wired: Wired) -> None:
    """Send for both sides."""
    async with open_delivery(wired) as workers, asyncio.TaskGroup() as group:
        for one in workers:
            group.create_task(one.run())


async def feeds(wired: Wired) -> None:
    """Listen to JMA for the live side. The drill side hears only what is replayed to it."""
    settings = wired.settings.feeds
    service = wired.realms[Realm.LIVE].feeds
    lease = Lease(wired.redis, Realm.LIVE, "feeds")  # JMA is asked once for the whole city
    async with open_session(settings) as session:
        loop = FeedLoop(
            wired.redis,
            Realm.LIVE,
            clock=wired.clock,
            service=service,
            session=session,
            settings=settings,
            rng=random.Random(),  # noqa: S311 (jitter)
            token=lambda: lease.token or 0,  # not held: below every token that ever wrote
        )

        async def listen() -> None:
            try:
                await service.rebuild()  # what whoever listened before left unfinished
            except Exception as error:
                log_fault(log, "what is in force can not be told again from the telegrams", error)
            await loop.run()

        await while_held(lease, "feeds", listen)


async def schedules(wired: Wired) -> None:
    """Reviews, the watch over releases, and what is done in quiet times."""
    await Schedules(
        [wired.realms[realm].alerts for realm in Realm],
        [open_watch(wired, realm) for realm in Realm],
        Lease(wired.redis, Realm.LIVE, "schedules"),
        [
            _monthly_check(wired),
            *(_prekeys(wired, realm) for realm in Realm),
            *(_ended_days(wired, realm) for realm in Realm),
            *(_cap(wired, realm) for realm in Realm),
            *(_decision_lag(wired, realm) for realm in Realm),
            *(_at_once(wired, realm) for realm in Realm),
        ],
    ).run()


def _monthly_check(wired: Wired) -> Job:
    live = wired.realms[Realm.LIVE]
    check = MonthlyCheck(wired.redis, live.realm, wired.clock, wired.settings, live.instructions)
    return Job(name="monthly check", every_s=TICK_S, tick=check.tick)


def _ended_days(wired: Wired, realm: Realm) -> Job:
    side = wired.realms[realm]
    days = ended_days.EndedDays(side.alert_store, side.subscriptions)
    return Job(name=f"ended days {realm.value}", every_s=ended_days.TICK_S, tick=days.tick)


def _at_once(wired: Wired, realm: Realm) -> Job:
    watch = AtOnceWatch(wired.redis, wired.clock, wired.realms[realm].at_once)
    return Job(name=f"at once {realm.value}", every_s=at_once_watch.TICK_S, tick=watch.tick)


def _decision_lag(wired: Wired, realm: Realm) -> Job:
    return Job(
        name=f"decision lag {realm.value}",
        every_s=decision_lag.TICK_S,
        tick=wired.realms[realm].decision_lag.tick,
    )


def _cap(wired: Wired, realm: Realm) -> Job:
    return Job(name=f"cap {realm.value}", every_s=cap_feed.TICK_S, tick=wired.realms[realm].cap.tick)


def _prekeys(wired: Wired, realm: Realm) -> Job:
    sealer = push_sealer(wired.secrets.realm(realm.value))
    fill = prekey_fill.PrekeyFill(wired.redis, realm, wired.clock, wired.settings, sealer)
    return Job(name=f"prekeys {realm.value}", every_s=prekey_fill.TICK_S, tick=fill.tick)


WORKERS: dict[str, Callable[[Wired], Awaitable[None]]] = {
    "planner": planner,
    "delivery": delivery,
    "feeds": feeds,
    "schedules": schedules,
}


async def run(name: str, settings: Settings) -> None:
    """Run one worker until SIGTERM or SIGINT."""
    async with open_services(settings) as wired:
        task = asyncio.ensure_future(WORKERS[name](wired))
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, task.cancel)
        log.info("%s: ready", name)
        try:
            await task
        except asyncio.CancelledError:
            log.info("%s: stopped", name)


def main() -> int:
    """Entry point."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    if len(sys.argv) != 2 or sys.argv[1] not in WORKERS:
        sys.stderr.write(f"usage: python -m workers {'|'.join(WORKERS)}\n")
        return 2
    try:
        settings = load_settings(env=os.environ)
    except SettingsInvalid as error:
        sys.stderr.write(f"{error}\n")
        return 1
    asyncio.run(run(sys.argv[1], settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
