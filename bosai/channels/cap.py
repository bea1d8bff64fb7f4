"""One released version of an order or a notice as a CAP 1.2 message: one info per language. Pure.

    AlertRecord + CapFrame + (number, sent, expires, references) ─▶ CapMessage ─▶ cap_xml ─▶ signed bytes

What is approved is what is said: headline and description are the texts of the order, unchanged; `instruction` is the
sentence of them that says what to do. No figures of people, no reason and no name of an officer is in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bosai.channels.cap_areas import cap_rings
from bosai.channels.cap_mapping import CATEGORIES, meaning_of, msg_type_of
from bosai.channels.cap_xml import time_text
from bosai.messages.catalogue import LANGS, text
from bosai.messages.marks import marked_start
from bosai.messages.orders import is_newly_issued, join_names, keep_away
from bosai.messages.terms import issued_name, sign_lang
from bosai.model.alert import Act, Alert, AlertArea, AlertRecord, OrderKind, TsunamiClass
from bosai.model.cap import (
    CapArea,
    CapInfo,
    CapMessage,
    CapMsgType,
    CapReference,
    CapScope,
    CapStatus,
    CapValue,
)

LEVEL = "警戒レベル"
KIND = "避難情報"
HAZARD = "災害の種類"
STATE = "状態"
ANNOUNCED = "気象庁発表"
SHAPE = "区域の形"
CLASS20 = "JMA-class20"
JISX0402 = "JISX0402"

_LANGUAGES = {"ja": "ja-JP"}
_FROM_FILES = ("tsunami:", "jma:")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapFrame:
    """What is the same in every message of one side.

    geocodes: zone key → the codes it is known by in tables of others. is_trial: what would be Actual goes out as Test.
    """

    sender: str
    sender_name: str
    contact: str
    web: str
    geocodes: Mapping[str, tuple[CapValue, ...]]
    codes: tuple[str, ...] = ()
    polygon_max_points: int = 400
    is_trial: bool = False


def identifier_of(alert: Alert, number: int) -> str:
    """Unique and stable: the version, and the how-manieth message about it (0, then renewals)."""
    return f"{alert.alert_id}.{alert.version}.{number}"


def cap_message(
    record: AlertRecord,
    frame: CapFrame,
    *,
    number: int,
    sent: datetime,
    expires: datetime,
    references: Sequence[CapReference],
) -> CapMessage:
    """The message. references: every earlier message of the order that is still live for a receiver.

    Raises ValueError for a version that was never released: a draft has no channel.
    """
    alert = record.alert
    if record.released_at is None:
        raise ValueError(f"{alert.key} was not released: only what is released goes out")
    msg_type = msg_type_of(alert, has_predecessor=bool(references))
    rings = cap_rings(alert.area.polygons_e7_lonlat, max_points=frame.polygon_max_points)
    codes = geocodes_of(alert.area.zone_keys, frame)
    words = alert.texts["ja"]
    return CapMessage(
        identifier=identifier_of(alert, number),
        sender=frame.sender,
        sent=sent,
        status=status_of(alert, frame),
        msg_type=msg_type,
        scope=CapScope.PUBLIC,
        codes=frame.codes,
        # The public words of the recall say what was wrong and when it was sent; the officer's reason stays inside.
        note=f"{words.headline} {words.body}" if msg_type is CapMsgType.CANCEL else "",
        references=tuple(references),
        incidents=(record.incident,) if record.incident else (),
        infos=tuple(
            _info(
                record,
                frame,
                lang,
                number,
                expires,
                CapArea(desc="", polygons_e7_lonlat=rings, geocodes=codes),
            )
            for lang in LANGS
            if lang in alert.texts
        ),
    )


def status_of(alert: Alert, frame: CapFrame) -> CapStatus:
    """Exercise on the drill side, whatever else is set."""
    if alert.realm_of.is_drill:
        return CapStatus.EXERCISE
    return CapStatus.TEST if frame.is_trial else CapStatus.ACTUAL


def language_tag(lang: str) -> str:
    """The tag in the message: ja-JP, else as here (ja-x-easy is a valid private tag of RFC 3066's successors)."""
    return _LANGUAGES.get(lang, lang)


def geocodes_of(zone_keys: Sequence[str], frame: CapFrame) -> tuple[CapValue, ...]:
    """The codes of the chosen zones, each once; a drawn shape or a town has none."""
    found: list[CapValue] = []
    for key in zone_keys:
        system, _, code = key.partition(":")
        if system == "jma" and len(code) == 7 and code.isdigit():
            found.append(CapValue(name=CLASS20, value=code))
        found += frame.geocodes.get(key, ())
    return tuple(dict.fromkeys(found))


def _info(  # noqa: PLR0917 - the facts of one info
    record: AlertRecord, frame: CapFrame, lang: str, number: int, expires: datetime, area: CapArea
) -> CapInfo:
    alert = record.alert
    words, meaning = alert.texts[lang], meaning_of(alert)
    named = issued_name(sign_lang(lang), alert.hazard, alert.kind, alert.tsunami_class)
    needs_time = alert.kind is OrderKind.ELDERLY_ETC and alert.directs_people
    return CapInfo(
        language=language_tag(lang),
        categories=(CATEGORIES[alert.hazard],),
        event=marked_start(named, alert.realm_of, lang),
        responses=meaning.responses,
        urgency=meaning.urgency,
        severity=meaning.severity,
        certainty=meaning.certainty,
        audience=text("cap.audience.elderly_etc", lang) if needs_time else "",
        effective=record.released_at,
        onset=alert.expected_arrival_at if alert.directs_people else None,
        expires=expires,
        sender_name=frame.sender_name,
        headline=words.headline,
        description=words.body,
        instruction=_instruction(alert, lang, words.body),
        web=frame.web,
        contact=frame.contact,
        parameters=_parameters(alert, lang, number),
        areas=(
            CapArea(
                desc=area_desc(alert.area, lang),
                polygons_e7_lonlat=area.polygons_e7_lonlat,
                geocodes=area.geocodes,
            ),
        ),
    )


def area_desc(area: AlertArea, lang: str) -> str:
    """The names, and that the shape is only about right or a sample where it is."""
    names = join_names(lang, area.names)
    note = shape_note(area, lang)
    if not note:
        return names
    return f"{names}（{note}）" if lang.startswith("ja") else f"{names} ({note})"


def shape_note(area: AlertArea, lang: str) -> str:
    """That the shape is approximate, or a sample; "" where it is the city's own."""
    if not area.approximate:
        return ""
    is_sample = any(key.startswith(_FROM_FILES) for key in area.zone_keys)
    return text("resident.here.sample" if is_sample else "resident.here.approximate", lang)


def _instruction(alert: Alert, lang: str, body: str) -> str:
    """The sentence of the approved text that says what to do; all of it where no such sentence stands there."""
    if alert.act is Act.LIFT:
        sentence = keep_away(lang, alert.hazard)
    elif alert.act is Act.RECALL:
        sentence = text("orders.others_stand", lang)
    elif alert.is_tsunami_call:
        is_advisory = alert.tsunami_class is TsunamiClass.ADVISORY
        sentence = text("orders.do.tsunami_advisory" if is_advisory else "orders.do.tsunami", lang)
    elif alert.kind is OrderKind.NOTICE:
        return body
    else:
        sentence = text(f"orders.do.{alert.kind.value}", lang)
    return marked_start(sentence, alert.realm_of, lang) if sentence in body else body


_STATES = {Act.ISSUE: "発令", Act.UPDATE: "更新", Act.LIFT: "解除", Act.RECALL: "取消"}
_NOTICE_STATES = _STATES | {Act.ISSUE: "お知らせ", Act.LIFT: "終了"}  # a notice is neither 発令 nor 解除


def _parameters(alert: Alert, lang: str, number: int) -> tuple[CapValue, ...]:
    states = _NOTICE_STATES if alert.kind is OrderKind.NOTICE else _STATES
    state = (
        "継続"
        if number and alert.directs_people
        else states[Act.ISSUE if is_newly_issued(alert) else alert.act]
    )
    found = [
        CapValue(name=KIND, value=text(f"terms.kind.{alert.kind}", "ja")),
        CapValue(name=HAZARD, value=text(f"terms.hazard.{alert.hazard}", "ja")),
        CapValue(name=STATE, value=state),
    ]
    if alert.level is not None:
        found.append(CapValue(name=LEVEL, value=str(int(alert.level))))
    if alert.directs_people and (announced := _announced(alert)):
        found.append(CapValue(name=ANNOUNCED, value=announced))
    if note := shape_note(alert.area, lang):
        found.append(CapValue(name=SHAPE, value=note))
    return tuple(found)


def _announced(alert: Alert) -> str:
    """What 気象庁 announced, as far as the order names it. An end says nothing of it: the warning may still stand."""
    kind = text(f"terms.tsunami.{alert.tsunami_class}", "ja") if alert.tsunami_class else ""
    at = time_text(alert.announced_at) if alert.announced_at else ""
    return " ".join(one for one in (kind, at) if one)
