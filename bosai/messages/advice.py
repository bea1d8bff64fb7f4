"""One person's instruction in words: the notification and the lines of the advice page.

Order of the body: who and where ▸ what to do now ▸ where to ▸ how far ▸ until when and why; then the two
issuers apart: the order is the city's (発令), the guidance is ours (案内). The drill's marks are put on last.
"""

from datetime import datetime

import msgspec

from bosai.messages.actions import action_sentences
from bosai.messages.catalogue import html_lang, is_draft, text
from bosai.messages.destinations import already_there, other_places, sure_sentences, walk_sentences, walks
from bosai.messages.marks import marked, marked_start
from bosai.messages.measures import time_text
from bosai.messages.notices import foretold_now, is_foretold
from bosai.messages.orders import join_names, join_sentences, keep_away, own_words
from bosai.messages.terms import about, ended_word, issued_name, short_head, sign_lang, term
from bosai.model.alert import Act, Alert, AlertRecord, OrderKind, TsunamiClass
from bosai.model.instruction import Instruction, MessageKind
from bosai.model.realm import Realm
from shelters.model import Action, ReasonCode


class AdviceText(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown. `title` and `body` are the notification; the rest is for the page."""

    lang: str
    html_lang: str
    title: str
    body: str
    short_body: str  # what to do and who says so, nothing else: for push services that take less
    action: str  # the big line: 「高い所へ上がる」
    do: str  # the whole sentence of what to do
    lines: tuple[str, ...]  # walk, opening, second choice, until when
    notes: tuple[str, ...]  # the lines without walk and second choice, for pages that show those by direction
    reasons: tuple[str, ...]
    order: str  # headline of the order as issued
    order_body: str
    issuer_line: str  # 「気象庁 14:03発表。避難指示：仙台市 14:05発令。」
    guide_line: str  # 「案内：仙台市プッシュ型避難誘導」
    draft: bool  # the translation awaits a native reader: a footer says so, never a notification
    urgent: bool  # role=alert: level 4 and above, tsunami


def render_advice(
    instruction: Instruction, record: AlertRecord, realm: Realm, lang: str, *, now: datetime
) -> AdviceText:
    """The words of `instruction`, which stands on `record`, as a reader of `lang` gets them at `now`."""
    alert = record.alert
    do = _do(instruction, record, lang, now)
    until = _until(instruction, alert, lang, now)
    others = [*already_there(instruction, lang), *other_places(instruction, lang)]
    lines = [*walk_sentences(instruction, lang), *others, *until]
    issuer = issuer_line(instruction, record, lang, now)
    guide = text("advice.guide", lang, service=text("terms.service", lang))
    order = alert.texts.get(lang) or alert.texts["ja"]
    return AdviceText(
        lang=lang,
        html_lang=html_lang(lang),
        title=marked_start(_title(instruction, alert, lang), realm, lang),
        body=marked(
            "\n".join([do, join_sentences(lang, lines), issuer, guide]).replace("\n\n", "\n"), realm, lang
        ),
        short_body=marked("\n".join([do, issuer]), realm, lang),
        action=action_line(instruction, alert, lang),
        do=do,
        lines=tuple(lines),
        notes=(*sure_sentences(instruction, lang), *others, *until),
        reasons=tuple(_reasons(instruction, lang)),
        order=order.headline,
        order_body=order.body,
        issuer_line=issuer,
        guide_line=guide,
        draft=is_draft(lang),
        urgent=is_urgent(instruction, alert),
    )


def action_line(instruction: Instruction, alert: Alert, lang: str) -> str:
    """The few words of the big line."""
    what = instruction.action or _ENDED.get(instruction.message)
    if instruction.action in (Action.GO, Action.REFUGE) and alert.kind is OrderKind.EMERGENCY_SAFETY:
        what = Action.UP  # level 5 asks nobody to set out, and neither does its big line
    site = instruction.destination
    if what is Action.REFUGE and site is not None and site.site_id is not None:
        what = "refuge_site"  # "go up" alone would keep people in their own upper floor
    if instruction.message is MessageKind.LIFTED and alert.kind is OrderKind.NOTICE:
        return text("at_once.action_ended", lang)
    return text(f"advice.action.{what}", lang) if what else ""


def is_urgent(instruction: Instruction, alert: Alert) -> bool:
    """True for what may interrupt a screen reader: a directing message at level 4 and above, or a tsunami's."""
    directs = instruction.message not in _ENDED
    return directs and (alert.is_tsunami_call or (alert.level or 0) >= 4 or alert.kind is OrderKind.EVACUATE)


_ENDED = {
    MessageKind.LIFTED: "lifted",
    MessageKind.RECALLED: "recalled",
    MessageKind.OUT_OF_AREA: "out_of_area",
}


def areas_short(alert: Alert, lang: str) -> str:
    """The first area name, 「ほか」 when there are more; all of them stand on the page."""
    first = alert.area.names[0]
    return first if len(alert.area.names) == 1 else text("advice.area_more", lang, name=first)


def _issued(alert: Alert, lang: str) -> str:
    return issued_name(lang, alert.hazard, alert.kind, alert.tsunami_class)


def _title(instruction: Instruction, alert: Alert, lang: str) -> str:
    ended = _ENDED.get(instruction.message)
    if ended:  # the areas open the body
        signs = sign_lang(lang)
        word = ended_word(signs, alert.kind) if ended == "lifted" else term(signs, ended)
        return f"【{word}】{_issued(alert, signs)}"
    named = short_head(lang, alert.hazard, alert.kind, alert.tsunami_class)
    if instruction.message is MessageKind.REDIRECT and walks(instruction):
        return f"【{named}】{text('advice.tail.redirect', lang)}"
    if alert.is_tsunami_call:
        seaward = alert.tsunami_class is TsunamiClass.ADVISORY or instruction.action is Action.INLAND
        return f"【{named}】{text('advice.tail.sea' if seaward else 'advice.tail.high', lang)}"
    if alert.kind is OrderKind.EMERGENCY_SAFETY:
        return f"【{named}】{text('advice.tail.life', lang)}"
    return f"【{named}】{areas_short(alert, lang)}"


def _do(instruction: Instruction, record: AlertRecord, lang: str, now: datetime) -> str:
    alert = record.alert
    named, area = _issued(alert, sign_lang(lang)), areas_short(alert, lang)
    match instruction.message:
        case MessageKind.LIFTED if alert.kind is OrderKind.NOTICE:
            return join_sentences(lang, _notice_ended(alert, lang, named, area))
        case MessageKind.LIFTED:
            lifted = text("advice.lifted", lang, area=area, head=named)
            return join_sentences(lang, [lifted, keep_away(lang, alert.hazard)])
        case MessageKind.OUT_OF_AREA:
            return text("advice.out_of_area", lang, head=named)
        case MessageKind.RECALLED if alert.act is Act.RECALL:
            return own_words(alert, lang)  # written when it was approved: names the time of the wrong one
        case MessageKind.RECALLED:
            time = time_text(record.released_at or instruction.decided_at, now)
            return text("advice.recalled", lang, time=time, head=named, area=area)
        case _:
            return join_sentences(lang, action_sentences(instruction, alert, lang, area))


def _notice_ended(alert: Alert, lang: str, named: str, area: str) -> list[str]:
    """Only the notice ended; whether JMA's warning stands is JMA's to say."""
    said = [text("at_once.ended_here", lang, area=area, head=named)]
    if alert.tsunami_class is not None:
        jma = term(sign_lang(lang), f"tsunami.{alert.tsunami_class}")
        said.append(text("at_once.jma_may_stand", lang, jma=jma))
    return [*said, keep_away(lang, alert.hazard)]


def _until(instruction: Instruction, alert: Alert, lang: str, now: datetime) -> list[str]:
    if instruction.message in _ENDED:
        return []
    lines: list[str] = []
    arrival = alert.expected_arrival_at
    if alert.is_tsunami_call and arrival is not None:
        passed = arrival <= now
        lines.append(
            text("advice.arrival_passed", lang)
            if passed
            else text("advice.arrival", lang, time=time_text(arrival, now))
        )
    elif arrival is not None and is_foretold(alert.hazard, alert.kind):
        prepares = instruction.action is Action.PREPARE if walks(instruction) else None
        said = foretold_now(lang, arrival, alert.announced_at, now, prepares=prepares)
        lines.append(join_sentences(lang, said))
    if until := until_line(alert, lang):
        lines.append(until)
    return lines


def until_line(alert: Alert, lang: str) -> str:
    """How long it holds; "" for an お知らせ that asks nobody to go or stay anywhere."""
    if alert.kind is not OrderKind.NOTICE:
        return text("advice.until", lang)
    return text("at_once.until", lang) if alert.is_tsunami_call else ""


def issuer_line(instruction: Instruction, record: AlertRecord, lang: str, now: datetime) -> str:
    """Who said it and when; two sentences where there are two."""
    alert = record.alert
    city = term(lang, "city") if not lang.startswith("ja") else text("terms.city", lang)
    time = time_text(record.released_at or instruction.decided_at, now)
    if alert.kind is OrderKind.NOTICE:
        notice = text("advice.notice_from", lang, city=city, time=time)
        if not alert.is_tsunami_call or instruction.message in _ENDED:
            return notice
        return join_sentences(lang, [_announced(alert, lang, now), notice])
    if instruction.message in _ENDED:
        return text("advice.said_at", lang, city=city, time=time)
    signs = sign_lang(lang)
    kind = term(signs, f"kind.{alert.kind}")
    if alert.kind is not OrderKind.TSUNAMI_EVACUATION:  # there the title names the danger
        kind = about(signs, kind, term(signs, f"hazard.{alert.hazard}"))
    issued = text("advice.issued", lang, kind=kind, city=city, time=time)
    if alert.announced_at is None:
        return issued
    # Two issuers, two sentences: what JMA announced and what the city ordered.
    announced = text("advice.announced", lang, time=time_text(alert.announced_at, now))
    return join_sentences(lang, [announced, issued])


def _announced(alert: Alert, lang: str, now: datetime) -> str:
    """That it is JMA's, with the time where it is known: sent in two taps, nobody may have told us."""
    if alert.announced_at is not None:
        return text("advice.announced", lang, time=time_text(alert.announced_at, now))
    return text("at_once.by_jma", lang)


def _reasons(instruction: Instruction, lang: str) -> list[str]:
    known = {code.value for code in ReasonCode}
    return [text(f"advice.reason.{code}", lang) for code in instruction.reasons if code in known]


def order_areas(alert: Alert, lang: str) -> str:
    """All area names, for the page."""
    return join_names(lang, alert.area.names)
