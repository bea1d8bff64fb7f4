"""Where publishers of CAP list their messages is read without trusting them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bosai.feeds.cap_index import cap_listing
from bosai.feeds.errors import FeedRefused, RefusalReason

URL = "https://ken.test/cap/index.xml"
CAP = '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>1</identifier></alert>'


def atom(*entries: str) -> bytes:
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:x</id>{"".join(entries)}</feed>'.encode()


def entry(number: int, *links: str, updated: str = "2026-04-01T03:00:00Z", content: str = "") -> str:
    return (
        f"<entry><id>urn:{number}</id><title>第{number}号</title><updated>{updated}</updated>"
        f"{''.join(links)}{content}</entry>"
    )


def test_the_link_of_the_cap_type_is_taken_before_the_page():
    page = '<link rel="alternate" type="text/html" href="https://ken.test/page"/>'
    message = '<link rel="related" type="application/cap+xml" href="1.xml"/>'
    (one,) = cap_listing(atom(entry(1, page, message)), url=URL).entries
    assert one.href == "https://ken.test/cap/1.xml"
    assert one.title == "第1号"


def test_a_changed_entry_is_another_one_and_older_ones_come_first():
    link = '<link href="https://ken.test/1"/>'
    listed = cap_listing(
        atom(entry(1, link, updated="2026-04-01T04:00:00Z"), entry(1, link), entry(1, link)), url=URL
    )
    assert [one.id for one in listed.entries] == ["urn:1|2026-04-01T03:00:00Z", "urn:1|2026-04-01T04:00:00Z"]


def test_a_message_inside_the_entry_needs_no_download():
    (one,) = (
        listed := cap_listing(atom(entry(1, content=f"<content type='text/xml'>{CAP}</content>")), url=URL)
    ).entries
    assert b"<identifier>1</identifier>" in listed.inline[one.id]


def test_a_message_itself_is_a_listing_of_one_named_by_its_bytes():
    first, same, other = (cap_listing(one.encode(), url=URL) for one in (CAP, CAP, CAP.replace("1<", "2<")))
    assert first.entries == same.entries != other.entries
    assert first.inline[first.entries[0].id] == CAP.encode()


def test_rss_is_read_too():
    data = (
        b'<rss version="2.0"><channel><title>x</title>'
        b"<item><title>later</title><link>https://ken.test/2.xml</link><guid>g2</guid>"
        b"<pubDate>Wed, 01 Apr 2026 12:00:00 +0900</pubDate></item>"
        b"<item><title>undated</title><link>https://ken.test/0.xml</link></item>"
        b"<item><title>earlier</title><guid>g1</guid><link>https://ken.test/page</link>"
        b'<enclosure type="application/cap+xml" url="https://ken.test/1.xml"/>'
        b"<pubDate>Wed, 01 Apr 2026 02:00:00 GMT</pubDate></item></channel></rss>"
    )
    listed = cap_listing(data, url=URL)
    assert [one.href.rsplit("/", 1)[-1] for one in listed.entries] == ["0.xml", "1.xml", "2.xml"]
    assert listed.problems == ()


def test_a_broken_item_is_named_and_hides_no_other():
    listed = cap_listing(
        atom(
            entry(1, '<link href="file:///etc/passwd"/>'),
            entry(2, '<link href="https://ken.test/2"/>', updated="まもなく"),
            "<entry><updated>2026-04-01T03:00:00Z</updated></entry>",
            entry(4, '<link href="https://ken.test/4"/>'),
        ),
        url=URL,
    )
    assert [one.title for one in listed.entries] == ["第4号"]
    assert [one.split("番目")[0] for one in listed.problems] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<html><body>maintenance</body></html>", RefusalReason.WRONG_ROOT),
        (b"", RefusalReason.NOT_WELL_FORMED),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><feed/>', RefusalReason.HAS_DTD),
        (CAP[:40].encode(), RefusalReason.NOT_WELL_FORMED),
        (b"\xff\xfe<feed/>", RefusalReason.NOT_UTF8),
    ],
)
def test_what_is_no_listing_is_refused_for_its_reason(data: bytes, reason: RefusalReason):
    with pytest.raises(FeedRefused) as caught:
        cap_listing(data, url=URL)
    assert caught.value.reason is reason


@pytest.mark.real_data
def test_the_recorded_indexes_are_read_whole(shared_data: Path):
    folder = shared_data / "cap" / "samples"
    quakes = cap_listing((folder / "earthquake_index.atom").read_bytes(), url=URL)
    assert [one.href for one in quakes.entries] == [
        "http://earthquake.usgs.gov/earthquakes/catalogs/cap/us2010apcd"
    ]
    weather = cap_listing((folder / "weather_index.atom").read_bytes(), url=URL)
    assert (len(weather.entries), weather.problems) == (2, ())
    for path in folder.glob("*.cap"):
        assert len(cap_listing(path.read_bytes(), url=URL).inline) == 1
