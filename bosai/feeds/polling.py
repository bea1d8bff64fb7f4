"""When to ask a feed, as pure functions of the clock: a fixed second, back-off, and the gap rules."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

# One long-running client notes that the high-frequency feeds refresh at about :20 (domain §3.2).
POLL_SECOND = 20
POLL_INTERVAL = timedelta(seconds=60)
GAP_FILL_AFTER = timedelta(minutes=10)  # the high-frequency feeds hold at least the last ten minutes
ALARM_AFTER = timedelta(minutes=5)


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
