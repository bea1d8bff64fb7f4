"""What an approved text says, sentence by sentence, each with its part, so that a channel can leave out the least.

    Alert.texts["ja"] ─ own_words ─▶ known sentences (do, until, why …) │ the officer's own ─▶ Sentence(part, text)
                                     the opening is made anew: with the time, and the area as short as the channel needs

A sentence is whole or left out; nothing is cut within. What must stay: who, what and where (OPENING), what to do (DO),
and what a lift or a recall adds (AFTER). When the wave is expected is part of
the decision, though not of its text.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bosai.messages.catalogue import text
from bosai.messages.measures import JST
from bosai.messages.notices import foretold, is_foretold
from bosai.messages.orders import is_newly_issued, join_names, join_sentences, keep_away, own_words
from bosai.messages.terms import issued_name, term
from bosai.model.alert import Act, Alert, AlertRecord, OrderKind, TsunamiClass

UNRELEASED = "〔承認の時刻が入ります〕"
"""Stands for the time of release in a draft: as long as the longest time that takes its place."""


class Part(StrEnum):
    """What a sentence does. The optional ones in the order in which room is given to them."""

    OPENING = "opening"
    DO = "do"
    AFTER = "after"
    ARRIVAL = "arrival"
    UNTIL = "until"
    FREE = "free"
    WHY = "why"

    @property
    def is_required(self) -> bool:
        """True where the text would say the wrong thing, or nothing, without it."""
        return self in {Part.OPENING, Part.DO, Part.AFTER}


OPTIONAL = (Part.ARRIVAL, Part.UNTIL, Part.FREE, Part.WHY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One or a few sentences that belong together, in Japanese, without the drill's marks."""

    part: Part
    text: str


def sentences(record: AlertRecord, areas: str, *, spoken: bool = False) -> tuple[Sentence, ...]:
    """The record's text in reading order, with `areas` where the area is named. spoken: names without brackets."""
    alert = record.alert
    rest = _without_opening(alert)
    found: list[Sentence] = []
    for part, known in _known(alert):
        if known in rest:
            rest = rest.replace(known, "", 1)
            found.append(Sentence(part=part, text=known))
    free = [Sentence(part=_part_of(one), text=one) for one in _leaning(split(rest))]
    if free and alert.kind is OrderKind.NOTICE and not any(one.part is Part.DO for one in found):
        free[0] = Sentence(part=Part.DO, text=free[0].text)  # an お知らせ is its officer's words
    opening = [Sentence(part=Part.OPENING, text=one) for one in opening_of(record, areas, spoken=spoken)]
    return (*opening, *found, *_arrival(record), *free)


def split(words: str) -> list[str]:
    """Japanese words as whole sentences."""
    found = re.findall(r"[^。！!？?\n]+[。！!？?]*", words)
    return [one.strip() for one in found if one.strip(" 。！!？?")]


def _leaning(parts: list[str]) -> list[str]:
    """A sentence that points back (それまでに…) stays with the one before it."""
    joined: list[str] = []
    for one in parts:
        if joined and one.startswith(_POINTING_BACK):
            joined[-1] += one
        else:
            joined.append(one)
    return joined


_POINTING_BACK = ("それ", "その", "これ", "この", "そこ", "ここ", "ただし", "また", "なお")


def _part_of(sentence: str) -> Part:
    """FREE, except for what JMA foretold of level 4 and has passed, which weighs as much as what is to come."""
    passed = text("notices.level4_passed", "ja", time="\0").partition("\0")[0]
    return Part.ARRIVAL if sentence.startswith(passed) else Part.FREE


def _arrival(record: AlertRecord) -> list[Sentence]:
    """When JMA expects the wave, as it gave it; a time that had passed when the order went out is said to have."""
    alert, since = record.alert, _since(record)
    expected = alert.expected_arrival_at
    if not alert.directs_people or not alert.tsunami_class or expected is None:
        return []
    time = clock_time(expected, since)
    ending = f"（{time}）を過ぎています。" if expected <= since else f"は{time}です。"
    return [Sentence(part=Part.ARRIVAL, text=f"気象庁が発表した津波の到達予想時刻{ending}")]


def opening_of(record: AlertRecord, areas: str, *, spoken: bool = False) -> tuple[str, ...]:
    """Who did what, where and when: two sentences where there are two issuers."""
    alert = record.alert
    city, at = text("terms.city", "ja"), released_time(record)
    named = _named(alert, spoken=spoken)
    if alert.act is Act.RECALL:
        wrong = wrong_time(alert)
        when = f"{wrong}に" if wrong else ""
        return (f"{city}が{when}{areas}に出した{named}は誤りでした。取り消しました。",)
    if alert.act is Act.LIFT:
        what = "終了" if alert.kind is OrderKind.NOTICE else "解除"
        return (f"{city}は{at}、{areas}の{named}を{what}しました。",)
    jma = jma_sentence(record)
    if spoken and not jma and alert.tsunami_class is not None:
        # The order is read without the class; whoever only hears it has to know which it is all the same.
        jma = (f"{term('ja', f'tsunami.{alert.tsunami_class}')}が発表されています。",)
    if alert.kind is OrderKind.NOTICE:
        return (*jma, f"{at}、{city}から{areas}へのお知らせです。")
    if alert.act is Act.UPDATE and not is_newly_issued(alert):
        return (*jma, f"{city}は{at}、{areas}の{named}の内容を更新しました。")
    to = f"{areas}に、" if spoken else f"{areas}に"
    return (*jma, f"{city}は{at}、{to}{named}を発令しました。")


def _named(alert: Alert, *, spoken: bool) -> str:
    """「警戒レベル4 避難指示（洪水）」; spoken 「洪水の、警戒レベル4、避難指示」.

    Read aloud, 「避難指示、大津波警報を発令」 would make the warning the city's."""
    if not spoken:
        return issued_name("ja", alert.hazard, alert.kind, alert.tsunami_class)
    danger = term("ja", f"hazard.{alert.hazard}")
    level = f"{text(f'terms.level.{int(alert.level)}', 'ja')}、" if alert.level else ""
    return f"{danger}の、{level}{term('ja', f'kind.{alert.kind}')}"


def jma_sentence(record: AlertRecord) -> tuple[str, ...]:
    """What JMA announced, where the record says so: only for tsunamis is it known what."""
    alert = record.alert
    if alert.tsunami_class is None or not (alert.announced_at or alert.kind is OrderKind.NOTICE):
        return ()
    named = term("ja", f"tsunami.{alert.tsunami_class}")
    when = f"は{clock_time(alert.announced_at, _since(record))}、" if alert.announced_at else "は"
    return (f"気象庁{when}{named}を発表しました。",)


def _since(record: AlertRecord) -> datetime:
    """The moment a text is written for: its release, or so far its draft."""
    return record.released_at or record.alert.drafted_at


def released_time(record: AlertRecord) -> str:
    """11月24日14時06分, or the placeholder of a draft."""
    return day_time(record.released_at) if record.released_at else UNRELEASED


def day_time(at: datetime) -> str:
    """11月24日14時06分, in Japan."""
    local = at.astimezone(JST)
    return f"{local.month}月{local.day}日{local:%H時%M分}"


def clock_time(at: datetime, since: datetime) -> str:
    """14時03分 on the day of `since` in Japan, 11月25日06時00分 on another."""
    local = at.astimezone(JST)
    return f"{local:%H時%M分}" if local.date() == since.astimezone(JST).date() else day_time(at)


def wrong_time(alert: Alert) -> str:
    """When the recalled order went out, as the approved text of the recall says it; "" where it does not."""
    hit = re.search(r"(\d{1,2})/(\d{1,2}) (\d{1,2}):(\d{2})に出した", own_words(alert, "ja"))
    return f"{hit[1]}月{hit[2]}日{hit[3]}時{hit[4]}分" if hit else ""


def _without_opening(alert: Alert) -> str:
    """The approved body without the sentence that names the area, which may be very long."""
    body, city = own_words(alert, "ja"), text("terms.city", "ja")
    areas = join_names("ja", alert.area.names)
    named = issued_name("ja", alert.hazard, alert.kind, alert.tsunami_class)
    openings = [
        text(f"orders.{key}", "ja", city=city, areas=areas, head=named)
        for key in ("issued", "updated", "lifted")
    ]
    openings += [
        text("orders.notice", "ja", city=city, areas=areas),
        text("at_once.ended", "ja", city=city, areas=areas, head=named),
    ]
    openings += [
        text("at_once.announced", "ja", jma=term("ja", f"tsunami.{one}")) for one in reversed(TsunamiClass)
    ]
    for one in openings:
        body = body.replace(one, "", 1)
    if alert.act is Act.RECALL:
        body = re.sub(
            rf"^{re.escape(city)}が[\d/ :]+に出した.*?は誤りでした。取り消しました。", "", body, count=1
        )
    first = next(iter(split(body)), "")
    if areas in first and first.startswith(city) and _OPENING_VERB.search(first):
        body = body.replace(first, "", 1)  # approved under another wording of the catalogue
    return body


_OPENING_VERB = re.compile("発令|更新|解除|終了|お知らせ|取り消|誤り")


def _known(alert: Alert) -> list[tuple[Part, str]]:
    """The catalogue's sentences that may stand in an order's text, in reading order."""
    kinds = ("elderly_etc", "evacuate", "emergency_safety", "tsunami_advisory", "tsunami")
    known = [(Part.DO, text(f"orders.do.{one}", "ja")) for one in kinds]
    if alert.expected_arrival_at is not None and is_foretold(alert.hazard, alert.kind):
        said = foretold("ja", alert.expected_arrival_at, alert.announced_at)
        known.append((Part.ARRIVAL, join_sentences("ja", said)))
    if alert.tsunami_class is not None:
        jma = term("ja", f"tsunami.{alert.tsunami_class}")
        known.append((Part.AFTER, text("at_once.jma_may_stand", "ja", jma=jma)))
    known += [
        (Part.AFTER, keep_away("ja", alert.hazard)),
        (Part.AFTER, text("orders.others_stand", "ja")),
        (Part.WHY, text("orders.why", "ja", hazard=term("ja", f"hazard.{alert.hazard}"))),
        (Part.UNTIL, text("orders.until", "ja")),
        (Part.UNTIL, text("at_once.until", "ja")),
    ]
    return known
