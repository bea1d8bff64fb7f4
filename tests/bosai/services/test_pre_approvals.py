"""Two officers approve in quiet times what may go out at once, and whatever would change it takes the approval away."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from bosai.errors import (
    ConfirmationMismatch,
    DecisionChanged,
    InvalidInput,
    NotAllowed,
    NotFound,
    SameOfficer,
    WrongRealm,
    WrongState,
)
from bosai.messages.catalogue import LANGS
from bosai.messages.orders import OrderTexts
from bosai.messages.wording import check_wording
from bosai.model.alert import Act, OrderKind, TsunamiClass
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services import pre_approvals
from bosai.services.at_once import AtOnce
from bosai.services.at_once_content import content_hash, content_of, ready_words
from bosai.services.at_once_release import HeardFrom
from bosai.services.at_once_rules import AT_ONCE
from bosai.services.confirmation import area_words
from bosai.services.pre_approvals import Readiness
from bosai.stores.at_once import ready_field
from bosai.stores.keys import Keys
from tests.bosai.services.hq import officer, tsunami
from tests.bosai.services.once import RULE, ZONES, ReadyHq, names_of, switched_on

ADVISORY, WARNING, MAJOR = TsunamiClass


@pytest.fixture
def hq(redis):
    return ReadyHq(redis)


async def state(hq: ReadyHq, one: TsunamiClass = WARNING):
    return (await hq.at_once.pre_approvals.states())[one]


# ---- approving ----------------------------------------------------------------------------------------------


async def test_another_officer_than_the_one_who_asked_has_to_type_what_it_is(hq):
    approvals = hq.at_once.pre_approvals
    today = await state(hq)
    assert today.readiness is Readiness.NEVER
    await approvals.ask(hq.sato, WARNING, today.today_hash)
    words = ready_words(today.today)
    assert words == f"自動発信 津波警報 お知らせ {area_words(names_of(WARNING))}"
    with pytest.raises(SameOfficer):
        await approvals.approve(hq.sato, WARNING, today.today_hash, words)
    with pytest.raises(NotAllowed):
        await approvals.approve(hq.abe, WARNING, today.today_hash, words)
    with pytest.raises(ConfirmationMismatch):
        await approvals.approve(hq.ito, WARNING, today.today_hash, "自動発信 津波警報")
    assert (await state(hq)).readiness is Readiness.NEVER
    ready = await approvals.approve(hq.ito, WARNING, today.today_hash, f"　{words} ")
    assert (ready.drafter, ready.approver) == ("sato", "ito")
    assert (await state(hq)).readiness is Readiness.READY and (await state(hq)).asked is None
    assert [step for _, step in await hq.steps()] == ["asked_pre_approval", "pre_approved"]


async def test_nobody_approves_what_nobody_asked_for_or_what_was_not_shown(hq):
    approvals, today = hq.at_once.pre_approvals, await state(hq)
    with pytest.raises(NotFound):
        await approvals.approve(hq.sato, WARNING, today.today_hash, ready_words(today.today))
    with pytest.raises(DecisionChanged):
        await approvals.ask(hq.abe, WARNING, "0" * 64)
    with pytest.raises(NotAllowed):
        await approvals.ask(officer("mori", Role.VIEWER), WARNING, today.today_hash)
    with pytest.raises(WrongRealm):
        await approvals.ask(officer("abe", Role.HQ_DRAFTER, Realm.DRILL), WARNING, today.today_hash)


async def test_the_words_of_a_drill_are_others(redis):
    drill = ReadyHq(redis, Realm.DRILL)
    assert ready_words((await state(drill)).today).startswith("訓練 自動発信 津波警報")


async def test_a_withdrawn_approval_is_gone_with_its_reason_in_the_log(hq):
    await hq.approve_texts(WARNING)
    with pytest.raises(InvalidInput):
        await hq.at_once.pre_approvals.withdraw(hq.abe, WARNING, "")
    await hq.at_once.pre_approvals.withdraw(hq.abe, WARNING, "計画の改定")
    assert (await state(hq)).readiness is Readiness.NEVER
    last = (await hq.audit.read(0, 100))[-1]
    assert (last.step, last.facts["reason"]) == ("withdrew_pre_approval", "計画の改定")
    with pytest.raises(NotFound):
        await hq.at_once.pre_approvals.withdraw(hq.abe, WARNING, "もう一度")


# ---- void ---------------------------------------------------------------------------------------------------


async def test_another_shape_of_the_zone_voids_it_until_two_officers_have_seen_it(hq):
    await hq.approve_texts()
    hq.zones = WithZones({key: shifted(area) for key, area in ZONES.tsunami().items()})
    found = await state(hq)
    assert found.readiness is Readiness.VOID and found.differs == ("区域の形（取り込んだ区域のデータ）",)
    await hq.hear(WARNING)
    assert await hq.calls() == []
    hq.zones = ZONES
    assert (await state(hq)).readiness is Readiness.READY


async def test_asking_again_compares_nothing_that_was_compared_before(hq, monkeypatch):
    """Every page of the console asks, and an area may have 100,000 corners."""
    await hq.approve_texts()
    first = await state(hq)
    compared = []
    monkeypatch.setattr(pre_approvals, "content_hash", lambda one: compared.append(one) or content_hash(one))
    monkeypatch.setattr(pre_approvals, "what_differs", lambda *two: compared.append(two) or ())
    assert (await state(hq)).approval is first.approval
    assert compared == []
    stored = msgspec.structs.replace(
        first.approval, content=msgspec.structs.replace(first.today, standing_rule="x")
    )
    await hq.redis.hset(Keys(Realm.LIVE).at_once, ready_field(WARNING), msgspec.msgpack.encode(stored))
    assert (await state(hq)).readiness is Readiness.VOID


async def test_a_rule_cited_later_voids_what_was_approved_as_a_notice(redis):
    before, after = ReadyHq(redis), ReadyHq(redis, settings=switched_on(standing_rule=RULE))
    await before.approve_texts(WARNING)
    found = await state(after)
    assert found.readiness is Readiness.VOID
    assert found.differs == ("避難指示とする根拠（設定 [at_once] standing_rule）",)
    assert found.today.kind is OrderKind.TSUNAMI_EVACUATION


async def test_another_translation_voids_it_and_says_so(hq):
    await hq.approve_texts(WARNING)
    later = AtOnce(
        hq.redis,
        hq.realm,
        hq.clock,
        hq.settings,
        proposals=hq.proposals,
        zones=lambda: ZONES,
        texts=OtherTexts(),
    )
    found = (await later.pre_approvals.states())[WARNING]
    assert found.readiness is Readiness.VOID and found.differs == ("文（用語・翻訳の更新）",)


async def test_a_zone_that_is_not_there_any_more_is_said_and_nothing_goes_out(hq):
    await hq.approve_texts()
    hq.zones = WithZones({key: area for key, area in ZONES.tsunami().items() if key != "tsunami:area1"})
    found = await state(hq)
    assert found.readiness is Readiness.UNMADE and "tsunami:area1" in found.problem
    await hq.hear(WARNING)
    assert await hq.calls() == []
    with pytest.raises(InvalidInput):
        await hq.at_once.pre_approvals.ask(hq.abe, WARNING, "0" * 64)


def test_the_hash_covers_everything_that_goes_out():
    content = content_of(Realm.LIVE, WARNING, switched_on(), ZONES, OrderTexts())
    others = [
        msgspec.structs.replace(content, **change)
        for change in (
            {"realm": Realm.DRILL},
            {"tsunami_class": MAJOR},
            {"kind": OrderKind.TSUNAMI_EVACUATION},
            {"standing_rule": RULE},
            {"area": shifted(content.area)},
            {"texts": {**content.texts, "ne": content.texts["en"]}},
            {"raised_texts": {**content.raised_texts, "ne": content.texts["en"]}},
            {"review_after_min": 61},
        )
    ]
    assert len({content_hash(one) for one in (content, *others)}) == len(others) + 1


@pytest.mark.parametrize("rule", ["", RULE])
@pytest.mark.parametrize("realm", Realm)
def test_every_text_that_may_go_out_keeps_the_wording_rules_in_every_language(realm, rule):
    for one in TsunamiClass:
        content = content_of(realm, one, switched_on(standing_rule=rule), ZONES, OrderTexts())
        for said in (content.texts, content.raised_texts):
            assert set(said) == set(LANGS)
            for lang, words in said.items():
                whole = words.headline + words.body
                for part in (words.headline, words.body):
                    broken = check_wording(
                        part, lang, hazard=tsunami().hazard, level=None, realm=realm, issuer="city"
                    )
                    assert broken == [], part
                assert rule or ("発令" not in whole and "避難指示" not in whole), whole


# ---- two taps -----------------------------------------------------------------------------------------------


async def tap(hq: ReadyHq, one: TsunamiClass = WARNING, by=None, heard: HeardFrom = HeardFrom.J_ALERT):
    return await hq.at_once.start(by or hq.ito, one, heard, (await state(hq, one)).today_hash)


async def test_one_officer_sends_what_two_had_approved_and_the_record_says_how_it_was_heard_of(hq):
    await hq.approve_texts()
    out = await tap(hq, heard=HeardFrom.BROADCAST)
    assert (out.alert.drafter, out.approver) == (AT_ONCE, "ito")
    assert out.alert.reason.startswith("テレビ・ラジオで津波警報を確認し、ito が事前承認の文を発信。")
    assert (out.alert.expected_arrival_at, out.alert.announced_at) == (None, None)
    entry = next(one for one in await hq.audit.read(0, 100) if one.step == "started_at_once")
    assert (entry.actor, entry.facts["heard_from"], entry.facts["pre_approver"]) == (
        "ito",
        "broadcast",
        "sato",
    )


async def test_tapped_twice_or_by_two_officers_at_once_it_is_one_order(hq):
    await hq.approve_texts()
    found = await asyncio.gather(tap(hq), tap(hq), tap(hq, by=hq.sato))
    assert len({one.alert.key for one in found}) == 1
    assert await hq.classes() == [(WARNING, 1)]


async def test_the_feed_that_comes_later_doubles_nothing_and_a_graver_class_raises_it(hq):
    await hq.approve_texts()
    await tap(hq)
    await hq.hear(WARNING, name="1")
    assert await hq.classes() == [(WARNING, 1)]
    await hq.hear(MAJOR, WARNING, name="2")
    assert await hq.classes() == [(MAJOR, 2)]
    raised = await tap(hq, ADVISORY)
    assert raised.alert.tsunami_class is MAJOR and await hq.classes() == [(MAJOR, 2)]


async def test_a_tap_raises_what_went_out_and_stands_beside_what_hq_made(hq):
    await hq.approve_texts()
    own = await hq.issue(tsunami(tsunami_class=ADVISORY))
    first = await tap(hq)
    assert first.alert.act is Act.ISSUE
    second = await tap(hq, MAJOR)
    assert (second.alert.alert_id, second.alert.act) == (first.alert.alert_id, Act.UPDATE)
    assert {one.alert.key for one in await hq.calls()} == {own.alert.key, second.alert.key}


async def test_a_tap_takes_the_times_of_an_announcement_that_waits_for_people(redis):
    hq = ReadyHq(redis, settings=switched_on(enabled=False))
    await hq.approve_texts()
    said = await hq.hear(WARNING, expected_arrival_at=hq.clock.now())
    out = await tap(hq)
    assert (out.alert.proposal_id, out.alert.announced_at) == (said.id, said.report_at)
    assert out.alert.expected_arrival_at == hq.clock.now()
    assert await hq.proposals.open() == []


async def test_the_times_of_an_announcement_of_yesterday_are_not_taken_for_todays(redis):
    hq = ReadyHq(redis, settings=switched_on(enabled=False))
    await hq.approve_texts()
    old = await hq.hear(WARNING, expected_arrival_at=hq.clock.now())
    hq.clock.move(hours=2)
    out = await tap(hq)
    assert (out.alert.proposal_id, out.alert.expected_arrival_at) == (None, None)
    assert [one.proposal.id for one in await hq.proposals.open()] == [old.id]


async def test_it_works_while_the_automatism_is_stopped_or_off_but_never_without_an_approval(hq):
    with pytest.raises(WrongState):
        await tap(hq)
    await hq.approve_texts(WARNING)
    await hq.at_once.stop(hq.abe, "点検")
    with pytest.raises(NotAllowed):
        await tap(hq, by=hq.abe)
    with pytest.raises(DecisionChanged):
        await hq.at_once.start(hq.ito, WARNING, HeardFrom.ON_SITE, "0" * 64)
    assert (await tap(hq)).alert.tsunami_class is WARNING


async def test_what_was_sent_at_once_ends_as_any_other_by_people(hq):
    await hq.approve_texts()
    out = await tap(hq)
    lifted = await hq.lift(out.alert.alert_id)
    assert lifted.alert.texts["ja"].headline.startswith("【終了】お知らせ（津波警報）")
    again = await tap(hq)
    assert again.alert.alert_id != out.alert.alert_id
    await hq.recall(again)
    assert await hq.calls() == []


# ---- inside -------------------------------------------------------------------------------------------------


class OtherTexts(OrderTexts):
    """The catalogue of a later day."""

    def for_order(self, *order, **given):
        said = super().for_order(*order, **given)
        return said | {"ne": msgspec.structs.replace(said["ne"], body=f"{said['ne'].body} छिटो।")}


class WithZones:
    """A catalogue in which only these zones are."""

    def __init__(self, tsunami_zones):
        self._zones = tsunami_zones

    def area(self, keys, drawn=None, drawn_name=""):
        missing = [key for key in keys if key not in self._zones]
        if missing:
            raise InvalidInput("area", "unknown_zone", missing[0])
        found = [self._zones[key] for key in keys]
        return msgspec.structs.replace(
            found[0],
            names=tuple(name for one in found for name in one.names),
            polygons_e7_lonlat=tuple(part for one in found for part in one.polygons_e7_lonlat),
            zone_keys=tuple(keys),
        )


def shifted(area):
    """The same zone, some ten metres farther north."""
    moved = tuple(
        tuple(tuple((lon, lat + 1000) for lon, lat in ring) for ring in polygon)
        for polygon in area.polygons_e7_lonlat
    )
    return msgspec.structs.replace(area, polygons_e7_lonlat=moved)
