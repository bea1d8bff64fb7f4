"""The whole main job, end to end: JMA's telegram, two officers, a stock Firefox that is told where to go."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.bed.chromium import chromium
from tests.bed.clocks import FakeClock
from tests.bed.firefox import firefox
from tests.bed.jma_server import JmaServer
from tests.bed.push_service import PushService
from tests.browser.people import APPROVER, DRAFTER, officer, resident, staff_at_desk
from tests.browser.running import RunningService

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

BEFORE_THE_WARNING = datetime(2011, 3, 11, 5, 49, 30, tzinfo=UTC)  # 14:49:30 JST
WARNED = datetime(2011, 3, 11, 5, 50, 10, tzinfo=UTC)
SEQUENCE = "32-39_11_*_VTSE41.xml"
ARAHAMA = "若林区荒浜"
BOARD_HAS = "return fetch(location.href).then(a => a.text()).then(t => t.includes(arg))"


@pytest.fixture
def telegrams(shared_data: Path) -> list[Path]:
    """The recorded sequence of 2011-03-11, tsunami forecasts only."""
    return sorted((shared_data / "jma" / "official_samples").glob(SEQUENCE))


async def test_a_tsunami_warning_of_jma_shows_a_firefox_in_arahama_the_way_to_safety(
    tmp_path: Path, telegrams: list[Path]
) -> None:
    clock = FakeClock(BEFORE_THE_WARNING)
    async with PushService() as push, JmaServer(clock) as jma:
        jma.publish(*telegrams)
        env = {
            "BOSAI_FEEDS__ENABLED": "true",
            "BOSAI_FEEDS__URLS": jma.feed_url("eqvol"),
            "BOSAI_FEEDS__DATA_HOSTS": jma.url.removeprefix("http://"),
            "BOSAI_FEEDS__INTERVAL_S": "1",
        }
        async with (
            RunningService(tmp_path, push, clock_at=BEFORE_THE_WARNING, env=env) as service,
            firefox(push.ws_url) as fox,
            chromium() as chrome,
        ):
            home = await resident(fox, service)
            await home.subscribe("あらはま", ARAHAMA)
            drafter = await officer(chrome, service, DRAFTER)
            approver = await officer(chrome, service, APPROVER)

            clock.set(WARNED)
            await drafter.page.wait_for(BOARD_HAS, "宮城県 大津波警報", timeout_s=20)
            path = await drafter.draft_from_proposal("気象庁の大津波警報による")
            await drafter.submit()
            await approver.approve(path)

            title, body = await home.notification(containing="大津波警報")
            assert title.startswith("【大津波警報】")
            assert "警戒レベル" not in title + body
            assert "気象庁 14:49発表" in body
            assert "避難指示：仙台市" in body
            told = await home.advice()
            sites = {one["id"]: one["properties"] for one in await home.sites()}
            if told["action"] == "inland":
                assert told["destination"]["site_id"] is None
            else:
                chosen = sites[told["destination"]["site_id"]]
                assert "tsunami" in chosen["hazards"]
                raised = chosen["form"].startswith(("tsunami_", "evacuation_"))
                assert raised or told["destination"]["floor_label"] or told["action"] == "go"
                assert chosen["name"] in body
            assert [(one.status, one.urgency) for one in push.messages] == [(201, "high")]
            await approver.wait_for_stage("端末に表示", 1)


async def test_a_closed_site_redirects_once_and_the_lift_reaches_the_same_firefox(tmp_path: Path) -> None:
    async with (
        PushService() as push,
        RunningService(tmp_path, push) as service,
        firefox(push.ws_url) as fox,
        chromium() as chrome,
    ):
        home = await resident(fox, service)
        await home.subscribe("arai", "若林区荒井")
        drafter = await officer(chrome, service, DRAFTER)
        approver = await officer(chrome, service, APPROVER)
        path = await drafter.draft(
            hazard="flood", kind="evacuate", zones=["town:若林区/荒井"], reason="名取川の水位が上がったため"
        )
        await drafter.submit()
        await approver.approve(path)
        title, _ = await home.notification(containing="避難指示")
        assert title.startswith("【警戒レベル4 避難指示】")
        first = await home.advice()

        desk = await staff_at_desk(chrome, service, first["destination"]["name"])
        await desk.close()
        _, body = await home.notification(containing="行き先変更")
        second = await home.advice()
        assert second["destination"]["site_id"] != first["destination"]["site_id"]
        assert second["destination"]["name"] in body
        assert second["seq"] == first["seq"] + 1

        lift = await drafter.draft_lift(path.split("/")[3], "水位が下がり、破堤のおそれがなくなったため")
        await drafter.submit()
        await approver.approve(lift)
        _, lifted = await home.notification(containing="【解除】")
        assert "安全" not in lifted
        assert [one.status for one in push.messages] == [201, 201, 201]
        assert (await service.cli("verify-audit", "--json"))["ok"]


async def test_a_drill_reaches_the_drill_side_and_the_live_side_stays_silent(
    tmp_path: Path, telegrams: list[Path]
) -> None:
    async with (
        PushService() as push,
        RunningService(tmp_path, push) as service,
        firefox(push.ws_url) as fox,
        chromium() as chrome,
    ):
        live, drill = await resident(fox, service), await resident(fox, service, drill=True)
        await live.subscribe("荒浜", ARAHAMA)
        await drill.subscribe("荒浜", ARAHAMA)
        taken = await service.cli("feed", "replay", str(telegrams[0]), "--json")
        assert taken[0]["outcome"] == "proposed"  # on the live side: a proposal, and no more than that
        taken = await service.cli("feed", "replay", "--drill", str(telegrams[0]), "--json")
        assert taken[0]["outcome"] == "proposed"
        drafter = await officer(chrome, service, DRAFTER, drill=True)
        approver = await officer(chrome, service, APPROVER, drill=True)
        path = await drafter.draft_from_proposal("津波避難訓練")
        await drafter.submit()
        await approver.approve(path)

        title, body = await drill.notification(containing="訓練")
        assert title.startswith("【訓練】")
        assert body.startswith("【訓練】")
        assert body.endswith("これは訓練です")
        assert await live.page.notifications("/") == []
        assert (await live.advice_or_none()) is None
        assert len(push.messages) == 1
        assert push.messages[0].vapid != {}
