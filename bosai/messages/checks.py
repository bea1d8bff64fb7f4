"""The words and bytes of the two checks: does a message reach this device? No order stands behind them.

受信テスト (asked for by the resident) and 受信確認 (monthly, without a sound) open with their Japanese names, as the
drill does with 【訓練】, and say before anything else that nothing has happened.
"""

from datetime import datetime
from typing import Any

import msgspec

from bosai.messages.catalogue import html_lang, text
from bosai.messages.marks import marked, marked_start
from bosai.messages.measures import time_text
from bosai.messages.orders import join_sentences
from bosai.messages.payload import BADGE_PATH, icon_path
from bosai.model.instruction import CHECK_INCIDENT, Instruction, MessageKind
from bosai.model.realm import Realm

CHECK_BYTES = 1024
"""A check is sent to everybody who wants it, every month: it stays small."""


class CheckText(msgspec.Struct, frozen=True, kw_only=True):
    """What the notification of a check says."""

    title: str
    body: str
    short_body: str  # without the line of who says it, for languages and sides that need more bytes


def render_check(instruction: Instruction, realm: Realm, lang: str, *, now: datetime) -> CheckText:
    """The words of a check. Raises ValueError for an instruction that tells people what to do."""
    kind = instruction.message
    if not kind.is_check:
        raise ValueError(f"{kind.value} is no check: its words are in advice")
    sign, own = text(f"checks.sign.{kind}", "ja"), text(f"checks.sign.{kind}", lang)
    harmless = text("checks.no_emergency", lang)
    arrived = text(f"checks.body.{kind}", lang, time=time_text(instruction.decided_at, now))
    said = join_sentences(lang, [text("checks.nothing_to_do", lang), arrived])
    guide = text("advice.guide", lang, service=text("terms.service", lang))
    title = f"【{sign}】{harmless}" if own == sign else f"【{sign}】{own}: {harmless}"
    return CheckText(
        title=marked_start(title, realm, lang),
        body=marked(f"{said}\n{guide}", realm, lang),
        short_body=marked(said, realm, lang),
    )


def check_payload(
    instruction: Instruction, realm: Realm, lang: str, *, now: datetime, receipt_token: str, tag: str
) -> bytes:
    """UTF-8 JSON of at most 1,024 bytes with a token of ours, shaped as `payload`. Raises ValueError."""
    words = render_check(instruction, realm, lang, now=now)
    sent = b""
    for body in (words.body, words.short_body):
        notification = _notification(instruction, realm, lang, words.title, body, tag)
        sent = msgspec.json.encode(_document(instruction, realm, notification, receipt_token))
        if len(sent) <= CHECK_BYTES:
            break
    return sent


def _notification(  # noqa: PLR0917 - what is shown, and to whom
    one: Instruction, realm: Realm, lang: str, title: str, body: str, tag: str
) -> dict[str, Any]:
    is_asked_for = one.message is MessageKind.SELF_TEST
    return {
        "title": title,
        "body": body,
        "lang": html_lang(lang),
        "dir": "ltr",
        "navigate": f"{realm.path_prefix}/check?s={one.seq}",
        "tag": tag,
        "renotify": is_asked_for,
        "requireInteraction": False,
        "silent": not is_asked_for,
        "timestamp": int(one.decided_at.timestamp() * 1000),
        "icon": icon_path(realm),
        "badge": BADGE_PATH,
    }


def _document(
    one: Instruction, realm: Realm, notification: dict[str, Any], receipt_token: str
) -> dict[str, Any]:
    return {
        "web_push": 8030,
        "notification": notification,
        "mutable": True,
        "bosai": {
            "v": 1,
            "realm": realm.value,
            "incident": CHECK_INCIDENT,
            "seq": one.seq,
            "kind": one.message.value,
            "urgent": False,
            "ended": False,
            "r": receipt_token,
            "at": int(one.decided_at.timestamp()),
            "stale": int(one.stale_at.timestamp()),
        },
    }
