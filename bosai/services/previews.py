"""Who is inside, asked of the planner before an order leaves. A silent planner is an answer too, never a wait.

web: XADD request ─▶ stream ─▶ planner: serve() ─▶ RPUSH answers ─▶ web: BLPOP, at most `wait_s`

The planner answers in steps, each with more in it; the web takes the last that came in time.
"""

import inspect
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
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
from bosai.services.preview_figures import (
    ClosedSite,
    Openings,
    Outcome,
    Preview,
    SiteExpectation,
    TownFigures,
)
from bosai.stores.keys import Keys
from bosai.stores.replies import as_bytes, as_text

__all__ = [
    "ClosedSite",
    "Openings",
    "Outcome",
    "Preview",
    "PreviewBroker",
    "PreviewRequest",
    "SiteExpectation",
    "TownFigures",
]

WAIT_S = 5.0
KEPT_REQUESTS = 100
ANSWER_KEPT_S = 300
GROUP = "planner"
_LEAST_WAIT_S = 0.001


class PreviewRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One question to the planner. After `until` nobody waits for its answer."""

    request_id: str
    alert: LiveAlert | DrillAlert
    until: datetime
    counts_only: bool = False  # who is inside is all that is asked


Answer = Callable[[Alert], Preview | Awaitable[Preview] | AsyncIterator[Preview]]
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

    async def request(
        self, alert: Alert, wait_s: float | None = None, *, counts_only: bool = False
    ) -> Preview:
        """The most the planner had to say within `wait_s` (default: the broker's); `available=False` for nothing.

        counts_only: the first answer is enough, who is inside. Raises WrongRealm.
        """
        if not isinstance(alert, LiveAlert | DrillAlert) or alert.realm_of is not self.realm:
            raise WrongRealm(self.realm.value, alert.realm_of.value)
        wait = self.wait_s if wait_s is None else wait_s
        question = PreviewRequest(
            request_id=secrets.token_hex(16),
            alert=alert,
            until=self._clock.now() + timedelta(seconds=wait),
            counts_only=counts_only,
        )
        await self._redis.xadd(
            self._keys.preview_requests,
            {"request": msgspec.msgpack.encode(question)},
            maxlen=KEPT_REQUESTS,
            approximate=True,
        )
        newest = Preview(available=False, at=self._clock.now())
        ends_at = time.monotonic() + wait
        # BLPOP waits for ever at 0, so the last wait is a short one.
        while (left := ends_at - time.monotonic()) > _LEAST_WAIT_S:
            found = await self._next_answer(question.request_id, left)
            if found is None:
                break
            newest = found
            if counts_only or not newest.more:
                break
        return newest

    async def _next_answer(self, request_id: str, wait_s: float) -> Preview | None:
        try:
            found = await self._redis.blpop([self._keys.preview + request_id], timeout=wait_s)
        except RedisTimeoutError:  # the client's own timeout was the shorter one
            return None
        return None if found is None else _decode_preview(as_bytes(found[1]))

    async def serve(self, answer: Answer, block_ms: int) -> bool:
        """One step of the planner's side: wait up to `block_ms` for a question and answer it; True when one came.

        `answer` may be a plain function, a coroutine function or an async generator function that answers in steps;
        its last answer is the complete one. When it fails before that, the asker hears "not available" at once, or
        keeps what came before, and the failure travels on.
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
        said: Preview | None = None
        try:
            async with aclosing(_steps(answer(question.alert))) as steps:
                async for said in steps:
                    await self._say(question, said)
                    if question.counts_only or self._clock.now() > question.until:
                        break  # nobody waits for more
        except BaseException:
            # The end is said too: whoever waits for a next step that never comes would wait in vain.
            silence = Preview(available=False, at=self._clock.now())
            await self._say(question, silence if said is None else msgspec.structs.replace(said, more=False))
            raise

    async def _say(self, question: PreviewRequest, preview: Preview) -> None:
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


async def _steps(
    answered: Preview | Awaitable[Preview] | AsyncIterator[Preview],
) -> AsyncGenerator[Preview]:
    """However it is answered, as steps."""
    if isinstance(answered, AsyncIterator):
        async for one in answered:
            yield one
    else:
        yield await answered if inspect.isawaitable(answered) else answered


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
