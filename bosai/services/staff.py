"""Officers: accounts of the city, sign-in with password and one-time code, sessions of one side.

name, password, code ─▶ locked out? ─▶ count the try ─▶ Argon2id + TOTP (an unknown name costs the same)
    ─▶ code not used before ─▶ session: 256 random bits in the cookie, only its SHA-256 in the store
"""

import asyncio
import math
import secrets
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from redis.asyncio import Redis

from bosai.errors import InvalidInput, NotFound, NotSignedIn, SignInFailed, TooManyTries
from bosai.model.realm import Realm
from bosai.model.staff import Role, Session, StaffAccount
from bosai.ports import Clock
from bosai.services.passwords import (
    MAX_PASSWORD_LENGTH,
    checked_name,
    checked_password,
    matching_step,
    new_password,
    new_totp_secret,
    totp_uri,
)
from bosai.stores.audit import AuditStore, Step
from bosai.stores.sessions import SessionStore, handle_of
from bosai.stores.staff import StaffStore

SEAL_KIND = "totp"
# Accounts belong to the city and serve both sides; the seal wants one side named, so it is always this one.
SEAL_REALM = Realm.LIVE
_MAX_NAME = 100


class Seals(Protocol):
    """What keeps the TOTP secrets at rest (`bosai.push.sealing.Sealer`)."""

    def seal(self, kind: str, realm: Realm, name: str, plain: bytes) -> bytes:
        """`plain` sealed for the record `name`."""

    def open(self, kind: str, realm: Realm, name: str, sealed: bytes) -> bytes:
        """The plain bytes. Raises SealBroken."""


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A new officer with the two secrets, which are shown this once and never stored readably."""

    name: str
    role: Role
    password: str
    totp_uri: str
    totp_secret: str


class StaffService:
    """Accounts (shared by both sides) and sessions (of one side)."""

    def __init__(
        self,
        redis: Redis,
        realm: Realm,
        clock: Clock,
        totp_sealer: Seals,
        *,
        issuer: str = "仙台市 避難誘導",
        session_idle: timedelta = timedelta(minutes=30),
        session_longest: timedelta = timedelta(hours=12),
        lockout_failures: int = 5,
        lockout_client_failures: int = 20,
        lockout: timedelta = timedelta(minutes=15),
        hasher: PasswordHasher | None = None,
    ) -> None:
        """`lockout_client_failures` is the larger one: a whole office may sign in through one address."""
        self.realm = realm
        self._clock = clock
        self._seals = totp_sealer
        self._issuer = issuer
        self._store = StaffStore(redis)
        self._sessions = SessionStore(redis, realm, idle=session_idle, longest=session_longest)
        self._audit = AuditStore(redis, realm)
        self._lockout = lockout
        self._per_name = lockout_failures
        self._per_client = lockout_client_failures
        self._hasher = hasher or PasswordHasher()
        self._decoy: StaffAccount | None = None

    async def add(self, actor: str, name: str, role: Role, password: str | None = None) -> NewAccount:
        """A new account; without `password` we make one. Raises InvalidInput ("taken", "too_short", …)."""
        name = checked_name(name)
        plain = new_password() if password is None else checked_password(password)
        secret = new_totp_secret()
        account = StaffAccount(
            name=name,
            role=role,
            password_hash=await asyncio.to_thread(self._hasher.hash, plain),
            totp_sealed=self._seals.seal(SEAL_KIND, SEAL_REALM, name, secret.encode()),
            created_at=self._clock.now(),
        )
        if not await self._store.add(account):
            raise InvalidInput("name", "taken", f"「{name}」はもう使われています。別の名前にしてください。")
        await self._note(actor, "added", name, {"role": role.value})
        return NewAccount(
            name=name,
            role=role,
            password=plain,
            totp_uri=totp_uri(secret, name, self._issuer),
            totp_secret=secret,
        )

    async def renew(self, actor: str, name: str) -> NewAccount:
        """New password and TOTP secret for an officer who lost them; the old ones stop working. Raises NotFound."""
        known = await self._store.get(name)
        if known is None:
            raise NotFound("staff", name)
        plain, secret = new_password(), new_totp_secret()
        await self._store.replace(
            msgspec.structs.replace(
                known,
                password_hash=await asyncio.to_thread(self._hasher.hash, plain),
                totp_sealed=self._seals.seal(SEAL_KIND, SEAL_REALM, name, secret.encode()),
                disabled=False,
            )
        )
        await self._note(actor, "renewed", name, {"role": known.role.value})
        return NewAccount(
            name=name,
            role=known.role,
            password=plain,
            totp_uri=totp_uri(secret, name, self._issuer),
            totp_secret=secret,
        )

    async def disable(self, actor: str, name: str) -> None:
        """Close an account: its open sessions end with the next request. Raises NotFound."""
        name = name.strip().lower()
        account = await self._store.get(name)
        if account is None:
            raise NotFound("staff", name)
        await self._store.replace(msgspec.structs.replace(account, disabled=True))
        await self._note(actor, "disabled", name, {})

    async def accounts(self) -> list[StaffAccount]:
        """Every account, by name."""
        return await self._store.all()

    async def sign_in(self, name: str, password: str, totp_code: str, client: str) -> tuple[str, Session]:
        """(secret for the cookie, session). Raises SignInFailed, which never says what was wrong, or TooManyTries.

        `client` is the address the request came from; failures are counted by name and by client. A try is counted
        before it is made and given back when it succeeds, so that tries at the same time can not pass the limit.
        """
        name = name.strip().lower()[:_MAX_NAME].encode(errors="replace").decode()
        now = self._clock.now()
        waiting_ms = await self._store.try_once(
            name,
            client,
            now,
            window=self._lockout,
            per_name=self._per_name,
            per_client=self._per_client,
        )
        if waiting_ms:
            raise TooManyTries(retry_after_s=math.ceil(waiting_ms / 1000))
        account = await self._proven(name, password, totp_code, now)
        await self._store.forgive(name, client)
        cookie = secrets.token_urlsafe(32)
        session = Session(
            session_id=handle_of(cookie),
            realm=self.realm,
            name=account.name,
            role=account.role,
            signed_in_at=now,
        )
        await self._sessions.put(session, now)
        await self._note(account.name, "signed_in", account.name, {"client": client})
        return cookie, session

    async def session(self, session_id: str) -> Session:
        """The session of a cookie's secret, its idle time started anew, with the role the account has now.

        Raises NotSignedIn when there is none, it expired, belongs to the other side, or the account was closed.
        """
        now = self._clock.now()
        session = await self._sessions.get(handle_of(session_id), now)
        account = None if session is None else await self._store.get(session.name)
        if session is None or account is None or account.disabled:
            raise NotSignedIn
        current = msgspec.structs.replace(session, role=account.role)
        if not await self._sessions.touch(current, now):
            raise NotSignedIn
        return current

    async def sign_out(self, session_id: str) -> None:
        """End a session; one that is already over is no error."""
        handle = handle_of(session_id)
        session = await self._sessions.get(handle, self._clock.now())
        await self._sessions.drop(handle)
        if session is not None:
            await self._note(session.name, "signed_out", session.name, {})

    async def _proven(self, name: str, password: str, code: str, now: datetime) -> StaffAccount:
        """The account, when password and code are right and the code is fresh. The same work for every name."""
        # The decoy is made at the first sign-in of all, so that its making tells nothing about a name.
        decoy = self._decoy
        if decoy is None:
            decoy = await asyncio.to_thread(self._make_decoy)
        known = await self._store.get(name)
        account = decoy if known is None else known
        secret = self._seals.open(SEAL_KIND, SEAL_REALM, account.name, account.totp_sealed).decode()
        right = await asyncio.to_thread(self._matches, account.password_hash, password)
        step = matching_step(secret, code, now.timestamp())
        if known is None or known.disabled or not right or step is None:
            raise SignInFailed
        if not await self._store.take_totp_step(known.name, step):
            raise SignInFailed
        return known

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            # Cut, not refused: a refusal would answer faster than a wrong password.
            return self._hasher.verify(password_hash, password[: MAX_PASSWORD_LENGTH + 1])
        except (VerificationError, UnicodeEncodeError):  # the latter: half of a surrogate pair
            return False

    def _make_decoy(self) -> StaffAccount:
        """What an unknown name is compared with: an account nobody can sign in to."""
        name = "nobody"
        self._decoy = StaffAccount(
            name=name,
            role=Role.VIEWER,
            password_hash=self._hasher.hash(secrets.token_urlsafe(32)),
            totp_sealed=self._seals.seal(SEAL_KIND, SEAL_REALM, name, new_totp_secret().encode()),
            created_at=self._clock.now(),
            disabled=True,
        )
        return self._decoy

    async def _note(self, actor: str, step: str, name: str, facts: dict[str, str]) -> None:
        await self._audit.append(self._clock.now(), Step(actor, step, f"staff:{name}", facts))
