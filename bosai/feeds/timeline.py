"""Since when a grade stands: the telegrams of one scope in the order of their issue, each with what it changed.

Telegrams may come late. One that lies between two others is put between them, so that `since` depends on which
telegrams there were and not on how they came. What lies before the oldest spell still running can never matter again
and is dropped; a 取消 ends every spell of its type, so nothing before it matters either.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime

import msgspec

from bosai.feeds.jma.envelope import TelegramSource

MAX_ENTRIES = 256  # of one scope; beyond it those that changed nothing leave first, so `since` stays right

Order = tuple[datetime, datetime, int, str]
Grades = dict[str, int]
"""What one telegram has in force: "system/code/danger" → grade; what has nothing in force is not named."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One telegram: its source without headline and title, and the grades that differ from the entry before."""

    source: TelegramSource
    changes: Grades


Timeline = tuple[Entry, ...]


def with_entry(timeline: Timeline, source: TelegramSource, grades: Grades) -> Timeline:
    """The timeline with one more telegram, wherever its place is. One that is there already changes nothing."""
    orders = [entry.source.order for entry in timeline]
    at = bisect_left(orders, source.order)
    if at < len(orders) and orders[at] == source.order:
        return timeline
    sources = [entry.source for entry in timeline]
    maps = _unfolded(timeline)
    sources.insert(at, slim(source))
    maps.insert(at, grades)
    # What lies before it, and after the next one, says the same as it did.
    return (*timeline[:at], *_folded(sources, maps, at, at + 2), *timeline[at + 1 :])


def begins(timeline: Timeline, cuts: Sequence[Order]) -> dict[str, TelegramSource]:
    """For each key in force at the newest entry: the entry at which its present grade began.

    `cuts` are the orders of 取消: no spell runs across one.
    """
    return {key: timeline[index].source for key, index in _begin_indices(timeline, cuts).items()}


def pruned(timeline: Timeline, cuts: Sequence[Order]) -> Timeline:
    """The timeline without what can never matter again, and within MAX_ENTRIES.

    The entry before the oldest spell stays: it shows that the spell began where it did.
    """
    oldest = min(_begin_indices(timeline, cuts).values(), default=len(timeline))
    keep_from = max(oldest - 1, 0)
    if not keep_from and len(timeline) <= MAX_ENTRIES:
        return timeline
    sources = [entry.source for entry in timeline][keep_from:]
    maps = _unfolded(timeline)[keep_from:]
    while len(sources) > MAX_ENTRIES:
        at = _idle(sources, maps, cuts)
        del sources[at], maps[at]
    return _folded(sources, maps)


def spell_entries(timeline: Timeline, cuts: Sequence[Order]) -> tuple[TelegramSource, ...]:
    """The telegrams that `since` rests on: where each running spell began, and the one before."""
    began = set(_begin_indices(timeline, cuts).values())
    return tuple(timeline[index].source for index in sorted(began | {max(one - 1, 0) for one in began}))


def slim(source: TelegramSource) -> TelegramSource:
    """What order and recall need; the words stay with the newest telegram."""
    return msgspec.structs.replace(source, headline="", title="")


def _begin_indices(timeline: Timeline, cuts: Sequence[Order]) -> dict[str, int]:
    """For each key in force at the newest entry, the index where its spell began: its last change, or a later cut."""
    changed: dict[str, int] = {}
    for index, entry in enumerate(timeline):
        for key, grade in entry.changes.items():
            if grade:
                changed[key] = index
            else:
                changed.pop(key, None)
    orders = [entry.source.order for entry in timeline]
    places = (bisect_left(orders, cut) for cut in cuts)
    last_cut = max((at for at in places if at < len(orders)), default=0)
    return {key: max(index, last_cut) for key, index in changed.items()}


def _idle(sources: Sequence[TelegramSource], maps: Sequence[Grades], cuts: Sequence[Order]) -> int:
    """The oldest entry that changed nothing, but the newest; the oldest of all where each changed something."""
    for index in range(1, len(sources) - 1):
        is_cut = any(sources[index - 1].order < cut < sources[index].order for cut in cuts)
        if maps[index] == maps[index - 1] and not is_cut:
            return index
    return 0


def _unfolded(timeline: Timeline) -> list[Grades]:
    maps: list[Grades] = []
    grades: Grades = {}
    for entry in timeline:
        if entry.changes:
            grades = {key: grade for key, grade in (grades | entry.changes).items() if grade}
        maps.append(grades)
    return maps


def _folded(
    sources: Sequence[TelegramSource], maps: Sequence[Grades], start: int = 0, stop: int | None = None
) -> Timeline:
    """The entries from `start` to before `stop`."""
    entries = []
    before: Grades = maps[start - 1] if start else {}
    for source, grades in zip(sources[start:stop], maps[start:stop], strict=True):
        gone = {key: 0 for key in before if key not in grades}
        new = {key: grade for key, grade in grades.items() if before.get(key, 0) != grade}
        # Sorted, so that the same telegrams give the same bytes.
        entries.append(Entry(source=source, changes=dict(sorted((gone | new).items()))))
        before = grades
    return tuple(entries)
