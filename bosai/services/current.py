"""What one subscriber should read now: the newest instruction, unless the order it stands on has just ended."""

import msgspec

from bosai.model.alert import AlertRecord
from bosai.model.instruction import Delivery, Instruction
from bosai.services.endings import STANDING, ending_of, is_ended
from bosai.services.planning import alert_id_of
from bosai.stores.alerts import AlertStore
from bosai.stores.instructions import InstructionStore


async def current_advice(
    instructions: InstructionStore, alerts: AlertStore, subscription_id: str
) -> tuple[Instruction, Delivery, AlertRecord] | None:
    """(instruction, its travel, the version it stands on); None while there is none.

    Between a lift or recall and the message of it lies a moment in which the stored instruction still says "go".
    With no order in force at all the page tells the ending at once; with another one in force the planner decides,
    a moment later, what holds for this person. Where it has and the order still stands here, nothing else concerns
    this person, and no message of the ending was needed: nothing had been sent.
    """
    newest = await instructions.latest(subscription_id)
    if newest is None:
        return None
    instruction, delivery = newest
    if instruction.message in STANDING:
        head = await alerts.head(alert_id_of(instruction.alert_key))
        if is_ended(head) and (await alerts.planned(head.alert.key) or not await alerts.in_force()):
            return _as_ended(instruction, head), delivery, head
    return instruction, delivery, await alerts.get(instruction.alert_key)


def _as_ended(instruction: Instruction, head: AlertRecord) -> Instruction:
    return msgspec.structs.replace(
        instruction,
        message=ending_of(head).message,
        action=None,
        destination=None,
        alternate=None,
        reasons=(),
        alert_key=head.alert.key,
    )
