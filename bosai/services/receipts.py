"""What devices and people report back: shown, opened, going, arrived. Authenticated by the token of the push.

push payload "r" = subscription : seq : incident : MAC ─▶ device ─▶ record ─▶ the stage rises, never falls
"""

import hashlib
import hmac
from binascii import b2a_base64
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
_BLOCK = 64  # of SHA-256
_LENGTHS = [length.to_bytes(4, "big") for length in range(_LONGEST_TOKEN)]
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
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
    return TokenMaker(hmac_key, realm).token(subscription_id, incident, seq)


def parse_receipt_token(hmac_key: bytes, realm: Realm, token: str) -> ReceiptToken:
    """The instruction a token names. Raises WrongSecret for one that is not ours, or of the other side."""
    return TokenMaker(hmac_key, realm).parse(token)


class TokenMaker:
    """Makes and reads the tokens of one side, for senders of thousands a second: the key is hashed in once.

    HMAC-SHA-256 (RFC 2104) over the side and the lengths and bytes of id, incident and seq; its first 128 bits.
    """

    __slots__ = ("_incident", "_inner", "_outer", "_part")

    def __init__(self, hmac_key: bytes, realm: Realm) -> None:
        block = hmac_key if len(hmac_key) <= _BLOCK else hashlib.sha256(hmac_key).digest()
        block = block.ljust(_BLOCK, b"\0")
        side = realm.value.encode()
        self._inner = hashlib.sha256(bytes(one ^ 0x36 for one in block))
        self._inner.update(b"bosai receipt v1" + len(side).to_bytes(4, "big") + side)
        self._outer = hashlib.sha256(bytes(one ^ 0x5C for one in block))
        self._incident, self._part = "", b"\0\0\0\0"  # the incident seen last: thousands in a row share it

    def token(self, subscription_id: str, incident: str, seq: int) -> str:
        """`id:seq:incident:MAC`, the same for the same instruction."""
        if incident != self._incident:
            self._incident, self._part = incident, _counted(incident)
        id_, number = subscription_id.encode(), b"%d" % seq
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(b"%b%b%b%b%b" % (_LENGTHS[len(id_)], id_, self._part, _LENGTHS[len(number)], number))
        outer.update(inner.digest())
        mac = b2a_base64(outer.digest()[:16])[:22].translate(_URL_SAFE).decode()
        return f"{subscription_id}:{seq}:{incident}:{mac}"

    def parse(self, token: str) -> ReceiptToken:
        """The instruction a token names. Raises WrongSecret for one that is not ours, or of the other side."""
        body, _, _ = token.rpartition(":")
        subscription_id, _, rest = body.partition(":")
        seq_text, _, incident = rest.partition(":")
        if not token.isascii() or len(token) > _LONGEST_TOKEN or not seq_text.isdecimal():
            raise WrongSecret
        seq = int(seq_text)
        if not hmac.compare_digest(self.token(subscription_id, incident, seq), token):
            raise WrongSecret
        return ReceiptToken(subscription_id=subscription_id, incident=incident, seq=seq)


class ReceiptService:
    """Receipts of one side."""

    def __init__(self, redis: Redis, realm: Realm, clock: Clock, hmac_key: bytes) -> None:
        self.realm = realm
        self._redis = redis
        self._clock = clock
        self._tokens = TokenMaker(hmac_key, realm)
        self._keys = Keys(realm)

    def token_for(self, instruction: Instruction) -> str:
        """The token of an instruction, for its owner's page: the same that its push carries."""
        return self._tokens.token(instruction.subscription_id, instruction.incident, instruction.seq)

    async def record(self, token: str, reported: Stage | Answer) -> bool:
        """Note what is reported; False when it says nothing new or a newer instruction stands there.

        Raises WrongSecret for a token that is not ours, InvalidInput for a stage no device may report.
        """
        if isinstance(reported, Stage) and reported not in _DEVICE_STAGES:
            raise InvalidInput("stage", "not_reportable", ", ".join(_DEVICE_STAGES))
        named = self._tokens.parse(token)
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


def _counted(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(4, "big") + raw
