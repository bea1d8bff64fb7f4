"""Is a telegram of now? Live refuses old ones, and ones from the future: those would outrank all later."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from bosai.feeds.jma.envelope import TelegramSource

MAX_AGE = timedelta(minutes=30)
MAX_AHEAD = timedelta(minutes=10)
# [ours] What stands is proposed however old (a gap after a stop is filled days back). What was felt hours ago is
# history: nobody is told to leave the coast now for a quake of yesterday; what still stands has its own telegram.
OLD_NEWS_AFTER = timedelta(hours=3)


class NotOfNow(msgspec.Struct, frozen=True, kw_only=True):
    """A telegram whose report time does not fit the clock. `age` is negative when it lies ahead."""

    telegram_key: str
    report_at: datetime
    age: timedelta

    def __str__(self) -> str:
        minutes = round(abs(self.age) / timedelta(minutes=1))
        how = f"{minutes}分前の電文" if self.age >= timedelta() else f"時計より{minutes}分先の電文"
        mend = "時計を確かめるか、再生なら --clock original を使ってください"
        return f"{how}です（発表時刻 {self.report_at.isoformat()}）。{mend}"


def check_of_now(
    source: TelegramSource,
    now: datetime,
    *,
    max_age: timedelta = MAX_AGE,
    max_ahead: timedelta = MAX_AHEAD,
) -> NotOfNow | None:
    """None when ReportDateTime lies within (now − max_age, now + max_ahead), edges allowed; else why not.

    Filling a gap after a stop needs a larger `max_age`: a warning may stand for a day (2025-07-30: 32 h).
    """
    age = now - source.report_at
    if -max_ahead <= age <= max_age:
        return None
    return NotOfNow(telegram_key=source.key, report_at=source.report_at, age=age)


def is_old_news(source: TelegramSource, now: datetime, *, after: timedelta = OLD_NEWS_AFTER) -> bool:
    """True when what the telegram says to have happened is no reason to act any more."""
    return now - source.report_at > after
