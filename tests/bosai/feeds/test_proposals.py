"""What HQ is asked to consider: Sendai's zones, JMA's words, and never a live proposal from a drill."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest

from bosai.feeds.jma.envelope import TelegramStatus, parse_telegram
from bosai.feeds.jma.tsunami import TsunamiClass, TsunamiForecast, parse_tsunami
from bosai.feeds.proposals import Proposal, ProposedAct, propose
from bosai.feeds.realms import ACCEPT_STATUS, RealmName, is_accepted
from bosai.feeds.state import TelegramIgnored, TsunamiRaised, TsunamiState, apply
from bosai.model.alert import TsunamiClass as Published
from tests.bosai.feeds.telegrams import JST, SEQUENCE_2011, item, jma_folder, report

NOON = datetime(2026, 4, 1, 12, 0, tzinfo=JST)


def forecast(*items: str, minute: int = 0, **given: str) -> TsunamiForecast:
    return parse_tsunami(parse_telegram(report(*items, report_at=NOON + timedelta(minutes=minute), **given)))


def proposals(*telegrams: TsunamiForecast, realm: RealmName = "live") -> list[Proposal]:
    state, made = TsunamiState(realm=realm), []
    for telegram in telegrams:
        state, events = apply(state, telegram)
        made += [p for p in (propose(event, realm=realm) for event in events) if p is not None]
    return made


def test_the_sequence_of_2011_proposes_an_issue_two_updates_and_a_lift():
    folder = jma_folder() / "official_samples"
    made = proposals(*(parse_tsunami(parse_telegram((folder / n).read_bytes())) for n in SEQUENCE_2011))
    assert [p.act for p in made] == [
        ProposedAct.ISSUE,
        ProposedAct.UPDATE,
        ProposedAct.UPDATE,
        ProposedAct.LIFT,
    ]
    issue, arriving, seen, lift = made
    assert issue.hazard == "tsunami"
    assert issue.tsunami_class is Published.MAJOR_WARNING
    assert issue.zones == ("tsunami:area1", "tsunami:area2")
    assert issue.area_names == ("宮城県",)
    assert issue.expected_arrival_at == datetime(2011, 3, 11, 15, 0, tzinfo=JST)
    assert issue.arrival_as_given == "11日15時00分 到達予想"
    assert not issue.arrival_is_now
    assert issue.height_as_given == "巨大"
    assert issue.event_ids == ("20110311144640",)
    assert issue.report_at == datetime(2011, 3, 11, 14, 49, tzinfo=JST)
    assert issue.headline.startswith("東日本大震災クラスの津波が来襲します。")
    assert (arriving.arrival_as_given, arriving.height_as_given) == ("津波到達中と推測", "１０ｍ")
    assert arriving.expected_arrival_at is None
    assert arriving.arrival_is_now
    assert (seen.arrival_as_given, seen.height_as_given) == ("第１波の到達を確認", "１０ｍ超")
    assert lift.zones == ("tsunami:area1", "tsunami:area2")
    assert "避難指示の解除ではありません" in lift.review_hint


@pytest.mark.parametrize(
    ("kind", "zones"),
    [
        ("53", ("tsunami:area1", "tsunami:area2")),
        ("52", ("tsunami:area1", "tsunami:area2")),
        ("51", ("tsunami:area1",)),
        ("62", ("tsunami:seaward",)),
    ],
)
def test_sendais_rule_names_the_zones(kind: str, zones: tuple[str, ...]):
    (made,) = proposals(forecast(item(kind=kind)))
    assert made.zones == zones
    assert made.act is ProposedAct.ISSUE


def test_the_zones_follow_the_table_that_is_given():
    _, events = apply(TsunamiState(realm="live"), forecast(item(kind="51")))
    made = propose(events[0], realm="live", zones_by_class={TsunamiClass.WARNING: ("harbour",)})
    assert made is not None
    assert made.zones == ("tsunami:harbour",)


@pytest.mark.parametrize("kind", ["00", "71", "72", "73"])
def test_nothing_is_proposed_for_slight_changes_of_the_sea(kind: str):
    assert proposals(forecast(item(kind=kind))) == []


def test_another_coast_proposes_nothing_for_ours():
    assert proposals(forecast(item(code="210"))) == []
    _, events = apply(TsunamiState(realm="live"), forecast(item(code="210")))
    assert propose(events[0], realm="live", area_code="210") is not None


def test_a_lowered_kind_proposes_an_update_that_leaves_the_narrowing_to_the_city():
    made = proposals(forecast(item(kind="52")), forecast(item(kind="51", last="52"), minute=9))[-1]
    assert made.act is ProposedAct.UPDATE
    assert (made.previous_zones, made.zones) == (("tsunami:area1", "tsunami:area2"), ("tsunami:area1",))
    assert "市が判断" in made.review_hint


def test_the_same_state_again_proposes_nothing():
    assert len(proposals(forecast(item(kind="53")), forecast(item(kind="52", last="53"), minute=4))) == 1


def test_an_area_that_vanishes_proposes_a_lift_that_asks_for_a_second_look():
    made = proposals(forecast(item()), forecast(item(code="210"), minute=9))[-1]
    assert made.act is ProposedAct.LIFT
    assert made.area_names == ("宮城県",)
    assert "記載がなくなりました" in made.review_hint


def test_a_cancellation_proposes_a_recall_and_not_a_lift():
    made = proposals(forecast(item()), forecast(info_type="取消", minute=5))[-1]
    assert made.act is ProposedAct.RECALL
    assert made.tsunami_class is None
    assert made.previous_class is Published.MAJOR_WARNING
    assert made.zones == ("tsunami:area1", "tsunami:area2")
    assert "解除ではありません" in made.review_hint


def test_a_kind_nobody_can_read_asks_for_eyes_and_keeps_the_zones():
    made = proposals(forecast(item(kind="51")), forecast(item(kind="88", last="51"), minute=9))[-1]
    assert made.act is ProposedAct.REVIEW
    assert made.zones == ("tsunami:area1",)
    assert "88" in made.review_hint


def test_the_two_sides_accept_nothing_in_common():
    assert ACCEPT_STATUS["live"] == {TelegramStatus.NORMAL}
    assert ACCEPT_STATUS["drill"] == {TelegramStatus.DRILL, TelegramStatus.TEST}
    assert not is_accepted(TelegramStatus.NORMAL, "live", {})


@pytest.mark.parametrize("realm", ["live", "drill"])
@pytest.mark.parametrize("status", list(TelegramStatus))
def test_an_event_of_the_wrong_status_proposes_nothing_even_past_the_state(
    realm: RealmName, status: TelegramStatus
):
    """The state is a gate of its own; this hop must hold without it."""
    telegram = replace(parse_telegram(report(item())), status=status)
    area = parse_tsunami(telegram).area("220")
    event = TsunamiRaised(area_code="220", source=telegram.source, before=None, after=area)
    accepted = status in ACCEPT_STATUS[realm]
    assert (propose(event, realm=realm) is not None) is accepted


def test_what_was_ignored_proposes_nothing():
    ignored = TelegramIgnored(source=parse_telegram(report(item())).source, reason="late")
    assert propose(ignored, realm="live") is None


def test_the_id_is_the_telegrams_and_the_realms():
    (first,) = proposals(forecast(item()))
    (again,) = proposals(forecast(item()))
    (later,) = proposals(forecast(item(), minute=1))
    (drill,) = proposals(forecast(item(), status="訓練"), realm="drill")
    assert first.id == again.id
    assert len({first.id, later.id, drill.id}) == 3
    assert first.telegram_key in first.id


def test_tsunami_proposals_never_speak_of_alert_levels_as_numbers():
    for kind in ("53", "51", "62"):
        (made,) = proposals(forecast(item(kind=kind)))
        assert not any(f"警戒レベル{n}" in made.review_hint for n in "12345１２３４５")


def test_a_proposal_survives_being_stored():
    (made,) = proposals(forecast(item(arrival="2026-04-01T12:30:00+09:00")))
    assert msgspec.json.decode(msgspec.json.encode(made), type=Proposal) == made
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=Proposal) == made
