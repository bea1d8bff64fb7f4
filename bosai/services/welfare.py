"""A ward opens a welfare shelter (福祉避難所) to households of its choice by a code. The public is never sent there.

officer ─▶ code, shown once ─▶ (on paper, by telephone) ─▶ a household types it ─▶ its place names the shelter

Stored are a keyed hash of the code, and keyed hashes of the subscriptions that used it: neither who nor where.
A revoked code opens nothing new; households that had used it keep the shelter until they take it out themselves.
"""

import hashlib
import hmac
import secrets
import unicodedata
from datetime import datetime

import msgspec
from redis.asyncio import Redis

from bosai.errors import InvalidInput, NotAllowed, NotFound, StoreUnavailable, TooManyTries
from bosai.model.realm import Realm
from bosai.model.staff import Permission, Session
from bosai.ports import Clock
from bosai.services.audit import AuditService
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text
from bosai.stores.scripts import Script
from bosai.stores.sites import SiteStore
from shelters.model import DesignationKind, Site

ALPHABET = "ACDEFGHJKMNPQRTUVWXY34679"
"""Without what is read as something else: 0 O, 1 I L, 2 Z, 5 S, 8 B."""
CODE_CHARS = 8  # 37 bits, and few tries
MOST_HOUSEHOLDS = 500
MAX_WRONG = 10
WRONG_FOR_S = 60 * 60
TRIES = 8

_take = Script("welfare_take")


class WelfareCode(msgspec.Struct, frozen=True, kw_only=True):
    """One code as stored. `code_id`: a name for it that tells nothing of it."""

    code_id: str
    site_id: str
    made_by: str
    made_at: datetime
    households: int  # how many may use it
    revoked_at: datetime | None = None


class NewCode(msgspec.Struct, frozen=True, kw_only=True):
    """A new code, shown once."""

    code: str
    record: WelfareCode


class CodeUse(msgspec.Struct, frozen=True, kw_only=True):
    """A code with how many households have used it."""

    record: WelfareCode
    used: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(WelfareCode).decode


class WelfareCodes:
    """The codes of one side."""

    def __init__(self, redis: Redis, realm: Realm, clock: Clock, hmac_key: bytes) -> None:
        self.realm = realm
        self._redis = redis
        self._clock = clock
        self._hmac_key = hmac_key
        self._keys = Keys(realm)
        self._sites = SiteStore(redis, realm)
        self._audit = AuditService(redis, realm, clock)

    # ---- the ward ----------------------------------------------------------------------------------

    async def make(self, officer: Session, site_id: str, households: int) -> NewCode:
        """A code that so many households may use. Raises NotAllowed, NotFound, InvalidInput."""
        self._need(officer)
        site = await self._sites.site(site_id)
        if site is None:
            raise NotFound("site", site_id[:60])
        if not is_welfare(site):
            raise InvalidInput("site", "not_welfare", site.name)
        if not 1 <= households <= MOST_HOUSEHOLDS:
            raise InvalidInput("households", "out_of_range", f"1–{MOST_HOUSEHOLDS}")
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARS))
        name = self._mac("welfare code", code)
        record = WelfareCode(
            code_id=name[:8],
            site_id=site_id,
            made_by=officer.name,
            made_at=self._clock.now(),
            households=households,
        )
        await self._redis.hset(self._keys.welfare_codes, name, _encode(record))
        facts = {"code": record.code_id, "households": households}
        await self._audit.note(officer.name, "opened_by_code", f"site:{site_id}", facts)
        return NewCode(code=f"{code[:4]}-{code[4:]}", record=record)

    async def revoke(self, officer: Session, code_id: str) -> None:
        """The code opens nothing new. Raises NotAllowed, NotFound."""
        self._need(officer)
        for name, raw in (await self._redis.hgetall(self._keys.welfare_codes)).items():
            record = _decode(as_bytes(raw))
            if record.code_id != code_id:
                continue
            if record.revoked_at is None:
                ended = msgspec.structs.replace(record, revoked_at=self._clock.now())
                await self._redis.hset(self._keys.welfare_codes, as_text(name), _encode(ended))
                facts = {"code": code_id}
                await self._audit.note(officer.name, "closed_code", f"site:{record.site_id}", facts)
            return
        raise NotFound("code", code_id[:20])

    async def of_sites(self) -> dict[str, list[CodeUse]]:
        """Site id → its codes that still open it, the oldest first."""
        rows = await self._redis.hgetall(self._keys.welfare_codes)
        records = {as_text(name): _decode(as_bytes(raw)) for name, raw in rows.items()}
        valid = {name: one for name, one in records.items() if one.revoked_at is None}
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in valid:
                pipe.scard(self._keys.welfare_used + name)
            counts = await pipe.execute()
        found: dict[str, list[CodeUse]] = {}
        for record, used in sorted(zip(valid.values(), counts, strict=True), key=lambda one: one[0].made_at):
            found.setdefault(record.site_id, []).append(CodeUse(record=record, used=int(used)))
        return found

    # ---- the household -----------------------------------------------------------------------------

    async def take(self, typed: str, subscription_id: str, client: str) -> str:
        """The id of the shelter the code opens for this household; typed again, it is no second use.

        Raises InvalidInput (`wrong_code`, `used_up`), and TooManyTries after many wrong ones from one client.
        """
        failures = self._keys.welfare_failures + hashlib.sha256(client.encode()).hexdigest()
        if int(await self._redis.get(failures) or 0) >= MAX_WRONG:
            raise TooManyTries(max(1, int(await self._redis.ttl(failures))))
        name = self._mac("welfare code", plain_code(typed))
        household = self._mac("welfare household", name, subscription_id)
        for _ in range(TRIES):
            raw = await self._redis.hget(self._keys.welfare_codes, name)
            if raw is None:
                break
            record = _decode(as_bytes(raw))
            answer = as_text(
                await _take(
                    self._redis,
                    keys=[self._keys.welfare_codes, self._keys.welfare_used + name],
                    args=[name, raw, household, record.households if record.revoked_at is None else 0],
                )
            )
            if answer == "ok":
                return record.site_id
            if answer == "full":
                if record.revoked_at is not None:
                    break
                raise InvalidInput("welfare_code", "used_up")
        else:
            raise StoreUnavailable
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(failures)
            pipe.expire(failures, WRONG_FOR_S)
            await pipe.execute()
        raise InvalidInput("welfare_code", "wrong_code")

    # ---- inside ------------------------------------------------------------------------------------

    def _need(self, officer: Session) -> None:
        if officer.realm is not self.realm or not officer.may(Permission.WELFARE_CODES):
            raise NotAllowed(Permission.WELFARE_CODES.value)

    def _mac(self, *parts: str) -> str:
        message = b"".join(
            len(one).to_bytes(4, "big") + one for one in map(str.encode, (self.realm.value, *parts))
        )
        return hmac.digest(self._hmac_key, message, "sha256").hex()


def plain_code(typed: str) -> str:
    """The code as it was made: full-width, small letters, blanks and hyphens do not matter."""
    folded = unicodedata.normalize("NFKC", typed[:60]).upper()
    return "".join(one for one in folded if one in ALPHABET or one.isalnum())


def is_welfare(site: Site) -> bool:
    """True for a place that some list names as a welfare shelter."""
    return any(one.kind is DesignationKind.WELFARE_SHELTER for one in site.designations)
