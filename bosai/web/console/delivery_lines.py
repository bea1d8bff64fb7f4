"""The rows of the page of delivery: versions, ends of orders, push services, monthly checks. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bosai.model.alert import Act, AlertRecord
from bosai.model.instruction import Stage
from bosai.services.delivery_report import NOT_REACHED, QUIET, OriginRow
from bosai.services.monthly_check import MonthlyFound
from bosai.services.small_counts import total_without_small
from bosai.stores.delivery_counts import Counted
from bosai.web.console import words
from bosai.web.console.funnel import COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLine:
    """One version of an order and how far its messages have come, under COLUMNS."""

    record: AlertRecord
    counts: tuple[int, ...]
    bytes_sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingLine:
    """A lift or recall: those it is told to, and those whose message was stopped before it was sent."""

    record: AlertRecord
    told: int  # a correction was written for them
    accepted: int  # a push service took it, or the device told us more
    waiting: int
    not_reached: int
    stopped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginLine:
    """A push service as one process sees it. `rest_s`: until it is tried again."""

    row: OriginRow
    state: str
    quiet: bool
    rest_s: int


def check_counts(found: MonthlyFound, *, exact: bool) -> list[int | None]:
    """What a monthly check found, in the order of the page's columns. Each stands by itself, so where small counts are
    withheld one is enough to withhold them all."""
    counts = [
        found.asked,
        found.accepted,
        found.displayed,
        found.retired,
        found.not_reached,
        found.under_way,
        found.opted_out,
    ]
    if exact or all(total_without_small(count) is not None for count in counts):
        return [*counts]
    return [None if count else 0 for count in counts]


def versions(counted: Counted, records: Mapping[str, AlertRecord]) -> list[VersionLine]:
    """The versions somebody's newest instruction stands on."""
    found = []
    for key in counted.alert_keys:
        if key not in records:
            continue
        tally = counted.by_stage(key)
        found.append(
            VersionLine(
                record=records[key],
                counts=tuple(sum(tally[stage] for stage in column.stages) for column in COLUMNS),
                bytes_sent=counted.sent.get(key, 0),
            )
        )
    return found


def endings(counted: Counted, ended: Sequence[AlertRecord]) -> list[EndingLine]:
    """What became of the messages of ended orders. Nothing of a stopped message can have reached anybody."""
    found = []
    for record in ended:
        tally = counted.by_stage(record.alert.key)
        waiting, unreached = tally[Stage.QUEUED], sum(tally[one] for one in NOT_REACHED)
        told = sum(tally.values()) - tally[Stage.REPLACED]
        why = "order_recalled" if record.alert.act is Act.RECALL else "order_lifted"
        found.append(
            EndingLine(
                record=record,
                told=told,
                accepted=told - waiting - unreached,
                waiting=waiting,
                not_reached=unreached,
                stopped=sum(
                    count
                    for (key, stage, cause), count in counted.stages.items()
                    if key.rpartition(":")[0] == record.alert.alert_id
                    and (stage, cause) == (Stage.REPLACED, why)
                ),
            )
        )
    return found


def origin_line(row: OriginRow, now: datetime) -> OriginLine:
    """How a push service stands now."""
    left = row.at + timedelta(seconds=row.rest_s) - now
    return OriginLine(
        row=row,
        state=words.ORIGIN_STATES.get(row.state, row.state),
        quiet=now - row.at > QUIET,
        rest_s=max(0, round(left.total_seconds())),
    )
