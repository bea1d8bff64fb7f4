"""The one client that reads JMA's feeds for the whole city: conditional, capped, polite (domain §3.2).

    poll(feed) ─▶ new entries, decided by type and office ─▶ fetch(entry) ─▶ telegram bytes
         └───────────── anything expected to go wrong comes back as a FetchFailure, not as an exception

Only sockets here: what the bytes mean is bosai.feeds; when to poll is bosai.feeds.polling.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import urlsplit

import aiohttp

from bosai.feeds.atom import MAX_FEED_BYTES, FeedEntry, parse_feed
from bosai.feeds.errors import FeedRefused
from bosai.feeds.safe_xml import MAX_BYTES

_READ_BYTES = 64 * 1024
_REMEMBERED_IDS = 20_000
_MAX_ATTEMPTS = 5


class FailureCause(StrEnum):
    """Why nothing was read. The values are stable: they label logs and metrics."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    HTTP_STATUS = "http_status"
    TOO_LARGE = "too_large"
    NOT_A_FEED = "not_a_feed"
    HOST_REFUSED = "host_refused"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedWant:
    """Telegrams to fetch: type codes starting with `type_prefix`, from these offices (None: any)."""

    type_prefix: str
    offices: frozenset[str] | None = None

    def covers(self, entry: FeedEntry) -> bool:
        """Decided from the entry alone, before any download. An entry whose office is not in its name
        is fetched: missing a warning costs more than a download."""
        if entry.type_code is None or not entry.type_code.startswith(self.type_prefix):
            return False
        return self.offices is None or entry.office is None or entry.office in self.offices


TSUNAMI_ONLY: tuple[FeedWant, ...] = (FeedWant(type_prefix="VTSE41"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """One poll. `entries` are wanted and not fetched yet, oldest first (also those that failed before)."""

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
        return urlsplit(self.entry.href).path.rsplit("/", 1)[-1]


@dataclass(slots=True)
class _Waiting:
    entry: FeedEntry
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class FeedClient:
    """Polls feeds and fetches each wanted entry once. Opens nothing: the session is its owner's.

    Entries may only be fetched from the feed's own host or from `allowed_hosts` ("host" or "host:port").
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        user_agent: str,
        wants: Iterable[FeedWant] = TSUNAMI_ONLY,
        allowed_hosts: Iterable[str] = (),
        timeout_s: float = 20.0,
        max_feed_bytes: int = MAX_FEED_BYTES,
        max_telegram_bytes: int = MAX_BYTES,
    ) -> None:
        self._session = session
        self._user_agent = user_agent
        self._wants = tuple(wants)
        self._allowed_hosts = {host.lower() for host in allowed_hosts}
        self._timeout_s = timeout_s
        self._max_feed_bytes = max_feed_bytes
        self._max_telegram_bytes = max_telegram_bytes
        self._validators: dict[str, dict[str, str]] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._waiting: dict[str, _Waiting] = {}

    def seed(self, entry_ids: Iterable[str]) -> None:
        """Entries already fetched, by an earlier run: they are not fetched again."""
        for entry_id in entry_ids:
            self._remember(entry_id)

    async def poll(self, feed_url: str) -> PollResult:
        """Ask a feed, unless it changed nothing. Never raises for what a network or a server may do."""
        self._allowed_hosts.add(urlsplit(feed_url).netloc.lower())
        answer = await self._get(
            feed_url, headers=self._validators.get(feed_url, {}), max_bytes=self._max_feed_bytes
        )
        if isinstance(answer, FetchFailure):
            return PollResult(url=feed_url, entries=self._to_fetch(), failure=answer)
        if answer.status == 304:
            return PollResult(url=feed_url, entries=self._to_fetch(), not_modified=True)
        try:
            # A long feed takes some tens of milliseconds: not on the loop.
            feed = await asyncio.to_thread(
                parse_feed, answer.body, base_url=feed_url, max_bytes=self._max_feed_bytes
            )
        except FeedRefused as error:
            failure = FetchFailure(cause=FailureCause.NOT_A_FEED, url=feed_url, detail=str(error))
            return PollResult(url=feed_url, entries=self._to_fetch(), failure=failure)
        # Kept only now: a feed we could not read must be sent again in full.
        self._validators[feed_url] = {
            ask: answer.headers[given]
            for ask, given in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
            if given in answer.headers
        }
        for entry in feed.entries:
            if entry.id not in self._seen and any(want.covers(entry) for want in self._wants):
                self._waiting.setdefault(entry.id, _Waiting(entry))
        return PollResult(url=feed_url, entries=self._to_fetch(), problems=feed.problems)

    async def fetch(self, entry: FeedEntry) -> FetchedTelegram | FetchFailure:
        """The telegram of an entry. What may pass is left to the next polls, until `is_final`."""
        answer = await self._get(entry.href, headers={}, max_bytes=self._max_telegram_bytes)
        if isinstance(answer, FetchFailure):
            waiting = self._waiting.setdefault(entry.id, _Waiting(entry))
            waiting.attempts += 1
            if answer.is_permanent or waiting.attempts >= _MAX_ATTEMPTS:
                self._remember(entry.id)
                return replace(answer, is_final=True)
            return answer
        self._remember(entry.id)
        return FetchedTelegram(entry=entry, data=answer.body)

    def _to_fetch(self) -> tuple[FeedEntry, ...]:
        entries = (waiting.entry for waiting in self._waiting.values())
        return tuple(sorted(entries, key=lambda e: (e.updated_at, e.id)))

    def _remember(self, entry_id: str) -> None:
        self._waiting.pop(entry_id, None)
        self._seen[entry_id] = None
        self._seen.move_to_end(entry_id)
        while len(self._seen) > _REMEMBERED_IDS:
            self._seen.popitem(last=False)

    async def _get(self, url: str, *, headers: Mapping[str, str], max_bytes: int) -> _Answer | FetchFailure:
        if urlsplit(url).netloc.lower() not in self._allowed_hosts:
            return FetchFailure(
                cause=FailureCause.HOST_REFUSED, url=url, detail="フィードの発行元とは別のホストです"
            )
        ask = {"User-Agent": self._user_agent, "Accept-Encoding": "gzip", **headers}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                # A redirect would leave the host that was checked above.
                self._session.get(url, headers=ask, allow_redirects=False) as response,
            ):
                if response.status == 304 and headers:
                    return _Answer(304, b"")
                if response.status != 200:
                    return _status_failure(url, response)
                body = await _read_capped(response, max_bytes)
                if body is None:
                    return FetchFailure(
                        cause=FailureCause.TOO_LARGE, url=url, detail=f"上限 {max_bytes} バイトを超えました"
                    )
                return _Answer(200, body, response.headers.copy())
        except TimeoutError:
            return FetchFailure(
                cause=FailureCause.TIMEOUT, url=url, detail=f"{self._timeout_s:g}秒以内に終わりません"
            )
        except (aiohttp.ClientError, OSError) as error:
            return FetchFailure(
                cause=FailureCause.CONNECTION, url=url, detail=f"{type(error).__name__}: {error}"[:300]
            )


async def _read_capped(response: aiohttp.ClientResponse, max_bytes: int) -> bytes | None:
    """The body after decompression; None as soon as it passes the cap, without reading the rest."""
    if response.content_length is not None and response.content_length > max_bytes:
        return None
    body = bytearray()
    async for chunk in response.content.iter_chunked(_READ_BYTES):
        body += chunk
        if len(body) > max_bytes:
            return None
    return bytes(body)


def _status_failure(url: str, response: aiohttp.ClientResponse) -> FetchFailure:
    asked = response.headers.get("Retry-After", "")
    return FetchFailure(
        cause=FailureCause.HTTP_STATUS,
        url=url,
        detail=f"HTTP {response.status} {response.reason or ''}".strip(),
        http_status=response.status,
        retry_after_s=float(asked) if asked.isascii() and asked.isdigit() else None,
    )
