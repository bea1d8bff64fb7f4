"""Who changes the registered place while an order lasts is told for the new one; who only mends a detail is not."""

import pytest

from bosai.model.instruction import Answer
from bosai.settings import load_settings
from tests.bosai.services.test_sites import table
from tests.workers.plain import INLAND_SCHOOL, NEAR_HALL, Plain, flood, place
from tests.workers.test_who_hears import answer

EAST_HALL = "D1,emergency,東の会館,仙台市若林区荒浜9,若林区,140.9945,38.2150,flood,,,,,,,,other,\n"
WEST, EAST = place(lon=140.982), place(lon=140.9885)


@pytest.fixture
def settings():
    return load_settings(None, {}, {})


@pytest.fixture
async def plain(redis, settings):
    made = await Plain(redis, settings).build()
    await made.sites.import_sites(table(INLAND_SCHOOL, NEAR_HALL, EAST_HALL), "test", many_may_go=True)
    return made


async def told_site(plain, one) -> tuple[int, str | None]:
    told = await plain.told(one)
    return told.seq, told.destination.site_id


async def test_another_place_is_told_its_own_site_however_long_ago_the_first_was(plain):
    one = await plain.settle(1, WEST)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    assert await told_site(plain, one) == (1, "B1")

    plain.clock.move(seconds=3600)  # by the clock this household has long been at B1
    await plain.settle(1, EAST)
    await worker.step()
    assert await told_site(plain, one) == (2, "D1")
    await worker.plan_once()
    assert await told_site(plain, one) == (2, "D1")


async def test_a_place_mended_by_a_few_metres_is_no_news(plain):
    one = await plain.settle(1, WEST)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    plain.clock.move(seconds=900)
    await plain.settle(1, place(lon=140.9825, persons=3))
    await worker.step()
    assert await told_site(plain, one) == (1, "B1")


async def test_who_has_arrived_stays_there_whatever_becomes_of_the_registered_home(plain):
    one = await plain.settle(1, WEST)
    await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    await answer(plain, one, Answer.ARRIVED)
    plain.clock.move(seconds=900)
    await plain.settle(1, EAST)
    await worker.step()
    assert await told_site(plain, one) == (1, "B1")
