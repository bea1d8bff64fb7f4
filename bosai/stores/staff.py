"""Accounts of officers and their lock-outs. They belong to the city: both sides share them, sessions they do not."""

import hashlib
from datetime import datetime, timedelta

import msgspec
from redis.asyncio import Redis

from bosai.model.staff import StaffAccount
from bosai.stores.keys import STAFF, STAFF_FAILURES, STAFF_KNOWN, STAFF_TOTP_USED
from bosai.stores.replies import as_bytes, unix_ms
from bosai.stores.scripts import Script

TOTP_REMEMBERED_S = 300
KNOWN_FOR = timedelta(days=90)

_try = Script("staff_try")
_forgive = Script("staff_forgive")
_totp_take = Script("staff_totp_take")
_decode = msgspec.msgpack.Decoder(StaffAccount).decode


class StaffStore:
    """Accounts by name."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def add(self, account: StaffAccount) -> bool:
        """Keep a new account; False when the name is taken."""
        return bool(await self._redis.hsetnx(STAFF, account.name, msgspec.msgpack.encode(account)))

    async def replace(self, account: StaffAccount) -> None:
        """Keep a changed account."""
        await self._redis.hset(STAFF, account.name, msgspec.msgpack.encode(account))

    async def get(self, name: str) -> StaffAccount | None:
        """The account, or None."""
        row = await self._redis.hget(STAFF, name)
        return None if row is None else _decode(as_bytes(row))

    async def all(self) -> list[StaffAccount]:
        """Every account, by name."""
        rows = await self._redis.hvals(STAFF)
        return sorted((_decode(as_bytes(row)) for row in rows), key=lambda one: one.name)

    async def try_once(
        self, name: str, client: str, now: datetime, *, window: timedelta, per_name: int, per_client: int
    ) -> int:
        """Count one try. 0 = go on; else the milliseconds to wait, and nothing was counted.

        From a client where this officer signed in before, tries are counted apart from everybody else's: strangers
        who know a name can not lock its owner out.
        """
        waiting = await _try(
            self._redis,
            keys=await self._counters(name, client),
            args=[unix_ms(now), round(window.total_seconds() * 1000), per_name, per_client],
        )
        return int(waiting)

    async def forgive(self, name: str, client: str) -> None:
        """The try succeeded: the name starts anew, the client gets this try back, and the two know each other."""
        await _forgive(self._redis, keys=await self._counters(name, client))
        await self._redis.set(STAFF_KNOWN + _hash(_pair(name, client)), 1, ex=KNOWN_FOR)

    async def take_totp_step(self, name: str, step: int) -> bool:
        """True the first time; False when this step, or a later one, was accepted before."""
        return bool(
            await _totp_take(self._redis, keys=[STAFF_TOTP_USED + name], args=[step, TOTP_REMEMBERED_S])
        )

    async def _counters(self, name: str, client: str) -> list[str]:
        pair = _pair(name, client)
        known = await self._redis.exists(STAFF_KNOWN + _hash(pair))
        who = f"pair:{_hash(pair)}" if known else f"name:{_hash(name)}"
        return [f"{STAFF_FAILURES}{who}", f"{STAFF_FAILURES}client:{_hash(client)}"]


def _pair(name: str, client: str) -> str:
    return f"{len(name)}:{name}{client}"


def _hash(value: str) -> str:
    """Names and clients come from outside and may be any text of any length."""
    return hashlib.sha256(value.encode(errors="surrogatepass")).hexdigest()
