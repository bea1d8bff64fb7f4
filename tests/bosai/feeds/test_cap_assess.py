"""What becomes of a CAP message: a proposal for HQ, in its sender's name, or the reason why not."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import msgspec
import pytest

from bosai.feeds.cap import CapReceived, CapTrust, SignatureState, read_cap
from bosai.feeds.cap_assess import CapAssessed, assess, issuer_of
from bosai.feeds.changes import Outcome
from bosai.feeds.proposals import Proposal, ProposedAct
from bosai.feeds.readings import Danger, Grade
from bosai.model.alert import OrderKind
from bosai.model.cap import (
    CapCategory,
    CapCircle,
    CapMessage,
    CapMsgType,
    CapResponse,
    CapScope,
    CapStatus,
    CapUrgency,
)
from geodata.areas import Bbox, parse_area
from geodata.hazards import HazardKind
from tests.bosai.feeds.cap_messages import NOW, TOKYO, area, code, following, info, mapping, message

MAPPING = mapping()
BBOX = MAPPING.places.bbox_lonlat


def judged(
    one: CapMessage,
    realm: str = "live",
    *,
    earlier: tuple[Proposal, ...] = (),
    feed: str = "pref",
    issuer: str = "",
    signature: SignatureState = SignatureState.VERIFIED,
) -> CapAssessed:
    received = CapReceived(message=one, version="1.2", signature=signature)
    return assess(received, MAPPING, realm, now=NOW, feed=feed, issuer=issuer, earlier=earlier)


def proposed(one: CapMessage, **given) -> Proposal:
    found = judged(one, **given)
    assert found.outcome is Outcome.PROPOSED, found.detail
    (proposal,) = found.proposals
    return proposal


def test_an_alert_about_our_city_becomes_a_proposal_that_quotes_and_names_its_sender():
    found = proposed(message())
    assert (found.act, found.hazard, found.kind) == (ProposedAct.ISSUE, HazardKind.FLOOD, OrderKind.NOTICE)
    assert (found.origin, found.issuer, found.danger) == ("cap", "宮城県（CAP）", Danger.RIVER_FLOOD)
    assert found.headline == "名取川で氾濫のおそれ"
    assert found.area_names == ("若林区荒浜",)
    assert found.report_at == NOW - timedelta(minutes=5)
    assert found.review_hint.startswith("宮城県（CAP）の情報です。気象庁の発表でも市の発令でもありません。")
    # No level of 気象庁's is claimed for it.
    assert (found.grade, found.level, found.tsunami_class) == (Grade.UNKNOWN, None, None)


def test_the_area_is_one_that_a_draft_can_take():
    found = proposed(message())
    drawn = parse_area(msgspec.json.decode(found.geometry), bbox=Bbox(*BBOX))
    assert drawn.bounds == (140.98, 38.21, 140.99, 38.22)
    assert found.geometry_name == "若林区荒浜"


def test_what_reaches_beyond_the_city_is_cut_to_it():
    wide = (
        (1400000000, 370000000),
        (1430000000, 370000000),
        (1430000000, 400000000),
        (1400000000, 370000000),
    )
    found = proposed(message(infos=(info(areas=(area("宮城県", polygons_e7_lonlat=(wide,)),)),)))
    west, south, east, north = parse_area(msgspec.json.decode(found.geometry), bbox=Bbox(*BBOX)).bounds
    assert BBOX[0] <= west < east <= BBOX[2]
    assert BBOX[1] <= south < north <= BBOX[3]


@pytest.mark.parametrize(
    ("name", "value", "zones"),
    [
        ("JMA-class20", "0410001", ("jma:0410001",)),
        ("JISX0402", "04103", ("ward:若林区",)),
        ("JISX0402", "04100", ()),
        ("JISX0402", "041009", ()),
        ("JISX0402", "041033", ("ward:若林区",)),
        ("JISX0402", "04", ()),
        ("JISX0402", "040002", ()),
    ],
)
def test_an_area_told_by_code_alone_is_ours_when_the_code_is(name, value, zones):
    coded = area("宮城県仙台市", polygons_e7_lonlat=(), geocodes=(code(name, value),))
    found = proposed(message(infos=(info(areas=(coded,)),)))
    assert (found.zones, found.geometry) == (zones, "")


@pytest.mark.parametrize(
    "elsewhere",
    [
        area("東京", polygons_e7_lonlat=(TOKYO,)),
        area("Tonga", polygons_e7_lonlat=(), circles=(CapCircle(lon=-173.3, lat=-16.1, radius_km=0.0),)),
        area("石巻市", polygons_e7_lonlat=(), geocodes=(code("JISX0402", "04202"),)),
        area("Montana", polygons_e7_lonlat=(), geocodes=(code("UGC", "MTZ014"),)),
    ],
    ids=lambda one: one.desc,
)
def test_what_is_about_another_place_proposes_nothing(elsewhere):
    found = judged(message(infos=(info(areas=(elsewhere,)),)))
    assert (found.outcome, found.proposals) == (Outcome.KEPT, ())
    assert found.detail == "市の区域にかかりません"


@pytest.mark.parametrize("areas", [(), (area("どこか", polygons_e7_lonlat=()),)], ids=["none", "only a name"])
def test_what_does_not_say_where_is_shown_to_a_person(areas):
    found = proposed(message(infos=(info(areas=areas),)))
    assert (found.act, found.kind) == (ProposedAct.REVIEW, None)
    assert "どこの情報か読み取れません。" in found.review_hint


def test_a_circle_reaches_its_whole_radius():
    # 荒浜 lies 20 km east of the point; one degree of longitude is 87.4 km at 38.2° north.
    near = CapCircle(lon=140.99 - 20 / 87.4, lat=38.215, radius_km=20.5)
    found = proposed(message(infos=(info(areas=(area(polygons_e7_lonlat=(), circles=(near,)),)),)))
    east = parse_area(msgspec.json.decode(found.geometry), bbox=Bbox(*BBOX)).bounds[2]
    assert east >= 140.99


@pytest.mark.parametrize(
    ("status", "live", "drill"),
    [
        (CapStatus.ACTUAL, Outcome.PROPOSED, Outcome.NOT_FOR_THIS_SIDE),
        (CapStatus.EXERCISE, Outcome.NOT_FOR_THIS_SIDE, Outcome.PROPOSED),
        (CapStatus.TEST, Outcome.NOT_FOR_THIS_SIDE, Outcome.NOT_FOR_THIS_SIDE),
        (CapStatus.SYSTEM, Outcome.NOT_FOR_THIS_SIDE, Outcome.NOT_FOR_THIS_SIDE),
        (CapStatus.DRAFT, Outcome.NOT_FOR_THIS_SIDE, Outcome.NOT_FOR_THIS_SIDE),
    ],
)
def test_each_side_hears_only_its_own(status, live, drill):
    one = message(status=status)
    assert (judged(one, "live").outcome, judged(one, "drill").outcome) == (live, drill)
    assert all(found.realm == "drill" for found in judged(one, "drill").proposals)


@pytest.mark.parametrize(
    ("changes", "outcome", "detail"),
    [
        ({"scope": CapScope.RESTRICTED}, Outcome.KEPT, "scope が Restricted です"),
        ({"scope": CapScope.PRIVATE}, Outcome.KEPT, "scope が Private です"),
        ({"msg_type": CapMsgType.ACK}, Outcome.KEPT, "msgType が Ack です"),
        ({"msg_type": CapMsgType.ERROR}, Outcome.KEPT, "msgType が Error です"),
        ({"sent": NOW + timedelta(hours=1)}, Outcome.STALE, "時計より先の時刻です"),
        ({"infos": (info(expires=NOW),)}, Outcome.STALE, "有効期限（expires）を過ぎています"),
        (
            {"sent": NOW - timedelta(hours=25), "infos": (info(expires=None),)},
            Outcome.STALE,
            "古い情報です",
        ),
        (
            {"infos": (info(event="Air Quality Alert"),)},
            Outcome.KEPT,
            "規則がありません（Air Quality Alert）",
        ),
    ],
)
def test_what_does_not_act_is_listed_with_its_reason(changes, outcome, detail):
    found = judged(message(**changes))
    assert (found.outcome, found.proposals) == (outcome, ())
    assert detail in found.detail


def test_a_message_of_yesterday_that_still_holds_is_taken():
    assert judged(message(sent=NOW - timedelta(hours=30))).outcome is Outcome.PROPOSED


@pytest.mark.parametrize(
    ("event", "category", "hazard", "kind"),
    [
        ("津波警報", CapCategory.GEO, HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION),
        ("Tsunami Warning", CapCategory.GEO, HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION),
        ("ＴＳＵＮＡＭＩ", CapCategory.GEO, HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION),
        ("ダムの放流", CapCategory.INFRA, HazardKind.FLOOD, OrderKind.NOTICE),
        ("Flash Flood Watch", CapCategory.MET, HazardKind.FLOOD, OrderKind.NOTICE),
        ("土砂災害の前兆", CapCategory.GEO, HazardKind.LANDSLIDE, OrderKind.NOTICE),
        ("高潮", CapCategory.MET, HazardKind.STORM_SURGE, OrderKind.NOTICE),
        ("道路冠水", CapCategory.TRANSPORT, HazardKind.INLAND_FLOOD, OrderKind.NOTICE),
        ("林野が燃えています", CapCategory.FIRE, HazardKind.LARGE_FIRE, OrderKind.NOTICE),
    ],
)
def test_the_shipped_table_knows_what_events_are_about(event, category, hazard, kind):
    found = proposed(message(infos=(info(event=event, categories=(category,)),)))
    assert (found.hazard, found.kind) == (hazard, kind)


def test_several_languages_are_one_proposal_read_in_japanese():
    english = info(language="en", event="Flood", headline="Flood danger", sender_name="Miyagi")
    found = proposed(message(infos=(english, info())))
    assert (found.headline, found.issuer) == ("名取川で氾濫のおそれ", "宮城県（CAP）")


def test_an_update_is_one_only_where_something_was_proposed_before():
    first = message()
    later = following(first, "miyagi-2")
    assert proposed(later).act is ProposedAct.ISSUE
    assert proposed(later, earlier=(proposed(first),)).act is ProposedAct.UPDATE


@pytest.mark.parametrize("refers", ["to the first", "to the one before"])
def test_a_chain_of_messages_is_one_thing_whatever_link_is_named(refers):
    first = message()
    second = following(first, "miyagi-2")
    third = following(first if refers == "to the first" else second, "miyagi-3")
    a = proposed(first)
    b = proposed(second, earlier=(a,))
    c = proposed(third, earlier=(a, b))
    assert a.subject == b.subject == c.subject
    assert set(a.area_codes) & set(b.area_codes)
    assert set(c.area_codes) & (set(a.area_codes) | set(b.area_codes))
    assert len({a.id, b.id, c.id}) == 3


def test_two_messages_about_two_rivers_do_not_take_each_others_place():
    a, b = proposed(message()), proposed(message(identifier="miyagi-2"))
    assert not set(a.area_codes) & set(b.area_codes)


def test_a_cancel_without_any_info_recalls_what_it_names():
    first = message()
    was = proposed(first)
    found = proposed(
        following(first, "miyagi-2", msg_type=CapMsgType.CANCEL, infos=(), note="誤報でした"), earlier=(was,)
    )
    assert (found.act, found.hazard, found.headline) == (ProposedAct.RECALL, HazardKind.FLOOD, "誤報でした")
    assert (found.area_names, found.geometry) == (was.area_names, was.geometry)
    assert "取り消しました（解除ではありません）" in found.review_hint


def test_an_all_clear_lifts_and_is_never_taken_for_the_citys_lift():
    first = message()
    over = (
        info(responses=(CapResponse.ALL_CLEAR,), urgency=CapUrgency.PAST, headline="危険はなくなりました"),
    )
    found = proposed(following(first, "miyagi-2", infos=over), earlier=(proposed(first),))
    assert (found.act, found.grade) == (ProposedAct.LIFT, Grade.NONE)
    assert "避難情報の解除ではありません。市が判断します。" in found.review_hint


@pytest.mark.parametrize("msg_type", [CapMsgType.CANCEL, CapMsgType.UPDATE])
def test_the_end_of_what_was_never_proposed_proposes_nothing(msg_type):
    over = (info(responses=(CapResponse.ALL_CLEAR,), urgency=CapUrgency.PAST),)
    found = judged(following(message(), "miyagi-2", msg_type=msg_type, infos=over))
    assert (found.outcome, found.proposals) == (Outcome.KEPT, ())
    assert "何も提案していません" in found.detail


@pytest.mark.parametrize("msg_type", [CapMsgType.CANCEL, CapMsgType.UPDATE])
def test_what_ends_something_is_heard_although_it_has_expired_itself(msg_type):
    first = message()
    over = info(
        expires=NOW - timedelta(minutes=1), responses=(CapResponse.ALL_CLEAR,), urgency=CapUrgency.PAST
    )
    ending = following(first, "miyagi-2", msg_type=msg_type, infos=(over,))
    found = proposed(ending, earlier=(proposed(first),))
    assert found.act is (ProposedAct.RECALL if msg_type is CapMsgType.CANCEL else ProposedAct.LIFT)
    old = msgspec.structs.replace(ending, sent=NOW - timedelta(hours=25))
    assert judged(old, earlier=(proposed(first),)).outcome is Outcome.STALE


def test_an_update_that_has_expired_and_ends_nothing_is_not_of_now():
    first = message()
    late = following(first, "miyagi-2", infos=(info(expires=NOW - timedelta(minutes=1)),))
    assert judged(late, earlier=(proposed(first),)).outcome is Outcome.STALE


def test_a_cancel_of_the_other_side_takes_nothing_back_here():
    drill = proposed(message(status=CapStatus.EXERCISE), realm="drill")
    cancel = following(message(), "miyagi-2", msg_type=CapMsgType.CANCEL, infos=())
    assert judged(cancel, earlier=(drill,)).outcome is Outcome.KEPT


def test_a_report_of_what_is_over_is_for_eyes_only():
    found = proposed(message(infos=(info(event="地震", urgency=CapUrgency.PAST),)))
    assert (found.act, found.kind) == (ProposedAct.REVIEW, None)


def test_jma_speaks_by_its_own_telegrams_and_a_sender_that_calls_itself_so_is_named_by_its_address():
    claims = message(infos=(info(sender_name="気象庁"),))
    assert proposed(claims).issuer == "cap@pref.example.jp（CAP）"
    assert issuer_of(claims, claims.infos[0], "気象庁") == "気象庁（CAP）", "HQ's own setting says who it is"


def test_a_beginning_the_sender_names_is_told_as_his_and_never_as_jmas_expectation_or_an_arrival():
    found = proposed(message(infos=(info(onset=NOW + timedelta(hours=1)),)))
    assert "配信元の示す始まり（onset）は 2026-11-24T06:10:00+00:00 です。" in found.review_hint
    assert (found.expected_arrival_at, found.arrival_as_given, found.expected) == (None, None, ())


def test_what_is_not_proved_is_told():
    assert "署名はありません。" in proposed(message(), signature=SignatureState.ABSENT).review_hint
    unknown = proposed(message(), signature=SignatureState.UNKNOWN_SIGNER).review_hint
    assert "署名した者を確かめられません。" in unknown
    assert "署名" not in proposed(message()).review_hint


def test_the_same_message_proposes_once_and_the_order_of_infos_does_not_matter():
    infos = (info(), info(language="en", event="Flood"), info(language="ko", event="홍수 flood"))
    found = {proposed(message(infos=one)) for one in permutations(infos)}
    assert len({one.id for one in found}) == 1
    assert len({(one.headline, one.issuer, one.geometry) for one in found}) == 1


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "outcome", "detail"),
    [
        ("canada.cap", Outcome.STALE, "有効期限"),
        ("wcatwc-warning.cap", Outcome.STALE, "有効期限"),
        ("thunderstorm.cap", Outcome.STALE, "有効期限"),
        ("weather.cap", Outcome.STALE, "有効期限"),
        ("earthquake.cap", Outcome.STALE, "有効期限"),
    ],
)
def test_the_old_messages_of_other_countries_propose_nothing_today(shared_data, name, outcome, detail):
    received = read_cap(
        (shared_data / "cap" / "samples" / name).read_bytes(), trust=CapTrust(allow_unsigned=True)
    )
    found = assess(received, MAPPING, "live", now=NOW, feed="pref")
    assert (found.outcome, found.proposals) == (outcome, ())
    assert detail in found.detail


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("wcatwc-warning.cap", "市の区域にかかりません"),  # tsunami, Alaska
        ("weather.cap", "市の区域にかかりません"),  # flash flood, Montana
        ("earthquake.cap", "市の区域にかかりません"),  # Tonga
        ("thunderstorm.cap", "規則がありません（SEVERE THUNDERSTORM）"),
        ("canada.cap", "規則がありません（thunderstorm、orages）"),
    ],
)
def test_nor_would_they_on_the_day_they_were_sent(shared_data, name, detail):
    received = read_cap(
        (shared_data / "cap" / "samples" / name).read_bytes(), trust=CapTrust(allow_unsigned=True)
    )
    found = assess(received, MAPPING, "live", now=received.message.sent + timedelta(minutes=1), feed="pref")
    assert (found.outcome, found.detail, found.proposals) == (Outcome.KEPT, found.detail, ())
    assert detail in found.detail
