"""What the settings say about the city reaches the services, and what can not be used stops the start by name."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from bosai.model.realm import Realm
from bosai.ports import SystemClock
from bosai.settings import SettingsInvalid, load_settings
from bosai.wiring import OffsetClock, open_services
from tests.bosai.feeds.telegrams import JST, item, report


async def settings_at(tmp_path, url, **flags):
    given = {"data.dir": str(tmp_path), "redis.url": url} | {
        key.replace("__", "."): one for key, one in flags.items()
    }
    return await asyncio.to_thread(load_settings, None, {}, given)


async def opens(settings):
    async with open_services(settings) as wired:
        return wired


async def test_a_file_of_areas_that_is_not_there_stops_the_start_and_is_named(tmp_path, private_redis):
    settings = await settings_at(
        tmp_path, private_redis.url, hazard_files__tsunami_areas=str(tmp_path / "no.geojson")
    )
    with pytest.raises(SettingsInvalid, match=r"hazard_files\.tsunami_areas .*no\.geojson.*can not be read"):
        await opens(settings)


async def test_a_tsunami_rule_that_names_no_area_of_the_file_stops_the_start(tmp_path, private_redis):
    settings = await settings_at(tmp_path, private_redis.url, tsunami__zones_warning=["area9"])
    with pytest.raises(SettingsInvalid, match="area9"):
        await opens(settings)


async def test_the_citys_rule_decides_which_zones_a_warning_proposes(tmp_path, private_redis):
    settings = await settings_at(tmp_path, private_redis.url, tsunami__zones_warning=["area1", "seaward"])
    reported = datetime(2026, 4, 1, 12, 3, tzinfo=JST)
    warning = report(item(kind="51"), report_at=reported)
    async with open_services(settings) as wired:
        for realm in Realm:
            side = wired.realms[realm]
            await side.feeds.take(warning, "x.xml", now=reported, as_drill=realm.is_drill)
            (record,) = await side.proposals.open()
            assert record.proposal.zones == ("tsunami:area1", "tsunami:seaward")


async def test_a_shifted_clock_moves_every_service_and_nothing_else():
    clock, machine = OffsetClock(timedelta(hours=-3)), SystemClock()
    before, shifted, after = machine.now(), clock.now(), machine.now()
    assert before <= shifted + timedelta(hours=3) <= after
    assert clock.now().utcoffset() == timedelta()
