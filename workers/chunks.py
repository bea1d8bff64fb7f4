"""What is claimed together and not yet written down. A chunk ends when everybody in it has a result."""

import asyncio
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

from bosai.model.alert import AlertRecord
from bosai.model.instruction import Stage
from bosai.ports import Parcel, Permit, PushOutcome
from bosai.push.part import PushPart
from bosai.stores.outbox import Claimed, Result


@dataclass(slots=True, eq=False)
class Load:
    """One delivery under way: everything its outcome is judged by."""

    chunk: "Chunk"
    claimed: Claimed
    part: PushPart
    record: AlertRecord | None  # None for a check, which stands on no order
    short: bool = False
    bytes_before: int = 0  # of the longer text that was refused
    is_pair_spent: bool = False  # the pair taken with the claim serves once


@dataclass(slots=True, eq=False)
class Chunk:
    """Claimed together; `began_s` by a clock that only rises."""

    began_s: float
    waiting: dict[str, Claimed] = field(default_factory=dict)  # member → not yet settled
    outcomes: list[tuple[Load, PushOutcome]] = field(default_factory=list)  # came back, not yet settled
    ready: list[tuple[int, Result]] = field(default_factory=list)  # (bucket, result), not yet written down
    gone: dict[str, bytes] = field(default_factory=dict)  # id → the sealed push part it was refused with
    posted: set[str] = field(default_factory=set)  # members handed to the transport and not back
    permits: dict[str, Permit] = field(default_factory=dict)  # alert key → permit
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def settle(self, one: Claimed, result: Result) -> None:
        """This is how it went."""
        if self.waiting.pop(one.member, None) is not None:
            self.ready.append((one.bucket, result))

    def send_again(self, subscription_ids: Set[str], now: datetime) -> None:
        """What was about to be written down as retired for these is due at once instead."""
        for at, (bucket, one) in enumerate(self.ready):
            if one.stage is Stage.RETIRED and one.member.rpartition("/")[2] in subscription_ids:
                due_s = now.timestamp()
                again = Result(
                    one.member, one.seq, Stage.QUEUED, one.attempts, one.bytes_sent, due_s, "renewed"
                )
                self.ready[at] = bucket, again

    def withdraw(self, cause: str) -> None:
        """Stop whatever of it has not gone out yet."""
        for one in self.permits.values():
            one.withdrawn = one.withdrawn or cause

    def take_outcomes(self) -> list[tuple[Load, PushOutcome]]:
        """What came back since the last time."""
        taken, self.outcomes = self.outcomes, []
        self.news.clear()
        return taken


def hand_back(outcomes: Sequence[tuple[Parcel, PushOutcome]]) -> None:
    """Give outcomes to the chunks they belong to. What a transport calls, in the event loop's thread."""
    for parcel, outcome in outcomes:
        load: Load = parcel.owner
        chunk = load.chunk
        chunk.posted.discard(load.claimed.member)
        chunk.outcomes.append((load, outcome))
        if not chunk.posted:
            chunk.news.set()
