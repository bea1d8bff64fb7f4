"""When to ask a feed, as pure functions of the clock: a fixed second, back-off, the gap rules, and 気象庁's limit."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit, urlunsplit

# One long-running client notes that the high-frequency feeds refresh at about :20 (domain §3.2).
POLL_SECOND = 20
POLL_INTERVAL = timedelta(seconds=60)
GAP_FILL_AFTER = timedelta(minutes=10)  # the high-frequency feeds hold at least the last ten minutes
ALARM_AFTER = timedelta(minutes=5)
SLOWEST = 8.0  # times the interval: slowed, never stopped; still within what a high-frequency feed holds
LONGEST_WAIT_S = 3600.0


def next_poll_at(
    now: datetime, *, second: int = POLL_SECOND, interval: timedelta = POLL_INTERVAL
) -> datetime:
    """The next instant after `now` at `second` past a whole `interval`; in the time zone of `now`."""
    if interval <= timedelta():
        raise ValueError("interval must be positive")
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    return (start + ((now - start) // interval + 1) * interval).astimezone(now.tzinfo)


def back_off_s(
    failures: int,
    rng: random.Random,
    *,
    base_s: float = 2.0,
    cap_s: float = 60.0,
    retry_after_s: float | None = None,
) -> float:
    """Seconds to wait after the n-th failure in a row: between half and all of min(cap, base × 2ⁿ⁻¹).

    0.0 for no failure. What the server asked for (Retry-After) is a floor, even above the cap.
    """
    if failures <= 0:
        return 0.0
    ceiling_s = min(cap_s, base_s * 2.0 ** min(failures - 1, 60))
    return max(rng.uniform(ceiling_s / 2, ceiling_s), retry_after_s or 0.0)


def needs_gap_fill(last_ok_at: datetime | None, now: datetime, *, after: timedelta = GAP_FILL_AFTER) -> bool:
    """True at the start, and when entries may have left the short feed unseen: read the long feed once."""
    return last_ok_at is None or now - last_ok_at > after


def is_silent(last_ok_at: datetime | None, now: datetime, *, after: timedelta = ALARM_AFTER) -> bool:
    """True when no good answer came for so long that a person must know."""
    return last_ok_at is None or now - last_ok_at > after


def long_feed_url(feed_url: str) -> str:
    """The hourly feed of several days beside a high-frequency one: `eqvol.xml` → `eqvol_l.xml`."""
    parts = urlsplit(feed_url)
    if not parts.path.endswith(".xml"):
        raise ValueError(f"feed address must end in .xml: {feed_url}")
    return urlunsplit(parts._replace(path=f"{parts.path.removesuffix('.xml')}_l.xml"))


def source_name(feed_url: str) -> str:
    """What a feed is called: `…/feed/eqvol.xml` is `eqvol`."""
    return urlsplit(feed_url).path.rsplit("/", 1)[-1].removesuffix(".xml")


def retry_after_s(text: str, now: datetime) -> float | None:
    """Seconds a server asks to wait (RFC 9110 §10.2.3: seconds or a date); None where it says nothing readable.

    At most an hour: a warning must not wait for a mistake in a header.
    """
    given = text.strip()
    if given.isascii() and given.isdigit():
        return min(float(given[:9]), LONGEST_WAIT_S)
    try:
        at = parsedate_to_datetime(given)
    except (ValueError, TypeError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), LONGEST_WAIT_S)


def slowdown(*, own_bytes: int, all_bytes: int, limit_bytes: int, warn_share: float, sources: int) -> float:
    """How many times slower a source is asked: 1.0 below `warn_share` of the day's limit, up to SLOWEST at the limit.

    all_bytes: of the sources that share the limit. Between the two marks only sources that took more than their equal
    part of the warning mark are slowed, so that a small feed (tsunami warnings) keeps its minute; the last tenth
    slows all.
    """
    share = all_bytes / limit_bytes
    if share < warn_share:
        return 1.0
    is_heavy = own_bytes * max(sources, 1) > warn_share * limit_bytes
    start = warn_share if is_heavy else max(warn_share, 0.9)
    if share < start:
        return 1.0
    along = min((share - start) / (1.0 - start), 1.0)
    return 2.0 + (SLOWEST - 2.0) * along
