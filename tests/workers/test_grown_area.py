"""Who was told to walk inland is told again when the edge of the area moves behind it, and only then."""

from datetime import timedelta

import pytest

from bosai.model.alert import AlertArea
from bosai.settings import load_settings
from shelters.model import Action
from tests.bosai.services.hq import square
from tests.workers.plain import AREA, Plain, place
from tests.workers.test_planner import tsunami

SETTLED = place(lon=140.9785)  # near the western edge of the square


def area(west: float) -> AlertArea:
    """The area of these tests with its inland edge at another place."""
    east = max(lon for ring in AREA.polygons_e7_lonlat for lon, _ in ring[0]) / 1e7
    return AlertArea(
        names=AREA.names, polygons_e7_lonlat=square(west=west, side=east - west), zone_keys=("drawn",)
    )


@pytest.fixture
def settings():
    return load_settings(None, {}, {})


@pytest.fixture
async def plain(redis, settings):
    return await Plain(redis, settings).build()


async def test_an_area_that_grows_over_the_exit_is_told_at_once_and_one_that_does_not_is_no_news(plain):
    one = await plain.settle(1, SETTLED)
    order = tsunami(area=area(140.9760), expected_arrival_at=plain.clock.at + timedelta(minutes=60))
    record = await plain.hq.issue(order)
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    first = await plain.told(one)
    assert (first.seq, first.action) == (1, Action.INLAND)

    plain.clock.move(seconds=60)
    await plain.hq.update(record.alert.alert_id, tsunami(area=area(140.9760), reason="続報"))
    await worker.step()
    assert (await plain.told(one)).seq == 1

    plain.clock.move(seconds=60)
    await plain.hq.update(record.alert.alert_id, tsunami(area=area(140.9700), reason="区域を広げた"))
    await worker.step()
    second = await plain.told(one)
    assert (second.seq, second.action) == (2, Action.INLAND)
    assert second.destination.lon < first.destination.lon - 0.004
    assert second.destination.walk_m > first.destination.walk_m + 300

    await worker.plan_once()
    assert (await plain.told(one)).seq == 2
