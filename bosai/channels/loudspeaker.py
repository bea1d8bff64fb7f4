"""防災行政無線・屋外拡声: what is read aloud, with the sound before it, the pauses and the readings of names. Pure.

    〔サイレン〕 こちらは、○○です。 who, what, where ▸ what to do ▸ until when 〔休む〕 again 〔チャイム〕

Short sentences, no brackets to be read; a name has its kana beside it the first time. Sources of the sounds:
予報警報標識規則 (tsunami), 水防信号 第4信号 (立退き); which sounds for what is a setting. A drill never has a siren.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec

from bosai.channels.area_names import SPOKEN, area_forms
from bosai.channels.fitting import Fitted, fitted
from bosai.channels.sentences import Part, Sentence, split
from bosai.messages.wording import DRILL_END, DRILL_START
from bosai.model.alert import Alert, AlertRecord, OrderKind, TsunamiClass
from bosai.settings_channels import LoudspeakerFigures, Sirens, Sound

CHIME = "〔チャイム〕"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How a name is read; `checked` False: nobody has confirmed it."""

    kana: str
    checked: bool = True


class Broadcast(msgspec.Struct, frozen=True, kw_only=True):
    """What is read, line by line; lines in 〔〕 are sounds and pauses.

    once: the characters of one reading, without the sounds, which `limit` is about. unread: names whose reading no
    table has; unchecked: those that nobody has confirmed.
    """

    lines: tuple[str, ...]
    once: int
    limit: int
    problems: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    area_shortened: bool = False
    unread: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The whole script."""
        return "\n".join(self.lines)


def broadcast(
    record: AlertRecord,
    figures: LoudspeakerFigures,
    wards: Sequence[str],
    readings: Mapping[str, Reading],
) -> Broadcast:
    """The script of one version. readings: name of a town or place → how it is read; the settings' own come first."""
    alert = record.alert
    forms = area_forms(alert.area.names, wards, ends=not alert.directs_people, manner=SPOKEN)
    made = fitted(
        record,
        tuple(one for one in forms if one.named <= figures.max_names) or forms[-1:],
        room=figures.max_chars,
        measure=lambda parts: sum(len(_spoken(one)) for one in parts),
        spoken=True,
    )
    own = (one.split("=", 1) for one in figures.readings)
    every = dict(readings) | {name: Reading(kana=kana) for name, kana in own}
    said = [_spoken(one) for one in _short_sentences(made)]
    named = _names_said(alert, made.area, wards)
    first = [_with_kana(one, named, every) for one in said]
    too_long = f"1回の放送が{figures.max_chars}字を超えます。区域の選び方を変えるか、版を分けてください。"
    return Broadcast(
        lines=tuple(_script(alert, figures, first, said)),
        once=sum(map(len, said)),
        limit=figures.max_chars,
        problems=() if made.fits else (too_long,),
        dropped=made.dropped,
        area_shortened=made.area_shortened,
        unread=tuple(one for one in named if one not in every),
        unchecked=tuple(one for one in named if one in every and not every[one].checked),
    )


def sound_of(alert: Alert, sirens: Sirens) -> str:
    """What sounds first: 〔サイレン 3秒・休み2秒・3秒・休み2秒・3秒〕 or the chime."""
    found = _siren(alert, sirens)
    if found is None or alert.realm_of.is_drill or not alert.directs_people or not found.times:
        return CHIME
    return f"〔サイレン {f'・休み{found.off_s}秒・'.join([f'{found.on_s}秒'] * found.times)}〕"


def _siren(alert: Alert, sirens: Sirens) -> Sound | None:
    match alert.tsunami_class, alert.kind:
        case TsunamiClass.ADVISORY, _:
            return sirens.tsunami_advisory
        case TsunamiClass.WARNING, _:
            return sirens.tsunami_warning
        case TsunamiClass.MAJOR_WARNING, _:
            return sirens.tsunami_major_warning
        case _, OrderKind.EMERGENCY_SAFETY:
            return sirens.level5
        case _, OrderKind.ELDERLY_ETC:
            return sirens.level3
        case _, OrderKind.NOTICE:
            return None
        case _:
            return sirens.order


def _script(
    alert: Alert, figures: LoudspeakerFigures, first: Sequence[str], again: Sequence[str]
) -> list[str]:
    drill = alert.realm_of.is_drill
    station = f"こちらは、{figures.station}です。"
    lines = [sound_of(alert, figures.sirens), station]
    if drill:
        lines = [f"{DRILL_START}{lines[0]}", "訓練の放送です。", station]
    lines += first
    for _ in range(figures.repeat - 1):
        lines += [f"〔{figures.pause_s}秒休む〕", "繰り返します。", *again]
    return [*lines, station, CHIME, f"{DRILL_END}。"] if drill else [*lines, station, CHIME]


def _short_sentences(made: Fitted) -> list[str]:
    return [short for one in made.said for short in split(_opened(one))]


def _opened(one: Sentence) -> str:
    """An opening is told action by action: a listener keeps the last words."""
    return one.text if one.part is not Part.OPENING else one.text.replace("。", "。\n")


def _spoken(words: str) -> str:
    """Without what can not be read aloud: brackets become pauses, a blank one too; 「・」 too."""
    words = re.sub(r"(\d{1,2})/(\d{1,2}) (?=\d{1,2}:\d{2})", r"\1月\2日", words)
    words = re.sub(r"(\d{1,2}):(\d{2})", r"\1時\2分", words)
    words = re.sub(r"（[^（）]*発表）(?=。)", "", words)  # who said it opens the sentence
    words = re.sub(r"（([^（）]*)）", r"、\1、", words)
    words = re.sub(r"[「」【】]", "", words).replace(" ", "、").replace("・", "、")
    return re.sub(r"、+(?=[。、に])|、(?=を)", "", words)


def _names_said(alert: Alert, area: str, wards: Sequence[str]) -> list[str]:
    """Wards, and what the names are within them, as far as they are said, in the order of the area."""
    found: list[str] = []
    for name in alert.area.names:
        ward = next((one for one in wards if name.startswith(one)), "")
        found += [one for one in (ward, name.removeprefix(ward).strip()) if one and one in area]
    return list(dict.fromkeys(found))


def _with_kana(words: str, named: Sequence[str], readings: Mapping[str, Reading]) -> str:
    """Every name that has a reading with its kana behind it, once; longer names first, so that 荒井東 is not 荒井."""
    known = [one for one in sorted(named, key=len, reverse=True) if one in readings]
    if not known:
        return words
    seen: set[str] = set()

    def kana(hit: re.Match[str]) -> str:
        name = hit.group(0)
        if name in seen:
            return name
        seen.add(name)
        return f"{name}（{readings[name].kana}）"

    return re.sub("|".join(map(re.escape, known)), kana, words)
