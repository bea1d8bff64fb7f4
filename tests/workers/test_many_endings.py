"""A whole city hears of an end at once: it is put into words piece by piece, off the event loop."""

import threading

import pytest

from bosai.model.instruction import MessageKind
from bosai.services.endings import ending_drafts
from bosai.settings import load_settings
from tests.workers.plain import SMALLER, Plain, flood, place
from workers import planner


@pytest.fixture
def settings():
    return load_settings(None, {}, {})


@pytest.fixture
async def plain(redis, settings):
    return await Plain(redis, settings).build()


@pytest.fixture
def on_threads(monkeypatch):
    """The threads that put ends into words; pieces of two."""
    seen = set()

    def watched(*given, **also):
        for one in ending_drafts(*given, **also):
            seen.add(threading.get_ident())
            yield one

    monkeypatch.setattr(planner, "ending_drafts", watched)
    monkeypatch.setattr(planner, "PIECE", 2)
    return seen


async def test_a_lift_reaches_everybody_in_pieces_and_never_holds_the_event_loop(plain, on_threads):
    everybody = [await plain.settle(n) for n in range(5)]
    record = await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    await plain.hq.lift(record.alert.alert_id)
    await worker.step()
    assert [(await plain.told(one)).message for one in everybody] == [MessageKind.LIFTED] * 5
    assert on_threads and threading.get_ident() not in on_threads


async def test_who_leaves_a_smaller_area_hears_beside_those_still_inside(plain, on_threads):
    out = [await plain.settle(n) for n in range(5)]
    still = [await plain.settle(n, place(lon=140.987, lat=38.212)) for n in range(5, 8)]
    record = await plain.hq.issue(flood())
    worker = await plain.leader()
    await worker.step()
    await plain.deliver()
    await plain.hq.update(record.alert.alert_id, flood(area=SMALLER))
    await worker.step()
    assert [(await plain.told(one)).message for one in out] == [MessageKind.OUT_OF_AREA] * 5
    assert [(await plain.told(one)).message for one in still] == [MessageKind.ORDER] * 3
    assert on_threads and threading.get_ident() not in on_threads
