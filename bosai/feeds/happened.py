"""What was observed, remembered only so that it is told once and can be withdrawn by a 取消."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from bosai.feeds.changes import IgnoredReason
from bosai.feeds.jma.envelope import TelegramSource
from bosai.feeds.readings import Happening, Reading
from bosai.feeds.timeline import slim

MAX_SEEN = 256  # telegrams of one type that are known again
MAX_WITH_CONTENT = 6  # of one type; a 震度 telegram of a great quake names 1,500 places


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One telegram of happenings; they themselves only of the newest few."""

    source: TelegramSource
    happenings: tuple[Happening, ...] = ()


def with_happened(
    known: Mapping[str, tuple[Happened, ...]], reading: Reading
) -> dict[str, tuple[Happened, ...]] | IgnoredReason:
    """All that happened and this one; DUPLICATE when it is known, LATE when older than all that are remembered."""
    kind = reading.source.type_code or reading.source.title
    seen = known.get(kind, ())
    if any(one.source.key == reading.source.key for one in seen):
        return IgnoredReason.DUPLICATE
    if len(seen) >= MAX_SEEN and reading.source.order < seen[0].source.order:
        return IgnoredReason.LATE
    new = Happened(source=slim(reading.source), happenings=reading.happenings)
    ordered = sorted((*seen, new), key=lambda one: one.source.order)[-MAX_SEEN:]
    bare = len(ordered) - MAX_WITH_CONTENT
    kept = (Happened(source=one.source) if index < bare else one for index, one in enumerate(ordered))
    return {**known, kind: tuple(kept)}


def recalled_happenings(
    known: tuple[Happened, ...], is_withdrawn: Callable[[TelegramSource], bool]
) -> Iterator[Happening]:
    """What the withdrawn telegrams had told, oldest first."""
    for one in known:
        if is_withdrawn(one.source):
            yield from one.happenings
