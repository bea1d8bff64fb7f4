"""A proposal of any danger on the board, and the form it fills in: ready to be checked, quoting who announced what."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bosai.feeds.proposal_rules import Rule, Step
from bosai.feeds.proposals import Proposal, ProposedAct
from bosai.feeds.readings import Danger, Grade, Happening
from bosai.messages.catalogue import LANGS
from bosai.messages.measures import JST
from bosai.messages.notices import prepared
from bosai.messages.orders import OrderTexts
from bosai.model.alert import AlertRecord, OrderKind, TsunamiClass
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.alert_moves import OrderWriter
from bosai.services.order_rules import DraftForm, checked_form
from bosai.services.proposals import ProposalRecord, ProposalState
from bosai.settings import load_settings
from bosai.settings_proposals import rules_of
from bosai.stores.hand import HandKind
from bosai.stores.keys import Keys
from bosai.web.base import OPENED
from bosai.web.console import prefill
from bosai.web.console.forms import FormInvalid, Typed, parsed
from bosai.web.console.suggestions import order_of, suggestions
from geodata.hazards import HazardKind
from tests.bosai.services.hq import START, flood
from tests.bosai.web.officers import FLOOD_ORDER, Officer, in_force, no_planner, officer
from tests.bosai.web.running import Site, running
from tests.bosai.web.test_console_forms import SENDAI, zones
from tests.redis_server import PrivateRedis

RULES = rules_of(load_settings())
LEVEL_WORD = "レベル４土砂災害危険警報"


def proposed(rule: Rule, grade: Grade | None, step: Step, **changes: object) -> Proposal:
    """What the row proposes at this grade, for all of its areas."""
    happening = None
    if grade is None:
        happening = Happening(
            danger=rule.danger,
            system=rule.system,
            code=rule.areas[0],
            name="宮城県中部",
            value="6+",
            at=START,
        )
    made = Proposal(
        id=f"{rule.name}-live-t1",
        realm="live",
        act=ProposedAct.ISSUE,
        hazard=rule.hazard,
        danger=rule.danger,
        kind=step.kind,
        subject=rule.name,
        rule=rule.name,
        grade=grade or Grade.NONE,
        kind_name=LEVEL_WORD if rule.danger is Danger.LANDSLIDE else "",
        area_codes=rule.areas,
        area_names=("仙台市東部",),
        zones=tuple(dict.fromkeys(key for code in rule.areas for key in rule.zones_of(step, code))),
        texts=step.texts,
        happening=happening,
        shaken_at=START if happening and rule.danger is Danger.SHAKING else None,
        telegram_key="t1",
        telegram_title="気象警報・注意報（Ｒ０６）（土砂）",
        editorial_office="仙台管区気象台",
        report_at=START,
        headline="東部では、土砂災害に厳重に警戒してください。",
    )
    return msgspec.structs.replace(made, **changes)


def of_rule(name: str, grade: Grade | None, **changes: object) -> Proposal:
    rule = next(one for one in RULES.rules if one.name == name)
    step = rule.happened if grade is None else rule.step(grade)
    assert step is not None
    return proposed(rule, grade, step, **changes)


ROWS = [
    pytest.param(rule, grade, step, id=f"{rule.name}-{grade.name if grade else 'happened'}")
    for rule in RULES.rules
    for grade, step in (*rule.steps.items(), *([(None, rule.happened)] if rule.happened else []))
    if step.kind is not None
]


def checked(typed: Typed) -> DraftForm:
    return checked_form(parsed(typed, zones()), realm=Realm.LIVE, bbox=SENDAI)


# ---- the form ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "grade", "step"), ROWS)
def test_every_row_fills_in_a_form_that_can_be_released_as_it_stands(
    rule: Rule, grade: Grade | None, step: Step
) -> None:
    proposal = proposed(rule, grade, step, expected_arrival_at=START + timedelta(hours=2))
    typed = prefill.from_proposal(proposal, zones())
    if not proposal.zones:  # a river: the area is HQ's to choose, and only that is asked for
        with pytest.raises(FormInvalid) as caught:
            checked(typed)
        assert set(caught.value.problems) == {"area"}
        typed = prefill.from_proposal(msgspec.structs.replace(proposal, zones=("town:若林区/荒井",)), zones())
    form = checked(typed)
    assert (form.hazard, form.kind) == (rule.hazard, step.kind)
    assert form.reason.startswith("気象庁 2026/11/23 ")
    assert proposal.headline in form.reason
    assert form.texts_free == dict(prepared(step.texts))
    takes_time = step.kind in {OrderKind.ELDERLY_ETC, OrderKind.EVACUATE} or rule.danger is Danger.TSUNAMI
    assert (form.expected_arrival_at is not None) is takes_time or rule.name == "shaking_coast"
    written = OrderWriter(Realm.LIVE, OrderTexts(), review_min=dict.fromkeys(OrderKind, 60)).first(
        form, "kian", START
    )
    assert set(written.alert.texts) == set(LANGS)


def test_every_prepared_sentence_comes_in_every_language() -> None:
    typed = prefill.from_proposal(of_rule("landslide", Grade.URGENT), zones())
    assert set(typed.free) == set(LANGS)


def test_the_reason_names_the_kind_in_jmas_word_with_the_level_it_amounts_to() -> None:
    reason = prefill.reason_of(of_rule("landslide", Grade.URGENT, basis="名取川 …（9月1日12時00分発表）"))
    assert "「気象警報・注意報（Ｒ０６）（土砂）」" in reason
    assert f"仙台市東部 {LEVEL_WORD}（警戒レベル4相当）" in reason
    assert "継続中：名取川" in reason


def test_sentences_of_hqs_own_are_kept_and_prepared_ones_give_way_to_those_of_the_new_grade() -> None:
    worse = of_rule("landslide", Grade.EMERGENCY)
    own = Typed(free={"ja": "折立小学校の裏の斜面に注意。"})
    assert prefill.from_proposal(worse, zones(), own).free == own.free
    before = Typed(free=dict(prepared("landslide")))
    assert prefill.from_proposal(worse, zones(), before).free == prepared("landslide_now")


def test_where_the_proposal_leaves_the_area_to_hq_that_of_the_order_in_force_stands() -> None:
    base = Typed(zones=("town:若林区/荒井",), drawn="x", drawn_name="川沿い")
    typed = prefill.from_proposal(of_rule("river_natori", Grade.EMERGENCY), zones(), base)
    assert (typed.zones, typed.drawn, typed.drawn_name) == (("town:若林区/荒井",), "x", "川沿い")


def test_the_area_of_a_cap_message_is_drawn_under_its_name() -> None:
    ring = [[140.9, 38.2], [140.91, 38.2], [140.91, 38.21], [140.9, 38.21], [140.9, 38.2]]
    geometry = json.dumps({"type": "Polygon", "coordinates": [ring]})
    proposal = of_rule(
        "river_natori",
        Grade.URGENT,
        origin="cap",
        issuer="宮城県（CAP）",
        geometry=geometry,
        geometry_name="名取川沿い",
        kind_name="Flood",
        expected_arrival_at=START + timedelta(hours=1),
    )
    proposal = msgspec.structs.replace(proposal, grade=Grade.UNKNOWN)  # grades are JMA's
    typed = prefill.from_proposal(proposal, zones())
    assert checked(typed).area.names == ("名取川沿い",)
    assert typed.reason.startswith("宮城県（CAP） 2026/11/23")
    assert "発表" not in typed.reason.replace("警報", "")
    assert "仙台市東部 Flood" in typed.reason
    (shown,) = suggestions(
        [ProposalRecord(proposal=proposal, state=ProposalState.OPEN, received_at=START)], []
    )
    assert (shown.announcer, shown.heading, shown.before) == ("宮城県（CAP）", "仙台市東部 Flood", "")
    assert "気象庁" not in typed.reason.replace("気象警報", "")
    assert typed.arrival == ""  # the texts would say that 気象庁 expects it


# ---- which order it is about ---------------------------------------------------------------------


def ordered(form: DraftForm, *keys: str) -> AlertRecord:
    area = msgspec.structs.replace(form.area, zone_keys=keys)
    writer = OrderWriter(Realm.LIVE, OrderTexts(), review_min=dict.fromkeys(OrderKind, 60))
    return writer.first(msgspec.structs.replace(form, area=area), "kian", START)


def landslide(*keys: str) -> AlertRecord:
    return ordered(flood(hazard=HazardKind.LANDSLIDE), *keys)


def notice(*keys: str, tsunami_class: TsunamiClass | None = None) -> AlertRecord:
    form = flood(hazard=HazardKind.TSUNAMI, kind=OrderKind.NOTICE, tsunami_class=tsunami_class)
    return ordered(form, *keys)


def tsunami_order() -> AlertRecord:
    form = flood(
        hazard=HazardKind.TSUNAMI, kind=OrderKind.TSUNAMI_EVACUATION, tsunami_class=TsunamiClass.WARNING
    )
    return ordered(form, "tsunami:area1")


def test_of_two_orders_of_one_hazard_it_is_about_the_one_whose_area_it_names() -> None:
    east, west = landslide("jma:0410001"), landslide("jma:0410002")
    only_west = of_rule("landslide", Grade.URGENT, zones=("jma:0410002",), area_codes=("0410002",))
    assert order_of(only_west, [east, west], {}) == west.alert
    assert order_of(only_west, [east], {}) is None


def test_an_order_that_hq_narrowed_is_known_by_the_proposal_it_came_from() -> None:
    narrowed = landslide("drawn")
    about = {narrowed.alert.alert_id: frozenset({("landslide", "0410001")})}
    for code, found in (("0410001", narrowed.alert), ("0410002", None)):
        proposal = of_rule("landslide", Grade.URGENT, zones=(f"jma:{code}",), area_codes=(code,))
        assert order_of(proposal, [narrowed], about) == found


def test_one_river_never_rewrites_the_order_of_another() -> None:
    natori = ordered(flood(), "ward:太白区")
    about = {natori.alert.alert_id: frozenset({("river_natori", "820202000100")})}
    assert order_of(of_rule("river_natori", Grade.EMERGENCY), [natori], about) == natori.alert
    assert order_of(of_rule("river_hirose", Grade.EMERGENCY), [natori], about) is None


def test_a_notice_of_shaking_never_rewrites_what_directs_people_and_is_never_rewritten_by_it() -> None:
    shaking = of_rule("shaking_coast", None)
    warned = of_rule("tsunami", Grade.WARNING)
    told = notice("tsunami:area1", "tsunami:area2")
    for directs in (tsunami_order(), notice("tsunami:area1", tsunami_class=TsunamiClass.WARNING)):
        assert order_of(shaking, [directs], {}) is None
        assert order_of(warned, [told, directs], {}) == directs.alert
    assert order_of(shaking, [tsunami_order(), told], {}) == told.alert
    assert order_of(warned, [told], {}) is None


def test_the_coast_stands_first_then_the_gravest_and_what_is_only_to_be_read_last() -> None:
    rainband = of_rule("rainband", None, act=ProposedAct.REVIEW, id="r", report_at=START + timedelta(hours=1))
    rows = [
        rainband,
        of_rule("landslide", Grade.WARNING, id="level 3", report_at=START + timedelta(minutes=9)),
        of_rule("river_natori", Grade.EMERGENCY, id="level 5"),
        of_rule("shaking_city", None, id="city"),
        of_rule("shaking_coast", None, id="coast"),
        msgspec.structs.replace(
            of_rule("landslide", Grade.URGENT, origin="cap", id="cap"),
            grade=Grade.UNKNOWN,  # as every CAP message
            kind=OrderKind.NOTICE,
        ),
    ]
    found = suggestions(
        [ProposalRecord(proposal=one, state=ProposalState.OPEN, received_at=START) for one in rows], []
    )
    assert [one.record.proposal.id for one in found] == ["coast", "level 5", "level 3", "city", "cap", "r"]
    assert found[-1].path == ""


@pytest.mark.parametrize(
    ("act", "of_order", "of_notice"),
    [
        (ProposedAct.LIFT, "解除の下書きを作る", "終了の下書きを作る"),
        (ProposedAct.RECALL, "発令中の避難情報を確かめる", "お知らせを確かめる"),
    ],
)
def test_what_ends_an_order_is_not_called_by_the_word_that_ends_a_notice(
    act: ProposedAct, of_order: str, of_notice: str
) -> None:
    lifted = of_rule("tsunami", Grade.WARNING, act=act)
    record = ProposalRecord(proposal=lifted, state=ProposalState.OPEN, received_at=START)
    called = notice("tsunami:area1", tsunami_class=TsunamiClass.WARNING)
    for order, label in ((tsunami_order(), of_order), (called, of_notice)):
        (shown,) = suggestions([record], [order])
        assert shown.label == label


# ---- over HTTP -----------------------------------------------------------------------------------


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[Site]:
    async with running(tmp_path, private_redis.url) as found:
        no_planner(found)
        yield found


@pytest.fixture
async def kian(site: Site) -> AsyncIterator[Officer]:
    async with officer(site, "kian", Role.HQ_DRAFTER) as found:
        yield found


async def test_a_landslide_warning_becomes_a_draft_with_the_time_jma_expects(
    site: Site, kian: Officer
) -> None:
    now = site.side().clock.now()
    expected = (now + timedelta(hours=3)).replace(second=0, microsecond=0)
    await site.side().proposals.put(
        of_rule(
            "landslide",
            Grade.WARNING,
            report_at=now,
            expected_arrival_at=expected,
            review_hint="避難情報ではありません。",
        )
    )
    board = await kian.get("/hq/")
    assert "警戒レベル3相当" in board.text
    assert "高齢者等避難の発令を検討" in board.text
    assert "対象の区域仙台市東部、仙台市西部" in board.text
    assert "避難情報ではありません" in board.text
    form = await kian.get(board.one("//*[@id='part-proposals']//a[contains(@class, 'button')]").get("href"))
    assert form.checked("zone") == ["jma:0410001", "jma:0410002"]
    assert form.checked("kind") == ["elderly_etc"]
    arrival = f"{expected.astimezone(JST):%Y-%m-%dT%H:%M}"
    assert form.value("arrival") == arrival
    path = await kian.drafted(
        {
            "hazard": "landslide",
            "kind": "elderly_etc",
            "zone": ["jma:0410001", "jma:0410002"],
            "reason": form.value("reason"),
            "arrival": arrival,
            "proposal": form.value("proposal"),
            **{f"free_{lang}": text for lang, text in prepared("landslide").items()},
        }
    )
    (draft,) = await site.side().alerts.working()
    assert draft.alert.expected_arrival_at == expected
    assert draft.alert.announced_at == now
    for lang in LANGS:
        assert prepared("landslide")[lang] in draft.alert.texts[lang].body
        assert "気象庁" in draft.alert.texts[lang].body
    shown = await kian.get(path)
    assert "警戒レベル4相当の予想（気象庁）" in shown.text
    assert await site.side().proposals.open() == []


async def test_a_proposed_zone_that_is_in_no_list_is_named_and_never_left_out_in_silence(
    site: Site, kian: Officer
) -> None:
    zones_of = ("jma:0410001", "jma:0499999")
    await site.side().proposals.put(of_rule("landslide", Grade.URGENT, zones=zones_of))
    form = await kian.get("/hq/alerts/new?proposal=landslide-live-t1")
    assert form.checked("zone") == ["jma:0410001"]
    assert "jma:0499999 は、区域の一覧にありません" in form.text


async def test_the_form_says_whom_each_class_concerns_by_the_citys_settings(
    site: Site, kian: Officer
) -> None:
    form = await kian.get("/hq/alerts/new")
    zones_of, rule = site.side().zones, site.settings.tsunami
    for names in (rule.zones_advisory, rule.zones_warning, rule.zones_major_warning):
        said = "、".join(zones_of.label(f"tsunami:{one}") for one in names)
        assert f"仙台市の対象：{said}" in form.text


async def test_strong_shaking_is_recorded_from_the_board_in_one_click(site: Site, kian: Officer) -> None:
    now = site.side().clock.now()
    await site.side().proposals.put(of_rule("shaking_coast", None, report_at=now, shaken_at=now))
    board = await kian.get("/hq/")
    assert "震度6強" in board.text
    fields = {
        one.get("name"): one.get("value")
        for one in board.document.xpath("//form[contains(@action, '/hq/hand/shaken')]//input[@name]")
    }
    assert "震度6強" in fields["reason"]
    await kian.post("/hq/hand/shaken", fields)
    (entry,) = await site.side().hand.entries()
    assert entry.kind is HandKind.SHAKEN
    assert entry.since == now.replace(second=0, microsecond=0)
    assert len(await site.side().proposals.open()) == 1


async def test_a_river_that_rises_leads_to_the_order_that_answers_it(site: Site, kian: Officer) -> None:
    async with officer(site, "shonin", Role.HQ_APPROVER) as shonin:
        await site.side().proposals.put(of_rule("river_natori", Grade.URGENT))
        path = await kian.submitted(FLOOD_ORDER | {"proposal": "river_natori-live-t1"})
        assert (await shonin.approve(path)).status == 200
    (record,) = await in_force(site)
    worse = of_rule(
        "river_natori", Grade.EMERGENCY, id="river_natori-live-t2", report_at=START + timedelta(minutes=9)
    )
    await site.side().proposals.put(worse)
    board = await kian.get("/hq/")
    link = board.one("//*[@id='part-proposals']//a[contains(@class, 'button')]")
    assert link.text == "更新の下書きを作る"
    assert f"update={record.alert.alert_id}" in link.get("href")
    form = await kian.get(link.get("href"))
    assert form.checked("zone") == ["town:若林区/荒井"]
    assert form.checked("kind") == ["emergency_safety"]


async def test_a_proposal_of_an_earlier_version_of_the_service_hides_no_other(
    site: Site, kian: Officer
) -> None:
    redis = site.app[OPENED].redis
    await redis.hset(Keys(Realm.LIVE).proposals, "old", msgspec.msgpack.encode({"proposal": {"id": "old"}}))
    await site.side().proposals.put(of_rule("tsunami", Grade.WARNING))
    assert "津波警報" in (await kian.get("/hq/")).text
