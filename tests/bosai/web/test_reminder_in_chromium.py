"""The quiet reminder on a real device: shown without a sound, and never in place of anything newer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bosai.messages.reminders import reminder_payload
from bosai.model.instruction import REMINDERS, MessageKind
from bosai.model.realm import Realm
from tests.bed.chromium import chromium
from tests.bosai.messages.examples import instruction, record
from tests.bosai.web.phone_page import open_phone_page
from tests.bosai.web.test_resident_in_chromium import PHONE, Resident
from tests.redis_server import PrivateRedis

pytestmark = pytest.mark.browser
LOUDNESS = "const [one] = await registration.getNotifications(); return [one.silent, one.renotify];"


@pytest.fixture(params=list(Realm))
async def resident(
    private_redis: PrivateRedis, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Resident]:
    async with (
        chromium() as browser,
        open_phone_page(browser, private_redis, tmp_path, request.param, PHONE) as at,
    ):
        yield Resident(page=at.page, base=at.base, side=at.side, subscriber=at.subscriber)


def reminder(resident: Resident, seq: int) -> dict[str, Any]:
    """As delivery words it, of the instruction with this number."""
    now = resident.side.clock.now()
    one = msgspec.structs.replace(
        instruction(MessageKind.STILL_IN_FORCE, alternate=None, incident=f"{REMINDERS}inc1"),
        repeats_seq=seq,
        since=now - timedelta(hours=2),
        decided_at=now,
    )
    realm = resident.side.realm
    sent = reminder_payload(
        one, record(realm), realm, "ja", now=now, receipt_token=f"me:{seq}:inc1:x", tag="tag1"
    )
    return dict(json.loads(sent))


def order(resident: Resident, seq: int) -> dict[str, Any]:
    """The instruction itself, with a token as the service makes them: the registration's id comes first."""
    message = resident.message(seq)
    message["bosai"]["r"] = f"me:{seq}:inc1:x"
    return message


async def test_a_reminder_takes_the_place_of_what_it_repeats_without_a_sound_and_of_nothing_newer(
    resident: Resident,
) -> None:
    page = resident.page
    await resident.register()
    await resident.push(order(resident, 3))
    await resident.push(reminder(resident, 3))
    (shown,) = await page.notifications(resident.scope)
    assert shown.title.endswith("続いています") and shown.data["seq"] == 3
    assert await page.evaluate_in_worker(resident.scope, LOUDNESS) == [True, False]
    kept = await page.evaluate(
        "return (await bosaiStore(arg).newest()).bosai.kind", resident.side.realm.value
    )
    assert kept == "order", "what to do is kept for the page; the reminder is not"

    await resident.push(order(resident, 4))
    await resident.push(reminder(resident, 3))
    (shown,) = await page.notifications(resident.scope)
    assert shown.title.endswith("すぐ高い所へ") and shown.data["seq"] == 4
