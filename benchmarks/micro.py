"""What each step of a message costs the sending thread, each taken alone: microseconds, best of several rounds.

The steps are those of `workers/delivery.py`, on records as they lie in Redis.
"""

import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from benchmarks.rig import LIVE, Rig
from bosai.messages.letters import LetterPress
from bosai.model.instruction import Instruction
from bosai.push.encryption import encrypt, make_pair
from bosai.push.prekeys import open_pair
from bosai.push.topics import topic_of
from bosai.services.receipts import TokenMaker
from bosai.stores.instructions import ToldSeal, member_of
from bosai.stores.keys import bucket_of
from bosai.stores.replies import as_bytes
from bosai.stores.subscriptions import PushPart
from bosai.wiring import told_sealer

SAMPLE = 500
MAKE_A_PAIR = "instead of unsealing a prekey: make a pair on the spot"
_ROUNDS = 5


async def micro(rig: Rig) -> dict[str, float]:
    """Step → microseconds per message. The rig's first people have been told, and hold a prekey each."""
    some = [one.subscription_id for one in rig.people[:SAMPLE]]
    k = rig.keys
    told_raw = [
        await _stored(rig, k.instructions(bucket_of(one)), member_of(rig.incident, one)) for one in some
    ]
    push_raw = [await _stored(rig, k.push(bucket_of(one)), one) for one in some]
    pair_raw = [await _stored(rig, k.prekeys(bucket_of(one)), one) for one in some]
    own = rig.wired.secrets.realm(LIVE.value)
    told, press, tokens = ToldSeal(told_sealer(own), LIVE), LetterPress(LIVE), TokenMaker(own.hmac_key, LIVE)
    tag, now = topic_of(own.hmac_key, LIVE, rig.incident), datetime.now(UTC)

    def instruction(at: int) -> Instruction:
        found = told.open(member_of(rig.incident, some[at]).encode(), told_raw[at])
        assert found is not None
        return found

    parts: list[PushPart] = [rig.store.open_push(one, raw) for one, raw in zip(some, push_raw, strict=True)]
    instructions = [instruction(at) for at in range(len(some))]

    def letter(at: int) -> bytes:
        one, token = instructions[at], tokens.token(some[at], rig.incident, 1)
        return press.letter(one, rig.order, parts[at].lang, now=now, receipt_token=token, tag=tag)

    def pair(at: int) -> object:
        return open_pair(rig.push_sealer, LIVE, some[at], parts[at].fingerprint, pair_raw[at])

    made = [make_pair(one.p256dh, one.auth) for one in parts]
    letters = [letter(at) for at in range(len(some))]
    return {
        "unseal the instruction": _us(instruction, some),
        "unseal the push part": _us(lambda at: rig.store.open_push(some[at], push_raw[at]), some),
        "unseal the prekey": _us(pair, some),
        "letter, with its receipt token": _us(letter, some),
        "encrypt with a pair": _us(lambda at: encrypt(letters[at], made[at], os.urandom(16)), some),
        MAKE_A_PAIR: _us(lambda at: make_pair(parts[at].p256dh, parts[at].auth), some),
    }


async def _stored(rig: Rig, key: str, field: str) -> bytes:
    found = await rig.redis.hget(key, field)
    assert found is not None, (key, field)
    return as_bytes(found)


def _us(step: Callable[[int], object], over: Sequence[str]) -> float:
    best = float("inf")
    for _ in range(_ROUNDS):
        started_s = time.perf_counter()
        for at in range(len(over)):
            step(at)
        best = min(best, time.perf_counter() - started_s)
    return best / len(over) * 1e6
