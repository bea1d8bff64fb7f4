"""A CAP message of somebody else (OASIS CAP 1.2, and 1.1 as older senders write it), read with care. Pure; blocks.

    bytes ─▶ safe_xml ─▶ alert of CAP 1.1 or 1.2 ─▶ signature ─▶ CapReceived
                         EDXL-DE and other envelopes are refused: what they wrap was addressed to somebody else

Refused is what can not be trusted as a whole: no sender, no time, a status or a scope nobody knows. A detail that can
not be read becomes a sentence in `problems`, and the rest counts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC

from lxml import etree

from bosai.feeds.cap_fields import (
    children,
    circle,
    incidents,
    known,
    maybe_moment,
    moment,
    named,
    namespace,
    one_text,
    or_else,
    or_none,
    references,
    ring,
    text_of,
    values,
)
from bosai.feeds.cap_signature import CapTrust, SignatureState, checked
from bosai.feeds.errors import CapRefused, RefusalReason, XmlRefused
from bosai.feeds.jma.envelope import InfoType, TelegramSource, TelegramStatus
from bosai.feeds.safe_xml import parse_xml
from bosai.model.cap import (
    NS_CAP_11,
    NS_CAP_12,
    CapArea,
    CapCategory,
    CapCertainty,
    CapInfo,
    CapMessage,
    CapMsgType,
    CapResponse,
    CapScope,
    CapSeverity,
    CapStatus,
    CapUrgency,
)

__all__ = ["CapReceived", "CapTrust", "SignatureState", "key_of", "read_cap", "source_of", "status_in"]

MAX_BYTES = 4 * 1024 * 1024
MAX_INFOS = 64
VERSIONS = {NS_CAP_11: "1.1", NS_CAP_12: "1.2"}
_EDXL = "urn:oasis:names:tc:emergency:EDXL:DE"
_STATUSES = {CapStatus.ACTUAL: TelegramStatus.NORMAL, CapStatus.EXERCISE: TelegramStatus.DRILL}
_INFO_TYPES = {CapMsgType.CANCEL: InfoType.CANCELLED}


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
    sent = moment(one_text(root, "sent"), "sent")
    signed, signature = checked(root, trust, sent)
    problems: list[str] = []
    message = _message(signed, problems)
    return CapReceived(
        message=message,
        version=VERSIONS[namespace(root)],
        signature=signature,
        problems=tuple(dict.fromkeys(problems)),
    )


def status_in(data: bytes) -> TelegramStatus:
    """Only the status a message claims, whoever sent it: 通常 for Actual alone. Raises CapRefused."""
    status = known(CapStatus, one_text(_alert(data), "status"), "status")
    return _STATUSES.get(status, TelegramStatus.TEST)


def key_of(message: CapMessage, feed: str = "") -> str:
    """Names the message of a source: sender, identifier and sent, which CAP says are unique together.

    The source counts: one that is trusted less may not bring a message of another's name before the other does.
    """
    facts = "\x1f".join((feed, message.sender, message.identifier, message.sent.astimezone(UTC).isoformat()))
    return (
        f"CAP-{message.sent.astimezone(UTC):%Y%m%dT%H%M%SZ}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}"
    )


def source_of(message: CapMessage, feed: str = "") -> TelegramSource:
    """The message of a source as the list of telegrams shows it."""
    info = message.infos[0] if message.infos else None
    return TelegramSource(
        key=key_of(message, feed),
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
    infos = list(children(root, "info"))
    if len(infos) > MAX_INFOS:
        raise CapRefused(RefusalReason.TOO_MANY_ELEMENTS, "info", f"{len(infos)} > {MAX_INFOS}")
    return CapMessage(
        identifier=named(root, "identifier"),
        sender=named(root, "sender"),
        sent=moment(one_text(root, "sent"), "sent"),
        status=known(CapStatus, one_text(root, "status"), "status"),
        msg_type=known(CapMsgType, one_text(root, "msgType"), "msgType"),
        scope=known(CapScope, one_text(root, "scope"), "scope"),
        source=one_text(root, "source", needed=False),
        restriction=one_text(root, "restriction", needed=False),
        addresses=one_text(root, "addresses", needed=False),
        codes=tuple(text_of(one) for one in children(root, "code")),
        note=one_text(root, "note", needed=False),
        references=references(one_text(root, "references", needed=False), problems),
        incidents=incidents(one_text(root, "incidents", needed=False)),
        infos=tuple(_info(one, number, problems) for number, one in enumerate(infos, start=1)),
    )


def _info(element: etree._Element, number: int, problems: list[str]) -> CapInfo:
    at = f"info[{number}]"
    times = {
        name: maybe_moment(one_text(element, name, needed=False), f"{at}/{name}", problems)
        for name in ("effective", "onset", "expires")
    }
    return CapInfo(
        language=one_text(element, "language", needed=False) or "en-US",
        categories=tuple(
            or_else(CapCategory, text_of(one), CapCategory.OTHER, f"{at}/category", problems)
            for one in children(element, "category")
        ),
        event=one_text(element, "event"),
        responses=tuple(
            known(CapResponse, text_of(one), f"{at}/responseType")
            for one in children(element, "responseType")
            if or_none(CapResponse, text_of(one), f"{at}/responseType", problems)
        ),
        urgency=or_else(
            CapUrgency, one_text(element, "urgency"), CapUrgency.UNKNOWN, f"{at}/urgency", problems
        ),
        severity=or_else(
            CapSeverity, one_text(element, "severity"), CapSeverity.UNKNOWN, f"{at}/severity", problems
        ),
        certainty=or_else(
            CapCertainty, one_text(element, "certainty"), CapCertainty.UNKNOWN, f"{at}/certainty", problems
        ),
        audience=one_text(element, "audience", needed=False),
        event_codes=values(element, "eventCode"),
        effective=times["effective"],
        onset=times["onset"],
        expires=times["expires"],
        sender_name=one_text(element, "senderName", needed=False),
        headline=one_text(element, "headline", needed=False),
        description=one_text(element, "description", needed=False),
        instruction=one_text(element, "instruction", needed=False),
        web=one_text(element, "web", needed=False),
        contact=one_text(element, "contact", needed=False),
        parameters=values(element, "parameter"),
        areas=tuple(_area(one, at, problems) for one in children(element, "area")),
    )


def _area(element: etree._Element, at: str, problems: list[str]) -> CapArea:
    desc = one_text(element, "areaDesc", needed=False)
    rings = [ring(text_of(one), f"{at}/polygon（{desc}）", problems) for one in children(element, "polygon")]
    circles = [
        circle(text_of(one), f"{at}/circle（{desc}）", problems) for one in children(element, "circle")
    ]
    return CapArea(
        desc=desc,
        polygons_e7_lonlat=tuple(one for one in rings if one),
        circles=tuple(one for one in circles if one),
        geocodes=values(element, "geocode"),
    )
