"""The quiet reminder that an order is still in force: since when, what stays forbidden, and what a long wait needs.

It says nothing that was not said before, so it makes no sound, and carries the number of the instruction it repeats:
a device that knows of a newer one shows that instead.
"""

from datetime import datetime

import msgspec

from bosai.errors import WrongRealm
from bosai.messages.advice import AdviceText, action_line, areas_short, issuer_line, until_line
from bosai.messages.catalogue import html_lang, is_draft, text
from bosai.messages.destinations import place_name, walks
from bosai.messages.marks import marked, marked_start
from bosai.messages.measures import JST, time_text
from bosai.messages.orders import join_sentences, keep_away
from bosai.messages.payload import Attempt, document, limit_bytes, personal
from bosai.messages.terms import issued_name, short_head, sign_lang
from bosai.model.alert import AlertRecord
from bosai.model.instruction import Instruction, MessageKind
from bosai.model.realm import Realm

_HOT_MONTHS = range(6, 10)
_COLD_MONTHS = (11, 12, 1, 2, 3)


class ReminderText(msgspec.Struct, frozen=True, kw_only=True):
    """What the notification of a reminder says; `short_body` without season and needs."""

    title: str
    body: str
    short_body: str


def render_reminder(
    instruction: Instruction, record: AlertRecord, realm: Realm, lang: str, *, now: datetime
) -> ReminderText:
    """The words of a reminder. Raises ValueError for an instruction that is none."""
    if instruction.message is not MessageKind.STILL_IN_FORCE:
        raise ValueError(f"{instruction.message} is no reminder: its words are in advice")
    alert, signs = record.alert, sign_lang(lang)
    since = instruction.since or record.released_at or instruction.decided_at
    named = issued_name(signs, alert.hazard, alert.kind, alert.tsunami_class)
    still = text(
        "reminders.still", lang, area=areas_short(alert, lang), head=named, time=time_text(since, now)
    )
    first = [still, keep_away(lang, alert.hazard), until_line(alert, lang)]
    then = [_season(lang, now, outside=walks(instruction)), text("reminders.needs", lang)]
    # It replaces the message it repeats: what was to be done has to stand here too.
    site = instruction.destination
    what = action_line(instruction, alert, lang)
    if site is not None and site.site_id is not None and walks(instruction):
        what = text("reminders.site", lang, site=place_name(site, lang))
    issuer = issuer_line(instruction, record, lang, now)
    guide = text("advice.guide", lang, service=text("terms.service", lang))
    head = short_head(lang, alert.hazard, alert.kind, alert.tsunami_class)
    lines = [join_sentences(lang, first), what, join_sentences(lang, then), issuer, guide]
    return ReminderText(
        title=marked_start(f"【{head}】{text('reminders.title', lang)}", realm, lang),
        body=marked("\n".join(lines), realm, lang),
        short_body=marked("\n".join([still, what, issuer]), realm, lang),
    )


def reminder_payload(
    instruction: Instruction,
    record: AlertRecord,
    realm: Realm,
    lang: str,
    *,
    now: datetime,
    receipt_token: str,
    tag: str,
    short: bool = False,
) -> bytes:
    """UTF-8 JSON shaped as `payload`, silent, of the instruction it repeats. Raises WrongRealm, ValueError.

    receipt_token, tag: those of the repeated instruction, so that an answer given here counts there.
    """
    if record.alert.realm_of is not realm:
        raise WrongRealm(realm.value, record.alert.realm_of.value)
    words = render_reminder(instruction, record, realm, lang, now=now)
    repeated = instruction.repeated()
    own = personal(repeated, realm, receipt_token, tag)
    sent = b""
    for is_short in (False, True)[short:]:
        said = document(
            Attempt(instruction=repeated, record=record, short=is_short), realm, _as_advice(words, lang), own
        )
        said["notification"] |= {"renotify": False, "silent": True, "requireInteraction": False}
        sent = msgspec.json.encode(said)
        if len(sent) <= limit_bytes(short=short):
            break
    return sent


def _season(lang: str, now: datetime, *, outside: bool) -> str:
    month = now.astimezone(JST).month
    if month in _HOT_MONTHS:
        return text("reminders.heat", lang) if outside else ""  # nobody leaves a house to rest in the shade
    return text("reminders.cold", lang) if month in _COLD_MONTHS else ""


def _as_advice(words: ReminderText, lang: str) -> AdviceText:
    """In the frame of every message; what only pages show stays empty."""
    return AdviceText(
        lang=lang,
        html_lang=html_lang(lang),
        title=words.title,
        body=words.body,
        short_body=words.short_body,
        action="",
        do="",
        lines=(),
        notes=(),
        reasons=(),
        order="",
        order_body="",
        issuer_line="",
        guide_line="",
        draft=is_draft(lang),
        urgent=False,
    )
