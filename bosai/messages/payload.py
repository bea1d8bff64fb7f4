"""The bytes of one push: declarative Web Push (`web_push: 8030`) that our service worker reads too.

Every language fits `PLAINTEXT_BYTES`: what matters least is left out first, step by step.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from bosai.errors import WrongRealm
from bosai.messages.advice import AdviceText, render_advice
from bosai.model.alert import AlertRecord, OrderKind
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
    limit = SHORT_BYTES if short else PLAINTEXT_BYTES
    sent = b""
    for attempt in _attempts(instruction, record, short=short):
        words = render_advice(attempt.instruction, attempt.record, realm, lang, now=now)
        sent = msgspec.json.encode(
            _document(attempt, realm, words, receipt_token, tag or f"{realm}-{instruction.incident}")
        )
        if len(sent) <= limit:
            return sent
    return sent


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    instruction: Instruction
    record: AlertRecord
    short: bool


def _attempts(instruction: Instruction, record: AlertRecord, *, short: bool) -> Iterator[_Attempt]:
    """Ever smaller messages: whole ▸ without the second choice ▸ short ▸ with long names cut."""
    alone = msgspec.structs.replace(instruction, alternate=None)
    if not short:
        yield _Attempt(instruction=instruction, record=record, short=False)
        yield _Attempt(instruction=alone, record=record, short=False)
    yield _Attempt(instruction=alone, record=record, short=True)
    cut = msgspec.structs.replace(alone, destination=_shortened(alone.destination))
    yield _Attempt(instruction=cut, record=_with_short_areas(record), short=True)


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


def _document(
    attempt: _Attempt, realm: Realm, words: AdviceText, receipt_token: str, tag: str
) -> dict[str, Any]:
    one, alert = attempt.instruction, attempt.record.alert
    return {
        "web_push": 8030,
        "notification": {
            "title": words.title,
            "body": words.short_body if attempt.short else words.body,
            "lang": words.html_lang,
            "dir": "ltr",
            "navigate": f"{realm.path_prefix}/advice?i={one.incident}&s={one.seq}",
            "tag": tag,
            "renotify": True,
            "requireInteraction": words.urgent,
            "silent": False,
            "timestamp": int(one.decided_at.timestamp() * 1000),
            "icon": icon_path(realm),
            "badge": BADGE_PATH,
        },
        "mutable": True,
        "bosai": {
            "v": 1,
            "realm": realm.value,
            "incident": one.incident,
            "seq": one.seq,
            "alert": alert.key,
            "version": alert.version,
            "kind": one.message.value,
            "action": one.action.value if one.action else None,
            "level": int(alert.level) if alert.level else None,
            "tsunami": alert.tsunami_class.value
            if alert.tsunami_class and alert.kind is OrderKind.TSUNAMI_EVACUATION
            else None,
            "hazard": alert.hazard.value,
            "urgent": words.urgent,
            "ended": one.message in (MessageKind.LIFTED, MessageKind.RECALLED, MessageKind.OUT_OF_AREA),
            "site": _site(one.destination),
            "alt": _site(one.alternate),
            "r": receipt_token,
            "at": int(one.decided_at.timestamp()),
            "stale": int(one.stale_at.timestamp()),
        },
    }


BADGE_PATH = "/static/resident/badge.png"


def icon_path(realm: Realm) -> str:
    """The notification's icon; the drill's has another shape and colour."""
    return f"/static/resident/icon-{realm.value}.png"


def _site(site: Destination | None) -> dict[str, Any] | None:
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
