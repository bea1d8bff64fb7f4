"""How many deliveries stand where, without reading one of them: the scripts that move a delivery keep these counts.

256 buckets, each a hash "incident alert_key stage cause" → n and "incident alert_key bytes -" → bytes ─▶ one sum
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from redis.asyncio import Redis

from bosai.model.instruction import Stage
from bosai.model.realm import Realm
from bosai.stores.keys import BUCKETS, Keys
from bosai.stores.replies import as_text

_BYTES = "bytes"
_NO_CAUSE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The newest instruction of everybody told of one incident, counted.

    stages: (version of the order, stage, cause) → persons; the cause is "" but for those not reached and replaced.
    sent: version of the order → bytes sent to push services for it, ciphertext.
    """

    stages: Mapping[tuple[str, Stage, str], int] = field(default_factory=dict)
    sent: Mapping[str, int] = field(default_factory=dict)

    def by_stage(self, alert_key: str | None = None) -> dict[Stage, int]:
        """Every stage with its persons, those without any too; of one version of an order, or of all."""
        found = dict.fromkeys(Stage, 0)
        for (key, stage, _), count in self.stages.items():
            if alert_key in (None, key):
                found[stage] += count
        return found

    def causes(self) -> dict[tuple[Stage, str], int]:
        """(stage, cause) → persons, where a cause is counted."""
        found: Counter[tuple[Stage, str]] = Counter()
        for (_, stage, cause), count in self.stages.items():
            if cause:
                found[stage, cause] += count
        return dict(found)

    @property
    def alert_keys(self) -> tuple[str, ...]:
        """The versions somebody's newest instruction stands on, in order of their names and numbers."""
        return tuple(sorted({key for key, _, _ in self.stages}, key=_by_number))

    @property
    def persons(self) -> int:
        """Everybody who has an instruction."""
        return sum(self.stages.values())

    @property
    def bytes_sent(self) -> int:
        """Over all versions."""
        return sum(self.sent.values())


class DeliveryCounts:
    """The counts of one side."""

    def __init__(self, redis: Redis, realm: Realm) -> None:
        self._redis = redis
        self._keys = Keys(realm)

    async def read(self, incident: str) -> Counted:
        """Everything counted of an incident, in one round trip."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for number in range(BUCKETS):
                pipe.hgetall(self._keys.counts(number))
            rows = await pipe.execute()
        stages: Counter[tuple[str, Stage, str]] = Counter()
        sent: Counter[str] = Counter()
        for row in rows:
            for name, value in row.items():
                where, alert_key, what, cause = as_text(name).split(" ", 3)
                if where != incident:
                    continue
                if what == _BYTES:
                    sent[alert_key] += int(value)
                else:
                    stages[alert_key, Stage(what), "" if cause == _NO_CAUSE else cause] += int(value)
        return Counted(stages=dict(stages), sent=dict(sent))

    async def by_stage(self, incident: str, alert_key: str | None = None) -> dict[Stage, int]:
        """How many newest instructions stand at each stage, of one version of an order or of the whole incident."""
        return (await self.read(incident)).by_stage(alert_key)

    async def causes(self, incident: str) -> dict[tuple[Stage, str], int]:
        """(stage, cause) → persons."""
        return (await self.read(incident)).causes()

    async def bytes(self, incident: str) -> int:
        """Bytes sent to push services for an incident, every attempt counted."""
        return (await self.read(incident)).bytes_sent


def _by_number(alert_key: str) -> tuple[str, int]:
    alert_id, _, version = alert_key.rpartition(":")
    return alert_id, int(version) if version.isdecimal() else 0
