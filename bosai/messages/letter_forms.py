"""A message as bytes with holes, and the figures of one person that fill them.

Words are rendered with a walk nobody has; where its distance and minutes stand, and where seq, tag, times and
token belong, is a hole. A hole is a NUL and a letter while the form is cut: JSON never has a NUL in it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from bosai.messages.measures import distance_text, minutes_of
from bosai.messages.payload import Personal, advice_path, site_block
from bosai.model.instruction import Destination, Instruction
from bosai.model.realm import Realm

FigureBytes = tuple[bytes, ...]

# Places in the tuple of figures. Each of two sites has six; lon and lat only at an area's edge, which lies
# elsewhere for everybody.
_TIMESTAMP_MS, _AT_S, _STALE_S, _SEQ, _TAG, _RECEIPT = range(6)
_SITE, _ALT = 6, 12
_M, _M_SHOWN, _S, _MINUTES_SHOWN, _LON, _LAT = range(6)

_NOBODYS_WALK = {_SITE: (777_777_700, 777_777_777 * 60), _ALT: (888_888_800, 888_888_888 * 60)}
"""Metres and seconds that no walk on earth has."""

_NOWHERE = (b"",) * 6
_HOLE = re.compile(rb"\0(.)", re.DOTALL)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Form:
    """`template % fill(figures)` is the message of whoever the figures belong to."""

    template: bytes
    fill: Callable[[FigureBytes], FigureBytes]


def cut_out(encoded: bytes) -> Form:
    """A form from the message of `walked_by_nobody`, encoded with the holes of `holes_of`."""
    for first, (walk_m, walk_s) in _NOBODYS_WALK.items():
        encoded = encoded.replace(distance_text(walk_m).encode(), _hole(first + _M_SHOWN))
        encoded = encoded.replace(b"%d" % minutes_of(walk_s), _hole(first + _MINUTES_SHOWN))
    pieces = _HOLE.split(encoded.replace(b"%", b"%%"))
    return Form(b"%b".join(pieces[0::2]), itemgetter(*(piece[0] - ord("A") for piece in pieces[1::2])))


def walked_by_nobody(one: Instruction) -> Instruction:
    """The instruction with walks that show in the words where a person's own belong."""

    def far(site: Destination | None, first: int) -> Destination | None:
        walk_m, walk_s = _NOBODYS_WALK[first]
        return site and msgspec.structs.replace(site, walk_m=walk_m, walk_s=walk_s)

    return msgspec.structs.replace(
        one, destination=far(one.destination, _SITE), alternate=far(one.alternate, _ALT)
    )


def holes_of(one: Instruction, realm: Realm) -> Personal:
    """Holes instead of everything that is one person's own."""
    return Personal(
        navigate=msgspec.Raw(_json(advice_path(realm, one.incident))[:-1] + _hole(_SEQ) + b'"'),
        tag=msgspec.Raw(_hole(_TAG)),
        timestamp_ms=msgspec.Raw(_hole(_TIMESTAMP_MS)),
        seq=msgspec.Raw(_hole(_SEQ)),
        site=_site_holes(one.destination, _SITE),
        alt=_site_holes(one.alternate, _ALT),
        receipt=msgspec.Raw(_hole(_RECEIPT)),
        at_s=msgspec.Raw(_hole(_AT_S)),
        stale_s=msgspec.Raw(_hole(_STALE_S)),
    )


def _site_holes(site: Destination | None, first: int) -> dict[str, Any] | None:
    block = site_block(site)
    if block is None or site is None:
        return None
    holes = {"m": _M, "s": _S} if site.site_id is not None else {"m": _M, "s": _S, "lon": _LON, "lat": _LAT}
    return block | {name: msgspec.Raw(_hole(first + which)) for name, which in holes.items()}


def _hole(figure: int) -> bytes:
    return b"\0%c" % (ord("A") + figure)


class Figures:
    """Turns what is one person's own into bytes. Keeps the last times and tag: a whole plan has the same."""

    def __init__(self) -> None:
        self._times = _times(_EPOCH, _EPOCH)
        self._tag = "", _json("")

    def of(self, one: Instruction, receipt_token: str, tag: str) -> FigureBytes:
        """All figures, in the order that forms take them from."""
        times = self._times
        if one.decided_at != times.decided_at or one.stale_at != times.stale_at:
            times = self._times = _times(one.decided_at, one.stale_at)
        if tag != self._tag[0]:
            self._tag = tag, _json(tag)
        return (
            *times.written,
            b"%d" % one.seq,
            self._tag[1],
            _json(receipt_token),
            *_walk(one.destination),
            *_walk(one.alternate),
        )


class _Times(NamedTuple):
    decided_at: datetime
    stale_at: datetime
    written: tuple[bytes, bytes, bytes]


def _times(decided_at: datetime, stale_at: datetime) -> _Times:
    decided_s = decided_at.timestamp()
    written = (b"%d" % int(decided_s * 1000), b"%d" % int(decided_s), b"%d" % int(stale_at.timestamp()))
    return _Times(decided_at, stale_at, written)


def _walk(site: Destination | None) -> FigureBytes:
    if site is None:
        return _NOWHERE
    metres, seconds = _metres(site.walk_m), _seconds(site.walk_s)
    if site.site_id is not None:
        return *metres, *seconds, b"", b""
    return *metres, *seconds, _json(round(site.lon, 5)), _json(round(site.lat, 5))


@lru_cache(8192)
def _metres(walk_m: int) -> tuple[bytes, bytes]:
    """Exact, and as shown."""
    return b"%d" % walk_m, distance_text(walk_m).encode()


@lru_cache(8192)
def _seconds(walk_s: int) -> tuple[bytes, bytes]:
    """Exact, and the minutes shown."""
    return b"%d" % walk_s, b"%d" % minutes_of(walk_s)
