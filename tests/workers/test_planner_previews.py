"""Previews from the planner itself: residents as soon as a table of them is imported, counts before plans."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis.asyncio import Redis

from bosai.services.audit import AuditService
from bosai.services.geo_imports import GeoImports
from bosai.settings import load_settings
from bosai.settings_schema import Settings
from tests.bosai.services.hq import START
from tests.workers.plain import Plain, flood, place

HEAD = "ward,town_code,town_name,total_pop,pop_young,pop_working,pop_old,households,lat,lon\n"
TABLE = HEAD + "若林区,041030000001,荒浜,600,100,300,200,250,38.215,140.985\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(None, {"BOSAI_DATA__DIR": str(tmp_path)}, {})


@pytest.fixture
async def plain(redis: Redis, settings: Settings) -> Plain:
    return await Plain(redis, settings).build()


async def import_residents(plain: Plain) -> None:
    audit = AuditService(plain.redis, plain.realm, plain.clock)
    report = await GeoImports(plain.redis, plain.clock, plain.settings, audit).import_places(
        TABLE.encode(), "test"
    )
    assert (report.added, report.rejected) == (1, ())


async def test_the_counts_come_before_anything_is_planned(plain: Plain) -> None:
    await plain.settle(1)
    worker = await plain.leader()
    draft = await plain.hq.alerts.draft(plain.hq.abe, flood())
    steps = worker._answers.steps(draft.alert)
    first = await anext(steps)
    assert (first.people, first.households, first.planned, first.complete, first.more) == (
        2,
        1,
        False,
        False,
        True,
    )
    rest = [one async for one in steps]
    assert [one.complete for one in rest] == [False, True] and not rest[-1].more
    assert rest[-1].by_action == {"go": 2} and rest[-1].at == START


async def test_residents_are_counted_from_the_preview_after_their_import_on(plain: Plain) -> None:
    one = await plain.settle(1, place(persons=3))
    worker = await plain.leader()
    draft = await plain.hq.alerts.draft(plain.hq.abe, flood())
    before = await worker.preview(draft.alert)
    assert (before.residents, before.knows_residents, before.counted_in) == (None, False, None)
    await import_residents(plain)
    after = await worker.preview(draft.alert)
    assert after.knows_residents and after.residents and after.resident_households
    # The cell of the one town known reaches a kilometre round its point, the area is within it.
    assert 0 < after.residents < 600 and 0 < after.resident_households < 250
    assert after.moving_residents == round((after.residents - 3) * 0.3)
    assert after.counted_in is not None and after.counted_in.to_site == 3 + after.moving_residents
    assert [(town.name, town.subscribers, town.is_part) for town in after.towns] == [("荒浜", 3, True)]
    assert await plain.told(one) is None, "a preview tells nobody"


async def test_what_approval_compares_is_the_subscribers_not_the_residents(plain: Plain) -> None:
    await plain.settle(1)
    await import_residents(plain)
    worker = await plain.leader()
    draft = await plain.hq.alerts.draft(plain.hq.abe, flood())
    seen = await worker.preview(draft.alert)
    assert seen.people == 2 and seen.residents is not None and seen.residents > 100
