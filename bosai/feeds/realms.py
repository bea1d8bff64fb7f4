"""Which telegrams may act on which side. Live hears 通常 and nothing else (domain §3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from bosai.feeds.jma.envelope import TelegramStatus

RealmName = Literal["live", "drill"]
AcceptStatus = Mapping[str, frozenset[TelegramStatus]]

# A recording of a real event is played on the drill side as 訓練 (envelope.marked_as_drill), so the two sides
# accept nothing in common.
ACCEPT_STATUS: AcceptStatus = {
    "live": frozenset({TelegramStatus.NORMAL}),
    "drill": frozenset({TelegramStatus.DRILL, TelegramStatus.TEST}),
}


def is_accepted(
    status: TelegramStatus, realm: RealmName, accept_status: AcceptStatus = ACCEPT_STATUS
) -> bool:
    """True when a telegram of this status may act on that side; a side not in the table accepts none."""
    return status in accept_status.get(realm, frozenset())
