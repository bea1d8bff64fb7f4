"""One worker at a time: a lease that ends by itself, with a token that only ever rises.

The token travels with every write; a store refuses a lower one than it has seen, so that a holder who slept
through the end of its lease can not undo what its successor did.
"""

import secrets

from redis.asyncio import Redis

from bosai.model.realm import Realm
from bosai.stores.keys import Keys
from bosai.stores.scripts import Script

LEASE_MS = 6_000
"""A successor takes over within this plus one try (design: 10 s)."""

_take = Script("lease_take")
_drop = Script("lease_drop")


class Lease:
    """The lease `name` of one side. `token` is None while it is not held (as far as we know)."""

    def __init__(self, redis: Redis, realm: Realm, name: str, *, ttl_ms: int = LEASE_MS) -> None:
        self.token: int | None = None
        self._redis = redis
        self._holder, self._token = Keys(realm).lease(name)
        self._me = secrets.token_hex(16)
        self._ttl_ms = ttl_ms

    async def take(self) -> bool:
        """Take the lease, or renew it when it is ours. A lease that was lost and taken again has a new token."""
        got = int(await _take(self._redis, keys=[self._holder, self._token], args=[self._me, self._ttl_ms]))
        self.token = got or None
        return self.token is not None

    async def drop(self) -> None:
        """Give it back."""
        self.token = None
        await _drop(self._redis, keys=[self._holder], args=[self._me])
