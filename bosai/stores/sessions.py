"""Signed-in browsers of one side. The cookie's secret is never stored: the key is its SHA-256."""

import hashlib
from datetime import datetime, timedelta

import msgspec
from redis.asyncio import Redis

from bosai.errors import WrongRealm
from bosai.model.realm import Realm
from bosai.model.staff import Session
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes


class StoredSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session and when it was last used."""

    session: Session
    seen_at: datetime


_decode = msgspec.msgpack.Decoder(StoredSession).decode


def handle_of(secret: str) -> str:
    """What the store, the log and the page know a session by: SHA-256 of the cookie's secret, hex."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


class SessionStore:
    """Sessions of one side, each gone `idle` after it was last used and `longest` after sign-in."""

    def __init__(self, redis: Redis, realm: Realm, *, idle: timedelta, longest: timedelta) -> None:
        self.realm = realm
        self.idle = idle
        self.longest = longest
        self._redis = redis
        self._prefix = Keys(realm).sessions

    async def put(self, session: Session, now: datetime) -> None:
        """Keep a new session, or mark one as used now. Raises WrongRealm."""
        if session.realm is not self.realm:
            raise WrongRealm(self.realm.value, session.realm.value)
        stored = msgspec.msgpack.encode(StoredSession(session=session, seen_at=now))
        await self._redis.set(self._prefix + session.session_id, stored, ex=self.idle)

    async def touch(self, session: Session, now: datetime) -> bool:
        """Mark as used now; False when it was signed out or had expired meanwhile."""
        stored = msgspec.msgpack.encode(StoredSession(session=session, seen_at=now))
        # XX: a sign-out that ran between our read and this write stays a sign-out.
        return bool(await self._redis.set(self._prefix + session.session_id, stored, ex=self.idle, xx=True))

    async def get(self, handle: str, now: datetime) -> Session | None:
        """The session, or None when there is none or it has expired."""
        row = await self._redis.get(self._prefix + handle)
        if row is None:
            return None
        stored = _decode(as_bytes(row))
        session = stored.session
        expired = now - stored.seen_at > self.idle or now - session.signed_in_at > self.longest
        return None if expired or session.realm is not self.realm else session

    async def drop(self, handle: str) -> None:
        """Forget it."""
        await self._redis.delete(self._prefix + handle)
