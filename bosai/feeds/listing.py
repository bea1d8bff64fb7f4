"""What the bytes of a source list: the entries that are wanted, ready to be fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from bosai.feeds.atom import FeedEntry, parse_feed
from bosai.feeds.wanted import Want, wanted


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Entries oldest first. `inline`: id → bytes of messages that came within the listing itself."""

    entries: tuple[FeedEntry, ...]
    inline: Mapping[str, bytes] = {}
    problems: tuple[str, ...] = ()


def jma_listing(
    data: bytes, wants: Sequence[Want], *, base_url: str, in_gap: bool, not_before: datetime | None = None
) -> Listing:
    """The wanted entries of a JMA feed. Raises FeedRefused.

    not_before: older ones are left alone, as they would be refused for their age; a long feed has days of them.
    """
    feed = parse_feed(data, base_url=base_url)
    recent = [one for one in feed.entries if not_before is None or one.updated_at >= not_before]
    return Listing(entries=wanted(recent, wants, in_gap=in_gap), problems=feed.problems)


def is_whole_telegram(data: bytes) -> bool:
    """True when the bytes end where a JMX report ends: neither half of one nor a page in its place."""
    return data.rstrip().endswith(b"Report>")


def is_no_page(data: bytes) -> bool:
    """True for what may be a document of data; False for nothing at all and for a web page."""
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    return start.startswith(b"<") and not start.startswith((b"<!doctype", b"<html"))
