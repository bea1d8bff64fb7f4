"""The compose form: refusals name the field and keep what was typed; a version can be taken up again as it was."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon, equals_exact, normalize

from bosai.errors import InvalidInput
from bosai.messages.orders import OrderTexts
from bosai.model.alert import OrderKind
from bosai.model.geometry import from_e7
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.alert_moves import OrderWriter
from bosai.services.order_rules import checked_form
from bosai.services.zones import ZoneCatalogue
from bosai.web.console import prefill
from bosai.web.console.forms import FormInvalid, Typed, geometry_of, parsed
from geodata.areas import Bbox
from geodata.importers.areas import JMA_AREAS, TSUNAMI_AREAS, parse_named_areas
from geodata.importers.towns import parse_towns
from geodata.places import PlaceIndex
from tests.bosai.web.officers import FLOOD_ORDER, TSUNAMI_ORDER, Officer, no_planner, officer
from tests.bosai.web.running import Site, running
from tests.redis_server import PrivateRedis

SENDAI = Bbox(140.45, 38.05, 141.15, 38.50)
SQUARE = "140.90, 38.20\n140.91, 38.20\n140.91, 38.21\n140.90, 38.21"
INSIDE_EAST = SQUARE.replace("140.9", "140.88")
LANGS = ("ja", "ja-x-easy", "en", "ne")


@cache
def zones() -> ZoneCatalogue:
    """The sample city's."""

    def sample(name: str) -> bytes:
        return resources.files("bosai").joinpath("sample", name).read_bytes()

    return ZoneCatalogue(
        parse_named_areas(sample("tsunami_areas.geojson"), TSUNAMI_AREAS, bbox=SENDAI).records,
        parse_named_areas(sample("jma_areas.geojson"), JMA_AREAS, bbox=SENDAI, repair=True).records,
        PlaceIndex(parse_towns(sample("towns.csv"), bbox=SENDAI).towns),
        SENDAI,
    )


# ---- over HTTP -------------------------------------------------------------------------------------


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[Site]:
    async with running(tmp_path, private_redis.url) as found:
        no_planner(found)
        yield found


@pytest.fixture
async def kian(site: Site) -> AsyncIterator[Officer]:
    async with officer(site, "kian", Role.HQ_DRAFTER) as found:
        yield found


BAD_FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing chosen is never the whole city": ({"zone": []}, "area"),
    "two corners are no area": ({"drawn": "140.90,38.20\n140.91,38.21", "drawn_name": "川沿い"}, "area"),
    "no numbers": ({"drawn": "荒浜のあたり", "drawn_name": "川沿い"}, "area"),
    "an outline that crosses itself": (
        {"drawn": "140.90,38.20\n140.91,38.21\n140.91,38.20\n140.90,38.21", "drawn_name": "川沿い"},
        "area",
    ),
    "outside the city": ({"drawn": SQUARE.replace("140.", "135."), "drawn_name": "川沿い"}, "area"),
    "an area without a name": ({"drawn": SQUARE}, "area_name"),
    "a name without an area": ({"drawn_name": "川沿い"}, "area"),
    "an unknown zone": ({"zone": ["town:若林区/竜宮"]}, "area"),
    "broken GeoJSON": ({"drawn": '{"type": "Polygon", "coordinates": [[[', "drawn_name": "川沿い"}, "area"),
    "a line is no area": (
        {"drawn": '{"type":"LineString","coordinates":[[140.9,38.2],[140.91,38.21]]}', "drawn_name": "川"},
        "area",
    ),
    "no hazard": ({"hazard": ""}, "hazard"),
    "an unknown hazard": ({"hazard": "meteorite"}, "hazard"),
    "no kind": ({"kind": ""}, "kind"),
    "a level for a tsunami": ({"hazard": "tsunami", "tsunami_class": "warning"}, "kind"),
    "emergency safety for an earthquake": ({"hazard": "earthquake", "kind": "emergency_safety"}, "kind"),
    "a tsunami order without JMA's class": (
        {"hazard": "tsunami", "kind": "tsunami_evacuation"},
        "tsunami_class",
    ),
    "no reason": ({"reason": " \n "}, "reason"),
    "a reason without end": ({"reason": "あ" * 1001}, "reason"),
    "an arrival that is no time": (TSUNAMI_ORDER | {"arrival": "すぐ"}, "expected_arrival_at"),
    "minutes in words": ({"review_after_min": "一時間"}, "review_after_min"),
    "a review in the next minute": ({"review_after_min": "1"}, "review_after_min"),
    "a translation without the Japanese": ({"free_en": "Blankets are ready."}, "free"),
    "a retired name": ({"free_ja": "避難勧告を出しました。"}, "free"),
    "a sentence too long": ({"free_ja": "あ" * 301}, "free"),
}


@pytest.mark.parametrize("name", BAD_FORMS)
async def test_a_form_that_cannot_be_used_comes_back_as_typed_with_the_field_named(
    site: Site, kian: Officer, name: str
) -> None:
    changes, field = BAD_FORMS[name]
    form = FLOOD_ORDER | {"free_vi": "", "drawn_name": ""} | changes
    page = await kian.post("/hq/alerts/new", form)
    assert page.status == 400
    assert page.one("//*[@id='trouble']//a").get("href") == f"#{field}"
    assert page.document.xpath(f"//*[@id='{field}']") != []
    assert page.one(f"//*[@id='{field}-error']").text_content().strip() != ""
    assert page.checked("zone") == [one for one in form["zone"] if one in page.body and "竜宮" not in one]
    for text in ("reason", "drawn", "drawn_name", "arrival", "review_after_min", "free_ja", "free_en"):
        assert page.value(text).strip() == str(form.get(text, "")).strip(), text
    assert await site.side().alerts.working() == []


async def test_every_problem_is_named_at_once(kian: Officer) -> None:
    page = await kian.post("/hq/alerts/new", {})
    named = page.document.xpath("//*[@id='trouble']//a/@href")
    assert named == ["#hazard", "#kind", "#area", "#reason"]


async def test_a_program_gets_the_same_refusal_as_a_problem_document(kian: Officer) -> None:
    answer = await kian.post("/hq/alerts/new", FLOOD_ORDER | {"zone": []}, as_program=True)
    assert answer.status == 400
    assert json.loads(answer.body)["field"] == "area"


async def test_between_level_4_and_level_5_stands_that_one_must_have_left_by_4(kian: Officer) -> None:
    """The guideline of May 2021 asks for the line wherever both levels are listed."""
    said = (await kian.get("/hq/alerts/new")).text
    at = said.index("〈警戒レベル4までに必ず避難！〉")
    assert said.index("避難指示") < at < said.index("緊急安全確保")


async def test_what_is_typed_never_becomes_markup(kian: Officer) -> None:
    sharp = "</textarea><script>alert(1)</script>\"'"
    page = await kian.post(
        "/hq/alerts/new", FLOOD_ORDER | {"reason": sharp, "hazard": "", "drawn_name": sharp}
    )
    assert page.value("reason") == sharp
    assert page.document.xpath("//script[contains(text(), 'alert')]") == []


async def test_a_drawn_area_and_a_town_become_one_area_with_both_names(site: Site, kian: Officer) -> None:
    await kian.drafted(FLOOD_ORDER | {"drawn": SQUARE, "drawn_name": "名取川沿い"})
    area = (await site.side().alerts.working())[0].alert.area
    assert area.names == ("若林区荒井", "名取川沿い")
    assert area.approximate  # a town's border is nobody's published line
    assert from_e7(area.polygons_e7_lonlat).covers(
        Polygon([(140.90, 38.20), (140.91, 38.20), (140.91, 38.21)])
    )


async def test_a_draft_can_be_taken_up_again_and_changed(site: Site, kian: Officer) -> None:
    path = await kian.drafted(
        TSUNAMI_ORDER
        | {
            "drawn": SQUARE,
            "drawn_name": "川沿い",
            "free_ja": "橋を渡らないでください。",
            "arrival": "2026-11-23T15:00",
        }
    )
    form = await kian.get(path + "/edit")
    assert form.checked("zone") == ["tsunami:area1"]
    assert form.value("drawn_name") == "川沿い"
    assert form.value("free_ja") == "橋を渡らないでください。"
    assert form.value("arrival") == "2026-11-23T15:00"
    assert form.value("reason") == TSUNAMI_ORDER["reason"]
    page = await kian.post(
        path + "/edit",
        TSUNAMI_ORDER | {"drawn": form.value("drawn"), "drawn_name": "川沿い", "zone": []},
    )
    assert page.path.split("?")[0] == path
    area = (await site.side().alerts.working())[0].alert.area
    assert (area.names, area.approximate) == (("川沿い",), False)


async def test_a_name_whose_ground_the_zones_cover_is_asked_about_not_dropped(kian: Officer) -> None:
    path = await kian.drafted(
        FLOOD_ORDER | {"zone": ["jma:0410001"], "drawn": INSIDE_EAST, "drawn_name": "川沿い"}
    )
    form = await kian.get(path + "/edit")
    assert (form.value("drawn"), form.value("drawn_name")) == ("", "川沿い")
    page = await kian.post(path + "/edit", FLOOD_ORDER | {"zone": ["jma:0410001"], "drawn_name": "川沿い"})
    assert page.status == 400


# ---- pure ------------------------------------------------------------------------------------------

corners = st.lists(
    st.tuples(st.floats(140.46, 141.14), st.floats(38.06, 38.49)).map(
        lambda p: (round(p[0], 5), round(p[1], 5))
    ),
    min_size=3,
    max_size=8,
    unique=True,
)


@given(corners, st.sampled_from([", ", ",", " ", "、"]), st.booleans())
def test_corners_mean_the_same_place_in_either_order(
    ring: list[tuple[float, float]], between: str, latitude_first: bool
) -> None:
    lines = [f"{lat}{between}{lon}" if latitude_first else f"{lon}{between}{lat}" for lon, lat in ring]
    geometry = geometry_of("\n".join(lines))
    assert geometry == {"type": "Polygon", "coordinates": [[list(one) for one in ring]]}


@given(st.text(max_size=200))
def test_any_text_is_an_area_or_a_named_refusal(text: str) -> None:
    try:
        geometry_of(text)
    except InvalidInput as error:
        assert error.field == "area"


@given(
    st.sets(
        st.sampled_from(["tsunami:area1", "tsunami:area2", "town:若林区/荒井", "town:若林区/荒浜"]),
        max_size=3,
    ),
    st.booleans(),
    st.dictionaries(st.sampled_from(LANGS), st.text("あいうabc。.{}", min_size=1, max_size=20)),
    st.sampled_from(list(Realm)),
)
def test_a_version_taken_up_again_makes_the_same_version(
    keys: set[str], draws: bool, free: dict[str, str], realm: Realm
) -> None:
    typed = Typed(
        hazard="flood",
        kind="evacuate",
        zones=tuple(sorted(keys)),
        drawn=SQUARE if draws or not keys else "",
        drawn_name="川沿い" if draws or not keys else "",
        free={"ja": "日本語。"} | free if free else {},
        reason="水位",
        review_after_min="60",
    )
    writer = OrderWriter(realm, OrderTexts(), review_min=dict.fromkeys(OrderKind, 60))
    now = datetime(2026, 11, 23, 5, tzinfo=UTC)
    first = writer.first(_checked(typed, realm), "kian", now).alert
    again = prefill.from_alert(first, zones(), keep_reason=True)
    second = writer.first(_checked(again, realm), "kian", now).alert
    assert second.area.names == first.area.names
    assert second.texts == first.texts
    before, after = (normalize(from_e7(one.area.polygons_e7_lonlat)) for one in (first, second))
    # What was drawn comes back as the part no zone covers: the same ground, give or take a centimetre.
    assert equals_exact(before, after, 1e-6) or before.symmetric_difference(after).area < 1e-9


def _checked(typed: Typed, realm: Realm) -> Any:
    try:
        return checked_form(parsed(typed, zones()), bbox=SENDAI, realm=realm)
    except FormInvalid as error:
        raise AssertionError(error.problems) from error
