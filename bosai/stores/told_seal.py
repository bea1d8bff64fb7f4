"""An instruction before the store numbers it, and its seal: how far somebody walks to a known site tells the home."""

import hmac
import logging
from datetime import datetime

import msgspec

from bosai.errors import SealBroken
from bosai.model.instruction import Destination, Instruction, MessageKind
from bosai.model.realm import Realm
from bosai.push.sealing import Sealer
from bosai.stores.replies import as_text
from shelters.model import Action

log = logging.getLogger(__name__)

TOLD_KIND = "told"


class InstructionDraft(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """An instruction before the store gives it its seq; the fields are those of `Instruction`.

    left_s: seconds to spare before the danger arrives; who has least goes first within a danger class.
    """

    subscription_id: str
    incident: str
    place_id: str | None
    message: MessageKind
    action: Action | None
    alert_key: str
    danger_class: int
    destination: Destination | None = None
    alternate: Destination | None = None
    reasons: tuple[str, ...] = ()
    plan_id: str
    decided_at: datetime
    stale_at: datetime
    meaning: str
    town: str = ""
    left_s: int = 0
    repeats_seq: int = 0
    since: datetime | None = None
    also: tuple[str, ...] = ()
    full_site: str = ""
    from_m: tuple[int, int] | None = None

    def numbered(self, seq: int, alert_key: str) -> Instruction:
        """The instruction with its seq, standing on the version it now stands on."""
        return Instruction(
            subscription_id=self.subscription_id,
            incident=self.incident,
            seq=seq,
            place_id=self.place_id,
            message=self.message,
            action=self.action,
            alert_key=alert_key,
            danger_class=self.danger_class,
            destination=self.destination,
            alternate=self.alternate,
            reasons=self.reasons,
            plan_id=self.plan_id,
            decided_at=self.decided_at,
            stale_at=self.stale_at,
            meaning=self.meaning,
            town=self.town,
            repeats_seq=self.repeats_seq,
            since=self.since,
            also=self.also,
            full_site=self.full_site,
            from_m=self.from_m,
        )


_encode = msgspec.msgpack.Encoder().encode
_draft = msgspec.msgpack.Decoder(InstructionDraft).decode


class ToldSeal:
    """Seals and opens the stored instructions of one side."""

    def __init__(self, sealer: Sealer, realm: Realm) -> None:
        self._seal = sealer.of_kind(TOLD_KIND, realm)
        self._mark_key = sealer.derived("meaning")

    def mark_of(self, draft: InstructionDraft) -> str:
        """What stands in the clear for the meaning: the same for the same meaning of one person, and no more.

        A plain hash would name the site: there are few. Checks mean the same for everybody, and are counted by it; what
        a reminder carries here are the number it repeats and the hour.
        """
        if draft.message.is_check or draft.message is MessageKind.STILL_IN_FORCE:
            return draft.meaning
        words = f"{draft.incident} {draft.subscription_id} {draft.meaning}".encode()
        return hmac.digest(self._mark_key, words, "sha256")[:16].hex()

    def seal(self, draft: InstructionDraft) -> bytes:
        """What is stored behind the head line."""
        return self._seal.seal(member_of(draft.incident, draft.subscription_id).encode(), _encode(draft))

    def open(self, member: bytes, stored: bytes) -> Instruction | None:
        """A stored instruction: the head line and the sealed draft behind it. None, logged, for one that does not
        open: one broken record must not keep the others from being told."""
        head, _, body = stored.partition(b"\n")
        seq, _meaning, alert_key, _message = head.decode().split(" ")
        try:
            draft = _draft(self._seal.open(member, body))
        except (SealBroken, msgspec.DecodeError):
            log.exception("the instruction of %s can not be read", as_text(member))
            return None
        return draft.numbered(int(seq), alert_key)


def member_of(incident: str, subscription_id: str) -> str:
    """The field under which instruction and delivery are stored."""
    return f"{incident}/{subscription_id}"
