"""CAP messages for tests: written as a sender would, with anything changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bosai.channels.cap_xml import cap_bytes, cap_xml
from bosai.feeds.cap_assess import CapMapping
from bosai.model.cap import (
    CapArea,
    CapCategory,
    CapCertainty,
    CapInfo,
    CapMessage,
    CapMsgType,
    CapReference,
    CapResponse,
    CapScope,
    CapSeverity,
    CapStatus,
    CapUrgency,
    CapValue,
)
from bosai.services.cap_inbox import cap_rules
from bosai.settings import load_settings

NOW = datetime(2026, 11, 24, 5, 10, tzinfo=UTC)
ARAHAMA = ((1409800000, 382100000), (1409900000, 382100000), (1409900000, 382200000), (1409800000, 382100000))
TOKYO = ((1397000000, 356000000), (1398000000, 356000000), (1398000000, 357000000), (1397000000, 356000000))


def area(desc: str = "若林区荒浜", **changes: Any) -> CapArea:
    return CapArea(**{"desc": desc, "polygons_e7_lonlat": (ARAHAMA,), **changes})


def info(**changes: Any) -> CapInfo:
    one = CapInfo(
        language="ja-JP",
        categories=(CapCategory.MET,),
        event="河川氾濫",
        urgency=CapUrgency.IMMEDIATE,
        severity=CapSeverity.SEVERE,
        certainty=CapCertainty.LIKELY,
        responses=(CapResponse.EVACUATE,),
        effective=NOW - timedelta(minutes=5),
        expires=NOW + timedelta(hours=1),
        sender_name="宮城県",
        headline="名取川で氾濫のおそれ",
        description="名取川の水位が上がっています。",
        areas=(area(),),
    )
    return msgspec.structs.replace(one, **changes)


def message(**changes: Any) -> CapMessage:
    one = CapMessage(
        identifier="miyagi-1",
        sender="cap@pref.example.jp",
        sent=NOW - timedelta(minutes=5),
        status=CapStatus.ACTUAL,
        msg_type=CapMsgType.ALERT,
        scope=CapScope.PUBLIC,
        infos=(info(),),
    )
    return msgspec.structs.replace(one, **changes)


def following(one: CapMessage, identifier: str, **changes: Any) -> CapMessage:
    """The next message about the same thing."""
    ref = CapReference(sender=one.sender, identifier=one.identifier, sent=one.sent)
    return message(
        **{
            "identifier": identifier,
            "sent": one.sent + timedelta(minutes=1),
            "msg_type": CapMsgType.UPDATE,
            "references": (ref,),
            **changes,
        }
    )


def document(one: CapMessage) -> bytes:
    return cap_bytes(cap_xml(one))


def code(name: str, value: str) -> CapValue:
    return CapValue(name=name, value=value)


def mapping() -> CapMapping:
    """As shipped, for Sendai."""
    return cap_rules(load_settings()).mapping
