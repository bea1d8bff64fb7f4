"""A whole day of listening, with feeds and telegrams of the sizes 気象庁's have: far below its 10 GB a day."""

from __future__ import annotations

import asyncio
import gzip
import random
from datetime import timedelta
from email.utils import format_datetime

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bosai.model.realm import Realm
from bosai.settings import load_settings
from bosai.stores.feed_sources import FeedSources
from tests.bed.clocks import FakeClock
from tests.workers.feed_bed import REPORTED, Desk
from workers.feeds import FeedLoop, open_session

pytestmark = pytest.mark.timeout(600)

DAY_MIN = 24 * 60
MIDNIGHT = REPORTED.replace(hour=0, minute=0)
# type, feed, bytes (domain §3.2, §2.3), minutes between two of them: a bad day, not a quiet one
TELEGRAMS = (
    ("VTSE41", "eqvol", 40_000, 60),
    ("VTSE51", "eqvol", 60_000, 15),
    ("VXSE53", "eqvol", 40_000, 10),
    ("VPWW55", "extra", 20_000, 10),
    ("VPWW56", "extra", 20_000, 10),
    ("VPWW58", "extra", 20_000, 30),
    ("VXKO89", "extra", 37_000, 20),
    ("VPBS50", "extra", 10_000, 60),
    ("VPWP50", "regular", 400_000, 120),
    ("VPWS50", "other", 6_000_000, 60),
)
OTHERS = 300  # entries of other offices in extra.xml: about 158 KB in all


class Sky:
    """The four feeds of a day, made anew each minute, with bodies that do not compress."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.sent_bytes, self.rng = clock, 0, random.Random(3)
        self.largest_feed = 0

    @property
    def minute(self) -> int:
        return int((self.clock.now() - MIDNIGHT).total_seconds() // 60)

    async def feed(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        feed, span = name.removesuffix("_l"), DAY_MIN if name.endswith("_l") else 10
        entries = [
            self.entry(code, minute)
            for code, where, _, every in TELEGRAMS
            for minute in range(max(self.minute - span, 0), self.minute + 1)
            if where == feed and minute % every == 0
        ]
        if feed == "extra":
            entries += [self.entry("VPWW61", self.minute, f"{10 + n % 37}0000_{n}") for n in range(OTHERS)]
        changed = MIDNIGHT + timedelta(minutes=self.minute)
        etag = f'"{feed}-{len(entries) and entries[-1][:120]}"'
        if request.headers.get("If-None-Match") == etag and feed != "extra":
            return web.Response(status=304, headers={"ETag": etag})
        plain = f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'.encode()
        self.largest_feed = max(self.largest_feed, len(plain))
        body = await asyncio.to_thread(gzip.compress, plain)
        self.sent_bytes += len(body)
        headers = {"ETag": etag, "Last-Modified": format_datetime(changed), "Content-Encoding": "gzip"}
        return web.Response(body=body, headers=headers)

    def entry(self, code: str, minute: int, office: str = "040000") -> str:
        at = (MIDNIGHT + timedelta(minutes=minute)).isoformat()
        said = f"【宮城県】{self.rng.random()} 土砂災害や低い土地の浸水、河川の増水に警戒してください。" * 2
        river = "【名取川レベル３氾濫警報】" if code == "VXKO89" else ""
        name = f"/data/{minute:05}_0_{code}_{office}.xml"
        return (
            f"<entry><title>題</title><id>{name}</id><updated>{at}</updated><author><name>仙台管区気象台"
            f'</name></author><link href="{name}"/><content>{river}{said}</content></entry>'
        )

    async def data(self, request: web.Request) -> web.Response:
        size = next(size for code, _, size, _ in TELEGRAMS if code in request.path)
        body = self.rng.randbytes(size) + b"</Report>"
        self.sent_bytes += len(body)
        return web.Response(body=body)


async def test_a_whole_bad_day_of_polling_stays_far_below_the_limit_and_misses_nothing(redis):
    clock = FakeClock(MIDNIGHT + timedelta(seconds=30))
    sky, desk = Sky(clock), Desk()
    app = web.Application()
    app.router.add_get("/feed/{name}.xml", sky.feed)
    app.router.add_get("/data/{name}", sky.data)
    shipped = (await asyncio.to_thread(load_settings)).feeds
    async with TestServer(app, host="127.0.0.1") as server:
        names = ("eqvol", "extra", "regular", "other")
        urls = tuple(str(server.make_url(f"/feed/{one}.xml")) for one in names)
        facts = msgspec.structs.replace(shipped, urls=urls, data_hosts=())
        async with open_session(facts) as session:
            assert isinstance(session, aiohttp.ClientSession)
            loop = FeedLoop(
                redis,
                Realm.LIVE,
                clock=clock,
                service=desk,  # type: ignore[arg-type]
                session=session,
                settings=facts,
                rng=random.Random(1),
            )
            for _ in range(DAY_MIN):
                await loop.poll_once()
                clock.advance(60)
    assert sky.largest_feed > 120_000, "extra.xml was as large as the real one"
    wanted = {code: DAY_MIN // every for code, _, _, every in TELEGRAMS if code not in {"VPWS50", "VPWP50"}}
    assert {code: desk.kinds().count(code) for code in wanted} == wanted
    assert desk.kinds().count("VPWP50") == DAY_MIN // 120
    assert desk.kinds().count("VPWS50") == 1, "once at the start"
    assert len(desk.handed) == len(set(desk.handed))
    assert "VPWW61" not in desk.kinds(), "that was others'"
    noted = sum(one.bytes_today for one in await FeedSources(redis, Realm.LIVE).all())
    assert 0.9 * sky.sent_bytes < noted <= sky.sent_bytes
    assert sky.sent_bytes < 0.1 * facts.daily_limit_mb * 1_000_000
