"""Who hears an お知らせ that guides nobody: everybody inside whom no order covers, each version's words once. Pure.

in force: お知らせ ─▶ who is inside ─▶ covered by an order? ─no─▶ told something newer? ─no─▶ the notice's own words
                                          └ the order speaks          └ an end of an order is read before it

It names no place and no seat: nothing is planned. Whoever was told stays told until the notice ends.
"""

import hashlib
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from bosai.model.alert import Alert, AlertRecord
from bosai.model.instruction import MessageKind
from bosai.services.endings import STANDING
from bosai.services.people import PeopleRows
from bosai.services.planning import Situation, alert_id_of, area_of
from bosai.services.told import MESSAGES, book_of
from bosai.settings_schema import Settings
from bosai.stores.instructions import InstructionDraft
from shelters.dangers import who_is_inside

LEAST_ENDANGERED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Who has something to read. `at`: (s,) row of the places by which each subscriber is inside, -1 = inside none;
    `which`: (s,) number of the notice."""

    notices: tuple[AlertRecord, ...]
    at: NDArray[np.int64]
    which: NDArray[np.int64]

    def stay_told(self, situation: Situation, rows: PeopleRows) -> NDArray[np.int64]:
        """Rows of the book of those who were told a notice that stands over them still: nothing ended for them."""
        told = _told(self, situation, rows)
        kept: NDArray[np.int64] = told.at[told.of_notice >= 0]
        return kept


def read_by(
    situation: Situation, rows: PeopleRows, settings: Settings, covered: NDArray[np.bool_]
) -> Reading | None:
    """Who is inside a notice in force and covered by no order; None while there is no such notice.

    covered: (s,) by subscriber, whom an order that guides covers. Of several notices the newest is read.
    """
    notices = tuple(
        sorted(
            (one for one in situation.in_force if one.alert.directs_people and not one.alert.guides_people),
            key=lambda one: (one.released_at or one.alert.drafted_at, one.alert.key),
            reverse=True,
        )
    )
    if not notices:
        return None
    areas = [area_of(one.alert, settings.city.plane_epsg) for one in notices]
    inside = who_is_inside(rows.people, areas, settings.planner.point_rounding_widen_m, rows.blur_m)
    at = np.full(len(rows.subscription_ids), -1, dtype=np.int64)
    which = np.full(len(at), -1, dtype=np.int64)
    found = np.flatnonzero(inside.any(axis=1))
    newest = inside[found].argmax(axis=1)
    # The last written wins: the newest notice, and of equals one's own place before a relative's.
    order = np.lexsort((-found, ~rows.relative[found], -newest))
    at[rows.owner[found[order]]] = found[order]
    which[rows.owner[found[order]]] = newest[order]
    at[covered] = -1
    return Reading(notices=notices, at=at, which=which)


def notice_drafts(
    reading: Reading,
    situation: Situation,
    rows: PeopleRows,
    settings: Settings,
    *,
    plan_id: str,
    only: Set[str] | None = None,
) -> Iterator[InstructionDraft]:
    """A draft for each who has not been told. only: keys of the versions that are meant; None: all."""
    stale_at = situation.now + timedelta(seconds=settings.push.ttl_order_s)
    told = _told(reading, situation, rows)
    for owner in told.owner[_are_news(reading, told)].tolist():
        record, row = reading.notices[int(reading.which[owner])], int(reading.at[owner])
        if (record.incident or situation.incident) != situation.incident:
            continue
        if only is not None and record.alert.key not in only:
            continue
        yield InstructionDraft(
            subscription_id=rows.subscription_ids[owner],
            incident=situation.incident,
            place_id=rows.place_ids[row],
            message=MessageKind.ORDER,
            action=None,
            alert_key=record.alert.key,
            danger_class=LEAST_ENDANGERED,
            plan_id=plan_id,
            decided_at=situation.now,
            stale_at=stale_at,
            meaning=_meaning(record.alert),
            town=rows.towns[row],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What the readers were told last. `at`: row of the book, -1 = nothing; `of_notice`, `of_version`: number of the
    notice, or of this very version of it, -1 = another; `stands`: no end of it was told."""

    owner: NDArray[np.int64]
    at: NDArray[np.int64]
    of_notice: NDArray[np.int64]
    of_version: NDArray[np.int64]
    stands: NDArray[np.bool_]
    decided_s: NDArray[np.float64]


def _told(reading: Reading, situation: Situation, rows: PeopleRows) -> _Told:
    book = book_of(situation.told)
    owner = np.flatnonzero(reading.at >= 0)
    at = np.asarray(book.rows_of(rows.subscription_ids), dtype=np.int64)[owner]
    columns = book.columns if len(book.columns) else np.zeros(1, dtype=book.columns.dtype)
    found = columns[np.maximum(at, 0)]
    ids = {one.alert.alert_id: n for n, one in enumerate(reading.notices)}
    of_id = {key: ids[alert_id_of(key)] for key in book.alert_keys() if alert_id_of(key) in ids}
    of_key = {one.alert.key: n for n, one in enumerate(reading.notices)}
    knows = at >= 0
    return _Told(
        owner=owner,
        at=at,
        of_notice=np.where(knows, book.word_table(of_id, -1)[found["alert"]], -1),
        of_version=np.where(knows, book.word_table(of_key, -1)[found["alert"]], -1),
        stands=knows & np.isin(found["message"], [MESSAGES.index(one) for one in STANDING]),
        decided_s=found["decided_s"],
    )


def _are_news(reading: Reading, told: _Told) -> NDArray[np.bool_]:
    """Who was told nothing, another version, or something older. Of an order they first hear how it ended."""
    which = reading.which[told.owner]
    released_s = np.array([(one.released_at or one.alert.drafted_at).timestamp() for one in reading.notices])
    older = (told.decided_s < released_s[which]) & (~told.stands | (told.of_notice >= 0))
    news: NDArray[np.bool_] = (told.at < 0) | (
        (told.of_version != which) & ((told.of_notice == which) | older)
    )
    return news


def _meaning(alert: Alert) -> str:
    """The words: a version that says the same is not told again."""
    said = "\x1f".join(f"{lang}\x1f{one.body}" for lang, one in sorted(alert.texts.items()))
    return hashlib.sha256(f"notice\x1f{alert.alert_id}\x1f{said}".encode()).hexdigest()[:32]
