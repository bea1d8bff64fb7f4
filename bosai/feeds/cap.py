"""A CAP message of somebody else (OASIS CAP 1.2, and 1.1 as older senders write it), read with care. Pure; blocks.

    bytes ─▶ safe_xml ─▶ alert of CAP 1.1 or 1.2 ─▶ signature ─▶ CapReceived
                         EDXL-DE and other envelopes are refused: what they wrap was addressed to somebody else

Refused is what can not be trusted as a whole: no sender, no time, a status or a scope nobody knows. A detail that can
not be read becomes a sentence in `problems`, and the rest counts.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from lxml import etree

from bosai.feeds.cap_signature import CapTrust, SignatureState, checked
from bosai.feeds.errors import CapRefused, RefusalReason, XmlRefused
from bosai.feeds.jma.envelope import InfoType, TelegramSource, TelegramStatus
from bosai.feeds.safe_xml import parse_xml
from bosai.model.alert import Ring
from bosai.model.cap import (
    E7,
    NS_CAP_11,
    NS_CAP_12,
    CapArea,
    CapCategory,
    CapCertainty,
    CapCircle,
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

__all__ = ["CapReceived", "CapTrust", "SignatureState", "key_of", "read_cap", "source_of", "status_in"]

MAX_BYTES = 4 * 1024 * 1024
MAX_INFOS = 64
MAX_POINTS = 100_000
VERSIONS = {NS_CAP_11: "1.1", NS_CAP_12: "1.2"}
_NAME = re.compile(r"[^\s,<&]+")
_EDXL = "urn:oasis:names:tc:emergency:EDXL:DE"
_STATUSES = {CapStatus.ACTUAL: TelegramStatus.NORMAL, CapStatus.EXERCISE: TelegramStatus.DRILL}
_INFO_TYPES = {CapMsgType.CANCEL: InfoType.CANCELLED}
E_ = TypeVar("E_", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapReceived:
    """A message as it came. `problems`: what could not be read, for HQ, in Japanese."""

    message: CapMessage
    version: str
    signature: SignatureState
    problems: tuple[str, ...] = ()


def read_cap(data: bytes, *, trust: CapTrust) -> CapReceived:
    """The message in `data`. Raises CapRefused, naming the field and why."""
    root = _alert(data)
    # Of what is not yet trusted only the time is used, to ask whether a certificate was valid then.
    sent = _time(_one(root, "sent"), "sent")
    signed, signature = checked(root, trust, sent)
    problems: list[str] = []
    message = _message(signed, problems)
    return CapReceived(
        message=message,
        version=VERSIONS[_namespace(root)],
        signature=signature,
        problems=tuple(dict.fromkeys(problems)),
    )


def status_in(data: bytes) -> TelegramStatus:
    """Only the status a message claims, whoever sent it: 通常 for Actual alone. Raises CapRefused."""
    status = _known(CapStatus, _one(_alert(data), "status"), "status")
    return _STATUSES.get(status, TelegramStatus.TEST)


def key_of(message: CapMessage) -> str:
    """Names the message wherever it was read: sender, identifier and sent, which CAP says are unique together."""
    facts = "\x1f".join((message.sender, message.identifier, message.sent.astimezone(UTC).isoformat()))
    return (
        f"CAP-{message.sent.astimezone(UTC):%Y%m%dT%H%M%SZ}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}"
    )


def source_of(message: CapMessage) -> TelegramSource:
    """The message as the list of telegrams shows it."""
    info = message.infos[0] if message.infos else None
    return TelegramSource(
        key=key_of(message),
        type_code="CAP",
        title=(info.event if info else "") or f"CAP {message.msg_type.value}",
        status=_STATUSES.get(message.status, TelegramStatus.TEST),
        info_type=_INFO_TYPES.get(message.msg_type, InfoType.ISSUED),
        editorial_office=(info.sender_name if info else "") or message.sender,
        sent_at=message.sent,
        report_at=message.sent,
        valid_until=max((one.expires for one in message.infos if one.expires), default=None),
        event_ids=message.incidents,
        serial="",
        headline=(info.headline if info else "") or message.note,
    )


def _alert(data: bytes) -> etree._Element:
    try:
        root = parse_xml(data, max_bytes=MAX_BYTES)
    except XmlRefused as error:
        raise CapRefused(error.reason, error.field, error.detail) from error
    name = etree.QName(root)
    if (name.namespace or "").startswith(_EDXL):
        raise CapRefused(
            RefusalReason.WRONG_ROOT, "alert", "EDXL-DE の封筒です。中の CAP を直接配信してください"
        )
    if name.localname != "alert":
        raise CapRefused(RefusalReason.WRONG_ROOT, "alert", str(root.tag)[:120])
    if name.namespace not in VERSIONS:
        raise CapRefused(RefusalReason.WRONG_NAMESPACE, "alert", str(name.namespace)[:120])
    return root


def _message(root: etree._Element, problems: list[str]) -> CapMessage:
    infos = list(_all(root, "info"))
    if len(infos) > MAX_INFOS:
        raise CapRefused(RefusalReason.TOO_MANY_ELEMENTS, "info", f"{len(infos)} > {MAX_INFOS}")
    return CapMessage(
        identifier=_named(root, "identifier"),
        sender=_named(root, "sender"),
        sent=_time(_one(root, "sent"), "sent"),
        status=_known(CapStatus, _one(root, "status"), "status"),
        msg_type=_known(CapMsgType, _one(root, "msgType"), "msgType"),
        scope=_known(CapScope, _one(root, "scope"), "scope"),
        source=_one(root, "source", needed=False),
        restriction=_one(root, "restriction", needed=False),
        addresses=_one(root, "addresses", needed=False),
        codes=tuple(_text(one) for one in _all(root, "code")),
        note=_one(root, "note", needed=False),
        references=_references(_one(root, "references", needed=False), problems),
        incidents=_incidents(_one(root, "incidents", needed=False)),
        infos=tuple(_info(one, number, problems) for number, one in enumerate(infos, start=1)),
    )


def _info(element: etree._Element, number: int, problems: list[str]) -> CapInfo:
    at = f"info[{number}]"
    times = {
        name: _maybe_time(_one(element, name, needed=False), f"{at}/{name}", problems)
        for name in ("effective", "onset", "expires")
    }
    return CapInfo(
        language=_one(element, "language", needed=False) or "en-US",
        categories=tuple(
            _or_else(CapCategory, _text(one), CapCategory.OTHER, f"{at}/category", problems)
            for one in _all(element, "category")
        ),
        event=_one(element, "event"),
        responses=tuple(
            _known(CapResponse, _text(one), f"{at}/responseType")
            for one in _all(element, "responseType")
            if _or_none(CapResponse, _text(one), f"{at}/responseType", problems)
        ),
        urgency=_or_else(CapUrgency, _one(element, "urgency"), CapUrgency.UNKNOWN, f"{at}/urgency", problems),
        severity=_or_else(
            CapSeverity, _one(element, "severity"), CapSeverity.UNKNOWN, f"{at}/severity", problems
        ),
        certainty=_or_else(
            CapCertainty, _one(element, "certainty"), CapCertainty.UNKNOWN, f"{at}/certainty", problems
        ),
        audience=_one(element, "audience", needed=False),
        event_codes=_values(element, "eventCode"),
        effective=times["effective"],
        onset=times["onset"],
        expires=times["expires"],
        sender_name=_one(element, "senderName", needed=False),
        headline=_one(element, "headline", needed=False),
        description=_one(element, "description", needed=False),
        instruction=_one(element, "instruction", needed=False),
        web=_one(element, "web", needed=False),
        contact=_one(element, "contact", needed=False),
        parameters=_values(element, "parameter"),
        areas=tuple(_area(one, at, problems) for one in _all(element, "area")),
    )


def _area(element: etree._Element, at: str, problems: list[str]) -> CapArea:
    desc = _one(element, "areaDesc", needed=False)
    rings = [_ring(_text(one), f"{at}/polygon（{desc}）", problems) for one in _all(element, "polygon")]
    circles = [_circle(_text(one), f"{at}/circle（{desc}）", problems) for one in _all(element, "circle")]
    return CapArea(
        desc=desc,
        polygons_e7_lonlat=tuple(one for one in rings if one),
        circles=tuple(one for one in circles if one),
        geocodes=_values(element, "geocode"),
    )


def _ring(text: str, field: str, problems: list[str]) -> Ring:
    """lat,lon pairs, at least four, the last the first again; () with a problem where they are not."""
    pairs = text.split()
    points: list[tuple[int, int]] = []
    if len(pairs) <= MAX_POINTS:
        for pair in pairs:
            lat, comma, lon = pair.partition(",")
            point = _lonlat(lon, lat) if comma else None
            if point is None:
                points = []
                break
            points.append((round(point[0] * E7), round(point[1] * E7)))
    if len(points) < 4 or points[0] != points[-1]:
        problems.append(f"{field}を読めません")
        return ()
    return tuple(points)


def _circle(text: str, field: str, problems: list[str]) -> CapCircle | None:
    centre, _, radius = text.partition(" ")
    lat, _, lon = centre.partition(",")
    point, radius_km = _lonlat(lon, lat), _number(radius)
    if point is None or radius_km is None or not 0 <= radius_km <= 20_100:
        problems.append(f"{field}を読めません")
        return None
    return CapCircle(lon=point[0], lat=point[1], radius_km=radius_km)


def _lonlat(lon: str, lat: str) -> tuple[float, float] | None:
    east, north = _number(lon), _number(lat)
    if east is None or north is None or not (-180 <= east <= 180 and -90 <= north <= 90):
        return None
    return east, north


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _references(text: str, problems: list[str]) -> tuple[CapReference, ...]:
    found = []
    for one in text.split():
        parts = one.split(",")
        try:
            sender, identifier, sent = parts
            found.append(CapReference(sender=sender, identifier=identifier, sent=_time(sent, "references")))
        except (ValueError, CapRefused):
            problems.append(f"references の一つ（{one[:80]}）を読めません")
    return tuple(found)


def _incidents(text: str) -> tuple[str, ...]:
    return tuple(quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', text))


def _values(element: etree._Element, name: str) -> tuple[CapValue, ...]:
    return tuple(
        CapValue(name=_one(one, "valueName", needed=False), value=_one(one, "value", needed=False))
        for one in _all(element, name)
    )


def _named(root: etree._Element, name: str) -> str:
    """What may stand in `references`: no blank, no comma (CAP 1.2 §3.2.1)."""
    text = _one(root, name)
    if not _NAME.fullmatch(text):
        raise CapRefused(RefusalReason.FIELD_INVALID, name, text[:80])
    return text


def _one(element: etree._Element, name: str, *, needed: bool = True) -> str:
    """The text of the one child of that name. Two of them could say two things: refused."""
    found = list(_all(element, name))
    if len(found) > 1:
        raise CapRefused(RefusalReason.FIELD_INVALID, name, "二つあります")
    text = _text(found[0]) if found else ""
    if needed and not text:
        raise CapRefused(RefusalReason.FIELD_MISSING, name)
    return text


def _all(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return element.iterchildren(f"{{{_namespace(element)}}}{name}")


def _namespace(element: etree._Element) -> str:
    return etree.QName(element).namespace or ""


def _text(element: etree._Element) -> str:
    return (element.text or "").strip()


def _time(text: str, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise CapRefused(RefusalReason.FIELD_INVALID, field, text[:60]) from error
    if moment.tzinfo is None:
        raise CapRefused(RefusalReason.FIELD_INVALID, field, f"{text[:60]}：時差がありません")
    return moment


def _maybe_time(text: str, field: str, problems: list[str]) -> datetime | None:
    if not text:
        return None
    try:
        return _time(text, field)
    except CapRefused:
        problems.append(f"{field}（{text[:40]}）を読めません")
        return None


def _known(kind: type[E_], text: str, field: str) -> E_:
    try:
        return kind(text)
    except ValueError as error:
        raise CapRefused(RefusalReason.FIELD_INVALID, field, text[:60]) from error


def _or_none(kind: type[E_], text: str, field: str, problems: list[str]) -> E_ | None:
    try:
        return kind(text)
    except ValueError:
        problems.append(f"{field}の値（{text[:40]}）を知りません")
        return None


def _or_else(kind: type[E_], text: str, other: E_, field: str, problems: list[str]) -> E_:
    return _or_none(kind, text, field, problems) or other
