"""The same bytes as `payload`, for many people at once: words are made once, figures are put in for each.

instruction ─▶ key of its words ─▶ page (kept) ─▶ form: the message as bytes with holes ─▶ figures fill the holes
                                     └ none yet: rendered with figures nobody has, which show where the holes are

Two people at the same site read the same sentences with another distance in them. A form is used only after it
has given, for the first person who needed it, exactly the bytes that `payload` gives; else `payload` speaks itself.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import Any

import msgspec

from bosai.errors import WrongRealm
from bosai.messages.advice import render_advice
from bosai.messages.letter_forms import Figures, Form, cut_out, holes_of, walked_by_nobody
from bosai.messages.measures import JST
from bosai.messages.payload import SHORT_BYTES, Personal, attempts, document, payload, personal
from bosai.model.alert import AlertRecord
from bosai.model.instruction import Destination, Instruction
from bosai.model.realm import Realm
from bosai.push.payload_limits import PLAINTEXT_BYTES
from shelters.model import ReasonCode

PAGES = 16_384
"""Pages kept at most (about 2 kB each): sites × second choices × languages of a whole city."""

_RECORDS_HELD = 16  # known by identity; each may hold a large geometry
_EDITIONS_HELD = 32
_ALL_FORMS = range(4)  # the attempts of `payload`
_SHORT_FORMS = range(2, 4)
_WORDED_REASONS = frozenset({ReasonCode.NO_SITE.value, ReasonCode.NO_SEATS_LEFT.value})
"""The only reasons a message speaks of (`actions`); the others stand on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edition:
    """One state of one version of an order, as far as words depend on it."""

    number: int
    arrival_at: datetime | None  # before and after it the words differ
    undated: bool  # not released: the words show the time of the decision


@dataclass(slots=True)
class _Page:
    """Everything said with the same words, in ever smaller forms, made when first needed.

    unprintable: a form did not give what `payload` gives, so `payload` is asked for each person.
    """

    forms: list[Form | None] = field(default_factory=lambda: [None] * len(_ALL_FORMS))
    unprintable: bool = False


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
        self._figures = Figures()

    @property
    def pages(self) -> int:
        """How many pages are kept now."""
        return len(self._young) + len(self._old)

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
        figures = self._figures.of(instruction, receipt_token, tag)
        limit = SHORT_BYTES if short else PLAINTEXT_BYTES
        sent = b""
        for size in _SHORT_FORMS if short else _ALL_FORMS:
            form = page.forms[size]
            if form is None and not page.unprintable:
                form = self._set(page, size, instruction, record, lang, now, figures, (receipt_token, tag))
            if form is None:
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
            one.also,
            one.full_site,
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
        edition = self._editions.get(face) or self._new_edition(face, record)
        self._records[id(record)] = record, edition  # held, so that no other object gets its id
        if len(self._records) > _RECORDS_HELD:
            self._records.popitem(last=False)
        return edition

    def _new_edition(self, face: tuple[Any, ...], record: AlertRecord) -> _Edition:
        """A newer edition of an order drops the older ones; an older one that is late drops nothing newer."""
        alert_id, version = face[:2]
        over = [old for old in self._editions if old[0] == alert_id and old[1] <= version]
        if not over and len(self._editions) >= _EDITIONS_HELD:
            over = [next(iter(self._editions))]
        self._drop(over)
        self._numbered += 1
        edition = self._editions[face] = _Edition(
            number=self._numbered,
            arrival_at=record.alert.expected_arrival_at,
            undated=record.released_at is None,
        )
        return edition

    def _drop(self, faces: list[tuple[Any, ...]]) -> None:
        """Forget editions with their pages. Letters of them that are still to be sent are rendered anew."""
        gone = {self._editions.pop(face).number for face in faces}
        if gone:
            self._young = {key: page for key, page in self._young.items() if key[0] not in gone}
            self._old = {key: page for key, page in self._old.items() if key[0] not in gone}
            held = self._records.items()
            self._records = OrderedDict((at, pair) for at, pair in held if pair[1].number not in gone)

    def _turn_to(self, now: datetime) -> None:
        """Another day in Japan: times of the day before are said with their date."""
        self._day = _day_of(now)
        self._young, self._old = {}, {}

    # ---- how a form is made ------------------------------------------------------------------------

    def _set(  # noqa: PLR0917 - what `letter` was given
        self,
        page: _Page,
        size: int,
        one: Instruction,
        record: AlertRecord,
        lang: str,
        now: datetime,
        figures: tuple[bytes, ...],
        token_and_tag: tuple[str, str],
    ) -> Form | None:
        """A form of the page, once it has shown that it says what `payload` says; None when it does not."""

        def encoded(told: Instruction, own: Callable[[Instruction], Personal]) -> bytes:
            attempt = next(islice(attempts(told, record, short=False), size, None))
            words = render_advice(attempt.instruction, attempt.record, self.realm, lang, now=now)
            return msgspec.json.encode(document(attempt, self.realm, words, own(attempt.instruction)))

        form = cut_out(encoded(walked_by_nobody(one), lambda told: holes_of(told, self.realm)))
        if form.template % form.fill(figures) != encoded(
            one, lambda told: personal(told, self.realm, *token_and_tag)
        ):
            page.unprintable = True
            return None
        page.forms[size] = form
        return form


def _place_key(site: Destination | None) -> tuple[Any, ...] | None:
    """What is said of a place besides the walk. The edge of an area lies elsewhere for everybody."""
    if site is None:
        return None
    said = site.site_id, site.name, site.floor_label, site.about, site.unconfirmed, site.crowded
    return said if site.site_id is None else (*said, site.lon, site.lat)


def _day_of(now: datetime) -> tuple[datetime, datetime]:
    """The day in Japan that `now` lies in, from midnight to midnight, in UTC."""
    midnight = datetime.combine(now.astimezone(JST).date(), time.min, JST).astimezone(UTC)
    return midnight, midnight + timedelta(days=1)
