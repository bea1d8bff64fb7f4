"""判断待ち in the console: on the board, in the banner of every page, and with a reasoned way to say not now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from bosai.feeds.changes import Standing
from bosai.feeds.proposals import Proposal
from bosai.feeds.readings import Grade
from bosai.model.alert import AlertRecord, OrderKind, TsunamiClass
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.stores.proposals import ProposalRecord, ProposalState
from bosai.web.console.lag import way_of
from bosai.web.console.suggestions import suggestions
from tests.bosai.channels.orders import Series, tsunami_form
from tests.bosai.feeds.test_decision_lag import LANDSLIDE, TSUNAMI
from tests.bosai.services.once import announcement
from tests.bosai.web.officers import Officer, no_planner, officer
from tests.bosai.web.running import Site


@pytest.fixture
async def kian(site: Site) -> AsyncIterator[Officer]:
    async with officer(site, "kian", Role.HQ_DRAFTER) as one:
        yield one


def stands(site: Site, minutes: float) -> None:
    """気象庁 announced level-4-equivalent for the east of the city so many minutes ago."""
    side = site.side()
    since = side.clock.now() - timedelta(minutes=minutes)
    one = msgspec.structs.replace(LANDSLIDE.standing, since=since)

    async def standings() -> tuple[Standing, ...]:
        return (one,)

    side.decision_lag._standings = standings


async def test_what_no_order_answers_is_said_on_every_page_and_on_the_board(
    site: Site, kian: Officer
) -> None:
    stands(site, 12)
    board = await kian.get("/hq/")
    assert "仙台市東部にレベル４土砂災害危険警報（気象庁" in board.text
    assert "発令されないまま12分" in board.text
    assert board.one("//section[@id='part-lag'][not(@hidden)]") is not None
    for path in ("/hq/sites", "/hq/hand", "/hq/lag"):
        assert "発令されないまま12分" in (await kian.get(path)).text
    assert (await kian.get("/hq/sites")).document.xpath(
        "//*[contains(@class, 'hq-banner')][@role='alert']"
    ) == []
    stands(site, 25)
    shown = await kian.get("/hq/sites")
    assert shown.one("//*[contains(@class, 'hq-banner')][@role='alert']") is not None


async def test_a_bad_night_has_one_banner_with_the_tsunami_in_it_and_readable_times(
    site: Site, kian: Officer
) -> None:
    """Five banners fill a phone, and 「8261125分」 tells nobody anything."""
    side = site.side()
    now = side.clock.now()
    first = msgspec.structs.replace(LANDSLIDE.standing, since=now - timedelta(days=3))
    second = msgspec.structs.replace(
        LANDSLIDE.standing, code="0410002", name="仙台市西部", since=now - timedelta(hours=5)
    )
    named = msgspec.structs.replace(
        TSUNAMI.standing.kind, code="53", name="大津波警報：発表", grade=Grade.EMERGENCY
    )
    wave = msgspec.structs.replace(
        TSUNAMI.standing, layer="津波予報区", since=now - timedelta(minutes=8), kind=named
    )

    async def standings() -> tuple[Standing, ...]:
        return (first, second, wave)

    side.decision_lag._standings = standings
    (banner,) = (await kian.get("/hq/sites")).document.xpath("//*[contains(@class, 'hq-banner')]")
    said = "".join(banner.itertext())
    assert (
        "宮城県に大津波警報（気象庁" in said
        and "発令されないまま8分" in said
        and "ほかに2件あります。" in said
    )
    board = (await kian.get("/hq/lag")).text
    assert "発令されないまま3日たっています" in board and "発令されないまま5時間たっています" in board


async def test_nothing_is_said_before_its_time_or_on_the_other_side(site: Site, kian: Officer) -> None:
    stands(site, 3)
    board = await kian.get("/hq/")
    assert board.one("//section[@id='part-lag'][@hidden]") is not None
    assert "hq-banner" not in board.body
    assert "判断待ち" in (await kian.get("/hq/lag")).text
    stands(site, 30)
    async with officer(site, "kunren", Role.HQ_DRAFTER, Realm.DRILL) as other:
        assert "hq-banner" not in (await other.get("/hq/")).body


async def test_not_now_needs_a_reason_keeps_it_and_silences_the_banner(site: Site, kian: Officer) -> None:
    no_planner(site)
    stands(site, 12)
    page = await kian.get("/hq/lag")
    need = page.value("need")
    refused = await kian.post("/hq/lag/answer", {"need": need, "reason": ""})
    assert refused.status == 400 and "理由" in refused.text
    done = await kian.post("/hq/lag/answer", {"need": need, "reason": "現地で確認中"})
    assert done.status == 200 and "判断を記録しました" in done.text
    assert "現地で確認中（kian" in done.text
    assert "hq-banner" not in (await kian.get("/hq/")).body
    audit = (await kian.get("/hq/audit")).text
    assert "いまは発令しないと判断" in audit and "判断待ち landslide" in audit
    gone = await kian.post("/hq/lag/answer", {"need": "no/such/need", "reason": "理由"})
    assert gone.status == 404


async def test_who_only_sees_is_shown_it_and_offered_nothing(site: Site, kian: Officer) -> None:
    stands(site, 12)
    need = (await kian.get("/hq/lag")).value("need")
    async with officer(site, "miru", Role.VIEWER) as viewer:
        page = await viewer.get("/hq/lag")
        assert "発令されないまま12分" in page.text
        assert page.document.xpath("//input[@name='need']") == []
        refused = await viewer.post("/hq/lag/answer", {"need": need, "reason": "理由"})
        assert refused.status == 403


async def test_the_notice_that_went_out_at_once_leads_to_the_order_that_is_still_owed(
    site: Site, kian: Officer
) -> None:
    """It closed the proposal: a link to the proposals would lead nowhere."""
    side = site.side()
    wave = msgspec.structs.replace(
        TSUNAMI.standing, layer="津波予報区", since=side.clock.now() - timedelta(minutes=3)
    )

    async def standings() -> tuple[Standing, ...]:
        return (wave,)

    side.decision_lag._standings = standings
    (link,) = (await kian.get("/hq/lag")).document.xpath("//main//article//a[contains(@class, 'button')]")
    assert (link.get("href"), link.text) == ("/hq/alerts/new", "下書きを作る")
    notice = tsunami_form(TsunamiClass.WARNING)
    out = Series(msgspec.structs.replace(notice, kind=OrderKind.NOTICE)).head

    async def in_force() -> list[AlertRecord]:
        return [out]

    side.alerts.in_force = in_force
    (link,) = (await kian.get("/hq/lag")).document.xpath("//main//article//a[contains(@class, 'button')]")
    assert link.get("href") == f"/hq/alerts/new?update={out.alert.alert_id}"
    assert link.text == "出ているお知らせから避難指示の下書きを作る"


def test_a_need_leads_to_its_own_proposal_and_to_no_lift() -> None:
    at = TSUNAMI.standing.since
    its = announcement(TsunamiClass.WARNING, at=at)
    others = msgspec.structs.replace(its, id="other", subject="landslide")
    lift = announcement(None, TsunamiClass.WARNING, at=at, name="2")
    found = suggestions([waiting(one) for one in (others, lift, its)], [])
    assert way_of(TSUNAMI, found, []) == (f"/hq/alerts/new?proposal={its.id}", "提案から下書きを作る")
    assert way_of(TSUNAMI, suggestions([waiting(lift)], []), [])[0] == "/hq/alerts/new"


def waiting(proposal: Proposal) -> ProposalRecord:
    return ProposalRecord(
        proposal=proposal, state=ProposalState.OPEN, received_at=proposal.report_at + timedelta(seconds=9)
    )
