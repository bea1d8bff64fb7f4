"""What HQ and the staff of a failed site read."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from bosai.messages.wording import check_drill_end, check_wording
from bosai.model.realm import Realm
from bosai.services.site_failing import failures_of, say
from shelters.failure import FailureReport, Move
from shelters.model import Action
from shelters.sites import site_table
from tests.shelters.town import site

AT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SITES = site_table(
    [replace(site(name), name=name) for name in ("七郷小学校", "荒浜小学校", "高砂中学校")],
    {},
    np.zeros((3, 2)),
    margin_fraction=0.0,
)
FAILED = 1  # 荒浜小学校


def to(row, action=Action.GO, **persons):
    return Move(site=row, site_id=SITES.sites[row].site_id if row >= 0 else "", action=action, **persons)


def report(*moves, present=200):
    return FailureReport(site=FAILED, site_id="荒浜小学校", present=present, moves=moves)


def test_staff_read_how_many_go_where_and_how_many_seats_are_short():
    found = report(
        to(0, inside_with_phone=20, without_phone=100),
        to(2, without_phone=80, on_their_way=7, others_without_seat=5),
    )
    assert say(found, SITES, Realm.LIVE) == (
        "荒浜小学校は使えなくなりました。"
        "次のように分かれて移動してください：七郷小学校へ 120人、高砂中学校へ 80人。家族は一緒に移動してください。"
        "行き先の席が 5人分足りません。災害対策本部に連絡してください。"
        "移動したら、残っている人の数を報告してください。"
        "こちらへ向かっていた 7人には、新しい行き先を知らせます。"
    )


def test_who_has_no_site_is_said_and_who_walks_inland_is_not_short():
    found = report(to(-1, Action.INLAND, without_phone=30), to(-1, without_phone=4, others_without_seat=4))
    text = say(found, SITES, Realm.LIVE)
    assert "30人は、海と反対の内陸へ" in text and "4人には案内できる場所がありません" in text
    (stored,) = failures_of([found], SITES, AT, Realm.LIVE)
    assert (stored.without_site, stored.short) == (4, 4)
    assert [(one.name, one.persons) for one in stored.moves] == [
        ("内陸（区域の外）", 30),
        ("案内できる場所なし", 4),
    ]


def test_at_level_5_nobody_inside_is_told_to_set_out():
    text = say(report(to(-1, Action.UP, inside_with_phone=2, without_phone=8)), SITES, Realm.LIVE)
    assert "10人は、遠くへは行かず" in text and "移動してください" not in text.replace("移動したら", "")
    assert "近くの丈夫な建物" in text, "this one can not be used: nobody is kept in it, or sent up in it"
    assert check_wording(text, "ja", hazard=None, level=5, realm=Realm.LIVE, issuer="service") == []


def test_uncounted_people_are_asked_for():
    assert "いる人の数を報告してください" in say(report(present=None), SITES, Realm.LIVE)
    assert "報告" not in say(report(present=0), SITES, Realm.LIVE)


@pytest.mark.parametrize("realm", list(Realm))
def test_what_is_read_aloud_keeps_the_wording_rules_and_marks_a_drill_on_both_ends(realm):
    found = report(
        to(0, without_phone=9, others_without_seat=1),
        to(-1, Action.INLAND, without_phone=3),
        to(-1, Action.STAY, inside_with_phone=2),
        to(-1, without_phone=1, others_without_seat=1),
    )
    for one in (found, replace(found, present=None)):
        text = say(one, SITES, realm)
        assert check_wording(text, "ja", hazard=None, level=4, realm=realm, issuer="service") == []
        assert check_drill_end(text.rstrip("。"), realm) == []


def test_what_is_stored_counts_everybody_once():
    found = report(
        to(0, inside_with_phone=20, without_phone=100, on_their_way=5),
        to(2, without_phone=80, others_without_seat=5),
        present=210,
    )
    (stored,) = failures_of([found], SITES, AT, Realm.LIVE)
    assert (stored.inside, stored.inside_with_phone, stored.on_their_way) == (210, 20, 5)
    assert [(one.name, one.persons, one.inside, one.without_seat) for one in stored.moves] == [
        ("七郷小学校", 125, 120, 0),
        ("高砂中学校", 80, 80, 5),
    ]
    assert (stored.without_site, stored.short, stored.name, stored.at) == (0, 5, "荒浜小学校", AT)


def test_what_is_stored_says_where_nobody_has_counted():
    stored = failures_of([report(present=None), report(present=0)], SITES, AT, Realm.LIVE)
    assert [one.counted for one in stored] == [False, True]
