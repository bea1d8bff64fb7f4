"""The client that reads one source of telegrams: conditional, capped, polite (domain §3.2).

    poll(url) ─▶ entries that are wanted and new ─▶ fetch(entry) ─▶ bytes ─▶ done(entry), once they were taken
         └───────────── anything expected to go wrong comes back as a FetchFailure, not as an exception

Only sockets here: what the bytes mean is bosai.feeds; when to poll is workers.feed_source. Several clients share one
`SeenEntries`, so that a telegram listed by two feeds is fetched by one of them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from urllib.parse import urlsplit

import aiohttp

from bosai.feeds.atom import MAX_FEED_BYTES, FeedEntry
from bosai.feeds.errors import FeedRefused
from bosai.feeds.listing import Listing
from bosai.feeds.polling import retry_after_s
from bosai.feeds.safe_xml import MAX_BYTES
from bosai.ports import Clock

_READ_BYTES = 64 * 1024
_REMEMBERED_IDS = 20_000
MAX_ATTEMPTS = 12
GIVE_UP_AFTER = timedelta(
    hours=6
)  # a warning that the feed lists is worth asking for as long as it may stand
MAX_UNWHOLE = 3  # then it is handed over as it is: HQ sees what came


class FailureCause(StrEnum):
    """Why nothing was read. The values are stable: they label logs and metrics."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    HTTP_STATUS = "http_status"
    TOO_LARGE = "too_large"
    NOT_A_FEED = "not_a_feed"
    NOT_WHOLE = "not_whole"
    HOST_REFUSED = "host_refused"
    NOT_TAKEN = "not_taken"


_CAUSES_JA = {
    FailureCause.TIMEOUT: "時間内に返事が終わりません",
    FailureCause.CONNECTION: "つながらないか、途中で切れました",
    FailureCause.HTTP_STATUS: "相手が断りました",
    FailureCause.TOO_LARGE: "大きすぎます",
    FailureCause.NOT_A_FEED: "フィードとして読めません",
    FailureCause.NOT_WHOLE: "電文が途中で切れているか、別のものです",
    FailureCause.HOST_REFUSED: "許していないホストです",
    FailureCause.NOT_TAKEN: "受け取りの処理に失敗しました",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailure:
    """One request that brought nothing. `retry_after_s` is what the server asked for, in seconds."""

    cause: FailureCause
    url: str
    detail: str
    http_status: int | None = None
    retry_after_s: float | None = None
    is_final: bool = False  # an entry given up: it comes with no later poll, so somebody must be told

    @property
    def is_permanent(self) -> bool:
        """True when asking again cannot help: gone, too large, or an address we do not visit.

        404 is not: a feed may name a file a moment before every mirror has it.
        """
        if self.cause is FailureCause.HTTP_STATUS:
            return self.http_status == 410
        return self.cause in {FailureCause.TOO_LARGE, FailureCause.HOST_REFUSED}

    @property
    def sentence_ja(self) -> str:
        """What officers read."""
        return f"{_CAUSES_JA[self.cause]}（{self.detail}）"


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """One poll. `entries` are wanted and not taken yet, in the order to fetch them (see `FeedClient.waiting`)."""

    url: str
    entries: tuple[FeedEntry, ...] = ()
    not_modified: bool = False
    failure: FetchFailure | None = None
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True when the feed answered 200 or 304 and could be read."""
        return self.failure is None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedTelegram:
    """The bytes of one telegram, as served; `name` is its file name for the parser."""

    entry: FeedEntry
    data: bytes

    @property
    def name(self) -> str:
        """The last part of the address, such as 20260831022641_0_VTSE41_010000.xml."""
        return urlsplit(self.entry.href).path.rsplit("/", 1)[-1] or self.entry.href


class SeenEntries:
    """Which entries were taken, and which client is about to take one. In memory, bounded."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken: OrderedDict[str, None] = OrderedDict()
        self._claimed: dict[str, object] = {}
        for entry_id in taken:
            self.take(entry_id)

    def claim(self, entry_id: str, who: object) -> bool:
        """True when the entry is `who`'s to fetch: nobody has taken it, and nobody else is at it."""
        return entry_id not in self._taken and self._claimed.setdefault(entry_id, who) is who

    def take(self, entry_id: str) -> None:
        """It was taken, or given up: nobody fetches it again."""
        self._claimed.pop(entry_id, None)
        self._taken[entry_id] = None
        self._taken.move_to_end(entry_id)
        while len(self._taken) > _REMEMBERED_IDS:
            self._taken.popitem(last=False)


@dataclass(slots=True)
class _Waiting:
    entry: FeedEntry
    since: datetime  # when it was first listed to us
    data: bytes | None = None
    attempts: int = 0
    unwhole: int = 0


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class FeedClient:
    """Polls the feeds of one source and fetches each wanted entry once. The session is its owner's.

    Entries may only be fetched from the feed's own host or from `allowed_hosts` ("host" or "host:port"). `is_whole`
    tells bytes that end where a telegram ends from half a one, or from a page in its place.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        clock: Clock,
        *,
        user_agent: str,
        seen: SeenEntries | None = None,
        allowed_hosts: Iterable[str] = (),
        timeout_s: float = 20.0,
        max_feed_bytes: int = MAX_FEED_BYTES,
        max_telegram_bytes: int = MAX_BYTES,
        is_whole: Callable[[bytes], bool] = lambda _: True,
        proxy: str = "",
    ) -> None:
        self.received_bytes = 0
        self.behind_s = 0.0  # our clock behind the server's, by its last Date header; negative: ahead
        self._session = session
        self._clock = clock
        self._user_agent = user_agent
        self._seen = seen or SeenEntries()
        self._allowed_hosts = {host.lower() for host in allowed_hosts}
        self._timeout_s = timeout_s
        self._max_feed_bytes = max_feed_bytes
        self._max_telegram_bytes = max_telegram_bytes
        self._is_whole = is_whole
        self._proxy = proxy or None
        self._validators: dict[str, dict[str, str]] = {}
        self._waiting: dict[str, _Waiting] = {}

    @property
    def waiting(self) -> tuple[FeedEntry, ...]:
        """Wanted and not taken yet, oldest first; those that failed come behind, so that they starve no other."""
        found = sorted(
            self._waiting.values(), key=lambda one: (one.attempts, one.entry.updated_at, one.entry.id)
        )
        return tuple(one.entry for one in found)

    def waited(self, entry: FeedEntry) -> timedelta:
        """How long ago the entry was first listed to us."""
        waiting = self._waiting.get(entry.id)
        return timedelta() if waiting is None else self._clock.now() - waiting.since

    async def poll(self, feed_url: str, read: Callable[[bytes], Listing]) -> PollResult:
        """Ask a feed, unless it changed nothing. Never raises for what a network or a server may do.

        read: the wanted entries of the feed's bytes; it runs in a thread and may raise FeedRefused.
        """
        self._allowed_hosts.add(urlsplit(feed_url).netloc.lower())
        answer = await self._get(
            feed_url, headers=self._validators.get(feed_url, {}), max_bytes=self._max_feed_bytes
        )
        if isinstance(answer, FetchFailure):
            return PollResult(url=feed_url, entries=self.waiting, failure=answer)
        if answer.status == 304:
            return PollResult(url=feed_url, entries=self.waiting, not_modified=True)
        try:
            # A long feed takes some tens of milliseconds: not on the loop.
            listing = await asyncio.to_thread(read, answer.body)
        except FeedRefused as error:
            failure = FetchFailure(cause=FailureCause.NOT_A_FEED, url=feed_url, detail=str(error))
            return PollResult(url=feed_url, entries=self.waiting, failure=failure)
        # Kept only now: a feed we could not read must be sent again in full.
        self._validators[feed_url] = {
            ask: answer.headers[given]
            for ask, given in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
            if given in answer.headers
        }
        for entry in listing.entries:
            if self._seen.claim(entry.id, self):
                new = _Waiting(entry, self._clock.now(), listing.inline.get(entry.id))
                self._waiting.setdefault(entry.id, new)
        return PollResult(url=feed_url, entries=self.waiting, problems=listing.problems)

    async def fetch(self, entry: FeedEntry) -> FetchedTelegram | FetchFailure:
        """The telegram of an entry. It stays wanted until `done`, or until a failure `is_final`."""
        waiting = self._waiting.setdefault(entry.id, _Waiting(entry, self._clock.now()))
        if waiting.data is not None:
            return FetchedTelegram(entry=entry, data=waiting.data)
        answer = await self._get(entry.href, headers={}, max_bytes=self._max_telegram_bytes)
        if isinstance(answer, FetchFailure):
            return self.put_off(entry, answer)
        if not self._is_whole(answer.body):
            waiting.unwhole += 1
            if waiting.unwhole < MAX_UNWHOLE:
                detail = f"{len(answer.body)}バイト"
                return self.put_off(
                    entry, FetchFailure(cause=FailureCause.NOT_WHOLE, url=entry.href, detail=detail)
                )
        return FetchedTelegram(entry=entry, data=answer.body)

    def done(self, entry: FeedEntry) -> None:
        """It was taken: never fetch it again."""
        self._waiting.pop(entry.id, None)
        self._seen.take(entry.id)

    def put_off(self, entry: FeedEntry, failure: FetchFailure) -> FetchFailure:
        """It is left to later polls; the same failure, `is_final` when it was given up by this."""
        waiting = self._waiting.setdefault(entry.id, _Waiting(entry, self._clock.now()))
        waiting.attempts += 1
        is_tried = waiting.attempts >= MAX_ATTEMPTS and self.waited(entry) >= GIVE_UP_AFTER
        if not failure.is_permanent and not is_tried:
            return failure
        self.done(entry)
        return replace(failure, is_final=True)

    async def _get(self, url: str, *, headers: Mapping[str, str], max_bytes: int) -> _Answer | FetchFailure:
        if urlsplit(url).netloc.lower() not in self._allowed_hosts:
            return FetchFailure(cause=FailureCause.HOST_REFUSED, url=url, detail=urlsplit(url).netloc[:100])
        ask = {"User-Agent": self._user_agent, "Accept-Encoding": "gzip", **headers}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                # A redirect would leave the host that was checked above.
                self._session.get(url, headers=ask, allow_redirects=False, proxy=self._proxy) as response,
            ):
                self._note_clock(response)
                if response.status == 304 and headers:
                    return _Answer(304, b"")
                if response.status != 200:
                    return self._refused(url, response)
                body = await self._read_capped(response, max_bytes)
                if body is None:
                    return FetchFailure(
                        cause=FailureCause.TOO_LARGE, url=url, detail=f"上限 {max_bytes} バイト"
                    )
                return _Answer(200, body, response.headers.copy())
        except TimeoutError:
            return FetchFailure(cause=FailureCause.TIMEOUT, url=url, detail=f"{self._timeout_s:g}秒")
        except (aiohttp.ClientError, OSError) as error:
            return FetchFailure(
                cause=FailureCause.CONNECTION, url=url, detail=f"{type(error).__name__}: {error}"[:300]
            )

    async def _read_capped(self, response: aiohttp.ClientResponse, max_bytes: int) -> bytes | None:
        """The body after decompression; None as soon as it passes the cap, without reading the rest.

        Counted for the day's volume: what is announced to come, else what came, decompressed (never too little).
        """
        announced = response.content_length
        if announced is not None and announced > max_bytes:
            return None
        body = bytearray()
        try:
            async for chunk in response.content.iter_chunked(_READ_BYTES):
                body += chunk
                if len(body) > max_bytes:
                    return None
        finally:
            self.received_bytes += len(body) if announced is None else announced
        return bytes(body)

    def _note_clock(self, response: aiohttp.ClientResponse) -> None:
        try:
            said = parsedate_to_datetime(response.headers.get("Date", ""))
        except (ValueError, TypeError):
            return
        if said.tzinfo is not None:
            self.behind_s = (said - self._clock.now()).total_seconds()

    def _refused(self, url: str, response: aiohttp.ClientResponse) -> FetchFailure:
        return FetchFailure(
            cause=FailureCause.HTTP_STATUS,
            url=url,
            detail=f"HTTP {response.status} {response.reason or ''}".strip()[:100],
            http_status=response.status,
            retry_after_s=retry_after_s(response.headers.get("Retry-After", ""), self._clock.now()),
        )
