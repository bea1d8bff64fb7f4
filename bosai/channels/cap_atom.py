"""The Atom feed of CAP messages: one entry a message, with the fields receivers sort by (RFC 4287). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from lxml import etree

from bosai.channels.cap_xml import time_text
from bosai.messages.marks import marked_start
from bosai.model.cap import NS_CAP_12, CapMessage
from bosai.model.realm import Realm

NS_ATOM = "http://www.w3.org/2005/Atom"
CAP_MEDIA = "application/cap+xml"
ATOM_MEDIA = "application/atom+xml"
_NAMESPACES: Any = {None: NS_ATOM, "cap": NS_CAP_12}


class CapEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the feed says of one message. `fields`: (name, value) of CAP, in its order, from the Japanese info."""

    identifier: str
    alert_id: str
    title: str
    summary: str
    sent: datetime
    fields: tuple[tuple[str, str], ...]


def entry_of(message: CapMessage, alert_id: str) -> CapEntry:
    """The entry of a message of ours, whose first info is the Japanese one."""
    info = message.infos[0]
    fields = [
        ("identifier", message.identifier),
        ("sender", message.sender),
        ("sent", time_text(message.sent)),
        ("status", message.status.value),
        ("msgType", message.msg_type.value),
        ("scope", message.scope.value),
        ("event", info.event),
        *(("responseType", one.value) for one in info.responses),
        ("urgency", info.urgency.value),
        ("severity", info.severity.value),
        ("certainty", info.certainty.value),
        *((("effective", time_text(info.effective)),) if info.effective else ()),
        *((("expires", time_text(info.expires)),) if info.expires else ()),
        *(("areaDesc", one.desc) for one in info.areas),
    ]
    return CapEntry(
        identifier=message.identifier,
        alert_id=alert_id,
        title=info.headline,
        summary=info.description,
        sent=message.sent,
        fields=tuple(fields),
    )


def atom_feed(
    entries: Sequence[CapEntry], *, updated: datetime, base_url: str, author: str, realm: Realm
) -> bytes:
    """The document, newest entry first. base_url: of this side, without a slash at its end."""
    root = etree.Element(_tag("feed"), nsmap=_NAMESPACES)
    root.set("{http://www.w3.org/XML/1998/namespace}lang", "ja")
    here = f"{base_url}/alerts.atom"
    _add(root, "id", here)
    _add(root, "title", marked_start(f"{author}の避難情報・お知らせ（CAP 1.2）", realm, "ja"))
    _add(root, "updated", time_text(updated))
    _add(etree.SubElement(root, _tag("author")), "name", author)
    _link(root, rel="self", href=here, media=ATOM_MEDIA)
    _link(root, rel="alternate", href=f"{base_url}/", media="text/html")
    for one in sorted(entries, key=lambda one: (one.sent, one.identifier), reverse=True):
        _entry(root, one, base_url, author)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _entry(root: etree._Element, one: CapEntry, base_url: str, author: str) -> None:
    here = etree.SubElement(root, _tag("entry"))
    address = f"{base_url}/alerts/{one.identifier}.cap.xml"
    _add(here, "id", address)
    _add(here, "title", one.title)
    _add(here, "updated", time_text(one.sent))
    _add(here, "published", time_text(one.sent))
    _add(etree.SubElement(here, _tag("author")), "name", author)
    _link(here, rel="alternate", href=address, media=CAP_MEDIA)
    _add(here, "summary", one.summary)
    for name, value in one.fields:
        etree.SubElement(here, f"{{{NS_CAP_12}}}{name}").text = value


def _add(parent: etree._Element, name: str, words: str) -> None:
    etree.SubElement(parent, _tag(name)).text = words


def _link(parent: etree._Element, *, rel: str, href: str, media: str) -> None:
    etree.SubElement(parent, _tag("link"), rel=rel, type=media, href=href)


def _tag(name: str) -> str:
    return f"{{{NS_ATOM}}}{name}"
