"""`bosai replay` and `bosai explain` on what a planner really told: records, words for people, exit status."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bosai.cli import _parser
from bosai.commands.output import Stopped
from bosai.model.realm import Realm
from bosai.model.subscription import PaceClass, Place
from bosai.services import plan_replay
from bosai.services.geo_imports import GeoImports
from bosai.services.plan_records import HEALTH_PART
from bosai.settings import load_settings
from bosai.settings_schema import Settings
from bosai.stores.keys import Keys
from bosai.stores.plan_records import PlanRecordStore
from bosai.wiring import Wired, open_services
from shelters.plan import Plan, PlanInput
from tests.bosai.services.hq import Hq, flood
from tests.bosai.services.test_plans_on_roads import COAST_ROAD, lines
from tests.bosai.services.test_sites import table
from tests.bosai.services.test_subscriptions import target
from tests.workers.plain import INLAND_SCHOOL, NEAR_HALL, TOWER, place
from workers.planner import open_planner

OUTSIDE = place(lon=140.90)


@dataclass(frozen=True)
class Told:
    """A city that has told two of three households where to go."""

    settings: Settings
    wired: Wired
    inside: str
    slow: str
    outside: str

    async def run(self, *words: str) -> int:
        args = await asyncio.to_thread(lambda: _parser().parse_args(list(words)))
        command: Callable[..., Awaitable[int]] = args.command
        return await command(self.settings, args)


@pytest.fixture
def settings(tmp_path: Path, private_redis) -> Settings:
    return load_settings(
        None, {}, {"data.dir": str(tmp_path), "redis.url": private_redis.url, "feeds.enabled": False}
    )


@pytest.fixture
async def told(settings: Settings) -> AsyncIterator[Told]:
    async with told_city(settings) as city:
        yield city


@asynccontextmanager
async def told_city(settings: Settings, roads: bytes = b"") -> AsyncIterator[Told]:
    async with open_services(settings) as wired:
        here = wired.realms[Realm.LIVE]
        if roads:
            await GeoImports(wired.redis, wired.clock, settings, here.audit).import_roads(roads, "test")
            await here.geo.holder.refresh()
        await here.sites.import_sites(table(INLAND_SCHOOL, NEAR_HALL, TOWER), "test")
        ids = [
            (await here.subscriptions.register(target(name), "ja", (home,))).subscription_id
            for name, home in (
                ("in", place()),
                ("slow", place(lon=140.9835, pace=PaceClass.SLOW, persons=3)),
                ("out", OUTSIDE),
            )
        ]
        hq = Hq(wired.redis)
        hq.clock.at = wired.clock.now()
        await hq.issue(flood())
        worker = open_planner(wired, Realm.LIVE)
        assert await worker.lease.take()
        beside = asyncio.ensure_future(worker._records.run())
        try:
            await asyncio.sleep(0)
            await worker.step()
            async with asyncio.timeout(20):
                while not await PlanRecordStore(wired.redis, Realm.LIVE).names():
                    assert not await wired.redis.hexists(Keys(Realm.LIVE).health, HEALTH_PART)
                    await asyncio.sleep(0.02)
        finally:
            beside.cancel()
            await asyncio.gather(beside, return_exceptions=True)
        yield Told(settings, wired, *ids)


async def test_a_plan_that_was_sent_replays_identically_by_the_id_its_instructions_carry(told, capsys):
    instruction = (await told.wired.realms[Realm.LIVE].instructions.latest(told.inside))[0]
    assert await told.run("replay", instruction.plan_id) == 0
    said = capsys.readouterr().out
    assert "1バイトも違いません" in said and instruction.plan_id in said
    assert "別の版" not in said
    assert await told.run("replay", instruction.plan_id, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["same"] is True and found["told"] == 2 and found["people"] == 3


async def test_the_list_names_the_plans_that_can_be_replayed(told, capsys):
    assert await told.run("replay", "--list", "--json") == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert one["told"] == 2
    assert await told.run("replay", one["name"]) == 0
    assert await told.run("replay", "--list") == 0
    assert one["name"] in capsys.readouterr().out
    assert await told.run("replay", "--list", "--drill") == 0
    assert "まだありません" in capsys.readouterr().out


async def test_another_answer_ends_with_1_and_names_the_first_difference(told, capsys, monkeypatch):
    real = plan_replay.plan

    def other(problem: PlanInput) -> Plan:
        made = real(problem)
        return replace(made, walk_m=made.walk_m + 1)

    monkeypatch.setattr(plan_replay, "plan", other)
    (name,) = await PlanRecordStore(told.wired.redis, Realm.LIVE).names()
    assert await told.run("replay", name) == 1
    said = capsys.readouterr().out
    assert "最初の違い" in said and "walk_m" in said and "行目の場所" in said


async def test_a_plan_over_roads_replays_and_is_explained_on_the_same_roads_and_on_no_others(
    settings, capsys
):
    async with told_city(settings, COAST_ROAD) as city:
        (name,) = await PlanRecordStore(city.wired.redis, Realm.LIVE).names()
        assert await city.run("replay", name) == 0
        assert await city.run("explain", "--subscription", city.inside, "--json") == 0
        out = capsys.readouterr().out
        chosen = json.loads(out[out.index("{") :])["explanation"]["chosen"]
        here = city.wired.realms[Realm.LIVE]
        to = (await here.instructions.latest(city.inside))[0].destination
        assert (chosen["site_id"], chosen["walk_m"]) == (to.site_id, to.walk_m)
        imports = GeoImports(city.wired.redis, city.wired.clock, settings, here.audit)
        await imports.import_roads(lines([(140.940, 38.215), (140.995, 38.215)]), "test")
        await here.geo.holder.refresh()
        for words in (("replay", name), ("explain", "--subscription", city.inside)):
            with pytest.raises(Stopped, match="別の道路網"):
                await city.run(*words)


async def test_a_plan_nobody_kept_is_said_with_the_mend(told):
    with pytest.raises(Stopped, match="bosai replay --list"):
        await told.run("replay", "ffffffffffffffff")
    with pytest.raises(Stopped) as refused:
        await told.run("replay")
    assert refused.value.status == 2


async def test_what_somebody_was_told_is_explained_from_the_plan_behind_it(told, capsys):
    instruction = (await told.wired.realms[Realm.LIVE].instructions.latest(told.slow))[0]
    assert await told.run("explain", "--subscription", told.slow, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    case = found["explanation"]
    assert found["plan"].startswith(instruction.plan_id + "@")
    assert case["chosen"]["site_id"] == instruction.destination.site_id == "B1"
    assert case["chosen"]["walk_m"] == instruction.destination.walk_m
    assert (case["persons"], case["pace"]) == (3, 2)
    assert case["reasons"] == list(instruction.reasons)
    tower = next(one for one in case["nearest"] if one["site_id"] == "C1")
    assert tower["nearer"] and tower["why"] in ("unfit", "in_area")
    assert await told.run("explain", "--subscription", told.slow) == 0
    said = capsys.readouterr().out
    for words in ("荒井会館", "荒浜津波避難タワー", "近い順の施設", "洪水・警戒レベル4", "3人、ゆっくり"):
        assert words in said, words
    assert told.slow not in said


async def test_asking_about_a_person_stands_in_the_audit_log_and_a_point_does_not(told, capsys):
    audit = told.wired.realms[Realm.LIVE].audit
    assert await told.run("explain", "--subscription", told.inside) == 0
    entry = (await audit.read(-1))[-1]
    assert (entry.step, entry.subject) == ("explained", f"subscription:{told.inside}")
    before = len(await audit.read(0, 1000))
    assert await told.run("explain", "--point", "140.982,38.215") == 0
    assert len(await audit.read(0, 1000)) == before


async def test_a_point_is_explained_by_the_plan_of_now(told, capsys):
    flags = ("--point", "140.9815,38.2155", "--pace", "standard", "--persons", "4")
    assert await told.run("explain", *flags, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["plan"] == "" and found["explanation"]["chosen"]["site_id"] == "B1"
    assert found["explanation"]["persons"] == 4 and found["explanation"]["pace"] == 1
    newly = found["explanation"]["chosen"]["seats"]["newly"]
    assert newly >= 4 + 2 + 3  # beside the households that are subscribed
    assert await told.run("explain", *flags) == 0
    assert "いま作った計画" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "match"),
    [
        ((), 2, "--subscription"),
        (("--subscription", "x", "--point", "140.98,38.22"), 2, "--subscription"),
        (("--point", "here"), 2, "LON,LAT"),
        (("--point", "140.98,38.22", "--plan", "p"), 2, "--plan"),
        (("--point", "140.90,38.215"), 1, "区域の外"),
        (("--subscription", "0" * 32), 1, "登録"),
        (("--subscription", "nope"), 1, "登録「nope」はありません"),
        (("--point", "38.22,140.98"), 2, "経度,緯度 の順です：--point 140.98,38.22"),
        (("--point", "139.0,35.0"), 1, "仙台市の外です"),
        (("--point", "140.98,38.22", "--persons", "0"), 2, "--persons は 1"),
    ],
)
async def test_what_can_not_be_explained_is_said_with_the_mend(told, words, status, match):
    with pytest.raises(Stopped, match=match) as refused:
        await told.run("explain", *words)
    assert refused.value.status == status


async def test_who_was_told_nothing_or_moved_since_is_said_so(told):
    with pytest.raises(Stopped, match="まだ何も"):
        await told.run("explain", "--subscription", told.outside)
    here = told.wired.realms[Realm.LIVE]
    store = PlanRecordStore(told.wired.redis, Realm.LIVE)
    (name,) = await store.names()
    with pytest.raises(Stopped, match="見つかりません"):
        await told.run("explain", "--subscription", told.outside, "--plan", name)
    await store.forget(name)
    with pytest.raises(Stopped, match="記録はありません"):
        await told.run("explain", "--subscription", told.inside)
    assert here.realm is Realm.LIVE and isinstance(OUTSIDE, Place)


@pytest.mark.parametrize("words", [("replay", "p"), ("explain",), ("doctor",), ("staff", "list")])
def test_a_command_answers_as_json_only_when_it_is_asked_to(words):
    """Parsers share their flags: one that changes a flag of its own must not change everybody's."""
    parser = _parser()
    assert parser.parse_args(list(words)).json is False
    assert parser.parse_args([*words, "--json"]).json is True
