"""Whether a CAP message about an order is due, and what it follows. Pure.

    released ─▶ Alert (number 0) ─▶ Updates 1, 2, … before it expires ─▶ next version: Update 0, 1, … ─▶ 解除 / 取消

An order never ends by a clock: `expires` only says how long a receiver may believe us without hearing from us again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from bosai.model.alert import AlertRecord


class CapSent(msgspec.Struct, frozen=True, kw_only=True):
    """One message that went out."""

    identifier: str
    sender: str
    version: int
    number: int
    sent: datetime
    expires: datetime


class CapSeries(msgspec.Struct, frozen=True, kw_only=True):
    """What went out about one order, oldest first: what is live for a receiver, and the newest in any case.

    `closed`: a lift or a recall was the last word.
    """

    alert_id: str
    messages: tuple[CapSent, ...]
    closed: bool = False

    @property
    def newest(self) -> CapSent:
        """The last one; a series is never empty."""
        return self.messages[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class CapDue:
    """What the next message is to be."""

    number: int
    sent: datetime
    expires: datetime
    follows: tuple[CapSent, ...]


def due(
    series: CapSeries | None,
    record: AlertRecord,
    now: datetime,
    *,
    horizon: timedelta,
    renew_after: timedelta,
) -> CapDue | None:
    """The message that is due about the newest released version, or None.

    A version nobody was told of by CAP before it ended needs no message: there is nothing to take back.
    """
    version, in_force = record.alert.version, record.alert.directs_people
    sent = now.replace(microsecond=0)
    if series is None:
        if not in_force:
            return None
        return CapDue(number=0, sent=sent, expires=sent + horizon, follows=())
    last = series.newest
    if version < last.version:
        return None  # read before the newer one was released
    number = 0
    if version == last.version:
        if not in_force or now - last.sent < renew_after:
            return None
        number = last.number + 1
    sent = max(sent, last.sent)  # the clock was set back
    return CapDue(number=number, sent=sent, expires=sent + horizon, follows=live(series, sent))


def live(series: CapSeries, at: datetime) -> tuple[CapSent, ...]:
    """What a receiver may still believe at that time; where all has expired, the last one."""
    return tuple(one for one in series.messages if one.expires > at) or (series.newest,)


def followed(
    series: CapSeries | None, record: AlertRecord, made: CapDue, identifier: str, sender: str
) -> CapSeries:
    """The series with the message in it."""
    sent = CapSent(
        identifier=identifier,
        sender=sender,
        version=record.alert.version,
        number=made.number,
        sent=made.sent,
        expires=made.expires,
    )
    return CapSeries(
        alert_id=record.alert.alert_id,
        messages=(*made.follows, sent),
        closed=not record.alert.directs_people,
    )
