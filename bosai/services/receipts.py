"""What devices and people report back: shown, opened, going, arrived. Authenticated by the token of the push.

push payload "r" = subscription : seq : incident : MAC ─▶ device ─▶ record ─▶ the stage rises, never falls
under load: answers are taken, "displayed" and "opened" are asked for again later
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
from bosai.stores.scripts import Arg, Script

_LONGEST_TOKEN = 200
_BLOCK = 64  # of SHA-256
_LENGTHS = [length.to_bytes(4, "big") for length in range(_LONGEST_TOKEN)]
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_EVENTS_KEPT = 10_000
_DEVICE_STAGES = (Stage.DISPLAYED, Stage.OPENED)
_receipt = Script("receipt")
_Call = tuple[tuple[str, ...], tuple[Arg, ...]]  # keys and arguments of the script


class ReceiptToken(msgspec.Struct, frozen=True, kw_only=True):
    """Which instruction a receipt speaks of."""

    subscription_id: str
    incident: str
    seq: int


class ReceiptReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch: written, nothing new (or of an instruction since replaced), refused, not taken now."""

    recorded: int = 0
    ignored: int = 0
    refused: int = 0
    later: int = 0


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
        recorded = await self._write([self._parsed(token, reported)])
        return recorded == 1

    async def record_many(
        self, batch: Sequence[tuple[str, Stage | Answer]], *, answers_only: bool = False
    ) -> ReceiptReport:
        """A device's batch, in one round trip: one that is refused does not spoil the others.

        Answers are written first. answers_only: leave "displayed" and "opened" for later, but for instructions
        that this batch answers, of which they say nothing any more.
        """
        sound, refused = [], 0
        for token, reported in batch:
            try:
                sound.append(self._parsed(token, reported))
            except (WrongSecret, InvalidInput):
                refused += 1
        answers = [one for one in sound if one.answer is not None]
        others = [one for one in sound if one.answer is None]
        if answers_only:
            answered = {one.named for one in answers}
            others = [one for one in others if one.named not in answered]
            recorded, later = await self._write(answers), len(others)
        else:
            recorded, later = await self._write([*answers, *others]), 0
        return ReceiptReport(
            recorded=recorded, ignored=len(sound) - recorded - later, refused=refused, later=later
        )

    def _parsed(self, token: str, reported: Stage | Answer) -> "_Reported":
        if isinstance(reported, Answer):
            return _Reported(named=self._tokens.parse(token), stage=_stage_of(reported), answer=reported)
        if reported not in _DEVICE_STAGES:
            raise InvalidInput("stage", "not_reportable", ", ".join(_DEVICE_STAGES))
        return _Reported(named=self._tokens.parse(token), stage=reported)

    async def _write(self, reports: Sequence["_Reported"]) -> int:
        """Write what is new, in order; how many were. The planner hears of new answers once."""
        if not reports:
            return 0
        now = self._clock.now()
        calls = [_call(self._keys, one, unix_ms(now)) for one in reports]
        outcomes = await _receipt.many(self._redis, calls)
        written = [one for one, said in zip(reports, outcomes, strict=True) if as_text(said) == "recorded"]
        answered = [one.named.subscription_id for one in written if one.answer is not None]
        if answered:  # people on their way change with it: the planner looks again
            await self._redis.xadd(
                self._keys.events,
                {"kind": "answer", "subject": " ".join(answered), "at": now.isoformat()},
                maxlen=_EVENTS_KEPT,
                approximate=True,
            )
        return len(written)


class _Reported(msgspec.Struct, frozen=True, kw_only=True):
    """One sound receipt."""

    named: ReceiptToken
    stage: Stage
    answer: Answer | None = None


def _call(keys: Keys, one: _Reported, now_ms: int) -> _Call:
    number = bucket_of(one.named.subscription_id)
    return (
        (keys.deliveries(number), keys.due(number), keys.counts(number), keys.told_version(number)),
        (
            member_of(one.named.incident, one.named.subscription_id),
            one.named.seq,
            one.stage.value,
            one.answer.value if one.answer else "-",
            now_ms,
        ),
    )


def _stage_of(answer: Answer) -> Stage:
    return Stage.ARRIVED if answer is Answer.ARRIVED else Stage.ANSWERED


def _counted(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(4, "big") + raw
