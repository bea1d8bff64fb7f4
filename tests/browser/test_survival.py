"""What was acknowledged survives `kill -9`; an order never waits for the planner."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.bed.chromium import chromium
from tests.bed.firefox import firefox
from tests.bed.push_service import PushService
from tests.bed.subscriber import Subscriber
from tests.browser.people import APPROVER, DRAFTER, officer, resident
from tests.browser.running import RunningService

pytestmark = pytest.mark.timeout(240)

PLACE = {"place_id": "p1", "label": "若林区荒浜", "lon": 140.9701, "lat": 38.2221}


async def _register(service: RunningService, subscriber: Subscriber) -> tuple[str, str]:
    """(id, secret) once the service has acknowledged."""
    body = {
        "subscription": {"endpoint": subscriber.endpoint, "keys": subscriber.info["keys"]},
        "lang": "ja",
        "places": [PLACE],
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{service.url}/api/v1/subscriptions", json=body) as answer,
    ):
        made = await answer.json()
        assert answer.status == 201, made
        return made["id"], made["secret"]


async def _held_places(service: RunningService, known: tuple[str, str]) -> list[float]:
    """Longitudes of the places the service holds for a subscriber."""
    url = f"{service.url}/api/v1/subscriptions/{known[0]}"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers={"Authorization": f"Bearer {known[1]}"}) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return [one["lon"] for one in (await answer.json())["places"]]


async def test_a_subscription_acknowledged_just_before_kill_9_of_everything_is_there_after_the_restart(
    tmp_path: Path,
) -> None:
    async with PushService() as push, RunningService(tmp_path, push) as service:
        known = await _register(service, push.make_subscriber())
        await service.kill()
        await service.start()
        assert await _held_places(service, known) == [PLACE["lon"]]


async def test_redis_killed_alone_is_started_again_and_has_lost_nothing(tmp_path: Path) -> None:
    async with PushService() as push, RunningService(tmp_path, push) as service:
        known = await _register(service, push.make_subscriber())
        pid_file = service.data_dir / "redis" / "redis.pid"
        killed = pid_file.read_text("ascii")
        os.kill(int(killed), signal.SIGKILL)
        async with asyncio.timeout(60):
            while not (
                pid_file.exists() and pid_file.read_text("ascii") != killed
            ) or not await service.answers("/readyz"):
                await asyncio.sleep(0.05)
        assert await _held_places(service, known) == [PLACE["lon"]]


@pytest.mark.browser
async def test_an_order_reaches_firefox_while_the_planner_stands_still_and_the_seat_follows(
    tmp_path: Path,
) -> None:
    async with (
        PushService() as push,
        RunningService(tmp_path, push) as service,
        firefox(push.ws_url) as fox,
        chromium() as chrome,
    ):
        home = await resident(fox, service)
        await home.subscribe("荒井", "若林区荒井")
        drafter = await officer(chrome, service, DRAFTER)
        approver = await officer(chrome, service, APPROVER)
        path = await drafter.draft(
            hazard="flood", kind="evacuate", zones=["town:若林区/荒井"], reason="名取川の水位が上がったため"
        )
        await drafter.submit()
        planners = service.pids_of("planner")
        assert len(planners) == 1
        os.kill(planners[0], signal.SIGSTOP)
        try:
            await approver.approve(path)
            _, body = await home.notification(containing="続報")
            assert "避難指示" in body
            provisional = await home.advice()
            assert provisional["message"] == "provisional"
        finally:
            os.kill(planners[0], signal.SIGCONT)
        async with asyncio.timeout(40):
            while (await home.advice())["message"] == "provisional":
                await asyncio.sleep(0.2)
        seat = await home.advice()
        assert seat["destination"]["site_id"]
        await home.notification(containing=seat["destination"]["name"])
        await push.wait_for_many(lambda one: one.status == 201, 2)
        assert len(push.messages) == 2
