"""Feeds of CAP messages: an index or a message itself, polled politely, each message handed over once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

from bosai.settings_feeds import CapFeed
from tests.workers.feed_bed import Listening, listening, telegram

CAP = b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>%d</identifier></alert>'
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:x</id>{}</feed>'


def atom_entry(number: int, *, updated: str = "2026-04-01T03:00:00Z", host: str = "") -> str:
    return (
        f"<entry><id>urn:cap:{number}</id><title>{number}</title><updated>{updated}</updated>"
        f'<link type="application/cap+xml" href="{host}/cap/{number}.xml"/></entry>'
    )


@dataclass
class Publisher:
    """Serves what `pages` says; everything asked is noted."""

    pages: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    base: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.path not in self.pages:
            return web.Response(status=404)
        body = self.pages[request.path]
        etag = f'"{hash(body)}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=body, headers={"ETag": etag})


@asynccontextmanager
async def publisher(redis, path: str = "/index.atom", **given) -> AsyncIterator[tuple[Publisher, Listening]]:
    found = Publisher()
    app = web.Application()
    app.router.add_get("/{any:.*}", found.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        found.base = f"http://127.0.0.1:{server.port}"
        feed = CapFeed(name="ken", url=found.base + path, **given)
        async with listening(redis, "eqvol", cap=(feed,)) as here:
            yield found, here


async def test_each_message_of_an_index_is_handed_over_once_with_the_name_of_its_feed(redis):
    async with publisher(redis) as (ken, here):
        ken.pages = {f"/cap/{n}.xml": CAP % n for n in (1, 2, 3)}
        ken.pages["/index.atom"] = ATOM.format(atom_entry(1) + atom_entry(2)).encode()
        loop = here.loop()
        await loop.poll_once()
        assert here.desk.cap == [("ken", "1.xml", CAP % 1), ("ken", "2.xml", CAP % 2)]
        ken.pages["/index.atom"] = ATOM.format(atom_entry(1) + atom_entry(2) + atom_entry(3)).encode()
        here.to(1)
        await loop.poll_once()
        assert [name for _, name, _ in here.desk.cap] == ["1.xml", "2.xml", "3.xml"]
        await here.loop().poll_once()
        assert len(here.desk.cap) == 3, "also not after a restart"


async def test_an_entry_that_changes_under_the_same_id_is_read_again(redis):
    async with publisher(redis) as (ken, here):
        ken.pages = {"/cap/1.xml": CAP % 1, "/index.atom": ATOM.format(atom_entry(1)).encode()}
        loop = here.loop()
        await loop.poll_once()
        ken.pages["/cap/1.xml"] = CAP % 11
        ken.pages["/index.atom"] = ATOM.format(atom_entry(1, updated="2026-04-01T03:30:00Z")).encode()
        here.to(1)
        await loop.poll_once()
        assert [data for _, _, data in here.desk.cap] == [CAP % 1, CAP % 11]


async def test_a_message_itself_is_a_feed_of_one_and_is_handed_over_when_it_changes(redis):
    async with publisher(redis, "/now.xml") as (ken, here):
        ken.pages["/now.xml"] = CAP % 1
        loop = here.loop()
        for minute, body in ((0, CAP % 1), (1, CAP % 1), (2, CAP % 2)):
            ken.pages["/now.xml"] = body
            here.to(minute)
            await loop.poll_once()
        assert [data for _, _, data in here.desk.cap] == [CAP % 1, CAP % 2]
        assert ken.asked == ["/now.xml"] * 3, "it came with the answer"


async def test_a_message_on_another_host_is_fetched_only_where_the_settings_allow_it(redis):
    async with publisher(redis) as (elsewhere, _), publisher(redis) as (ken, here):
        elsewhere.pages["/cap/1.xml"] = CAP % 1
        ken.pages["/index.atom"] = ATOM.format(atom_entry(1, host=elsewhere.base)).encode()
        await here.loop().poll_once()
        assert (here.desk.cap, elsewhere.asked) == ([], [])
        (lost,) = (await here.health("ken")).lost
        assert "許していないホスト" in lost.detail
    async with publisher(redis) as (elsewhere, _):
        host = elsewhere.base.removeprefix("http://")
        async with publisher(redis, hosts=(host,)) as (ken, here):
            elsewhere.pages["/cap/1.xml"] = CAP % 1
            ken.pages["/index.atom"] = ATOM.format(atom_entry(1, host=elsewhere.base)).encode()
            await here.loop().poll_once()
            assert [data for _, _, data in here.desk.cap] == [CAP % 1]


async def test_a_cap_feed_that_is_down_delays_no_telegram_and_is_told(redis):
    async with publisher(redis) as (ken, here):
        ken.pages["/index.atom"] = b"<html>maintenance</html>"
        here.jma.publish(telegram())
        here.to(1)
        await here.loop().poll_once()
        assert here.desk.kinds() == ["VTSE41"]
        board = await here.board()
        assert board["ok"] is False
        assert "CAP：ken" in board["detail"]
