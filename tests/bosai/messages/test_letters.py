"""Letters from prepared bytes say exactly what payload says, whoever came before."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bosai.errors import WrongRealm
from bosai.messages import letters
from bosai.messages.catalogue import LANGS
from bosai.messages.letters import LetterPress
from bosai.messages.payload import SHORT_BYTES, payload
from bosai.model.alert import Act, AlertRecord, AlertText
from bosai.model.instruction import Destination, Instruction, MessageKind
from bosai.model.realm import Realm
from bosai.push.payload_limits import PLAINTEXT_BYTES
from shelters.model import Action, ReasonCode
from tests.bosai.messages.examples import EDGE, NOW, OTHER, SCHOOL, instruction, record, situations

SITUATIONS = {realm: list(situations(realm)) for realm in Realm}
ODD = '仙台市立第二体育館（旧）"\\%sb%\0\n\ue000😀777777.7km 888888888'
NAMES = st.one_of(
    st.sampled_from(["七郷小学校", "荒井小学校", "777777.7km", "%b", "学" * 90]),
    st.text(st.sampled_from(ODD), min_size=1, max_size=150),
)
MOMENTS = st.one_of(
    st.sampled_from(
        [NOW, NOW + timedelta(minutes=40), NOW + timedelta(hours=9, minutes=54)]
    ),  # the last: 00:00
    st.timedeltas(timedelta(days=-330), timedelta(days=45)).map(lambda away: NOW + away),
)
TOKENS = st.text(st.sampled_from('abZ09_-:"あ%'), max_size=90)


def same(press: LetterPress, one: Instruction, order: AlertRecord, lang: str, **how) -> bytes:
    how = {"now": NOW, "receipt_token": "t" * 86, "tag": "g" * 22, **how}
    made = press.letter(one, order, lang, **how)
    assert made == payload(one, order, press.realm, lang, **how)
    return made


def read_again(order: AlertRecord) -> AlertRecord:
    """The same record as another object, as a store gives it."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(order), type=AlertRecord)


def walked(site: Destination | None, walk_m: int, walk_s: int) -> Destination | None:
    return site and msgspec.structs.replace(site, walk_m=walk_m, walk_s=walk_s)


@st.composite
def sites(draw: st.DrawFn, *, edge: bool = False) -> Destination:
    lon, lat = draw(st.floats(140.6, 141.1)), draw(st.floats(38.1, 38.4))
    return Destination(
        site_id=None if edge else draw(st.sampled_from(["s1", "s2"])),
        name=draw(NAMES),
        lon=lon if edge else draw(st.sampled_from([140.93, lon])),
        lat=lat if edge else draw(st.sampled_from([38.23, lat])),
        walk_m=draw(st.one_of(st.integers(0, 3000), st.integers(0, 10**9))),
        walk_s=draw(st.integers(0, 10**6)),
        about=draw(st.booleans()),
        floor_label=draw(st.sampled_from(["", "3階以上", "屋上", "廊下" * 40, "2階%s"])),
        unconfirmed=draw(st.booleans()),
        crowded=draw(st.booleans()),
    )


@st.composite
def told(draw: st.DrawFn, realm: Realm) -> tuple[Instruction, AlertRecord]:
    """Anybody's instruction, on an order that may have been read again, updated or not yet released."""
    one, order = draw(st.sampled_from(SITUATIONS[realm]))
    decided_at = draw(MOMENTS)
    one = msgspec.structs.replace(
        one,
        seq=draw(st.integers(1, 10**6)),
        incident=draw(st.sampled_from(["inc1", "inc%2", 'i"\\'])),
        decided_at=decided_at,
        stale_at=decided_at + draw(st.sampled_from([timedelta(hours=1), timedelta(microseconds=1500)])),
        reasons=tuple(draw(st.lists(st.sampled_from(ReasonCode).map(str), max_size=3))),
    )
    if one.destination is not None:
        destination = draw(st.one_of(sites(edge=one.action is Action.INLAND), st.none(), st.just(SCHOOL)))
        alternate = draw(st.one_of(sites(), sites(edge=True), st.none(), st.just(OTHER)))
        one = msgspec.structs.replace(one, destination=destination, alternate=alternate)
    alert = msgspec.structs.replace(
        order.alert,
        version=draw(st.integers(1, 3)),
        announced_at=draw(st.one_of(st.none(), st.just(NOW - timedelta(days=1)))),
        area=msgspec.structs.replace(
            order.alert.area, names=tuple(draw(st.lists(NAMES, min_size=1, max_size=2)))
        ),
    )
    order = msgspec.structs.replace(
        order, alert=alert, released_at=draw(st.sampled_from([NOW, None, NOW - timedelta(days=300)]))
    )
    return one, order


@st.composite
def rounds(draw: st.DrawFn) -> tuple[Realm, list, list]:
    """A few instructions and orders, and letters to many people who share them, in any order."""
    realm = draw(st.sampled_from(Realm))
    known = draw(st.lists(told(realm), min_size=1, max_size=4))
    sends = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "which": st.integers(0, len(known) - 1),
                    "order_of": st.integers(0, len(known) - 1),
                    "own_order": st.booleans(),
                    "read_again": st.booleans(),
                    "walk": st.one_of(st.none(), st.tuples(st.integers(0, 5000), st.integers(0, 9000))),
                    "lang": st.sampled_from(LANGS),
                    "short": st.booleans(),
                    "now": MOMENTS,
                    "token": TOKENS,
                    "tag": st.sampled_from(["g" * 22, "h%", 'あ"']),
                }
            ),
            min_size=1,
            max_size=12,
        )
    )
    return realm, known, sends


@settings(max_examples=100, deadline=None)
@given(rounds(), st.sampled_from([1, 4, 100]))
def test_a_letter_is_what_payload_says_whoever_wrote_before(drawn, pages) -> None:
    realm, known, sends = drawn
    press = LetterPress(realm, pages=pages)
    for send in sends:
        one, order = known[send["which"]]
        if not send["own_order"]:
            order = known[send["order_of"]][1]
        if send["read_again"]:
            order = read_again(order)
        if send["walk"]:
            one = msgspec.structs.replace(
                one,
                destination=walked(one.destination, *send["walk"]),
                alternate=walked(one.alternate, 700, 900),
            )
        how = {"now": send["now"], "receipt_token": send["token"], "tag": send["tag"], "short": send["short"]}
        same(press, one, order, send["lang"], **how)
        assert press.pages <= max(2, pages)


def with_site(one: Instruction, which: str, **changed) -> Instruction:
    site = getattr(one, which)
    return (
        one
        if site is None
        else msgspec.structs.replace(one, **{which: msgspec.structs.replace(site, **changed)})
    )


SITE_CHANGES = [
    {"site_id": "other"},
    {"site_id": None},
    {"name": "別の学校"},
    {"floor_label": "屋上"},
    {"about": False},
    {"unconfirmed": False},
    {"crowded": True},
    {"lon": 140.5},
    {"lat": 38.5},
]
CHANGES = [
    *({"reasons": (code.value,)} for code in ReasonCode),
    *({"message": kind} for kind in (MessageKind.ORDER, MessageKind.REDIRECT, MessageKind.PROVISIONAL)),
    *({"action": action} for action in Action),
    {"incident": "inc2"},
    {"seq": 9},
    {"decided_at": NOW - timedelta(minutes=3)},
    {"stale_at": NOW + timedelta(hours=2)},
]


@pytest.mark.parametrize(("released_at", "of"), [(NOW, slice(0, None, 3)), (None, slice(1, None, 12))])
def test_two_who_differ_in_one_thing_never_get_each_others_words(
    released_at: datetime | None, of: slice
) -> None:
    for one, given_order in SITUATIONS[Realm.LIVE][of]:
        order = msgspec.structs.replace(given_order, released_at=released_at)
        press = LetterPress(Realm.LIVE)
        same(press, one, order, "ja")
        others = [
            *(msgspec.structs.replace(one, **change) for change in CHANGES),
            *(
                with_site(one, which, **change)
                for which in ("destination", "alternate")
                for change in SITE_CHANGES
            ),
            msgspec.structs.replace(one, destination=None),
            msgspec.structs.replace(one, alternate=None),
        ]
        for other in others:
            same(press, other, order, "ja")
            same(press, one, order, "ja")


def test_two_states_of_one_order_never_get_each_others_words() -> None:
    later = NOW + timedelta(minutes=9)
    for one, order in SITUATIONS[Realm.LIVE][::7]:
        press = LetterPress(Realm.LIVE)
        alert = order.alert
        changed = [
            *(
                msgspec.structs.replace(alert, **change)
                for change in (
                    {"alert_id": "a2"},
                    {"version": 3},
                    {"announced_at": later},
                    {"expected_arrival_at": later},
                    {"area": msgspec.structs.replace(alert.area, names=("井土",))},
                    {"texts": {"ja": AlertText(headline="見出し", body="本文")}},
                    {"act": Act.RECALL},
                )
            )
        ]
        others = [msgspec.structs.replace(order, alert=one) for one in changed]
        for other in [*others, msgspec.structs.replace(order, released_at=later)]:
            for again in (order, other, order):
                same(press, one, read_again(again), "ja")


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("lang", LANGS)
def test_every_situation_is_printed_with_the_figures_of_the_second_person(lang: str, realm: Realm) -> None:
    press = LetterPress(realm)
    for one, order in SITUATIONS[realm]:
        same(press, one, order, lang)
    kept = press.pages
    for one, order in SITUATIONS[realm]:
        nearer = msgspec.structs.replace(
            one,
            seq=one.seq + 1,
            destination=walked(one.destination, 412, 61),
            alternate=walked(one.alternate, 9_950, 3_601),
        )
        for short in (False, True):
            sent = json.loads(same(press, nearer, order, lang, short=short, receipt_token="other"))
            assert sent["bosai"]["r"] == "other"
    assert press.pages == kept  # nobody's distance made a page of its own


def test_people_who_differ_in_figures_alone_are_rendered_once(monkeypatch) -> None:
    rendered = []
    real = letters.render_advice
    monkeypatch.setattr(
        letters, "render_advice", lambda *args, **how: rendered.append(1) or real(*args, **how)
    )
    press = LetterPress(Realm.LIVE)
    order = record()
    for number in range(200):
        one = instruction(
            destination=walked(SCHOOL, 100 + number * 13, number * 17),
            alternate=walked(OTHER, 90 + number * 31, number * 23),
            reasons=(ReasonCode.NEAREST_FIT.value,) * (number % 2),
        )
        same(press, msgspec.structs.replace(one, seq=number), read_again(order), "ja")
    assert len(rendered) == 2  # with nobody's figures, and once to compare
    assert press.pages == 1


def test_everybody_at_the_edge_of_an_area_shares_a_page_and_keeps_their_own_place() -> None:
    press = LetterPress(Realm.LIVE)
    for number in range(20):
        here = msgspec.structs.replace(EDGE, lon=140.9 + number / 777, lat=38.2 + number / 999)
        one = instruction(MessageKind.ORDER, Action.INLAND, here, None)
        assert json.loads(same(press, one, record(), "ja"))["bosai"]["site"]["lon"] == round(here.lon, 5)
    assert press.pages == 1


def test_a_message_that_grows_too_long_for_one_person_alone_is_made_smaller_for_them() -> None:
    press = LetterPress(Realm.LIVE)
    one = instruction(alternate=msgspec.structs.replace(OTHER, name="第" * 150))
    for token_chars in (10, 700, 10):
        sent = same(press, one, record(), "ne", receipt_token="t" * token_chars)
        assert (json.loads(sent)["bosai"]["alt"] is None) == (token_chars == 700)
        assert len(sent) <= PLAINTEXT_BYTES
    assert len(same(press, one, record(), "ne", short=True, receipt_token="t" * 500)) <= SHORT_BYTES


def test_words_that_look_like_the_figures_of_nobody_are_left_to_payload() -> None:
    press = LetterPress(Realm.LIVE)
    strange = record(names=("777777.7km地区",))
    for metres in (300, 4000):
        sent = same(press, instruction(destination=walked(SCHOOL, metres, 60)), strange, "ja")
        assert "777777.7km地区" in sent.decode()


def test_a_newer_version_drops_the_pages_of_the_older_one_and_not_the_other_way_round() -> None:
    press = LetterPress(Realm.LIVE)
    first = record()
    newer = msgspec.structs.replace(
        first, alert=msgspec.structs.replace(first.alert, version=3, area=record(names=("井土",)).alert.area)
    )
    for lang in LANGS:
        same(press, instruction(), first, lang)
    assert press.pages == len(LANGS)
    same(press, instruction(), newer, "ja")
    assert press.pages == 1
    same(press, instruction(), read_again(first), "ja")  # one that was still under way
    same(press, instruction(), newer, "ja")
    assert press.pages == 2


def test_a_new_day_says_the_date_and_forgets_the_old_pages() -> None:
    press = LetterPress(Realm.LIVE)
    midnight = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # in Japan
    order = record()
    for now, shown in (
        (NOW, "14:06"),
        (midnight - timedelta(microseconds=1), "14:06"),
        (midnight, "11/23 14:06"),
    ):
        body = json.loads(same(press, instruction(), order, "ja", now=now))["notification"]["body"]
        assert f"：仙台市 {shown}" in body
    assert press.pages == 1
    assert (
        "：仙台市 14:06" in json.loads(same(press, instruction(), order, "ja"))["notification"]["body"]
    )  # set back


def test_a_tsunami_that_has_arrived_is_said_from_that_moment_on() -> None:
    press = LetterPress(Realm.LIVE)
    order = record(arrival=NOW + timedelta(minutes=1))
    bodies = {
        json.loads(same(press, instruction(), order, "ja", now=NOW + timedelta(seconds=passed)))[
            "notification"
        ]["body"]
        for passed in (0, 59, 60, 61)
    }
    assert len(bodies) == 2


def test_old_pages_make_room_and_the_ones_in_use_stay() -> None:
    press = LetterPress(Realm.LIVE, pages=20)
    order = record()
    for number in range(100):
        same(
            press, instruction(destination=msgspec.structs.replace(SCHOOL, name=f"学校{number}")), order, "ja"
        )
        same(press, instruction(), order, "ja")
        assert press.pages <= 20
    assert press.pages > 10


def test_many_orders_at_once_are_told_apart_and_forgotten_in_turn() -> None:
    press = LetterPress(Realm.LIVE)
    orders = [
        msgspec.structs.replace(one, alert=msgspec.structs.replace(one.alert, alert_id=f"a{number}"))
        for number in range(50)
        for one in [record(names=(f"区域{number}",))]
    ]
    for _ in range(2):
        for order in orders:
            assert order.alert.area.names[0] in same(press, instruction(), order, "ja").decode()
    assert press.pages <= 32


def test_a_drills_order_is_refused_on_the_live_side_every_time() -> None:
    press = LetterPress(Realm.LIVE)
    drill = record(Realm.DRILL)
    for _ in range(2):
        with pytest.raises(WrongRealm):
            press.letter(instruction(), drill, "ja", now=NOW, receipt_token="t", tag="g")
