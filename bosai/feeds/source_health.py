"""How each source of telegrams does: what it last said, how old that is, and the one line HQ reads of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from bosai.feeds.polling import is_silent

LOST_SHOWN = timedelta(hours=24)
LOST_IS_FAULT = timedelta(hours=1)
CLOCK_OFF = timedelta(minutes=3)
MOST_LOST = 20
MOST_PROBLEMS = 5

_NAMES_JA = {
    "eqvol": "地震火山・津波（eqvol）",
    "extra": "随時：警報など（extra）",
    "regular": "定時（regular）",
    "other": "その他（other）",
}


class SourceKind(StrEnum):
    """Who publishes it, and in which form."""

    JMA = "jma"
    CAP = "cap"


class LostEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A telegram that a source listed and that was given up: nobody here has read it."""

    url: str
    title: str
    detail: str
    at: datetime


class SourceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One source, as its poller last saw it.

    watched_since: when this poller began. last_ok_at: its last good answer (200 or 304, readable). complete_at: the
    last time that nothing it listed was left to fetch; the long feed is read when that is too long ago. last_new_at:
    when a telegram was last taken from it. failures: in a row. cause: of the last of them, in Japanese. bytes_today:
    received since midnight of `day` (Japan's time). slowed: times the interval it is asked at. problems: entries of the
    last listing that could not be read, as sentences. behind_s: our clock behind the server's; negative: ahead.
    """

    name: str
    url: str
    kind: SourceKind
    at: datetime
    watched_since: datetime
    last_ok_at: datetime | None = None
    complete_at: datetime | None = None
    last_new_at: datetime | None = None
    failures: int = 0
    cause: str = ""
    waiting: int = 0
    day: str = ""
    bytes_today: int = 0
    interval_s: int = 60
    slowed: float = 1.0
    lost: tuple[LostEntry, ...] = ()
    problems: tuple[str, ...] = ()
    behind_s: int = 0

    @property
    def name_ja(self) -> str:
        """What officers call it."""
        return _NAMES_JA.get(self.name, self.name) if self.kind is SourceKind.JMA else f"CAP：{self.name}"

    def is_silent(self, now: datetime, after: timedelta) -> bool:
        """True when no good answer came for so long that a person must know: `after`, or three turns if longer."""
        turns = timedelta(seconds=3 * self.interval_s * self.slowed)
        return is_silent(self.last_ok_at or self.watched_since, now, after=max(after, turns))

    def lost_since(self, now: datetime, within: timedelta = LOST_SHOWN) -> tuple[LostEntry, ...]:
        """What was given up lately."""
        return tuple(one for one in self.lost if now - one.at <= within)


class SourcesSummary(msgspec.Struct, frozen=True, kw_only=True):
    """All sources as the one line of the board; the worst first."""

    ok: bool
    detail: str


def clock_words(healths: Iterable[SourceHealth]) -> str:
    """That our clock is wrong, "" where it is not: telegrams would be refused as old, or as not yet of now."""
    behind = [one.behind_s for one in healths if one.kind is SourceKind.JMA and one.last_ok_at is not None]
    worst = max(behind, key=abs, default=0)
    if abs(worst) < CLOCK_OFF.total_seconds():
        return ""
    how = f"{abs(worst) // 60}分{'遅れて' if worst > 0 else '進んで'}"
    return f"この機械の時計が気象庁のサーバーより{how}います。電文を受け付けられなくなるため、時計を合わせてください"


def summary(
    healths: Iterable[SourceHealth],
    now: datetime,
    *,
    silent_after: timedelta,
    warn_share: float,
    limit_bytes: int,
) -> SourcesSummary:
    """What HQ reads of all sources. Too much volume is said and is no fault yet."""
    told: list[tuple[int, str]] = []
    found = tuple(healths)
    for one in found:
        if one.is_silent(now, silent_after):
            minutes = int((now - (one.last_ok_at or one.watched_since)).total_seconds() // 60)
            cause = f"。{one.cause}" if one.cause else ""
            told.append((0, f"{one.name_ja}：{minutes}分間、届いていません{cause}"))
        elif lost := one.lost_since(now, LOST_IS_FAULT):
            told.append((1, f"{one.name_ja}：取得できなかった電文 {len(lost)}通（{lost[-1].title}）"))
        elif one.failures:
            told.append((2, f"{one.name_ja}：{one.cause}"))
        elif one.problems:
            told.append(
                (2, f"{one.name_ja}：一覧の項目を{len(one.problems)}件読めません（{one.problems[0]}）")
            )
    if off := clock_words(found):
        told.append((1, off))
    ok = not told
    used = sum(one.bytes_today for one in found if one.kind is SourceKind.JMA)
    if used >= warn_share * limit_bytes:
        told.append(
            (
                3,
                f"今日の受信量 {used / 1e9:.1f}GB（気象庁の上限 {limit_bytes / 1e9:.0f}GB）。確認の間隔を延ばします",
            )
        )
    told.sort(key=lambda pair: pair[0])
    return SourcesSummary(ok=ok, detail="／".join(text for _, text in told))
