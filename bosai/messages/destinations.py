"""Places and walks in words: the Japanese name (never translated), the floor, about how far, how sure."""

import re

from bosai.messages.catalogue import text
from bosai.messages.measures import distance_text, minutes_of
from bosai.messages.orders import join_names
from bosai.messages.terms import beside
from bosai.model.instruction import Destination, Instruction, MessageKind
from shelters.model import Action

_FROM_FLOOR = re.compile(r"^([1-9]\d?)階以上$")
_WALKING = {Action.GO, Action.INLAND, Action.REFUGE, Action.PREPARE}


def place_name(site: Destination, lang: str) -> str:
    """「七郷小学校」（3階以上）: the name as on its sign, with the floor that counts."""
    quoted = f"「{site.name}」"
    if not site.floor_label:
        return quoted
    return text("advice.to.floor", lang, site=quoted, floor=floor_text(site.floor_label, lang))


def floor_text(label: str, lang: str) -> str:
    """A published floor limit; the two usual forms are translated, anything else stays as published."""
    found = _FROM_FLOOR.match(label)
    if found:
        return beside(lang, text("advice.floor.from", lang, n=found.group(1)), label)
    if label == "屋上":
        return beside(lang, text("advice.floor.roof", lang), label)
    return text("advice.floor.as_published", lang, label=label)


def walk_distance(site: Destination, lang: str) -> str:
    """約1.2km; without 約 only where the way was measured."""
    distance = distance_text(site.walk_m)
    return text("advice.about", lang, x=distance) if site.about else distance


def walks(instruction: Instruction) -> bool:
    """Whether the person sets out, or gets ready to; upstairs and inside there is no destination to speak of."""
    return instruction.action in _WALKING


def walk_sentences(instruction: Instruction, lang: str) -> list[str]:
    """How far, how sure, and what if not: short sentences, none where the person does not walk."""
    site = instruction.destination
    if site is None or not walks(instruction):
        return sure_sentences(instruction, lang)
    distance, minutes = walk_distance(site, lang), minutes_of(site.walk_s)
    said = [text("advice.walk", lang, distance=distance, minutes=minutes), *sure_sentences(instruction, lang)]
    other = instruction.alternate
    if other is not None and other.site_id is not None:
        named, away = place_name(other, lang), walk_distance(other, lang)
        said.append(text("advice.alternate", lang, site=named, distance=away))
    return said


def other_places(instruction: Instruction, lang: str) -> list[str]:
    """That other places of this person lie inside too; one message speaks of the worst."""
    if not instruction.also:
        return []
    named = [one for one in instruction.also if one]
    if not named:
        return [text("reminders.also_unnamed", lang)]
    return [text("reminders.also", lang, places=join_names(lang, named))]


def already_there(instruction: Instruction, lang: str) -> list[str]:
    """Whom a clock took for being still on the way: staff at the door know better than a message."""
    if instruction.message is not MessageKind.REDIRECT or not instruction.full_site:
        return []
    return [text("reminders.already_there", lang, site=f"「{instruction.full_site}」")]


def sure_sentences(instruction: Instruction, lang: str) -> list[str]:
    """What is not sure about the destination: opening, room, or the destination itself."""
    if not walks(instruction):
        return []
    site = instruction.destination
    said = []
    if site is not None and site.unconfirmed:
        said.append(text("advice.unconfirmed", lang))
    if site is not None and site.crowded:
        said.append(text("advice.crowded", lang))
    if instruction.message is MessageKind.PROVISIONAL:
        said.append(text("advice.later", lang))
    return said
