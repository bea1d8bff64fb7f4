"""Accounts of officers and their lock-outs. They belong to the city: both sides share them, sessions they do not."""

import hashlib
from datetime import datetime, timedelta

import msgspec
from redis.asyncio import Redis

from bosai.model.staff import StaffAccount
from bosai.stores.keys import STAFF, STAFF_FAILURES, STAFF_TOTP_USED
from bosai.stores.replies import as_bytes, unix_ms
from bosai.stores.scripts import Script

TOTP_REMEMBERED_S = 300

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
        """Count one try. 0 = go on; else the milliseconds to wait, and nothing was counted."""
        waiting = await _try(
            self._redis,
            keys=_counters(name, client),
            args=[unix_ms(now), round(window.total_seconds() * 1000), per_name, per_client],
        )
        return int(waiting)

    async def forgive(self, name: str, client: str) -> None:
        """The try succeeded: the name starts anew, the client gets this try back."""
        await _forgive(self._redis, keys=_counters(name, client))

    async def take_totp_step(self, name: str, step: int) -> bool:
        """True the first time; False when this step, or a later one, was accepted before."""
        return bool(
            await _totp_take(self._redis, keys=[STAFF_TOTP_USED + name], args=[step, TOTP_REMEMBERED_S])
        )


def _counters(name: str, client: str) -> list[str]:
    # Hashed, because both come from outside and may be any text of any length.
    return [
        f"{STAFF_FAILURES}{what}:{hashlib.sha256(value.encode(errors='surrogatepass')).hexdigest()}"
        for what, value in (("name", name), ("client", client))
    ]
