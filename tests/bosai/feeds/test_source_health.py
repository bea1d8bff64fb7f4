"""What HQ reads of all sources is one line, the worst first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bosai.feeds.source_health import LostEntry, SourceHealth, SourceKind, summary

NOW = datetime(2026, 4, 1, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def source(name: str = "eqvol", **given: Any) -> SourceHealth:
    standing = {"kind": SourceKind.JMA, "watched_since": NOW - 60 * MINUTE, "last_ok_at": NOW, "at": NOW}
    return SourceHealth(name=name, url=f"https://a.test/{name}.xml", **{**standing, **given})


def line(*sources: SourceHealth) -> tuple[bool, str]:
    found = summary(sources, NOW, silent_after=5 * MINUTE, warn_share=0.5, limit_bytes=10_000_000_000)
    return found.ok, found.detail


def test_where_all_is_well_there_is_nothing_to_say():
    assert line(source(), source("extra")) == (True, "")


def test_silence_comes_before_a_lost_telegram_and_that_before_a_single_failure():
    lost = LostEntry(url="https://a.test/x", title="津波情報a", detail="HTTP 404", at=NOW - MINUTE)
    ok, detail = line(
        source("other", failures=1, cause="つながりません"),
        source("regular", lost=(lost,)),
        source("extra", last_ok_at=NOW - 6 * MINUTE, failures=4, cause="相手が断りました（HTTP 503）"),
    )
    assert not ok
    first, second, third = detail.split("／")
    assert first == "随時：警報など（extra）：6分間、届いていません。相手が断りました（HTTP 503）"
    assert second == "定時（regular）：取得できなかった電文 1通（津波情報a）"
    assert third == "その他（other）：つながりません"


def test_a_source_that_never_answered_is_silent_from_when_it_was_first_asked():
    early = source(last_ok_at=None, watched_since=NOW - 4 * MINUTE)
    assert not early.is_silent(NOW, 5 * MINUTE)
    assert early.is_silent(NOW + 2 * MINUTE, 5 * MINUTE)


def test_a_source_that_is_asked_rarely_is_silent_only_after_three_turns():
    hourly = source("ken", kind=SourceKind.CAP, interval_s=3600, last_ok_at=NOW - 150 * MINUTE)
    assert not hourly.is_silent(NOW, 5 * MINUTE)
    assert hourly.is_silent(NOW + 31 * MINUTE, 5 * MINUTE)
    slowed = source(slowed=8.0, last_ok_at=NOW - 20 * MINUTE)
    assert not slowed.is_silent(NOW, 5 * MINUTE)


def test_a_telegram_lost_long_ago_is_no_longer_a_fault_and_then_no_longer_listed():
    lost = LostEntry(url="u", title="t", detail="d", at=NOW - 61 * MINUTE)
    one = source(lost=(lost,))
    assert line(one) == (True, "")
    assert one.lost_since(NOW) == (lost,)
    assert one.lost_since(NOW + timedelta(hours=24)) == ()


def test_much_volume_is_said_and_is_no_fault():
    ok, detail = line(source(bytes_today=3_000_000_000), source("extra", bytes_today=2_500_000_000))
    assert ok
    assert "5.5GB" in detail
    assert line(source("ken", kind=SourceKind.CAP, bytes_today=9_000_000_000)) == (True, "")


def test_sources_have_names_that_officers_know():
    assert source().name_ja == "地震火山・津波（eqvol）"
    assert source("ken", kind=SourceKind.CAP).name_ja == "CAP：ken"


def test_an_entry_that_can_not_be_read_is_told_as_a_warning_may_hide_behind_it():
    ok, detail = line(source(problems=("3番目の entry：entry/updated の値を読めません",)))
    assert not ok
    assert "一覧の項目を1件読めません（3番目" in detail


def test_a_clock_that_is_wrong_is_said_as_it_would_refuse_every_telegram():
    ok, detail = line(source(behind_s=840), source("extra", behind_s=839))
    assert not ok
    assert "気象庁のサーバーより14分遅れています" in detail
    assert detail.count("時計が") == 1
    assert "進んで" in line(source(behind_s=-600))[1]
    assert line(source(behind_s=170)) == (True, "")
    assert line(source("ken", kind=SourceKind.CAP, behind_s=9000)) == (True, "")
