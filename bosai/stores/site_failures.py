"""What a site's failure means, as the last plan had it: written by the planner, read by HQ's page and the desk."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from redis.asyncio import Redis

from bosai.model.realm import Realm
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Where some of the people of the site are sent. `without_seat`: how many of them find no seat there."""

    site_id: str  # "" = no site: inland, upstairs, or none to name
    name: str
    persons: int
    inside: int = 0  # of these, who set out from the site itself: whom its staff see off
    without_seat: int = 0


class SiteFailure(msgspec.Struct, frozen=True, kw_only=True):
    """One site that can't be used any more, in persons. Those inside without a phone are told by staff."""

    site_id: str
    name: str
    at: datetime  # of the plan
    inside: int  # by the last head count, at least those who said they had arrived
    inside_with_phone: int
    on_their_way: int
    counted: bool = True  # False: staff have reported no heads, so more may be inside
    moves: tuple[Move, ...] = ()
    without_site: int = 0  # nobody can name them a site
    say: str = ""  # what staff should say aloud, in Japanese

    @property
    def short(self) -> int:
        """Persons without a seat or a site."""
        return self.without_site + sum(one.without_seat for one in self.moves)


_decode = msgspec.json.Decoder(SiteFailure).decode


class SiteFailures:
    """The failures of one side."""

    def __init__(self, redis: Redis, realm: Realm) -> None:
        self.realm = realm
        self._redis = redis
        self._key = Keys(realm).site_failures

    async def all(self) -> list[SiteFailure]:
        """Every failure the last plan knew, by site id."""
        rows = await self._redis.hvals(self._key)
        return sorted((_decode(as_bytes(row)) for row in rows), key=lambda one: one.site_id)

    async def of_site(self, site_id: str) -> SiteFailure | None:
        """What the last plan said of one site that failed; None where it has not, or no plan knew of it yet."""
        row = await self._redis.hget(self._key, site_id)
        return None if row is None else _decode(as_bytes(row))

    async def write(self, failures: Iterable[SiteFailure]) -> None:
        """Those of the newest plan, in place of all before."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(self._key)
            for one in failures:
                pipe.hset(self._key, one.site_id, msgspec.json.encode(one))
            await pipe.execute()
