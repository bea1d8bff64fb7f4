"""A JMA of our own: recorded telegrams as Atom feeds and data files, appearing as its clock passes their send time.

telegrams ─▶ /developer/xml/feed/{eqvol,extra,regular,other}.xml      the last ten minutes (高頻度)
          └▶ /developer/xml/feed/…_l.xml                              a week, renewed every full hour (長期)
          └▶ /developer/xml/data/<send time>_<n>_<TYPE>_<office>.xml
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from xml.sax.saxutils import escape

from aiohttp import web

from tests.bed.clocks import Clock, FakeClock
from tests.bed.telegrams import Recorded, read_telegram

FEEDS = {"eqvol": "地震火山", "extra": "随時", "regular": "定時", "other": "その他"}
HIGH_FREQUENCY = timedelta(minutes=10)
LONG = timedelta(days=7)
BEFORE_ALL = datetime(2011, 1, 1, tzinfo=UTC)
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" lang="ja">'


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One scripted misfortune of an answer: another status, a delay, a body cut off or blown up to `huge_bytes`.

    headers: sent with another status, such as Retry-After or Location.
    """

    status: int = 200
    delay_s: float = 0.0
    truncated: bool = False
    huge_bytes: int = 0
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it came, and what was answered."""

    path: str
    status: int
    if_none_match: str | None
    if_modified_since: str | None
    accept_encoding: str
    user_agent: str
    sent_bytes: int


class JmaServer:
    """The server on loopback; `async with` opens and closes it.

    clock: what has been published is decided by it; a `FakeClock` standing in 2011 unless told.
    asked: every request. url: the origin, in place of https://www.data.jma.go.jp.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or FakeClock(BEFORE_ALL)
        self.asked: list[Asked] = []
        self.url = ""
        self._telegrams: list[tuple[str, Recorded]] = []  # (file name, telegram), by send time
        self._failures: dict[str | None, deque[Failure]] = {}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/developer/xml/feed/{name}.xml", self._feed)
        app.router.add_get("/developer/xml/data/{name}", self._data)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    # -- what a test asks and tells ---------------------------------------------------------------------

    def feed_url(self, feed: str, *, long: bool = False) -> str:
        """The address of a feed: eqvol, extra, regular, other."""
        if feed not in FEEDS:
            raise ValueError(f"feed: {feed!r}, expected one of {', '.join(FEEDS)}")
        return f"{self.url}/developer/xml/feed/{feed}{'_l' if long else ''}.xml"

    def publish(self, *telegrams: Recorded | Path) -> list[str]:
        """Add telegrams; each appears once the clock passes its send time. Their file names."""
        names = []
        for one in telegrams:
            telegram = read_telegram(one) if isinstance(one, Path) else one
            stem = f"{telegram.sent_at:%Y%m%d%H%M%S}_%d_{telegram.type_code}_{telegram.office}.xml"
            taken = {name for name, _ in self._telegrams}
            name = next(stem % n for n in range(len(taken) + 1) if stem % n not in taken)
            self._telegrams.append((name, telegram))
            names.append(name)
        self._telegrams.sort(key=lambda pair: (pair[1].sent_at, pair[0]))
        return names

    @property
    def sent_bytes(self) -> int:
        """Bodies sent so far, as they went over the line."""
        return sum(one.sent_bytes for one in self.asked)

    @property
    def send_times(self) -> list[datetime]:
        """When the telegrams appear, in order: the moments to move the clock to."""
        return [telegram.sent_at for _, telegram in self._telegrams]

    def fail_next(self, count: int, failure: Failure, *, path: str | None = None) -> None:
        """Let the next `count` answers fail: those for one path (from `feed_url`, or /developer/…), or any."""
        key = None if path is None else path.removeprefix(self.url)
        self._failures.setdefault(key, deque()).extend([failure] * count)

    # -- what a client sees -----------------------------------------------------------------------------

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        feed, long = name.removesuffix("_l"), name.endswith("_l")
        if feed not in FEEDS:
            return self._answered(request, web.Response(status=404, text="no such feed"))
        now = self.clock.now()
        shown_at = now.replace(minute=0, second=0, microsecond=0) if long else now
        kept = LONG if long else HIGH_FREQUENCY
        mine = [(name, one) for name, one in self._telegrams if one.feed == feed and one.sent_at <= shown_at]
        shown = [(name, one) for name, one in mine if one.sent_at > shown_at - kept]
        # It changes when a telegram comes in and when one drops out.
        changes = [one.sent_at + (timedelta(0) if one.sent_at > shown_at - kept else kept) for _, one in mine]
        changed_at = max(changes, default=BEFORE_ALL).astimezone(UTC)
        body = self._atom(feed, long, changed_at, reversed(shown))
        return await self._answer(request, body, changed_at)

    async def _data(self, request: web.Request) -> web.StreamResponse:
        wanted = request.match_info["name"]
        for name, telegram in self._telegrams:
            if name == wanted and telegram.sent_at <= self.clock.now():
                return await self._answer(request, telegram.xml, telegram.sent_at)
        return self._answered(request, web.Response(status=404, text="no such telegram"))

    def _atom(
        self, feed: str, long: bool, changed_at: datetime, shown: Iterable[tuple[str, Recorded]]
    ) -> bytes:
        kind = f"{'長期' if long else '高頻度'}（{FEEDS[feed]}）"
        address = self.feed_url(feed, long=long)
        lines = [
            HEAD,
            f"<title>{kind}</title><subtitle>JMAXML publishing feed</subtitle>",
            f"<updated>{changed_at.astimezone().isoformat(timespec='seconds')}</updated>",
            f"<id>{address}#{'long' if long else 'short'}_{int(changed_at.timestamp())}</id>",
            f'<link rel="related" href="https://www.jma.go.jp/"/><link rel="self" href="{address}"/>',
        ]
        for name, one in shown:
            link = f"{self.url}/developer/xml/data/{name}"
            content = f"【{one.head_title}】{one.headline}"
            lines.append(
                f"<entry><title>{escape(one.title)}</title><id>{link}</id>"
                f"<updated>{one.sent_at:%Y-%m-%dT%H:%M:%SZ}</updated>"
                f"<author><name>{escape(one.publisher)}</name></author>"
                f'<link type="application/xml" href="{link}"/>'
                f'<content type="text">{escape(content)}</content></entry>'
            )
        return "\n".join([*lines, "</feed>\n"]).encode()

    async def _answer(self, request: web.Request, body: bytes, changed_at: datetime) -> web.StreamResponse:
        failure = self._failure(request.path)
        if failure.delay_s:
            await asyncio.sleep(failure.delay_s)
        if failure.status != 200:
            return self._answered(
                request, web.Response(status=failure.status, text="scripted", headers=failure.headers)
            )
        if failure.body is not None or failure.huge_bytes:
            body = failure.body or b"<feed>" + b" " * failure.huge_bytes
        modified = format_datetime(changed_at.replace(microsecond=0), usegmt=True)
        etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        headers = {"ETag": etag, "Last-Modified": modified, "Vary": "Accept-Encoding"}
        if _unchanged(request, etag, changed_at):
            return self._answered(request, web.Response(status=304, headers=headers))
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = await asyncio.to_thread(gzip.compress, body, 6, mtime=0)
        headers["Content-Type"] = "application/xml"
        if failure.truncated:
            return await self._cut_off(request, body, headers)
        return self._answered(request, web.Response(body=body, headers=headers))

    def _failure(self, path: str) -> Failure:
        for key in (path, None):
            if self._failures.get(key):
                return self._failures[key].popleft()
        return Failure()

    async def _cut_off(
        self, request: web.Request, body: bytes, headers: dict[str, str]
    ) -> web.StreamResponse:
        """Promise the whole body, send half of it and hang up."""
        response = web.StreamResponse(headers={**headers, "Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        self._answered(request, response, sent_bytes=len(body) // 2)
        if request.transport is not None:
            request.transport.close()
        return response

    def _answered(
        self, request: web.Request, response: web.StreamResponse, sent_bytes: int | None = None
    ) -> web.StreamResponse:
        length = (
            len(response.body)
            if isinstance(response, web.Response) and isinstance(response.body, bytes)
            else 0
        )
        if not response.prepared:
            response.headers["Date"] = format_datetime(self.clock.now().astimezone(UTC), usegmt=True)
        self.asked.append(
            Asked(
                path=request.path,
                status=response.status,
                if_none_match=request.headers.get("If-None-Match"),
                if_modified_since=request.headers.get("If-Modified-Since"),
                accept_encoding=request.headers.get("Accept-Encoding", ""),
                user_agent=request.headers.get("User-Agent", ""),
                sent_bytes=length if sent_bytes is None else sent_bytes,
            )
        )
        return response


def _unchanged(request: web.Request, etag: str, changed_at: datetime) -> bool:
    """RFC 9110 §13.2.2: If-None-Match decides alone when it is there, else If-Modified-Since."""
    match, since = request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")
    if match is not None:
        return match.strip() == "*" or etag in [one.strip().removeprefix("W/") for one in match.split(",")]
    if since is None:
        return False
    try:
        return changed_at.replace(microsecond=0) <= parsedate_to_datetime(since)
    except ValueError:
        return False  # a date that cannot be read is ignored (§13.1.3)
