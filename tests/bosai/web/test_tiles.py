"""Tiles through our own door, against a map server of a few lines: fetched once, kept, bounded, honest offline."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from bosai.errors import NotFound
from bosai.settings_schema import Map
from bosai.web import tiles
from bosai.web.tiles import MISSING_FOR, PNG, SILENT_FOR, TileCache, TileDisk, is_inside, tile_of
from tests.bosai.services.hq import HandClock
from tests.bosai.web.running import running

BBOX = (140.45, 38.05, 141.15, 38.50)
BODY = PNG + b"tile"
WHERE = (14, *tile_of(140.98, 38.22, 14))


@dataclass
class MapServer:
    """Answers every tile with `body`, after `gate` when there is one, and remembers what was asked."""

    body: bytes = BODY
    status: int = 200
    asked: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    since: list[str | None] = field(default_factory=list)  # If-Modified-Since of each request
    unchanged: bool = False  # 304 to whoever has a tile
    gate: asyncio.Event | None = None
    at_once: int = 0
    most_at_once: int = 0
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        self.agents.add(request.headers.get("User-Agent", ""))
        self.since.append(request.headers.get("If-Modified-Since"))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.gate is not None:
                await self.gate.wait()
            if self.unchanged and self.since[-1]:
                return web.Response(status=304)
            if self.status == 302:
                return web.Response(status=302, headers={"Location": "/elsewhere.png"})
            return web.Response(status=self.status, body=self.body, content_type="image/png")
        finally:
            self.at_once -= 1


@pytest.fixture
async def maps() -> AsyncIterator[MapServer]:
    here = MapServer()
    app = web.Application()
    app.router.add_get("/{any:.*}", here.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        here.url = str(server.make_url("/")) + "{z}/{x}/{y}.png"
        yield here


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def cache(maps, session, clock, tmp_path) -> TileCache:
    return made(maps.url, session, clock, tmp_path)


def made(url: str, session, clock, folder: Path, max_mb: int = 500) -> TileCache:
    facts = Map(tile_url=url, cache_max_mb=max_mb, cache_max_age_days=30)
    return TileCache(folder, facts, BBOX, clock, session)


async def test_a_tile_is_fetched_once_and_then_comes_from_the_disk_also_after_a_restart(
    cache, maps, session, clock, tmp_path
):
    assert (await cache.tile(WHERE)).body == BODY
    assert (await cache.tile(WHERE)).body == BODY
    assert (await made(maps.url, session, clock, tmp_path).tile(WHERE)).body == BODY
    assert maps.asked == ["/" + "/".join(map(str, WHERE)) + ".png"]


async def test_many_who_ask_for_one_tile_at_once_cost_one_request(cache, maps):
    maps.gate = asyncio.Event()
    waiting = [asyncio.ensure_future(cache.tile(WHERE)) for _ in range(20)]
    await until(lambda: maps.at_once == 1)
    maps.gate.set()
    assert {(await one).body for one in waiting} == {BODY}
    assert len(maps.asked) == 1


async def test_at_most_so_many_tiles_are_asked_for_at_once(cache, maps):
    maps.gate = asyncio.Event()
    zoom, column, row = WHERE
    waiting = [asyncio.ensure_future(cache.tile((zoom, column - n, row))) for n in range(12)]
    await until(lambda: maps.at_once == tiles.AT_ONCE)
    maps.gate.set()
    await asyncio.gather(*waiting)
    assert maps.most_at_once == tiles.AT_ONCE
    assert len(maps.asked) == 12


async def test_whoever_goes_away_while_waiting_leaves_the_others_their_tile(cache, maps):
    maps.gate = asyncio.Event()
    first = asyncio.ensure_future(cache.tile(WHERE))
    await until(lambda: maps.at_once == 1)
    second = asyncio.ensure_future(cache.tile(WHERE))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    maps.gate.set()
    assert (await second).body == BODY


async def test_an_old_tile_is_asked_for_again_and_served_stale_when_nobody_answers(cache, maps, clock):
    await cache.tile(WHERE)
    clock.move(days=31)
    maps.body = PNG + b"younger"
    assert (await cache.tile(WHERE)).body == maps.body
    clock.move(days=31)
    maps.status = 503
    stale = await cache.tile(WHERE)
    assert (stale.body, stale.is_stale) == (maps.body, True)
    maps.status, maps.body = 200, PNG + b"youngest"
    assert (await cache.tile(WHERE)).is_stale  # it is left in peace for a while
    clock.move(seconds=31)
    assert await cache.tile(WHERE) == tiles.Tile(body=PNG + b"youngest")


async def test_a_tile_that_has_not_changed_is_not_sent_again_and_is_young_once_more(cache, maps, clock):
    await cache.tile(WHERE)
    fetched_at = clock.now()
    clock.move(days=31)
    maps.unchanged, maps.body = True, b"nobody asks for this"
    assert await cache.tile(WHERE) == tiles.Tile(body=BODY)
    assert maps.since == [None, fetched_at.strftime("%a, %d %b %Y %H:%M:%S GMT")]
    clock.move(days=29)
    assert await cache.tile(WHERE) == tiles.Tile(body=BODY)
    assert len(maps.asked) == 2
    clock.move(days=2)
    maps.unchanged, maps.body = False, PNG + b"changed"
    assert (await cache.tile(WHERE)).body == maps.body


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b""),
        (500, BODY),
        (302, b""),
        (304, b""),
        (200, b"<html>please sign in</html>"),
        (200, b""),
        (429, b""),
    ],
)
async def test_what_is_no_tile_is_no_tile_and_is_not_asked_for_again_at_once(
    cache, maps, clock, status, body
):
    maps.status, maps.body = status, body
    for _ in range(3):
        with pytest.raises(NotFound):
            await cache.tile(WHERE)
    assert len(maps.asked) == 1
    clock.move(seconds=MISSING_FOR.total_seconds() + 1)
    maps.status, maps.body = 200, BODY
    assert (await cache.tile(WHERE)).body == BODY


async def test_a_tile_of_boundless_size_is_not_swallowed(cache, maps, monkeypatch, tmp_path):
    monkeypatch.setattr(tiles, "TILE_MAX_BYTES", 1000)
    maps.body = PNG + b"x" * 5000
    with pytest.raises(NotFound):
        await cache.tile(WHERE)
    assert not list(tmp_path.rglob("*.png"))


async def test_without_a_connection_one_request_finds_out_for_all_for_a_while(session, clock, tmp_path, maps):
    cache = made("http://127.0.0.1:9/{z}/{x}/{y}.png", session, clock, tmp_path)
    zoom, column, row = WHERE
    for n in range(5):
        with pytest.raises(NotFound):
            await cache.tile((zoom, column - n, row))
    cache._url = maps.url  # the net is back
    with pytest.raises(NotFound):
        await cache.tile(WHERE)
    assert maps.asked == []
    clock.move(seconds=SILENT_FOR.total_seconds() + 1)
    assert (await cache.tile(WHERE)).body == BODY


async def test_a_map_server_that_never_answers_is_given_up(cache, maps, monkeypatch):
    monkeypatch.setattr(tiles, "TOTAL_TIMEOUT_S", 0.05)
    maps.gate = asyncio.Event()
    with pytest.raises(NotFound):
        await cache.tile(WHERE)
    maps.gate.set()


async def test_with_no_map_server_set_only_what_is_on_disk_is_served(session, clock, tmp_path, maps):
    cache = made("", session, clock, tmp_path)
    with pytest.raises(NotFound):
        await cache.tile(WHERE)
    await made(maps.url, session, clock, tmp_path).tile(WHERE)
    assert (await cache.tile(WHERE)).body == BODY


@pytest.mark.parametrize(
    "where",
    [
        (14, 0, 0),
        (7, *tile_of(140.98, 38.22, 7)),
        (19, *tile_of(140.98, 38.22, 19)),
        (14, WHERE[1] + 40, WHERE[2]),
        (14, WHERE[1], WHERE[2] - 60),
    ],
)
async def test_tiles_outside_the_city_or_its_zooms_are_asked_of_nobody(cache, maps, where):
    with pytest.raises(NotFound):
        await cache.tile(where)
    assert maps.asked == []


@given(st.floats(BBOX[0], BBOX[2]), st.floats(BBOX[1], BBOX[3]), st.integers(8, 18))
def test_every_point_of_the_city_lies_on_a_tile_that_is_served(lon, lat, zoom):
    assert is_inside((zoom, *tile_of(lon, lat, zoom)), BBOX)


def test_the_tile_of_a_known_place_is_the_known_one():
    # 仙台駅 (38.2602 N, 140.8824 E) by the formula of OpenStreetMap's "Slippy map tilenames", worked out by hand.
    assert tile_of(140.8824, 38.2602, 14) == (14603, 6304)
    assert tile_of(0, 0, 1) == (1, 1)
    assert tile_of(-180, 85.0511, 3) == (0, 0)
    assert tile_of(180, -85.0511, 3) == (7, 7)


# -- on disk ----------------------------------------------------------------------------------------------


AT = datetime(2026, 11, 23, tzinfo=UTC)


def test_the_oldest_tiles_leave_when_the_folder_is_full(tmp_path):
    disk = TileDisk(tmp_path, max_bytes=1000)
    for n in range(10):
        disk.write((14, 1, n), bytes(100), AT + timedelta(days=(n * 7) % 10))
    assert len(list(tmp_path.rglob("*.png"))) == 10
    disk.write((14, 2, 0), bytes(100), AT + timedelta(days=99))
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")}
    assert "14/2/0.png" in left
    assert {n for n in range(10) if f"14/1/{n}.png" not in left} == {0, 3}  # fetched on day 0 and day 1
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.png")) <= 900


def test_the_bound_holds_for_what_an_earlier_run_left_also_half_written_files(tmp_path):
    left_behind = tmp_path / "14" / "1" / ".7.png.999.abc"
    left_behind.parent.mkdir(parents=True)
    left_behind.write_bytes(bytes(950))
    os.utime(left_behind, (0, 0))
    TileDisk(tmp_path, max_bytes=1000).write((14, 1, 1), bytes(100), AT)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["1.png"]


def test_a_reader_never_sees_half_a_tile(tmp_path, monkeypatch):
    disk = TileDisk(tmp_path, max_bytes=10_000)
    disk.write(WHERE, b"old", AT)
    seen = []
    write_bytes = Path.write_bytes

    def slow(self, body):
        write_bytes(self, body[:2])
        seen.append(disk.read(WHERE)[0])
        return write_bytes(self, body)

    monkeypatch.setattr(Path, "write_bytes", slow)
    disk.write(WHERE, b"new", AT + timedelta(days=1))
    assert (seen, disk.read(WHERE)) == ([b"old"], (b"new", AT + timedelta(days=1)))


async def test_a_disk_that_takes_nothing_costs_the_cache_and_not_the_answer(session, clock, maps, tmp_path):
    in_the_way = tmp_path / "tiles"
    in_the_way.write_text("a file where the folder should be")
    cache = made(maps.url, session, clock, in_the_way)
    assert (await cache.tile(WHERE)).body == BODY
    assert (await cache.tile(WHERE)).body == BODY
    assert len(maps.asked) == 2


# -- over HTTP --------------------------------------------------------------------------------------------


async def test_a_page_gets_its_tiles_from_us_alone(maps, tmp_path, private_redis):
    async with running(tmp_path, private_redis.url, {"map.tile_url": maps.url}) as site:
        path = "/tiles/pale/" + "/".join(map(str, WHERE)) + ".png"
        tile = await site.ask("GET", path)
        assert (tile.status, tile.body, tile.headers["Content-Type"]) == (200, BODY, "image/png")
        assert tile.headers["Cache-Control"] == "public, max-age=86400"
        again = await site.ask("GET", path, headers={"If-None-Match": tile.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")
        outside = await site.problem("GET", "/tiles/pale/14/0/0.png")
        assert (outside["status"], outside["code"]) == (404, "not_found")
        assert maps.agents == {site.settings.feeds.user_agent}
    assert (tmp_path / "tiles" / "pale" / f"{WHERE[0]}" / f"{WHERE[1]}" / f"{WHERE[2]}.png").is_file()
    async with running(tmp_path, private_redis.url) as offline:
        assert (await offline.ask("GET", path)).body == BODY
        missing = path.replace(str(WHERE[1]), str(WHERE[1] - 1))
        answer = await offline.ask("GET", missing)
        assert (answer.status, answer.headers["Cache-Control"]) == (404, "no-store")


@pytest.mark.parametrize("path", ["14/1/x.png", "14/1/2.jpg", "-1/0/0.png", "99999999999999999999/0/0.png"])
async def test_an_address_that_is_no_tile_is_not_found(path, tmp_path, private_redis):
    async with running(tmp_path, private_redis.url) as site:
        assert (await site.problem("GET", f"/tiles/pale/{path}"))["status"] == 404


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)
