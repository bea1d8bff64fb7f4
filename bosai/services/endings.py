"""Who was told of an order and is inside none any more: exactly they hear how it ended. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from bosai.model.alert import Act, AlertRecord, AlertState
from bosai.model.instruction import MessageKind
from bosai.services.planning import DIRECTED, Situation, alert_id_of, meaning
from bosai.services.told import book_of
from bosai.settings_schema import Settings
from bosai.stores.instructions import InstructionDraft

STANDING = (*DIRECTED, MessageKind.PROVISIONAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an order ended for those who were told of it."""

    message: MessageKind
    record: AlertRecord


def ending_drafts(
    situation: Situation,
    inside: NDArray[np.int64],
    heads: Mapping[str, AlertRecord],
    settings: Settings,
    *,
    plan_id: str,
) -> Iterator[InstructionDraft]:
    """Drafts for exactly those who were told of an order and are inside none any more.

    inside: rows of the book (`book_of(situation.told)`, -1 = nobody of it) of those whom an order covers.
    heads: order → its newest released version.
    """
    stale_at = situation.now + timedelta(seconds=settings.push.ttl_order_s)
    book = book_of(situation.told)
    left = book.standing(STANDING)
    left[inside[inside >= 0]] = False
    for subscription_id, row in sorted((book.name(row), row) for row in np.flatnonzero(left).tolist()):
        told = book.one(row)
        head = heads.get(alert_id_of(told.alert_key))
        if head is None:
            continue
        ending = ending_of(head)
        yield InstructionDraft(
            subscription_id=subscription_id,
            incident=situation.incident,
            place_id=told.place_id,
            message=ending.message,
            action=None,
            alert_key=ending.record.alert.key,
            danger_class=1 if ending.message is MessageKind.RECALLED else 2,
            plan_id=plan_id,
            decided_at=situation.now,
            stale_at=stale_at,
            meaning=meaning(head.alert, ending.message.value, None),
            town=told.town,
        )


def ending_of(head: AlertRecord) -> Ending:
    """What the newest version of an order means for somebody who is not inside it."""
    message = {Act.LIFT: MessageKind.LIFTED, Act.RECALL: MessageKind.RECALLED}.get(
        head.alert.act, MessageKind.OUT_OF_AREA
    )
    return Ending(message=message, record=head)


def is_ended(record: AlertRecord) -> bool:
    """True for a released lift or recall."""
    return record.state is AlertState.ISSUED and record.alert.act in (Act.LIFT, Act.RECALL)
