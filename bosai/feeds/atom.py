"""A JMA Atom feed: which telegrams there are, told apart before any is downloaded (domain §3.2)."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urljoin, urlsplit

import msgspec
from lxml import etree

from bosai.feeds.errors import FeedRefused, RefusalReason, TelegramRefused, XmlRefused
from bosai.feeds.jma.envelope import parse_time
from bosai.feeds.jma.titles import type_in_name, type_of
from bosai.feeds.safe_xml import parse_xml

NS_ATOM = "http://www.w3.org/2005/Atom"
# A long feed lists everything of several days: some thousand entries of half a kilobyte each.
MAX_FEED_BYTES = 16 * 1024 * 1024
MAX_ENTRIES = 40_000
_OFFICE = re.compile(r"_[A-Z]{4}[0-9]{2}_([0-9]{6})(?:[._]|$)")


class FeedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. `office` is the six-digit code in the file name (VTSE41 of the nation: 010000), if there."""

    id: str
    href: str
    title: str
    updated_at: datetime
    type_code: str | None
    office: str | None
    author: str = ""
    content: str = ""


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """A feed, entries oldest first. `problems` names the entries that were left out, and why."""

    id: str
    updated_at: datetime | None
    entries: tuple[FeedEntry, ...]
    problems: tuple[str, ...] = ()


def parse_feed(data: bytes, *, base_url: str = "", max_bytes: int = MAX_FEED_BYTES) -> Feed:
    """The feed in `data`; relative links join `base_url`. Raises FeedRefused.

    A broken entry is left out and named: it must not hide the others.
    """
    try:
        root = parse_xml(data, max_bytes=max_bytes)
    except XmlRefused as error:
        raise FeedRefused(error.reason, error.field, error.detail) from error
    if root.tag != f"{{{NS_ATOM}}}feed":
        raise FeedRefused(RefusalReason.WRONG_ROOT, "feed", str(root.tag)[:120])
    elements = root.findall(f"{{{NS_ATOM}}}entry")
    if len(elements) > MAX_ENTRIES:
        raise FeedRefused(RefusalReason.TOO_MANY_ELEMENTS, "entry", f"{len(elements)} > {MAX_ENTRIES}")
    entries: dict[str, FeedEntry] = {}
    problems: list[str] = []
    for number, element in enumerate(elements, start=1):
        try:
            entry = _entry(element, base_url)
        except (FeedRefused, TelegramRefused, ValueError) as error:
            problems.append(f"{number}番目の entry：{error}")
            continue
        entries.setdefault(entry.id, entry)
    return Feed(
        id=_text(root, "id"),
        updated_at=_feed_time(root),
        entries=tuple(sorted(entries.values(), key=lambda e: (e.updated_at, e.id))),
        problems=tuple(problems),
    )


def _entry(element: etree._Element, base_url: str) -> FeedEntry:
    entry_id, title = _text(element, "id"), _text(element, "title")
    if not entry_id:
        raise FeedRefused(RefusalReason.FIELD_MISSING, "entry/id")
    href = urljoin(base_url, _href(element) or entry_id)
    if urlsplit(href).scheme not in {"http", "https"}:
        raise FeedRefused(RefusalReason.FIELD_INVALID, "entry/link", href[:120])
    name = href.rsplit("/", 1)[-1]
    office = _OFFICE.search(name)
    return FeedEntry(
        id=entry_id,
        href=href,
        title=title,
        updated_at=parse_time(_text(element, "updated"), "entry/updated"),
        type_code=type_in_name(name) or type_of(title),
        office=office.group(1) if office else None,
        author=(element.findtext(f"{{{NS_ATOM}}}author/{{{NS_ATOM}}}name") or "").strip(),
        content=_text(element, "content"),
    )


def _href(element: etree._Element) -> str:
    for link in element.iterfind(f"{{{NS_ATOM}}}link"):
        if link.get("rel", "alternate") == "alternate" and (href := (link.get("href") or "").strip()):
            return href
    return ""


def _feed_time(root: etree._Element) -> datetime | None:
    try:
        return parse_time(_text(root, "updated"), "feed/updated")
    except TelegramRefused:
        return None


def _text(element: etree._Element, name: str) -> str:
    return (element.findtext(f"{{{NS_ATOM}}}{name}") or "").strip()
