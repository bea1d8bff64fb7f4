"""Answers that are made once and sent many times: a strong ETag, packed beforehand, kept in bounded memory.

make() in a thread ─▶ Packed (plain, gzip, SHA-256) ─▶ PackedShelf ─▶ answer: 200 plain or gzip · 304
"""

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from weakref import WeakValueDictionary

from aiohttp import ETag, web

MAPS_MAX_BYTES = 64_000_000
LIVE_MAX_BYTES = 8_000_000
GZIP_LEVEL = 6
WORTH_PACKING = 500
"""Bytes below which packing saves nothing."""


@dataclass(frozen=True, slots=True)
class Packed:
    """One content in both forms. `digest`: of the plain one by SHA-256, the same in every process."""

    plain: bytes
    gzipped: bytes
    digest: str

    @property
    def size(self) -> int:
        """Bytes it takes in memory."""
        return len(self.plain) + len(self.gzipped)


def pack(plain: bytes) -> Packed:
    """Packed without a time or a name in it, so that the same content is the same bytes. Blocks for long contents."""
    gzipped = gzip.compress(plain, GZIP_LEVEL, mtime=0) if len(plain) >= WORTH_PACKING else b""
    return Packed(plain, gzipped, hashlib.sha256(plain).hexdigest()[:32])


class PackedShelf:
    """Contents by key, the longest unused leave first. Two who ask for the same wait for one making."""

    def __init__(self, *, max_bytes: int, at_once: int) -> None:
        self._max_bytes = max_bytes
        self._held: OrderedDict[Hashable, Packed] = OrderedDict()
        self._bytes = 0
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()
        self._slots = asyncio.Semaphore(at_once)

    @property
    def bytes_held(self) -> int:
        """What it takes in memory now."""
        return self._bytes

    async def get(self, key: Hashable, make: Callable[[], bytes]) -> Packed:
        """The content of `key`; made in a thread when nobody has asked yet."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            held = self._held.get(key)
            if held is None:
                async with self._slots:
                    held = await asyncio.to_thread(lambda: pack(make()))
                self._put(key, held)
            else:
                self._held.move_to_end(key)
        return held

    def _put(self, key: Hashable, made: Packed) -> None:
        self._held[key] = made
        self._bytes += made.size
        while self._bytes > self._max_bytes and self._held:
            _, gone = self._held.popitem(last=False)
            self._bytes -= gone.size


MAPS: web.AppKey[PackedShelf] = web.AppKey("MAPS", PackedShelf)
LIVE: web.AppKey[PackedShelf] = web.AppKey("LIVE", PackedShelf)


def set_up(app: web.Application) -> None:
    """Two shelves: what is live never waits behind a city that is thinned out, which takes a core for seconds."""
    app[MAPS] = PackedShelf(max_bytes=MAPS_MAX_BYTES, at_once=1)
    app[LIVE] = PackedShelf(max_bytes=LIVE_MAX_BYTES, at_once=4)


def answer(request: web.Request, packed: Packed, *, media: str, cache_control: str) -> web.Response:
    """200 in the form this client takes, or 304 when it has either form already."""
    is_gzip = bool(packed.gzipped) and _takes_gzip(request.headers.get("Accept-Encoding", ""))
    # Two forms are two representations: a strong tag never stands for the bytes of the other (RFC 9110 §8.8.3).
    tag = f"{packed.digest}-gz" if is_gzip else packed.digest
    headers = {"Cache-Control": cache_control, "Vary": "Accept-Encoding", "ETag": f'"{tag}"'}
    if _has_it(request.if_none_match or (), packed.digest):
        return web.Response(status=304, headers=headers)
    if is_gzip:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=packed.gzipped if is_gzip else packed.plain, content_type=media, headers=headers)


def _has_it(tags: tuple[ETag, ...], digest: str) -> bool:
    # A proxy that packs by itself makes our tag a weak one; for If-None-Match that is enough.
    return any(one.value in ("*", digest, f"{digest}-gz") for one in tags)


def _takes_gzip(header: str) -> bool:
    """What Accept-Encoding says of gzip; "*" counts, q=0 refuses."""
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        name, _, params = part.partition(";")
        try:
            weights[name.strip()] = float(params.strip().removeprefix("q=")) if params.strip() else 1.0
        except ValueError:
            weights[name.strip()] = 0.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0
