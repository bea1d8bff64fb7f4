"""Who is inside, asked of the planner before an order leaves. A silent planner is an answer too, never a wait.

web: XADD request ─▶ stream ─▶ planner: serve() ─▶ RPUSH answer ─▶ web: BLPOP, at most `wait_s`
"""

import inspect
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bosai.errors import WrongRealm
from bosai.model.alert import ALERT_TYPES, Alert, DrillAlert, LiveAlert
from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text

WAIT_S = 5.0
KEPT_REQUESTS = 100
ANSWER_KEPT_S = 300
GROUP = "planner"


class SiteExpectation(msgspec.Struct, frozen=True, kw_only=True):
    """How many people the plan would send to one site, beside its seats and where that figure comes from."""

    site_id: str
    name: str
    persons: int
    seats: int
    source: str  # shelters.model.FigureSource: assumed figures are marked


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What releasing the order would mean. `available` False: no planner answered; the figures say nothing."""

    available: bool
    people: int = 0  # persons at subscribed places inside
    households: int = 0
    by_site: tuple[SiteExpectation, ...] = ()
    no_site: int = 0  # persons for whom no site is left
    by_action: dict[str, int] = {}
    at: datetime


class PreviewRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One question to the planner. After `until` nobody waits for its answer."""

    request_id: str
    alert: LiveAlert | DrillAlert
    until: datetime


Answer = Callable[[Alert], Preview | Awaitable[Preview]]
_decode_preview = msgspec.msgpack.Decoder(Preview).decode
_decode_request = msgspec.msgpack.Decoder(PreviewRequest).decode


class PreviewBroker:
    """Both ends of the question, for one side."""

    def __init__(self, redis: Redis, realm: Realm, clock: Clock, *, wait_s: float = WAIT_S) -> None:
        self.realm = realm
        self.wait_s = wait_s
        self._redis = redis
        self._keys = Keys(realm)
        self._clock = clock

    async def request(self, alert: Alert, wait_s: float | None = None) -> Preview:
        """The planner's answer, or `available=False` after `wait_s` (default: the broker's). Raises WrongRealm."""
        if not isinstance(alert, LiveAlert | DrillAlert) or alert.realm_of is not self.realm:
            raise WrongRealm(self.realm.value, alert.realm_of.value)
        wait = self.wait_s if wait_s is None else wait_s
        until = self._clock.now() + timedelta(seconds=wait)
        question = PreviewRequest(request_id=secrets.token_hex(16), alert=alert, until=until)
        await self._redis.xadd(
            self._keys.preview_requests,
            {"request": msgspec.msgpack.encode(question)},
            maxlen=KEPT_REQUESTS,
            approximate=True,
        )
        try:
            found = await self._redis.blpop([self._keys.preview + question.request_id], timeout=wait)
        except RedisTimeoutError:  # the client's own timeout was the shorter one
            found = None
        if found is None:
            return Preview(available=False, at=self._clock.now())
        return _decode_preview(as_bytes(found[1]))

    async def serve(self, answer: Answer, block_ms: int) -> bool:
        """One step of the planner's side: wait up to `block_ms` for a question and answer it; True when one came.

        `answer` may be a plain function or a coroutine function. When it fails, the asker hears "not available" at
        once and the failure travels on.
        """
        for stream_id, question in await self._next(block_ms):
            try:
                if question is not None and question.until >= self._clock.now():
                    await self._answer(answer, question)
            finally:
                await self._redis.xdel(self._keys.preview_requests, stream_id)
            return True
        return False

    async def _answer(self, answer: Answer, question: PreviewRequest) -> None:
        if not isinstance(question.alert, ALERT_TYPES[self.realm]):
            raise WrongRealm(self.realm.value, question.alert.realm_of.value)
        preview = Preview(available=False, at=self._clock.now())
        try:
            answered = answer(question.alert)
            preview = await answered if inspect.isawaitable(answered) else answered
        finally:
            key = self._keys.preview + question.request_id
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.rpush(key, msgspec.msgpack.encode(preview))
                pipe.expire(key, ANSWER_KEPT_S)
                await pipe.execute()

    async def _next(self, block_ms: int) -> list[tuple[str, PreviewRequest | None]]:
        try:
            reply = await self._read_group(block_ms)
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            await self._make_group()
            reply = await self._read_group(block_ms)
        return [
            (as_text(stream_id), _parsed(fields))
            for entries in _streams(reply)
            for stream_id, fields in entries
        ]

    async def _read_group(self, block_ms: int) -> Any:
        # NOACK: a question is worth answering for seconds only, so none is ever claimed again.
        return await self._redis.xreadgroup(
            GROUP, GROUP, {self._keys.preview_requests: ">"}, count=1, block=block_ms, noack=True
        )

    async def _make_group(self) -> None:
        try:
            # From the start: a question asked while the planner was starting is still waited for.
            await self._redis.xgroup_create(self._keys.preview_requests, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise


def _streams(reply: Any) -> list[list[tuple[Any, dict[Any, Any]]]]:
    """The entries of each stream: RESP2 answers a list of (name, entries), RESP3 a dict of lists of them."""
    if not reply:
        return []
    if isinstance(reply, dict):
        return [entries for many in reply.values() for entries in many]
    return [entries for _, entries in reply]


def _parsed(fields: dict[Any, Any]) -> PreviewRequest | None:
    try:
        return _decode_request(as_bytes(fields[b"request"]))
    except (KeyError, msgspec.DecodeError):
        return None  # not ours, or of another release: nobody can be answered
