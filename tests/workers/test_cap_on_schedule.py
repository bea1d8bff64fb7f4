"""The schedules worker keeps the CAP feed in step by itself, on both sides, with nobody reading it."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec

from bosai.model.realm import Realm
from bosai.services.cap_feed import PLACEHOLDER
from bosai.settings import load_settings
from bosai.stores.cap import CapStore
from bosai.stores.keys import Keys
from bosai.wiring import open_services
from tests.bosai.services.hq import Hq
from workers.__main__ import schedules


async def test_a_release_goes_out_as_cap_within_seconds_without_a_reader(tmp_path, private_redis, redis):
    settings = await asyncio.to_thread(
        load_settings, overrides={"data.dir": str(tmp_path), "redis.url": private_redis.url}
    )
    async with open_services(settings, private_redis.url) as wired:
        offices = [Hq(redis, realm) for realm in Realm]
        records = [await hq.issue() for hq in offices]
        worker = asyncio.create_task(schedules(wired))
        try:
            async with asyncio.timeout(30):
                for record, realm in zip(records, Realm, strict=True):
                    store = CapStore(redis, realm)
                    while (await store.series(record.alert.alert_id)).series is None:
                        assert not worker.done(), worker.result()
                        await asyncio.sleep(0.05)
                    while not await redis.hexists(Keys(realm).health, "cap"):
                        await asyncio.sleep(0.05)
        finally:
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker
        for realm in Realm:
            said = msgspec.json.decode(await redis.hget(Keys(realm).health, "cap"))
            assert (said["ok"], said["detail"]) == (True, PLACEHOLDER), "as shipped"
