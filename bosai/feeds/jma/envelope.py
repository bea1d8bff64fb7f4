"""The envelope of a JMA telegram (Control and Head), read with care before anything inside is believed.

Source: 気象庁防災情報XMLフォーマット, jmx.xsd and jmx_ib.xsd; domain §3.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import TypeVar

import msgspec
from lxml import etree

from bosai.feeds.errors import RefusalReason, TelegramRefused, XmlRefused
from bosai.feeds.jma.titles import type_of
from bosai.feeds.safe_xml import MAX_BYTES, parse_xml

NS_JMX = "http://xml.kishou.go.jp/jmaxml1/"
NS_HEAD = "http://xml.kishou.go.jp/jmaxml1/informationBasis1/"
NS_BODY = "http://xml.kishou.go.jp/jmaxml1/body/"
NS_SEISMOLOGY = "http://xml.kishou.go.jp/jmaxml1/body/seismology1/"
NS_ELEMENT_BASIS = "http://xml.kishou.go.jp/jmaxml1/elementBasis1/"
MAX_HEADLINE_AREAS = 100_000  # the largest real head has some thousand


class TelegramStatus(StrEnum):
    """Control/Status. Only NORMAL may ever reach the live side."""

    NORMAL = "通常"
    DRILL = "訓練"
    TEST = "試験"


class InfoType(StrEnum):
    """Head/InfoType: 発表 (also when 遅延, late), 訂正 replaces, 取消 withdraws."""

    ISSUED = "発表"
    DELAYED = "遅延"
    CORRECTED = "訂正"
    CANCELLED = "取消"


class TelegramSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where a statement comes from: the envelope without its documents, fit to be stored."""

    key: str
    type_code: str | None
    title: str
    status: TelegramStatus
    info_type: InfoType
    editorial_office: str
    sent_at: datetime
    report_at: datetime
    valid_until: datetime | None
    event_ids: tuple[str, ...]
    serial: str
    headline: str
    publishing_offices: tuple[str, ...] = ()
    """Two or more where an office of the rivers or a prefecture issues jointly with a 気象台."""

    @property
    def order(self) -> tuple[datetime, datetime, int, str]:
        """Sorts telegrams of one kind by age: ReportDateTime, then Control/DateTime; the rest breaks ties.

        Serial is no help: it is empty in VTSE41 (domain §3.1).
        """
        return (self.report_at, self.sent_at, list(InfoType).index(self.info_type), self.key)


class HeadlineArea(msgspec.Struct, frozen=True, kw_only=True):
    """One (kind, area) pair of Head/Headline. 220 means different places in different code types."""

    code_type: str
    code: str
    name: str
    kind_name: str
    kind_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Telegram:
    """One telegram. `body` stays as XML for the typed parser of its family; times are aware."""

    type_code: str | None
    title: str
    status: TelegramStatus
    editorial_office: str
    publishing_offices: tuple[str, ...]
    sent_at: datetime
    head_title: str
    report_at: datetime
    target_at: datetime | None
    valid_until: datetime | None
    event_ids: tuple[str, ...]
    info_type: InfoType
    serial: str
    info_kind_version: str
    headline: str
    headline_areas: tuple[HeadlineArea, ...]
    body: etree._Element = field(repr=False, compare=False)

    @property
    def key(self) -> str:
        """Names this telegram wherever it was read: same issue, same key, whatever the spacing of its XML."""
        facts = (self.title, self.editorial_office, self.status, self.info_type, *self.event_ids, self.serial)
        times = (self.report_at.astimezone(UTC).isoformat(), self.sent_at.isoformat())
        digest = hashlib.sha256("\x1f".join((*facts, *times)).encode()).hexdigest()[:12]
        return f"{self.type_code or 'JMX'}-{self.report_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest}"

    @property
    def source(self) -> TelegramSource:
        """What is kept of the envelope beside every value read from the body."""
        return TelegramSource(
            key=self.key,
            type_code=self.type_code,
            title=self.title,
            status=self.status,
            info_type=self.info_type,
            editorial_office=self.editorial_office,
            sent_at=self.sent_at,
            report_at=self.report_at,
            valid_until=self.valid_until,
            event_ids=self.event_ids,
            serial=self.serial,
            headline=self.headline,
            publishing_offices=self.publishing_offices,
        )


def marked_as_drill(telegram: Telegram) -> Telegram:
    """The telegram as 訓練, for playing a recording on the drill side: what was 通常 can then not go live."""
    return replace(telegram, status=TelegramStatus.DRILL)


def parse_telegram(data: bytes, *, name: str = "", max_bytes: int = MAX_BYTES) -> Telegram:
    """The telegram in `data`; `name` is its file name or address. Raises TelegramRefused.

    A type we do not know is no error: its envelope is read and its body left alone.
    """
    try:
        root = parse_xml(data, max_bytes=max_bytes)
    except XmlRefused as error:
        raise TelegramRefused(error.reason, error.field, error.detail) from error
    control, head, body = _three_parts(root)
    title = _required(control, NS_JMX, "Title", "Control/Title")
    return Telegram(
        type_code=type_of(title, name),
        title=title,
        status=_enum(
            TelegramStatus, _required(control, NS_JMX, "Status", "Control/Status"), "Control/Status"
        ),
        editorial_office=_required(control, NS_JMX, "EditorialOffice", "Control/EditorialOffice"),
        publishing_offices=tuple(
            _required(control, NS_JMX, "PublishingOffice", "Control/PublishingOffice").split()
        ),
        sent_at=parse_time(
            _required(control, NS_JMX, "DateTime", "Control/DateTime"), "Control/DateTime"
        ).astimezone(UTC),
        head_title=_optional(head, NS_HEAD, "Title"),
        report_at=parse_time(
            _required(head, NS_HEAD, "ReportDateTime", "Head/ReportDateTime"), "Head/ReportDateTime"
        ),
        target_at=_optional_time(head, "TargetDateTime"),
        valid_until=_optional_time(head, "ValidDateTime"),
        event_ids=tuple(dict.fromkeys(_optional(head, NS_HEAD, "EventID").split())),
        info_type=_enum(InfoType, _required(head, NS_HEAD, "InfoType", "Head/InfoType"), "Head/InfoType"),
        serial=_optional(head, NS_HEAD, "Serial"),
        info_kind_version=_optional(head, NS_HEAD, "InfoKindVersion"),
        headline=_lines(head.findtext(f"{{{NS_HEAD}}}Headline/{{{NS_HEAD}}}Text") or ""),
        headline_areas=_headline_areas(head),
        body=body,
    )


def parse_time(text: str, field_name: str) -> datetime:
    """An aware time from xs:dateTime. Raises TelegramRefused naming the field."""
    try:
        moment = datetime.fromisoformat(text)
        moment.astimezone(UTC)  # a time at the edge of the calendar has no UTC counterpart
    except (ValueError, OverflowError) as error:
        raise TelegramRefused(RefusalReason.FIELD_INVALID, field_name, text[:60]) from error
    if moment.tzinfo is None:
        raise TelegramRefused(RefusalReason.FIELD_INVALID, field_name, f"{text[:60]}：時差がありません")
    return moment


def _three_parts(root: etree._Element) -> tuple[etree._Element, etree._Element, etree._Element]:
    if etree.QName(root).localname != "Report":
        raise TelegramRefused(RefusalReason.WRONG_ROOT, "Report", str(root.tag)[:120])
    if etree.QName(root).namespace != NS_JMX:
        raise TelegramRefused(RefusalReason.WRONG_NAMESPACE, "Report", str(root.tag)[:120])
    parts: dict[str, etree._Element] = {}
    for child in root:
        name = etree.QName(child).localname
        if name in parts:
            raise TelegramRefused(RefusalReason.FIELD_INVALID, name, "二つあります")
        parts[name] = child
    for name in ("Control", "Head", "Body"):
        if name not in parts:
            raise TelegramRefused(RefusalReason.FIELD_MISSING, name)
    control, head, body = parts["Control"], parts["Head"], parts["Body"]
    body_namespace = etree.QName(body).namespace or ""
    for element, right in (
        (control, etree.QName(control).namespace == NS_JMX),
        (head, etree.QName(head).namespace == NS_HEAD),
        (body, body_namespace.startswith(NS_BODY)),
    ):
        if not right:
            raise TelegramRefused(
                RefusalReason.WRONG_NAMESPACE, etree.QName(element).localname, str(element.tag)[:120]
            )
    return control, head, body


def _headline_areas(head: etree._Element) -> tuple[HeadlineArea, ...]:
    def text(element: etree._Element, name: str) -> str:
        return (element.findtext(f"{{{NS_HEAD}}}{name}") or "").strip()

    def pairs() -> Iterator[HeadlineArea]:
        for item in head.iterfind(f"{{{NS_HEAD}}}Headline/{{{NS_HEAD}}}Information/{{{NS_HEAD}}}Item"):
            kinds = [
                (text(kind, "Name"), text(kind, "Code") or None)
                for kind in item.iterfind(f"{{{NS_HEAD}}}Kind")
            ]
            for areas in item.iterfind(f"{{{NS_HEAD}}}Areas"):
                code_type = (areas.get("codeType") or "").strip()
                for area in areas.iterfind(f"{{{NS_HEAD}}}Area"):
                    code, name = text(area, "Code"), text(area, "Name")
                    for kind_name, kind_code in kinds:
                        yield HeadlineArea(
                            code_type=code_type,
                            code=code,
                            name=name,
                            kind_name=kind_name,
                            kind_code=kind_code,
                        )

    # Areas times kinds: what is small as a document can be vast as pairs.
    found = tuple(islice(pairs(), MAX_HEADLINE_AREAS + 1))
    if len(found) > MAX_HEADLINE_AREAS:
        raise TelegramRefused(
            RefusalReason.TOO_MANY_ELEMENTS, "Head/Headline/Information", f"> {MAX_HEADLINE_AREAS}"
        )
    return found


def _optional(parent: etree._Element, namespace: str, name: str) -> str:
    return (parent.findtext(f"{{{namespace}}}{name}") or "").strip()


def _required(parent: etree._Element, namespace: str, name: str, field_name: str) -> str:
    found = parent.findall(f"{{{namespace}}}{name}")
    if len(found) > 1:  # two of them, 通常 and 訓練 say, must not be settled by which one we happen to read
        raise TelegramRefused(RefusalReason.FIELD_INVALID, field_name, f"{len(found)}つあります")
    text = (found[0].text or "").strip() if found else ""
    if not text:
        raise TelegramRefused(RefusalReason.FIELD_MISSING, field_name)
    return text


def _optional_time(head: etree._Element, name: str) -> datetime | None:
    text = _optional(head, NS_HEAD, name)
    return parse_time(text, f"Head/{name}") if text else None


def _lines(text: str) -> str:
    return "\n".join(line for line in (raw.strip() for raw in text.splitlines()) if line)


_E = TypeVar("_E", bound=StrEnum)


def _enum(kind: type[_E], text: str, field_name: str) -> _E:
    try:
        return kind(text)
    except ValueError as error:
        allowed = "・".join(kind)
        raise TelegramRefused(
            RefusalReason.FIELD_INVALID, field_name, f"{text[:60]}：{allowed}のいずれか"
        ) from error
