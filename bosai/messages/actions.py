"""What to do now, as sentences: chosen by the action, the kind of order, and whether a place is known."""

from bosai.messages.catalogue import text
from bosai.messages.destinations import place_name
from bosai.messages.orders import notice_words
from bosai.model.alert import Alert, OrderKind, TsunamiClass
from bosai.model.instruction import Instruction, MessageKind
from shelters.model import Action, ReasonCode

_NOWHERE = {ReasonCode.NO_SITE.value, ReasonCode.NO_SEATS_LEFT.value}


def action_sentences(instruction: Instruction, alert: Alert, lang: str, area: str) -> list[str]:
    """One to three sentences, the imperative first. Level 3 always names those who need time."""
    if alert.is_tsunami_call:
        return _tsunami(instruction, alert, lang, area)
    if alert.kind is OrderKind.NOTICE:
        return [notice_words(alert, lang)]
    if instruction.action is Action.STAY:
        return [text("advice.do.stay", lang), text("advice.reason.stay_needs", lang)]
    if instruction.action is Action.UP or alert.kind is OrderKind.EMERGENCY_SAFETY:
        return [text("advice.do.up", lang)]
    if alert.kind is OrderKind.ELDERLY_ETC:
        return _level_3(instruction, lang)
    to = _named_place(instruction, lang)
    if to is None:
        return [text("advice.do.leave", lang, area=area), *_nowhere(instruction, lang)]
    return [text("advice.do.go", lang, area=area, to=to)]


def _tsunami(instruction: Instruction, alert: Alert, lang: str, area: str) -> list[str]:
    if alert.tsunami_class is TsunamiClass.ADVISORY:
        return [text("advice.do.shore", lang)]
    to = _named_place(instruction, lang)
    if instruction.action is Action.INLAND:
        return [text("advice.do.inland", lang, area=area)]
    if to is None:
        return [text("advice.do.leave_tsunami", lang, area=area), *_nowhere(instruction, lang)]
    go_up = instruction.action is Action.REFUGE
    return [text("advice.do.refuge" if go_up else "advice.do.go_tsunami", lang, area=area, to=to)]


def _level_3(instruction: Instruction, lang: str) -> list[str]:
    to = _named_place(instruction, lang)
    said = [text("advice.do.l3", lang)]
    if to is None:
        return [*said, *_nowhere(instruction, lang)]
    now = instruction.action is Action.GO
    return [*said, text("advice.do.l3_now" if now else "advice.do.l3_later", lang, to=to)]


def _named_place(instruction: Instruction, lang: str) -> str | None:
    site = instruction.destination
    return place_name(site, lang) if site is not None and site.site_id is not None else None


def _nowhere(instruction: Instruction, lang: str) -> list[str]:
    if instruction.message is MessageKind.PROVISIONAL:
        return []  # 「行き先は続報」 follows
    return [text("advice.no_site", lang)] if _NOWHERE & set(instruction.reasons) else []
