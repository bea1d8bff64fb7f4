"""Feeds tell which telegrams there are, before any of them is downloaded."""

from __future__ import annotations

from datetime import UTC, datetime

from bosai.feeds.atom import parse_feed
from tests.bosai.feeds.telegrams import jma_folder

BASE = "https://www.data.jma.go.jp/developer/xml/data"


def entry(
    name: str = "20260401030310_0_VTSE41_010000.xml",
    *,
    title: str = "津波警報・注意報・予報a",
    updated: str = "2026-04-01T03:03:10Z",
    link: str | None = None,
    entry_id: str | None = None,
) -> str:
    address = f"{BASE}/{name}"
    return (
        f"<entry><title>{title}</title><id>{address if entry_id is None else entry_id}</id>"
        f"<updated>{updated}</updated><author><name>気象庁</name></author>"
        f'<link type="application/xml" href="{address if link is None else link}"/>'
        '<content type="text">ただちに避難してください。</content></entry>'
    )


def feed(*entries: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" lang="ja">'
        "<title>高頻度（地震火山）</title><updated>2026-04-01T12:04:00+09:00</updated>"
        f"<id>https://www.data.jma.go.jp/developer/xml/feed/eqvol.xml#short_1</id>{''.join(entries)}</feed>"
    ).encode()


def test_an_entry_tells_type_and_office_by_its_file_name():
    (one,) = parse_feed(feed(entry())).entries
    assert one.id == one.href == f"{BASE}/20260401030310_0_VTSE41_010000.xml"
    assert (one.type_code, one.office) == ("VTSE41", "010000")
    assert one.updated_at == datetime(2026, 4, 1, 3, 3, 10, tzinfo=UTC)
    assert (one.title, one.author) == ("津波警報・注意報・予報a", "気象庁")


def test_where_the_name_says_nothing_the_title_does():
    (one,) = parse_feed(feed(entry("latest.xml"))).entries
    assert (one.type_code, one.office) == ("VTSE41", None)
    (unknown,) = parse_feed(feed(entry("latest.xml", title="まだない情報"))).entries
    assert unknown.type_code is None


def test_entries_come_oldest_first_and_once():
    found = parse_feed(
        feed(
            entry("b_0_VTSE41_010000.xml", updated="2026-04-01T03:10:00Z"),
            entry("a_0_VTSE41_010000.xml", updated="2026-04-01T03:05:00Z"),
            entry("b_0_VTSE41_010000.xml", updated="2026-04-01T03:10:00Z"),
        )
    )
    assert [e.href.rsplit("/", 1)[-1][0] for e in found.entries] == ["a", "b"]
    assert found.updated_at == datetime(2026, 4, 1, 3, 4, tzinfo=UTC)


def test_a_relative_link_joins_the_address_of_the_feed():
    data = feed(entry(link="../data/20260401030310_0_VTSE41_010000.xml"))
    (one,) = parse_feed(data, base_url="https://www.data.jma.go.jp/developer/xml/feed/eqvol.xml").entries
    assert one.href == f"{BASE}/20260401030310_0_VTSE41_010000.xml"


def test_broken_entries_are_named_and_hide_no_other():
    found = parse_feed(
        feed(
            entry("1_0_VTSE41_010000.xml", updated="まもなく"),
            entry("2_0_VTSE41_010000.xml", entry_id=""),
            entry("3_0_VTSE41_010000.xml", link="file:///etc/passwd"),
            entry("4_0_VTSE41_010000.xml", link="https://[broken"),
            entry("5_0_VTSE41_010000.xml"),
        )
    )
    assert [e.href for e in found.entries] == [f"{BASE}/5_0_VTSE41_010000.xml"]
    assert [p.split("番目")[0] for p in found.problems] == ["1", "2", "3", "4"]


def test_the_recorded_feeds_are_read_whole():
    folder = jma_folder() / "feeds"
    quakes = parse_feed((folder / "eqvol_testfeed_2024.xml").read_bytes())
    assert len(quakes.entries) == 42
    assert quakes.problems == ()
    warnings = [e for e in quakes.entries if e.type_code == "VTSE41"]
    assert "https://mican3.github.io/jmaxml_test/vtse41/32-39_11_11_120615_VTSE41.xml" in {
        e.href for e in warnings
    }
    assert all(e.title == "津波警報・注意報・予報a" for e in warnings)
    extra = parse_feed((folder / "extra_testfeed_2024.xml").read_bytes())
    assert sorted({str(e.type_code) for e in extra.entries}) == ["VPFT50", "VPWW54"]
    assert len(extra.entries) == 10
