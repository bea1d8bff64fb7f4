"""A CAP message as XML: the elements in the order of the OASIS schema, times with their offset and never `Z`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from lxml import etree

from bosai.messages.measures import JST
from bosai.model.alert import Ring
from bosai.model.cap import E7, E7_DIGITS, NS_CAP_12, CapArea, CapInfo, CapMessage, CapReference, CapValue

_NAMESPACES: Any = {None: NS_CAP_12}
_NOT_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What XML 1.0 has no way to write: one such sign in a text must not keep an order from going out."""


def cap_xml(message: CapMessage) -> etree._Element:
    """The `alert` element, valid against the schema of CAP 1.2; not signed."""
    root = etree.Element(_tag("alert"), nsmap=_NAMESPACES)
    _add(root, "identifier", message.identifier)
    _add(root, "sender", message.sender)
    _add(root, "sent", time_text(message.sent))
    _add(root, "status", message.status)
    _add(root, "msgType", message.msg_type)
    _add(root, "source", message.source)
    _add(root, "scope", message.scope)
    _add(root, "restriction", message.restriction)
    _add(root, "addresses", message.addresses)
    for one in message.codes:
        _add(root, "code", one)
    _add(root, "note", message.note)
    _add(root, "references", " ".join(map(reference_text, message.references)))
    _add(root, "incidents", " ".join(_quoted(one) for one in message.incidents))
    for info in message.infos:
        _info(root, info)
    return root


def cap_bytes(root: etree._Element) -> bytes:
    """The document in UTF-8."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def time_text(at: datetime) -> str:
    """Japan's time with its offset, whole seconds: CAP forbids `Z`."""
    return at.astimezone(JST).replace(microsecond=0).isoformat()


def reference_text(one: CapReference) -> str:
    """sender,identifier,sent"""
    return f"{one.sender},{one.identifier},{time_text(one.sent)}"


def polygon_text(ring: Ring) -> str:
    """lat,lon pairs, the first again at the end. From integers: no figure is rounded on the way."""
    return " ".join(f"{_degrees(lat)},{_degrees(lon)}" for lon, lat in ring)


def _info(root: etree._Element, info: CapInfo) -> None:
    here = etree.SubElement(root, _tag("info"))
    _add(here, "language", info.language)
    for category in info.categories:
        _add(here, "category", category)
    _add(here, "event", info.event, needed=True)
    for response in info.responses:
        _add(here, "responseType", response)
    _add(here, "urgency", info.urgency)
    _add(here, "severity", info.severity)
    _add(here, "certainty", info.certainty)
    _add(here, "audience", info.audience)
    _values(here, "eventCode", info.event_codes)
    for name, at in (("effective", info.effective), ("onset", info.onset), ("expires", info.expires)):
        _add(here, name, time_text(at) if at else "")
    _add(here, "senderName", info.sender_name)
    _add(here, "headline", info.headline)
    _add(here, "description", info.description)
    _add(here, "instruction", info.instruction)
    _add(here, "web", info.web)
    _add(here, "contact", info.contact)
    _values(here, "parameter", info.parameters)
    for area in info.areas:
        _area(here, area)


def _area(info: etree._Element, area: CapArea) -> None:
    here = etree.SubElement(info, _tag("area"))
    _add(here, "areaDesc", area.desc, needed=True)
    for ring in area.polygons_e7_lonlat:
        _add(here, "polygon", polygon_text(ring))
    for one in area.circles:
        _add(here, "circle", f"{one.lat},{one.lon} {one.radius_km}")
    _values(here, "geocode", area.geocodes)


def _values(parent: etree._Element, name: str, values: Iterable[CapValue]) -> None:
    for one in values:
        here = etree.SubElement(parent, _tag(name))
        _add(here, "valueName", one.name, needed=True)
        _add(here, "value", one.value, needed=True)


def _add(parent: etree._Element, name: str, words: str, *, needed: bool = False) -> None:
    if words or needed:
        etree.SubElement(parent, _tag(name)).text = _NOT_XML.sub("", words)


def _degrees(e7: int) -> str:
    whole, rest = divmod(abs(e7), E7)
    figures = f"{rest:0{E7_DIGITS}}".rstrip("0") or "0"
    return f"{'-' if e7 < 0 else ''}{whole}.{figures}"


def _quoted(one: str) -> str:
    """Several incidents stand apart by blanks; one that holds a blank is quoted (CAP 1.2 §3.2.1)."""
    return f'"{one}"' if " " in one else one


def _tag(name: str) -> str:
    return f"{{{NS_CAP_12}}}{name}"
