"""The same bytes as `payload`, for many people at once: words are made once, figures are put in for each.

instruction ─▶ key of its words ─▶ page (kept) ─▶ form: the message as bytes with holes ─▶ figures into the holes
                                     └ none yet: rendered with figures nobody has, which show where the holes are

Two people at the same site read the same sentences with another distance in them. A form is used only after it
has given, for the first person who needed it, exactly the bytes that `payload` gives; else `payload` speaks itself.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any

import msgspec

from bosai.errors import WrongRealm
from bosai.messages.advice import render_advice
from bosai.messages.measures import JST, distance_text, minutes_of
from bosai.messages.payload import (
    Personal,
    advice_path,
    attempts,
    document,
    limit_bytes,
    payload,
    personal,
    site_block,
)
from bosai.model.alert import AlertRecord
from bosai.model.instruction import Destination, Instruction
from bosai.model.realm import Realm
from shelters.model import ReasonCode

PAGES = 16_384
"""Pages kept at most (about 2 kB each): sites × second choices × languages of a whole city."""

_RECORDS_HELD = 16  # known by identity; each may hold a large geometry
_EDITIONS_HELD = 32
_FORMS = 4  # the attempts of `payload`, the last two of them short
_FIRST_SHORT = 2
_WORDED_REASONS = frozenset({ReasonCode.NO_SITE.value, ReasonCode.NO_SEATS_LEFT.value})
"""The only reasons a message speaks of (`actions`); the others stand on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edition:
    """One state of one version of an order, as far as words depend on it."""

    number: int
    arrival_at: datetime | None  # before and after it the words differ
    undated: bool  # not released: the words show the time of the decision


@dataclass(slots=True)
class _Form:
    """A message as bytes with holes, and how to take what fills them from `_figures`. fill None: holes unknown."""

    template: bytes
    fill: Callable[[tuple[Any, ...]], tuple[Any, ...]] | None


@dataclass(slots=True)
class _Page:
    """Everything said with the same words, in ever smaller forms; made when first needed."""

    forms: list[_Form | None] = field(default_factory=lambda: [None] * _FORMS)


class LetterPress:
    """Messages of one side. Keeps what it rendered; for one thread. Never says other than `payload` would."""

    def __init__(self, realm: Realm, *, pages: int = PAGES) -> None:
        self.realm = realm
        self._generation = max(1, pages // 2)
        self._young: dict[Any, _Page] = {}  # two generations: what is used again stays
        self._old: dict[Any, _Page] = {}
        self._records: OrderedDict[int, tuple[AlertRecord, _Edition]] = OrderedDict()
        self._editions: OrderedDict[tuple[Any, ...], _Edition] = OrderedDict()
        self._numbered = 0
        self._day = _day_of(datetime(1970, 1, 1, tzinfo=UTC))

    def letter(
        self,
        instruction: Instruction,
        record: AlertRecord,
        lang: str,
        *,
        now: datetime,
        receipt_token: str,
        tag: str,
        short: bool = False,
    ) -> bytes:
        """`payload(instruction, record, realm, lang, …)`, byte for byte. Raises WrongRealm, UnknownText."""
        if not self._day[0] <= now < self._day[1]:
            self._turn_to(now)
        page = self._page(instruction, record, lang, now)
        figures = _figures(instruction, receipt_token, tag)
        limit = limit_bytes(short=short)
        sent = b""
        for index in range(_FIRST_SHORT if short else 0, _FORMS):
            form = page.forms[index]
            if form is None:
                form = page.forms[index] = self._form(
                    index, instruction, record, lang, now, receipt_token, tag
                )
            if form.fill is None:
                return payload(
                    instruction,
                    record,
                    self.realm,
                    lang,
                    now=now,
                    receipt_token=receipt_token,
                    tag=tag,
                    short=short,
                )
            sent = form.template % form.fill(figures)
            if len(sent) <= limit:
                break
        return sent

    @property
    def pages(self) -> int:
        """How many pages are kept now."""
        return len(self._young) + len(self._old)

    # ---- which words ------------------------------------------------------------------------------

    def _page(self, one: Instruction, record: AlertRecord, lang: str, now: datetime) -> _Page:
        held = self._records.get(id(record))
        edition = held[1] if held is not None else self._edition(record)
        arrival = edition.arrival_at
        key = (
            edition.number,
            lang,
            one.message,
            one.action,
            one.incident,
            _place_key(one.destination),
            _place_key(one.alternate),
            _WORDED_REASONS.isdisjoint(one.reasons),
            arrival is not None and arrival <= now,
            one.decided_at if edition.undated else None,
        )
        page = self._young.get(key)
        return page if page is not None else self._keep(key)

    def _keep(self, key: tuple[Any, ...]) -> _Page:
        page = self._old.pop(key, None) or _Page()
        if len(self._young) >= self._generation:
            self._old, self._young = self._young, {}
        self._young[key] = page
        return page

    def _edition(self, record: AlertRecord) -> _Edition:
        """The edition of a record met for the first time, or read again from the store."""
        alert = record.alert
        if alert.realm_of is not self.realm:
            raise WrongRealm(self.realm.value, alert.realm_of.value)
        face = (
            alert.alert_id,
            alert.version,
            alert.act,
            alert.hazard,
            alert.kind,
            alert.tsunami_class,
            alert.area.names,
            tuple(alert.texts.items()),
            alert.expected_arrival_at,
            alert.announced_at,
            record.released_at,
        )
        edition = self._editions.get(face)
        if edition is None:
            self._drop(lambda old: old[0] == alert.alert_id and old[1] <= alert.version)
            self._numbered += 1
            edition = self._editions[face] = _Edition(
                number=self._numbered,
                arrival_at=alert.expected_arrival_at,
                undated=record.released_at is None,
            )
            oldest = next(iter(self._editions))
            if len(self._editions) > _EDITIONS_HELD:
                self._drop(lambda old: old is oldest)
        self._records[id(record)] = record, edition  # held, so that no other object gets its id
        if len(self._records) > _RECORDS_HELD:
            self._records.popitem(last=False)
        return edition

    def _drop(self, is_over: Callable[[tuple[Any, ...]], bool]) -> None:
        """Forget editions with their pages. Those still in flight are rendered anew."""
        gone = {self._editions.pop(face).number for face in [*self._editions] if is_over(face)}
        if not gone:
            return
        self._young = {key: page for key, page in self._young.items() if key[0] not in gone}
        self._old = {key: page for key, page in self._old.items() if key[0] not in gone}
        for number, (_, edition) in [*self._records.items()]:
            if edition.number in gone:
                del self._records[number]

    def _turn_to(self, now: datetime) -> None:
        """Another day in Japan: times of the day before are said with their date."""
        self._day = _day_of(now)
        self._young, self._old = {}, {}

    # ---- how a page is made ------------------------------------------------------------------------

    def _form(  # noqa: PLR0917 - what `letter` was given
        self,
        index: int,
        one: Instruction,
        record: AlertRecord,
        lang: str,
        now: datetime,
        token: str,
        tag: str,
    ) -> _Form:
        plain = self._encoded(
            index, one, record, lang, now, lambda told: personal(told, self.realm, token, tag)
        )
        holes = self._encoded(index, _walked_by_nobody(one), record, lang, now, self._holes)
        form = _cut_out(holes)
        if form.fill is not None and form.template % form.fill(_figures(one, token, tag)) == plain:
            return form
        return _Form(b"", None)

    def _encoded(  # noqa: PLR0917 - what `letter` was given
        self,
        index: int,
        one: Instruction,
        record: AlertRecord,
        lang: str,
        now: datetime,
        own: Callable[[Instruction], Personal],
    ) -> bytes:
        attempt = next(islice(attempts(one, record, short=False), index, None))
        words = render_advice(attempt.instruction, attempt.record, self.realm, lang, now=now)
        return msgspec.json.encode(document(attempt, self.realm, words, own(attempt.instruction)))

    def _holes(self, one: Instruction) -> Personal:
        return Personal(
            navigate=msgspec.Raw(_quoted(advice_path(self.realm, one.incident))[:-1] + _hole(_SEQ) + b'"'),
            tag=msgspec.Raw(_hole(_TAG)),
            timestamp_ms=msgspec.Raw(_hole(_TIMESTAMP_MS)),
            seq=msgspec.Raw(_hole(_SEQ)),
            site=_site_holes(one.destination, _SITE),
            alt=_site_holes(one.alternate, _ALT),
            receipt=msgspec.Raw(_hole(_RECEIPT)),
            at_s=msgspec.Raw(_hole(_AT_S)),
            stale_s=msgspec.Raw(_hole(_STALE_S)),
        )


# ---- what differs from one person to the next ------------------------------------------------------

_SEQ, _TAG, _TIMESTAMP_MS, _RECEIPT, _AT_S, _STALE_S = range(6)
_SITE, _ALT = (
    6,
    12,
)  # each: metres, seconds, and as shown; lon and lat where they differ from person to person
_M, _S, _M_SHOWN, _MINUTES_SHOWN, _LON, _LAT = range(6)
_NUMBERS = {_SEQ, _TIMESTAMP_MS, _AT_S, _STALE_S, _SITE + _M, _SITE + _S, _ALT + _M, _ALT + _S}
_NOWHERE = (0, 0, b"", b"", b"", b"")
_quoted = msgspec.json.Encoder().encode


def _figures(one: Instruction, receipt_token: str, tag: str) -> tuple[Any, ...]:
    decided_s = one.decided_at.timestamp()
    return (
        one.seq,
        _quoted(tag),
        int(decided_s * 1000),
        _quoted(receipt_token),
        int(decided_s),
        int(one.stale_at.timestamp()),
        *_walk(one.destination),
        *_walk(one.alternate),
    )


def _walk(site: Destination | None) -> tuple[int, int, bytes, bytes, bytes, bytes]:
    if site is None:
        return _NOWHERE
    metres, seconds = site.walk_m, site.walk_s
    shown, minutes = _metres_shown(metres), _minutes_shown(seconds)
    if site.site_id is not None:
        return metres, seconds, shown, minutes, b"", b""
    lon, lat = _quoted(round(site.lon, 5)), _quoted(round(site.lat, 5))
    return metres, seconds, shown, minutes, lon, lat


@lru_cache(8192)
def _metres_shown(metres: int) -> bytes:
    return distance_text(metres).encode()


@lru_cache(8192)
def _minutes_shown(seconds: int) -> bytes:
    return b"%d" % minutes_of(seconds)


def _place_key(site: Destination | None) -> tuple[Any, ...] | None:
    """What is said of a place besides the walk. The edge of an area lies elsewhere for everybody."""
    if site is None:
        return None
    if site.site_id is None:
        return None, site.name, site.floor_label, site.about, site.unconfirmed, site.crowded
    return (
        site.site_id,
        site.name,
        site.floor_label,
        site.about,
        site.unconfirmed,
        site.crowded,
        site.lon,
        site.lat,
    )


def _day_of(now: datetime) -> tuple[datetime, datetime]:
    """The day in Japan that `now` lies in, from midnight to midnight, in UTC."""
    midnight = datetime.combine(now.astimezone(JST).date(), time.min, JST).astimezone(UTC)
    return midnight, midnight + timedelta(days=1)


# ---- holes: bytes that JSON never has ----------------------------------------------------------------

_HOLE = re.compile(rb"\0(.)", re.DOTALL)
_NOBODYS_WALK = {  # metres and seconds that no walk on earth has, and the holes their words stand for
    _SITE: (777_777_700, 777_777_777 * 60),
    _ALT: (888_888_800, 888_888_888 * 60),
}


def _hole(figure: int) -> bytes:
    return b"\0%c" % (ord("A") + figure)


def _site_holes(site: Destination | None, first: int) -> Any:
    block = site_block(site)
    if block is None or site is None:
        return None
    holes = {"m": _M, "s": _S} if site.site_id is not None else {"m": _M, "s": _S, "lon": _LON, "lat": _LAT}
    return block | {name: msgspec.Raw(_hole(first + which)) for name, which in holes.items()}


def _walked_by_nobody(one: Instruction) -> Instruction:
    """The instruction with figures that show where the person's own belong."""

    def far(site: Destination | None, first: int) -> Destination | None:
        walk_m, walk_s = _NOBODYS_WALK[first]
        return site and msgspec.structs.replace(site, walk_m=walk_m, walk_s=walk_s)

    return msgspec.structs.replace(
        one, destination=far(one.destination, _SITE), alternate=far(one.alternate, _ALT)
    )


def _cut_out(encoded: bytes) -> _Form:
    """A form from bytes with holes in them."""
    for first, (walk_m, walk_s) in _NOBODYS_WALK.items():
        encoded = encoded.replace(distance_text(walk_m).encode(), _hole(first + _M_SHOWN))
        encoded = encoded.replace(b"%d" % minutes_of(walk_s), _hole(first + _MINUTES_SHOWN))
    pieces = _HOLE.split(encoded.replace(b"%", b"%%"))
    order = [piece[0] - ord("A") for piece in pieces[1::2]]
    blanks = [b"%d" if figure in _NUMBERS else b"%b" for figure in order]
    template = pieces[0] + b"".join(blank + words for blank, words in zip(blanks, pieces[2::2], strict=True))
    return _Form(template, itemgetter(*order))
