"""Where a publisher of CAP lists its messages: an Atom or RSS index, or the address of one message itself.

Whether a message is trusted, and what it means, is `bosai.feeds.cap`; here it is only found, each version of it once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from lxml import etree

from bosai.feeds.atom import MAX_ENTRIES, NS_ATOM, FeedEntry
from bosai.feeds.errors import FeedRefused, RefusalReason, TelegramRefused, XmlRefused
from bosai.feeds.jma.envelope import parse_time
from bosai.feeds.listing import Listing
from bosai.feeds.safe_xml import MAX_BYTES, parse_xml

CAP_TYPE = "application/cap+xml"
_CAP_NAMESPACE = "urn:oasis:names:tc:emergency:cap:"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Reader = Callable[[etree._Element, str], tuple[FeedEntry, bytes | None]]


def cap_listing(data: bytes, *, url: str, max_bytes: int = MAX_BYTES) -> Listing:
    """The messages that the bytes at `url` list, oldest first. Raises FeedRefused.

    An entry's id is its own id with the time it was changed: a publisher may say something new under the same id.
    """
    try:
        root = parse_xml(data, max_bytes=max_bytes)
    except XmlRefused as error:
        raise FeedRefused(error.reason, error.field, error.detail) from error
    name = etree.QName(root)
    if name.localname in {"alert", "EDXLDistribution"}:
        return _message_itself(data, url)
    if root.tag == f"{{{NS_ATOM}}}feed":
        found = root.findall(f"{{{NS_ATOM}}}entry")
        return _listed(found, url, _atom_entry)
    if name.localname in {"rss", "RDF"}:
        return _listed([one for one in root.iter() if etree.QName(one).localname == "item"], url, _rss_item)
    raise FeedRefused(RefusalReason.WRONG_ROOT, "feed", str(root.tag)[:120])


def _message_itself(data: bytes, url: str) -> Listing:
    entry = FeedEntry(
        id=f"{url}#{hashlib.sha256(data).hexdigest()[:32]}",
        href=url,
        title=url,
        updated_at=_EPOCH,
        type_code=None,
        office=None,
    )
    return Listing(entries=(entry,), inline={entry.id: data})


def _listed(elements: list[etree._Element], url: str, read: _Reader) -> Listing:
    if len(elements) > MAX_ENTRIES:
        raise FeedRefused(RefusalReason.TOO_MANY_ELEMENTS, "entry", f"{len(elements)} > {MAX_ENTRIES}")
    entries: dict[str, FeedEntry] = {}
    inline: dict[str, bytes] = {}
    problems: list[str] = []
    for number, element in enumerate(elements, start=1):
        try:
            entry, body = read(element, url)
        except (FeedRefused, TelegramRefused, ValueError) as error:
            problems.append(f"{number}番目の項目：{error}")
            continue
        entries.setdefault(entry.id, entry)
        if body is not None:
            inline.setdefault(entry.id, body)
    in_order = sorted(entries.values(), key=lambda one: (one.updated_at, one.id))
    return Listing(entries=tuple(in_order), inline=inline, problems=tuple(problems))


def _atom_entry(element: etree._Element, url: str) -> tuple[FeedEntry, bytes | None]:
    def text(name: str) -> str:
        return (element.findtext(f"{{{NS_ATOM}}}{name}") or "").strip()

    links = element.findall(f"{{{NS_ATOM}}}link")
    typed = [one for one in links if one.get("type", "") == CAP_TYPE]
    plain = [one for one in links if one.get("rel", "alternate") == "alternate"]
    held = next(
        (
            one
            for one in element.iterfind(f"{{{NS_ATOM}}}content/*")
            if (etree.QName(one).namespace or "").startswith(_CAP_NAMESPACE)
        ),
        None,
    )
    body = etree.tostring(held, encoding="utf-8", with_tail=False) if held is not None and not typed else None
    link = next(iter([*typed, *plain]), None)
    href = (link.get("href") or "").strip() if link is not None else ""
    updated = text("updated") or text("published")
    at = parse_time(updated, "entry/updated")
    entry_id = text("id") or href
    target = url if body is not None else href or entry_id
    return _entry((entry_id, updated), target, text("title"), at, url), body


def _rss_item(element: etree._Element, url: str) -> tuple[FeedEntry, bytes | None]:
    children = {etree.QName(one).localname: one for one in element}

    def text(name: str) -> str:
        return (children[name].text or "").strip() if name in children else ""

    enclosure = children.get("enclosure")
    typed = (
        enclosure.get("url", "") if enclosure is not None and enclosure.get("type", "") == CAP_TYPE else ""
    )
    href = typed or text("link")
    dated = text("pubDate") or text("date")
    return _entry((text("guid") or href, dated), href, text("title"), _when(dated), url), None


def _when(text: str) -> datetime:
    """RSS writes dates as mail does, RDF as XML does; an item without one is as old as can be, and still read."""
    try:
        at = parsedate_to_datetime(text)
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    except (ValueError, TypeError):
        pass
    try:
        return parse_time(text, "item/date")
    except TelegramRefused:
        return _EPOCH


def _entry(version: tuple[str, str], href: str, title: str, at: datetime, url: str) -> FeedEntry:
    if not version[0]:
        raise FeedRefused(RefusalReason.FIELD_MISSING, "entry/id")
    target = urljoin(url, href)
    if urlsplit(target).scheme not in {"http", "https"}:
        raise FeedRefused(RefusalReason.FIELD_INVALID, "entry/link", target[:120])
    return FeedEntry(
        id="|".join(version), href=target, title=title, updated_at=at, type_code=None, office=None
    )
