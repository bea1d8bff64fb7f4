"""What becomes of one telegram, before any store: judged, folded, and what its row keeps."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bosai.feeds.changes import IgnoredReason, Outcome
from bosai.feeds.in_force import WeatherFamily, in_force
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.readings import System
from bosai.services.feed_take import MAX_CHANGES_IN_ROW, Conclusion, Figures, concluded, id_of, judged
from bosai.settings import load_settings
from bosai.settings_proposals import rules_of
from bosai.stores.feed_state import loaded
from bosai.stores.telegrams import Received
from tests.bosai.feeds.telegrams import JST, jma_folder
from tests.bosai.feeds.weather_telegrams import COLLECTION, EAST, MIYAGI, item, kind, layer, weather

RULES = rules_of(load_settings())
TOKYO = ("130000", "東京都")


def taken(
    data: bytes, name: str = "x.xml", fields: dict[bytes, bytes] | None = None, **figures
) -> tuple[Conclusion, dict[bytes, bytes]]:
    """The conclusion of one live telegram at its own time, and the fields of the state after it."""
    given = Figures(realm="live", rules=RULES, **figures)
    at = parse_telegram(data, name=name).sent_at
    received = Received(
        id=id_of(data),
        name=name,
        feed="jma",
        data=data,
        received_at=at,
        max_age_s=timedelta(days=1).total_seconds(),
    )
    found = concluded(received, judged(received, given, at), fields or {}, given)
    after = dict(fields or {})
    for gone in found.removed:
        del after[gone.encode()]
    return found, after | {key.encode(): value for key, value in found.written.items()}


def standing(fields: dict[bytes, bytes], family: WeatherFamily = "r06") -> set[str]:
    return {one.code for one in in_force(loaded(fields, "live", family).state)}


@pytest.mark.real_data
def test_the_row_of_a_great_quake_keeps_our_places_first_and_says_how_many_it_leaves_out():
    """VXSE53 of 2011-03-11: it names 宮城県中部 (222) and four wards of Sendai (太白区 sent nothing)."""
    name = "32-39_11_05_240613_VXSE53.xml"
    found, _ = taken((jma_folder() / "official_samples" / name).read_bytes(), name)
    codes = [one.happening.code for one in found.row.changes if one.happening is not None]
    assert len(codes) == MAX_CHANGES_IN_ROW
    assert set(codes[:5]) == {"222", "0410100", "0410200", "0410300", "0410500"}
    assert "件の変化" in found.row.detail
    assert found.row.outcome is Outcome.PROPOSED


def both_prefectures() -> bytes:
    return weather(
        layer("府県予報区等", item(MIYAGI, kind("49")), item(TOKYO, kind("49")))
        + layer("市町村等", item(EAST, kind("49")), item(("1310100", "千代田区"), kind("49"))),
        title=COLLECTION,
    )


def test_of_a_collection_about_the_whole_nation_only_our_prefecture_is_folded():
    _, ours = taken(both_prefectures(), prefectures=frozenset({"040000"}))
    _, every = taken(both_prefectures())
    assert standing(ours) == {"040000", "0410001"}
    assert standing(every) == {"040000", "0410001", "130000", "1310100"}


def test_a_telegram_of_one_prefecture_is_folded_whatever_is_set():
    body = layer("府県予報区等", item(TOKYO, kind("49"))) + layer(
        "市町村等", item(("1310100", "千代田区"), kind("49"))
    )
    _, fields = taken(weather(body), prefectures=frozenset({"040000"}))
    assert standing(fields) == {"130000", "1310100"}


def test_weather_of_the_family_that_is_not_acted_on_is_listed_and_changes_nothing():
    found, fields = taken(both_prefectures(), family="legacy")
    assert (found.row.outcome, found.row.ignored) == (Outcome.NO_CHANGE, IgnoredReason.OTHER_FAMILY)
    assert standing(fields, "legacy") == set()
    assert found.row.proposals == ()


def test_a_telegram_writes_only_the_scope_that_it_changed():
    _, fields = taken(both_prefectures())
    body = layer("市町村等", item(EAST, kind("49", "継続")))
    later = weather(
        layer("府県予報区等", item(MIYAGI, kind("49", "継続"))) + body,
        report_at=datetime(2026, 9, 1, 0, 20, tzinfo=JST),
    )
    found, after = taken(later, fields=fields)
    scopes = {one for one in found.written if one.startswith("scope:")}
    assert scopes == {"scope:VPWW56/040000"}
    assert found.removed == []
    assert standing(after) == standing(fields)
    assert not [
        one for one in found.row.changes if one.area is not None and one.area.system is not System.WEATHER
    ]
