"""Nudges to the planner: "look again". The state is in the stores and is polled too, so a lost nudge costs seconds."""

from datetime import datetime
from enum import StrEnum

from redis.asyncio import Redis

from bosai.model.realm import Realm
from bosai.stores.keys import Keys

KEPT_EVENTS = 10_000


class EventKind(StrEnum):
    """What has changed."""

    ALERT_RELEASED = "alert.released"  # also lifts and recalls; subject = alert key
    SITE_STATUS = "site.status"  # subject = site id
    SITES_IMPORTED = "sites.imported"
    GEO_IMPORTED = "geo.imported"  # towns, areas, hazard maps or the walking network; subject = their version
    HAND_CHANGED = "hand.changed"  # HQ set or lifted something of the plan; subject = "kind/subject"
    SUBSCRIPTION_CHANGED = "subscription.changed"  # subject = bucket number


async def announce(redis: Redis, realm: Realm, kind: EventKind, subject: str, at: datetime) -> None:
    """Append one event {kind, subject, at}; the stream is trimmed to about KEPT_EVENTS."""
    await redis.xadd(
        Keys(realm).events,
        {"kind": kind.value, "subject": subject, "at": at.isoformat()},
        maxlen=KEPT_EVENTS,
        approximate=True,
    )
