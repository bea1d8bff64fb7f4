"""The bytes of one push: declarative Web Push (`web_push: 8030`) that our service worker reads too.

Every language fits `PLAINTEXT_BYTES`: what matters least is left out first, step by step.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from bosai.errors import WrongRealm
from bosai.messages.advice import AdviceText, render_advice
from bosai.model.alert import AlertRecord
from bosai.model.instruction import Destination, Instruction, MessageKind
from bosai.model.realm import Realm
from bosai.push.payload_limits import PLAINTEXT_BYTES

SHORT_BYTES = 2048
_NAME_CHARS = 24
_AREA_CHARS = 24


def payload(
    instruction: Instruction,
    record: AlertRecord,
    realm: Realm,
    lang: str,
    *,
    now: datetime,
    receipt_token: str,
    tag: str | None = None,
    short: bool = False,
) -> bytes:
    """UTF-8 JSON of at most 3,072 bytes (2,048 when `short`). Raises WrongRealm for the other side's record.

    tag: the notification's tag, `topic_of(...)`; the newer notification replaces the older one of the same tag.
    """
    if record.alert.realm_of is not realm:
        raise WrongRealm(realm.value, record.alert.realm_of.value)
    limit = limit_bytes(short=short)
    sent = b""
    for attempt in attempts(instruction, record, short=short):
        words = render_advice(attempt.instruction, attempt.record, realm, lang, now=now)
        own = personal(attempt.instruction, realm, receipt_token, tag or f"{realm}-{instruction.incident}")
        sent = msgspec.json.encode(document(attempt, realm, words, own))
        if len(sent) <= limit:
            return sent
    return sent


def limit_bytes(*, short: bool) -> int:
    """How long a message may be; `short` is for push services that refused the longer one."""
    return SHORT_BYTES if short else PLAINTEXT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One way of saying it: what is said, of which order, and whether only the first thing is."""

    instruction: Instruction
    record: AlertRecord
    short: bool


def attempts(instruction: Instruction, record: AlertRecord, *, short: bool) -> Iterator[Attempt]:
    """Ever smaller messages: whole ▸ without the second choice ▸ short ▸ with long names cut."""
    alone = msgspec.structs.replace(instruction, alternate=None)
    if not short:
        yield Attempt(instruction=instruction, record=record, short=False)
        yield Attempt(instruction=alone, record=record, short=False)
    yield Attempt(instruction=alone, record=record, short=True)
    cut = msgspec.structs.replace(alone, destination=_shortened(alone.destination))
    yield Attempt(instruction=cut, record=_with_short_areas(record), short=True)


def _shortened(site: Destination | None) -> Destination | None:
    if site is None:
        return None
    return msgspec.structs.replace(
        site, name=_cut(site.name, _NAME_CHARS), floor_label=_cut(site.floor_label, _NAME_CHARS)
    )


def _with_short_areas(record: AlertRecord) -> AlertRecord:
    alert = record.alert
    names = tuple(_cut(name, _AREA_CHARS) for name in alert.area.names)
    texts = {
        lang: msgspec.structs.replace(words, headline=_cut(words.headline, 80), body=_cut(words.body, 120))
        for lang, words in alert.texts.items()
    }
    area = msgspec.structs.replace(alert.area, names=names)
    return msgspec.structs.replace(record, alert=msgspec.structs.replace(alert, area=area, texts=texts))


def _cut(words: str, chars: int) -> str:
    return words if len(words) <= chars else words[: chars - 1] + "…"


class Personal(NamedTuple):
    """What differs from one person to the next where the words are the same: JSON values, or `Raw` holes."""

    navigate: Any
    tag: Any
    timestamp_ms: Any
    seq: Any
    site: Any
    alt: Any
    receipt: Any
    at_s: Any
    stale_s: Any


def personal(one: Instruction, realm: Realm, receipt_token: str, tag: str) -> Personal:
    """The values of one person's message."""
    return Personal(
        navigate=f"{advice_path(realm, one.incident)}{one.seq}",
        tag=tag,
        timestamp_ms=int(one.decided_at.timestamp() * 1000),
        seq=one.seq,
        site=site_block(one.destination),
        alt=site_block(one.alternate),
        receipt=receipt_token,
        at_s=int(one.decided_at.timestamp()),
        stale_s=int(one.stale_at.timestamp()),
    )


def advice_path(realm: Realm, incident: str) -> str:
    """The page a notification opens, up to the number that ends it."""
    return f"{realm.path_prefix}/advice?i={incident}&s="


def document(attempt: Attempt, realm: Realm, words: AdviceText, own: Personal) -> dict[str, Any]:
    """The message as JSON would have it; the order of its members is fixed."""
    one, alert = attempt.instruction, attempt.record.alert
    return {
        "web_push": 8030,
        "notification": {
            "title": words.title,
            "body": words.short_body if attempt.short else words.body,
            "lang": words.html_lang,
            "dir": "ltr",
            "navigate": own.navigate,
            "tag": own.tag,
            "renotify": True,
            "requireInteraction": words.urgent,
            "silent": False,
            "timestamp": own.timestamp_ms,
            "icon": icon_path(realm),
            "badge": BADGE_PATH,
        },
        "mutable": True,
        "bosai": {
            "v": 1,
            "realm": realm.value,
            "incident": one.incident,
            "seq": own.seq,
            "alert": alert.key,
            "version": alert.version,
            "kind": one.message.value,
            "action": one.action.value if one.action else None,
            "level": int(alert.level) if alert.level else None,
            "tsunami": alert.tsunami_class.value if alert.tsunami_class and alert.is_tsunami_call else None,
            "hazard": alert.hazard.value,
            "urgent": words.urgent,
            "ended": one.message in (MessageKind.LIFTED, MessageKind.RECALLED, MessageKind.OUT_OF_AREA),
            "site": own.site,
            "alt": own.alt,
            "r": own.receipt,
            "at": own.at_s,
            "stale": own.stale_s,
        },
    }


BADGE_PATH = "/static/resident/badge.png"


def icon_path(realm: Realm) -> str:
    """The notification's icon; the drill's has another shape and colour."""
    return f"/static/resident/icon-{realm.value}.png"


def site_block(site: Destination | None) -> dict[str, Any] | None:
    """A place as the service worker and the page read it: degrees, metres and seconds on foot."""
    if site is None:
        return None
    return {
        "id": site.site_id,
        "name": site.name,
        "lon": round(site.lon, 5),
        "lat": round(site.lat, 5),
        "m": site.walk_m,
        "s": site.walk_s,
        "floor": site.floor_label,
        "un": site.unconfirmed,
    }
