"""Base map tiles through our own door, so that no request of a resident's browser leaves to a third party.

GET /tiles/pale/{z}/{x}/{y}.png ─▶ in the city? ─▶ on disk and young? ─▶ the map server, one request a tile at once
                                                     ├─ 304: the copy is young again
                                                     └─ stale copies are served when the map server fails

Without a connection the answer is an honest 404: the map draws our own areas and sites without a ground.
"""

import asyncio
import hashlib
import logging
import math
import os
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from weakref import WeakValueDictionary

import aiohttp
from aiohttp import web

from bosai.errors import NotFound
from bosai.ports import Clock
from bosai.settings_schema import Map
from bosai.web.base import OPENED

log = logging.getLogger(__name__)

MIN_ZOOM, MAX_ZOOM = 8, 18
TILE_MAX_BYTES = 1_000_000  # 淡色 tiles have some tens of kilobytes
AT_ONCE = 6
TOTAL_TIMEOUT_S = 8.0
MISSING_FOR = timedelta(minutes=10)  # the map server has no such tile
FAILED_FOR = timedelta(seconds=30)  # it answered, and not with a tile
SILENT_FOR = timedelta(seconds=10)  # it did not answer: nobody is asked anything for so long
REMEMBERED = 10_000
KEPT_AFTER_PRUNE = 0.9
PNG = b"\x89PNG\r\n\x1a\n"

BboxLonLat = tuple[float, float, float, float]
Where = tuple[int, int, int]  # zoom, column, row (XYZ, row 0 in the north)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A tile's PNG. `is_stale`: older than the age limit, and the map server brought no younger one."""

    body: bytes
    is_stale: bool = False


class TileCache:
    """Tiles of one city on disk, fetched when asked for. folder: made at need. Bounds of age and size from settings."""

    def __init__(
        self,
        folder: Path,
        settings: Map,
        bbox_lonlat: BboxLonLat,
        clock: Clock,
        session: aiohttp.ClientSession,
    ) -> None:
        self._disk = TileDisk(folder, settings.cache_max_mb * 1_000_000)
        self._url = settings.tile_url
        self._max_age = timedelta(days=settings.cache_max_age_days)
        self._bbox = bbox_lonlat
        self._clock = clock
        self._session = session
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._locks: WeakValueDictionary[Where, asyncio.Lock] = WeakValueDictionary()
        self._not_before: OrderedDict[Where, datetime] = OrderedDict()
        self._silent_until = datetime.min.replace(tzinfo=UTC)

    async def tile(self, where: Where) -> Tile:
        """The tile. Raises NotFound outside the city or the zooms, and when nobody has it."""
        if not is_inside(where, self._bbox):
            raise NotFound("tile", "/".join(map(str, where)))
        found = await self._young(where)
        if found is not None:
            return found
        lock = self._locks.setdefault(where, asyncio.Lock())
        async with lock:
            # Whoever waited here finds what the first one brought, or what it learnt.
            found = await self._young(where) or await self._fetched(where)
        if found is not None:
            return found
        held = await asyncio.to_thread(self._disk.read, where)
        if held is None:
            raise NotFound("tile", "/".join(map(str, where)))
        return Tile(body=held[0], is_stale=True)

    async def _young(self, where: Where) -> Tile | None:
        held = await asyncio.to_thread(self._disk.read, where)
        if held is None or self._clock.now() - held[1] > self._max_age:
            return None
        return Tile(body=held[0])

    async def _fetched(self, where: Where) -> Tile | None:
        async with self._slots:
            now = self._clock.now()
            if not self._url or now < max(self._silent_until, self._not_before.get(where, now)):
                return None
            held = await asyncio.to_thread(self._disk.read, where)
            body = await self._asked(where, held)
        if body is None:
            return None
        if held is not None and body is held[0]:
            await asyncio.to_thread(self._disk.confirm, where, self._clock.now())
        else:
            await asyncio.to_thread(self._disk.write, where, body, self._clock.now())
        self._not_before.pop(where, None)
        return Tile(body=body)

    async def _asked(self, where: Where, held: tuple[bytes, datetime] | None) -> bytes | None:
        """The tile as the map server has it; the very bytes of `held` (tile, fetched at) when it has no younger one."""
        zoom, column, row = where
        url = self._url.format(z=zoom, x=column, y=row)
        headers = {"If-Modified-Since": format_datetime(held[1], usegmt=True)} if held else {}
        try:
            async with (
                asyncio.timeout(TOTAL_TIMEOUT_S),
                self._session.get(url, allow_redirects=False, headers=headers) as answer,
            ):
                if answer.status == 304 and held:
                    return held[0]
                body = await answer.content.read(TILE_MAX_BYTES + 1) if answer.status == 200 else b""
                while body and len(body) <= TILE_MAX_BYTES and (more := await answer.content.read(65_536)):
                    body += more
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            log.warning("the map server does not answer: %s", type(error).__name__)
            self._silent_until = self._clock.now() + SILENT_FOR
            return None
        if body.startswith(PNG) and len(body) <= TILE_MAX_BYTES:
            return body
        self._remember(where, MISSING_FOR if answer.status in (404, 410) else FAILED_FOR)
        return None

    def _remember(self, where: Where, for_: timedelta) -> None:
        self._not_before[where] = self._clock.now() + for_
        self._not_before.move_to_end(where)
        while len(self._not_before) > REMEMBERED:
            self._not_before.popitem(last=False)


class TileDisk:
    """Files `z/x/y.png` in a folder, their time of fetching as modification time. Every method blocks."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._bytes: int | None = None  # counted at the first write; other web processes share the folder

    def read(self, where: Where) -> tuple[bytes, datetime] | None:
        """The tile and when it was fetched, or None."""
        try:
            with self._path(where).open("rb") as file:
                fetched_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
                return file.read(), fetched_at
        except OSError:
            return (
                None  # not there, or pruned this moment; a folder that can not be read brings no map, no more
            )

    def write(self, where: Where, body: bytes, fetched_at: datetime) -> None:
        """Keep a tile: whole or not at all. A full disk costs the cache, never the answer."""
        path = self._path(where)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            own = path.with_name(f".{path.name}.{os.getpid()}.{id(body):x}")
            own.write_bytes(body)
            os.utime(own, (fetched_at.timestamp(), fetched_at.timestamp()))
            own.replace(path)
        except OSError as error:
            log.warning("a tile can not be kept: %s", error.strerror)
            return
        self._bytes = self._counted() if self._bytes is None else self._bytes + len(body)
        if self._bytes > self._max_bytes:
            self._prune()

    def confirm(self, where: Where, asked_at: datetime) -> None:
        """The tile on disk was still the newest then."""
        try:
            os.utime(self._path(where), (asked_at.timestamp(), asked_at.timestamp()))
        except OSError as error:
            log.warning("a tile's age can not be noted: %s", error.strerror)

    def _prune(self) -> None:
        """The longest unrefreshed leave first."""
        files = sorted(self._files(), key=lambda one: (one[1], one[2]))
        self._bytes = sum(size for size, _, _ in files)
        for size, _, path in files:
            if self._bytes <= self._max_bytes * KEPT_AFTER_PRUNE:
                break
            path.unlink(missing_ok=True)
            self._bytes -= size

    def _counted(self) -> int:
        return sum(size for size, _, _ in self._files())

    def _files(self) -> list[tuple[int, float, Path]]:
        """(bytes, fetched, path) of every file, also those a killed writer left behind."""
        found = []
        for path in self._folder.rglob("*.png*"):
            try:
                facts = path.stat()
            except OSError:
                continue
            found.append((facts.st_size, facts.st_mtime, path))
        return found

    def _path(self, where: Where) -> Path:
        zoom, column, row = where
        return self._folder / str(zoom) / str(column) / f"{row}.png"


def is_inside(where: Where, bbox_lonlat: BboxLonLat) -> bool:
    """True for a tile of a zoom we serve that touches the box (west, south, east, north in degrees)."""
    zoom, column, row = where
    if not MIN_ZOOM <= zoom <= MAX_ZOOM:
        return False
    west, south, east, north = bbox_lonlat
    left, top = tile_of(west, north, zoom)
    right, bottom = tile_of(east, south, zoom)
    return left <= column <= right and top <= row <= bottom


def tile_of(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """Column and row of the Web Mercator tile that holds a point."""
    across = 2**zoom
    column = (lon + 180) / 360 * across
    row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * across
    return min(max(int(column), 0), across - 1), min(max(int(row), 0), across - 1)


TILES: web.AppKey[TileCache] = web.AppKey("TILES", TileCache)


def routes() -> list[web.RouteDef]:
    """Tiles belong to neither side."""
    return [web.get(r"/tiles/pale/{z:\d{1,2}}/{x:\d{1,7}}/{y:\d{1,7}}.png", serve)]


async def opened(app: web.Application) -> AsyncIterator[None]:
    """The cache of a running server (a cleanup context, after the services)."""
    settings = app[OPENED].settings
    async with aiohttp.ClientSession(
        headers={"User-Agent": settings.feeds.user_agent},
        timeout=aiohttp.ClientTimeout(total=TOTAL_TIMEOUT_S),
        trust_env=True,  # a city network's proxy is in the environment
    ) as session:
        app[TILES] = TileCache(
            settings.data_dir / "tiles" / "pale",
            settings.map,
            settings.city.bbox_lonlat,
            app[OPENED].clock,
            session,
        )
        yield


async def serve(request: web.Request) -> web.Response:
    """GET /tiles/pale/{z}/{x}/{y}.png"""
    where = (int(request.match_info["z"]), int(request.match_info["x"]), int(request.match_info["y"]))
    tile = await request.config_dict[TILES].tile(where)
    kept_s = 300 if tile.is_stale else 86_400
    tag = hashlib.blake2b(tile.body, digest_size=12).hexdigest()
    headers = {"Cache-Control": f"public, max-age={kept_s}", "ETag": f'"{tag}"'}
    if any(one.value == tag for one in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=tile.body, content_type="image/png", headers=headers)
