"""What devices and people report back: shown, opened, going, arrived. Authenticated by the token of the push.

push payload "r" = subscription : seq : incident : MAC ─▶ device ─▶ record ─▶ the stage rises, never falls
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

import msgspec
from redis.asyncio import Redis

from bosai.errors import InvalidInput, WrongSecret
from bosai.model.instruction import Answer, Instruction, Stage
from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.stores.instructions import member_of
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.replies import as_text, unix_ms
from bosai.stores.scripts import Script

_LONGEST_TOKEN = 200
_EVENTS_KEPT = 10_000
_DEVICE_STAGES = (Stage.DISPLAYED, Stage.OPENED)
_receipt = Script("receipt")


class ReceiptToken(msgspec.Struct, frozen=True, kw_only=True):
    """Which instruction a receipt speaks of."""

    subscription_id: str
    incident: str
    seq: int


class ReceiptReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch: written, nothing new (or of an instruction since replaced), refused."""

    recorded: int = 0
    ignored: int = 0
    refused: int = 0


def receipt_token(hmac_key: bytes, realm: Realm, subscription_id: str, incident: str, seq: int) -> str:
    """The token that travels inside one push message. It opens nothing but receipts of this instruction."""
    return f"{subscription_id}:{seq}:{incident}:{_mac(hmac_key, realm, subscription_id, incident, seq)}"


def parse_receipt_token(hmac_key: bytes, realm: Realm, token: str) -> ReceiptToken:
    """The instruction a token names. Raises WrongSecret for one that is not ours, or of the other side."""
    body, _, mac = token.rpartition(":")
    subscription_id, _, rest = body.partition(":")
    seq_text, _, incident = rest.partition(":")
    if not token.isascii() or len(token) > _LONGEST_TOKEN or not seq_text.isdecimal():
        raise WrongSecret
    expected = _mac(hmac_key, realm, subscription_id, incident, int(seq_text))
    if not hmac.compare_digest(expected.encode(), mac.encode()):
        raise WrongSecret
    return ReceiptToken(subscription_id=subscription_id, incident=incident, seq=int(seq_text))


class ReceiptService:
    """Receipts of one side."""

    def __init__(self, redis: Redis, realm: Realm, clock: Clock, hmac_key: bytes) -> None:
        self.realm = realm
        self._redis = redis
        self._clock = clock
        self._hmac_key = hmac_key
        self._keys = Keys(realm)

    def token_for(self, instruction: Instruction) -> str:
        """The token of an instruction, for its owner's page: the same that its push carries."""
        return receipt_token(
            self._hmac_key, self.realm, instruction.subscription_id, instruction.incident, instruction.seq
        )

    async def record(self, token: str, reported: Stage | Answer) -> bool:
        """Note what is reported; False when it says nothing new or a newer instruction stands there.

        Raises WrongSecret for a token that is not ours, InvalidInput for a stage no device may report.
        """
        if isinstance(reported, Stage) and reported not in _DEVICE_STAGES:
            raise InvalidInput("stage", "not_reportable", ", ".join(_DEVICE_STAGES))
        named = parse_receipt_token(self._hmac_key, self.realm, token)
        answer = reported if isinstance(reported, Answer) else None
        stage = _stage_of(answer) if answer else Stage(reported)
        number = bucket_of(named.subscription_id)
        now = self._clock.now()
        outcome = await _receipt(
            self._redis,
            keys=[self._keys.deliveries(number), self._keys.due(number)],
            args=[
                member_of(named.incident, named.subscription_id),
                named.seq,
                stage.value,
                answer.value if answer else "-",
                unix_ms(now),
            ],
        )
        if as_text(outcome) != "recorded":
            return False
        if answer is not None:  # people on their way change with it: the planner looks again
            await self._redis.xadd(
                self._keys.events,
                {"kind": "answer", "subject": named.subscription_id, "at": now.isoformat()},
                maxlen=_EVENTS_KEPT,
                approximate=True,
            )
        return True

    async def record_many(self, batch: Sequence[tuple[str, Stage | Answer]]) -> ReceiptReport:
        """A device's batch: one that is refused does not spoil the others."""
        recorded = refused = 0
        for token, reported in batch:
            try:
                recorded += await self.record(token, reported)
            except (WrongSecret, InvalidInput):
                refused += 1
        return ReceiptReport(recorded=recorded, ignored=len(batch) - recorded - refused, refused=refused)


def _stage_of(answer: Answer) -> Stage:
    return Stage.ARRIVED if answer is Answer.ARRIVED else Stage.ANSWERED


def _mac(hmac_key: bytes, realm: Realm, subscription_id: str, incident: str, seq: int) -> str:
    parts = (realm.value, subscription_id, incident, str(seq))
    message = b"bosai receipt v1" + b"".join(
        len(one).to_bytes(4, "big") + one for one in map(str.encode, parts)
    )
    digest = hmac.digest(hmac_key, message, hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
