"""The console over HTTP, on real services and a private Redis: signing in, two persons, three ways to end an order."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bosai.feeds.proposals import Proposal, ProposedAct
from bosai.feeds.readings import Danger, Grade
from bosai.model.alert import AlertState, OrderKind
from bosai.model.instruction import MessageKind, Stage
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.previews import Preview, SiteExpectation
from bosai.stores.instructions import InstructionDraft, member_of
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.outbox import Outbox, Result
from bosai.wiring import told_sealer
from geodata.hazards import HazardKind
from shelters.model import Action
from tests.bosai.web.officers import (
    FLOOD_ORDER,
    TSUNAMI_ORDER,
    Officer,
    Shown,
    fresh_code,
    in_force,
    no_planner,
    officer,
    planner,
    visitor,
    words_of,
)
from tests.bosai.web.running import Site, running
from tests.redis_server import PrivateRedis


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[Site]:
    async with running(tmp_path, private_redis.url) as found:
        await found.side().sites.load_sample("test")
        no_planner(found)
        yield found


@pytest.fixture
async def kian(site: Site) -> AsyncIterator[Officer]:
    async with officer(site, "kian", Role.HQ_DRAFTER) as found:
        yield found


@pytest.fixture
async def shonin(site: Site) -> AsyncIterator[Officer]:
    async with officer(site, "shonin", Role.HQ_APPROVER) as found:
        yield found


# ---- signing in ------------------------------------------------------------------------------------


async def test_a_stranger_is_led_to_the_sign_in_page_and_back_to_where_he_wanted_to_go(site: Site) -> None:
    account = await site.side().staff.add("test", "kian", Role.HQ_DRAFTER)
    async with visitor(site) as stranger:
        page = await stranger.get("/hq/alerts/new?proposal=tsunami-live-220")
        assert page.path.startswith("/hq/sign-in?next=")
        page = await stranger.post(
            "/hq/sign-in",
            {
                "name": "kian",
                "password": account.password,
                "code": fresh_code(site, account),
                "next": page.value("next"),
            },
        )
        assert page.path == "/hq/alerts/new?proposal=tsunami-live-220"


@pytest.mark.parametrize(
    "path",
    [
        "/hq/",
        "/hq/board",
        "/hq/alerts/new",
        "/hq/sites",
        "/hq/audit",
        "/hq/staff",
        "/hq/delivery",
        "/hq/delivery/parts",
        "/hq/delivery/towns",
        "/hq/delivery/towns.csv",
        "/hq/delivery/persons",
    ],
)
async def test_a_program_without_a_session_gets_a_problem_document(site: Site, path: str) -> None:
    async with visitor(site) as program:
        answer = await program.get(path, as_program=True)
        assert answer.status == 401
        assert '"not_signed_in"' in answer.body


@pytest.mark.parametrize("wrong", ["name", "password", "code"])
async def test_a_refused_sign_in_never_says_what_was_wrong_and_keeps_the_name_only(
    site: Site, wrong: str
) -> None:
    account = await site.side().staff.add("test", "kian", Role.HQ_DRAFTER)
    right = {"name": "kian", "password": account.password, "code": fresh_code(site, account)}
    async with visitor(site) as stranger:
        page = await stranger.post(
            "/hq/sign-in", right | {wrong: "0" if wrong == "code" else "nobody-at-all"}
        )
        assert page.status == 401
        assert "サインインできません" in page.text
        assert page.value("name") == ("nobody-at-all" if wrong == "name" else "kian")
        assert account.password not in page.body
        assert "Set-Cookie" not in page.headers
        # The same sentence whatever was wrong, for an unknown name too.
        assert page.one("//*[@id='trouble']").text_content().split() == _REFUSAL.split()


_REFUSAL = (
    "サインインできません 名前・パスワード・6桁の番号を確かめてください。"
    "番号は一度使うと使えません。次の番号を待ってください。"
)


async def test_the_cookie_is_for_this_side_of_the_console_only(site: Site) -> None:
    account = await site.side().staff.add("test", "kian", Role.HQ_DRAFTER)
    cookies = {}
    for realm in Realm:
        async with visitor(site, realm) as stranger:
            fields = {"name": "kian", "password": account.password, "code": fresh_code(site, account)}
            answer = await stranger.post("/hq/sign-in", fields, follow=False)
            assert answer.status == 303
            cookies[realm] = answer.headers["Set-Cookie"]
    for realm, cookie in cookies.items():
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert f"Path={realm.path_prefix}/hq" in cookie
    assert cookies[Realm.LIVE].split("=")[0] != cookies[Realm.DRILL].split("=")[0]


async def test_a_session_of_the_live_side_is_nothing_on_the_drill_side(site: Site, kian: Officer) -> None:
    secret = next(one.value for one in kian.client.cookie_jar if one.key == "bosai_hq")
    answer = await site.ask("GET", "/drill/hq/board", headers={"Cookie": f"bosai_hq_drill={secret}"})
    assert answer.status == 401


@pytest.mark.parametrize(
    "bad", ["https://evil.example/", "//evil.example/", "/hq/../../x", "/drill/hq/", "javascript:1"]
)
async def test_signing_in_never_leads_to_another_place(site: Site, bad: str) -> None:
    account = await site.side().staff.add("test", "kian", Role.HQ_DRAFTER)
    async with visitor(site) as stranger:
        fields = {
            "name": "kian",
            "password": account.password,
            "code": fresh_code(site, account),
            "next": bad,
        }
        answer = await stranger.post("/hq/sign-in", fields, follow=False)
        assert answer.headers["Location"] == "/hq/"


async def test_signing_out_ends_the_session_in_the_store_too(site: Site, kian: Officer) -> None:
    secret = next(one.value for one in kian.client.cookie_jar if one.key == "bosai_hq")
    page = await kian.post("/hq/sign-out")
    assert "サインアウトしました" in page.text
    answer = await site.ask("GET", "/hq/board", headers={"Cookie": f"bosai_hq={secret}"})
    assert answer.status == 401


async def test_what_is_sent_after_the_session_ended_is_said_to_be_lost(site: Site, kian: Officer) -> None:
    kian.client.cookie_jar.clear()
    page = await kian.post("/hq/alerts/new", FLOOD_ORDER)
    assert page.path.startswith("/hq/sign-in")
    assert "送った内容は保存されていません" in page.text
    assert await site.side().alerts.working() == []


async def test_a_post_from_another_sites_page_is_refused(site: Site, kian: Officer) -> None:
    path = await kian.drafted(FLOOD_ORDER)
    async with kian.client.post(
        f"{site.url}{path}/withdraw", headers={"Origin": "https://evil.example"}
    ) as answer:
        assert answer.status == 403
    assert (await site.side().alerts.working())[0].state is AlertState.DRAFT


# ---- two persons -----------------------------------------------------------------------------------


async def test_one_officer_drafts_another_approves_and_it_is_in_force(
    site: Site, kian: Officer, shonin: Officer
) -> None:
    path = await kian.submitted(TSUNAMI_ORDER)
    page = await shonin.approve(path)
    assert "発令しました" in page.text
    released = (await in_force(site))[0]
    assert (released.alert.drafter, released.approver) == ("kian", "shonin")
    board = await shonin.get("/hq/")
    assert "津波警報 避難指示" in board.text
    assert "警戒レベル" not in board.text  # never a number for a tsunami
    audit = await shonin.get("/hq/audit")
    assert [one for one in ("起案", "承認を求めた", "承認", "発令") if one not in audit.text] == []


@pytest.mark.parametrize("as_program", [False, True])
async def test_the_drafter_cannot_approve_whatever_way_he_asks(
    site: Site, shonin: Officer, as_program: bool
) -> None:
    """An approver by role, who drafted it himself: by form, and by a request of his own making."""
    path = await shonin.submitted(TSUNAMI_ORDER)
    page = await shonin.get(path)
    assert "承認できません" in page.text
    assert page.document.xpath("//form[contains(@action, '/approve')]") == []
    record = await site.side().alerts.get(path.removeprefix("/hq/alerts/").replace("/", ":"))
    fields = {
        "decision_hash": record.decision_hash,
        "typed": site.side().alerts.confirmation_words(record),
    }
    answer = await shonin.post(path + "/approve", fields, as_program=as_program)
    assert answer.status == 403
    assert ("same_officer" if as_program else "起案に関わった職員は承認できません") in answer.body
    assert await in_force(site) == []


async def test_a_drafter_by_role_cannot_approve_another_ones_draft(site: Site, kian: Officer) -> None:
    path = await kian.submitted(TSUNAMI_ORDER)
    async with officer(site, "futari", Role.HQ_DRAFTER) as second:
        record = (await site.side().alerts.working())[0]
        answer = await second.post(
            path + "/approve",
            {"decision_hash": record.decision_hash, "typed": site.side().alerts.confirmation_words(record)},
        )
        assert answer.status == 403
    assert await in_force(site) == []


async def test_wrong_words_release_nothing_and_stay_on_the_page(
    site: Site, kian: Officer, shonin: Officer
) -> None:
    path = await kian.submitted(TSUNAMI_ORDER)
    shown = await shonin.get(path)
    fields = {"decision_hash": shown.value("decision_hash"), "typed": "訓練 " + words_of(shown)}
    page = await shonin.post(path + "/approve", fields)
    assert page.status == 400
    assert "確認の言葉が違います" in page.text
    assert page.value("typed") == fields["typed"]
    assert await in_force(site) == []


async def test_what_was_changed_after_it_was_shown_is_not_released(
    site: Site, kian: Officer, shonin: Officer
) -> None:
    path = await kian.submitted(FLOOD_ORDER)
    shown = await shonin.get(path)
    await kian.post(path + "/edit", FLOOD_ORDER | {"zone": ["town:若林区/荒浜"]})
    await kian.submit(path)
    fields = {"decision_hash": shown.value("decision_hash"), "typed": words_of(shown)}
    page = await shonin.post(path + "/approve", fields)
    assert page.status == 409
    assert "内容が変わっています" in page.text
    assert await in_force(site) == []


async def test_a_draft_is_sent_back_with_the_reason_which_its_drafter_reads(
    kian: Officer, shonin: Officer
) -> None:
    path = await kian.submitted(FLOOD_ORDER)
    page = await shonin.post(path + "/send-back", {"note": " "})
    assert page.status == 400
    page = await shonin.post(path + "/send-back", {"note": "区域に荒浜を加えてください"})
    assert page.status == 200
    assert "区域に荒浜を加えてください" in (await kian.get("/hq/")).text
    assert "区域に荒浜を加えてください" in (await kian.get(path)).text


async def test_a_withdrawn_draft_can_not_be_submitted(kian: Officer) -> None:
    path = await kian.drafted(FLOOD_ORDER)
    shown = await kian.get(path)
    assert "取り下げました" in (await kian.post(path + "/withdraw")).text
    page = await kian.post(path + "/submit", {"decision_hash": shown.value("decision_hash")})
    assert page.status == 409


async def test_a_viewer_sees_and_changes_nothing(site: Site, kian: Officer) -> None:
    path = await kian.drafted(FLOOD_ORDER)
    async with officer(site, "miru", Role.VIEWER) as viewer:
        assert (await viewer.get("/hq/")).status == 200
        shown = await viewer.get(path)
        assert shown.document.xpath("//form[contains(@action, '/submit')]") == []
        record = (await site.side().alerts.working())[0]
        for asked, fields in (
            ("/hq/alerts/new", FLOOD_ORDER),
            (path + "/submit", {"decision_hash": record.decision_hash}),
            (path + "/withdraw", {}),
            ("/hq/staff", {"name": "x", "role": "admin"}),
            ("/hq/sites/link", {"site": (await site.side().sites.all())[0].site_id}),
            ("/hq/audit/verify", {}),
        ):
            assert (await viewer.post(asked, fields)).status == 403, asked
    assert (await site.side().alerts.working())[0].state is AlertState.DRAFT


# ---- three ways to go on ---------------------------------------------------------------------------


async def _released(kian: Officer, shonin: Officer, form: dict[str, object]) -> str:
    path = await kian.submitted(form)
    assert (await shonin.approve(path)).status == 200
    return path


async def test_an_update_starts_from_what_is_in_force_and_replaces_it(
    site: Site, kian: Officer, shonin: Officer
) -> None:
    path = await _released(kian, shonin, FLOOD_ORDER | {"free_ja": "避難所に毛布があります。"})
    alert_id = path.split("/")[3]
    page = await kian.get(f"/hq/alerts/new?update={alert_id}")
    assert page.checked("zone") == FLOOD_ORDER["zone"]
    assert page.checked("kind") == ["evacuate"]
    assert page.value("free_ja") == "避難所に毛布があります。"
    assert page.value("reason") == ""  # each decision has its own
    page = await kian.post(
        f"/hq/alerts/new?update={alert_id}",
        FLOOD_ORDER | {"kind": "emergency_safety", "reason": "氾濫を確認したため"},
    )
    second = page.path.split("?")[0]
    assert second == f"/hq/alerts/{alert_id}/2"
    await kian.submit(second)
    await shonin.approve(second)
    assert [one.alert.key for one in await in_force(site)] == [f"{alert_id}:2"]
    assert "更新済み" in (await kian.get(path)).text


async def test_a_lift_needs_a_reason_and_two_persons(site: Site, kian: Officer, shonin: Officer) -> None:
    alert_id = (await _released(kian, shonin, FLOOD_ORDER)).split("/")[3]
    page = await kian.post(f"/hq/alerts/{alert_id}/lift", {"reason": ""})
    assert page.status == 400
    assert "判断の理由" in page.text
    page = await kian.post(f"/hq/alerts/{alert_id}/lift", {"reason": "水位が下がったため"})
    path = page.path.split("?")[0]
    page = await kian.post(path + "/edit-lift", {"reason": "水位が下がり、堤防も確かめたため"})
    assert "堤防も確かめた" in page.text
    await kian.submit(path)
    assert len(await in_force(site)) == 1
    page = await shonin.approve(path)
    assert "解除しました" in page.text
    assert await in_force(site) == []


async def test_a_recall_needs_a_reason_and_its_own_words_and_one_person(
    site: Site, kian: Officer, shonin: Officer
) -> None:
    path = await _released(kian, shonin, TSUNAMI_ORDER)
    alert_id = path.split("/")[3]
    words = words_of(await kian.get(f"/hq/alerts/{alert_id}/recall"))
    assert words.startswith("取消 ")
    for fields in (
        {"reason": "", "typed": words},
        {"reason": "区域を誤った", "typed": words.replace("取消", "解除")},
    ):
        page = await kian.post(f"/hq/alerts/{alert_id}/recall", fields)
        assert page.status == 400
        assert page.value("reason") == fields["reason"]
    assert len(await in_force(site)) == 1
    page = await kian.post(f"/hq/alerts/{alert_id}/recall", {"reason": "区域を誤った", "typed": words})
    assert "取消を実施しました" in page.text
    assert await in_force(site) == []
    assert "取消済み" in (await kian.get(path)).text
    assert (await kian.get(f"/hq/alerts/{alert_id}/lift")).status == 409


async def test_a_review_is_answered_from_the_board(site: Site, kian: Officer, shonin: Officer) -> None:
    alert_id = (await _released(kian, shonin, FLOOD_ORDER)).split("/")[3]
    page = await kian.post(f"/hq/alerts/{alert_id}/review")
    assert "このまま継続することを記録しました" in page.text
    assert "見直し（継続を確認）" in (await kian.get("/hq/audit")).text


# ---- the draft's page ------------------------------------------------------------------------------


async def test_a_draft_shows_every_text_and_the_figures_of_the_plan(site: Site, kian: Officer) -> None:
    preview = Preview(
        available=True,
        people=1234,
        households=500,
        by_site=(
            SiteExpectation(site_id="a", name="七郷小学校", persons=950, seats=900, source="assumed"),
            SiteExpectation(site_id="b", name="六郷中学校", persons=100, seats=1000, source="measured"),
        ),
        no_site=7,
        by_action={"go": 1050, "inland": 184},
        at=datetime.now(UTC),
    )
    site.side().previews.wait_s = 5.0
    path = await kian.drafted(TSUNAMI_ORDER)
    async with planner(site, preview) as asked:
        page = await kian.get(path + "?preview=1")
        part = await kian.get(path + "/preview")
    assert [one.key for one in asked] == [path.removeprefix("/hq/alerts/").replace("/", ":")] * 2
    for shown in (page, part):
        assert "1,234" in shown.body
        assert shown.body.count("想定（仮）") == 1
        assert "50人超過" in shown.body
    alert = (await site.side().alerts.working())[0].alert
    for text in alert.texts.values():
        assert " ".join(text.body.split()) in page.text
    assert "見本" in page.text


async def test_a_silent_planner_is_said_and_does_not_stop_the_release(
    site: Site, kian: Officer, shonin: Officer
) -> None:
    path = await kian.submitted(TSUNAMI_ORDER)
    page = await shonin.get(path + "?preview=1")
    assert "計画の処理から答えがありません" in page.text
    assert (await shonin.approve(path)).status == 200
    assert len(await in_force(site)) == 1


async def test_the_board_tells_what_a_push_service_took_from_what_a_phone_showed(
    site: Site, kian: Officer, shonin: Officer
) -> None:
    path = await _released(kian, shonin, FLOOD_ORDER)
    order = (await in_force(site))[0]
    now = site.side().clock.now()
    ids = [(await site.subscribe(token=f"phone{n}"))[0] for n in range(4)]
    drafts = [
        InstructionDraft(
            subscription_id=one,
            incident=order.incident or "",
            place_id=None,
            message=MessageKind.ORDER,
            action=Action.GO,
            alert_key=order.alert.key,
            danger_class=0,
            plan_id="p1",
            decided_at=now,
            stale_at=now + timedelta(hours=1),
            meaning="m1",
        )
        for one in ids
    ]
    await site.side().instructions.emit(None, drafts, now)
    seal = told_sealer(site.opened.secrets.live)
    outbox = Outbox(site.opened.redis, Realm.LIVE, "test", seal)
    stages = (Stage.ACCEPTED, Stage.DISPLAYED, Stage.FAILED)
    for subscription_id, stage in zip(ids[:3], stages, strict=True):
        member = member_of(order.incident or "", subscription_id)
        result = Result(member=member, seq=1, stage=stage, attempts=1, cause="timeout")
        assert await outbox.record({bucket_of(subscription_id): [result]}, now) == 1
    for page in (await kian.get("/hq/board"), await kian.get(path)):
        heads = [one.text for one in page.document.xpath("//ul[@aria-label='配信の段階']//span")]
        counts = [one.text for one in page.document.xpath("//ul[@aria-label='配信の段階']//strong")]
        shown = dict(zip(heads, counts, strict=True))
        assert (shown["送信待ち"], shown["プッシュサービス受理"], shown["端末に表示"], shown["送信失敗"]) == (
            "1",
        ) * 4
        assert "「プッシュサービス受理」は、端末に届いたことではありません" in page.text
        assert "送れなかった登録" in page.text
    assert "/hq/delivery" in (await kian.get(path)).body


# ---- proposals of JMA's ----------------------------------------------------------------------------


def _proposal(**changes: object) -> Proposal:
    facts: dict[str, object] = {
        "id": "tsunami-live-220-t1",
        "realm": "live",
        "act": ProposedAct.ISSUE,
        "hazard": HazardKind.TSUNAMI,
        "danger": Danger.TSUNAMI,
        "kind": OrderKind.TSUNAMI_EVACUATION,
        "subject": "tsunami",
        "grade": Grade.WARNING,
        "area_codes": ("220",),
        "area_names": ("宮城県",),
        "zones": ("tsunami:area1",),
        "expected_arrival_at": datetime(2026, 11, 23, 6, 0, tzinfo=UTC),
        "arrival_is_now": False,
        "arrival_as_given": None,
        "height_as_given": "３ｍ",
        "telegram_key": "t1",
        "telegram_title": "津波警報・注意報・予報",
        "editorial_office": "気象庁本庁",
        "event_ids": ("20261123144500",),
        "report_at": datetime(2026, 11, 23, 5, 49, tzinfo=UTC),
        "headline": "津波警報を発表しました。ただちに避難してください。",
        "review_hint": "対象区域と本文を確認してください。",
    }
    return Proposal(**(facts | changes))  # type: ignore[arg-type]


async def test_a_proposal_is_shown_as_jmas_and_becomes_a_filled_form(site: Site, kian: Officer) -> None:
    await site.side().proposals.put(_proposal())
    board = await kian.get("/hq/")
    assert "気象庁発表" in board.text
    assert "宮城県 津波警報" in board.text
    link = board.one("//*[@id='part-proposals']//a[contains(@class, 'button')]").get("href")
    form = await kian.get(link)
    assert form.checked("zone") == ["tsunami:area1"]
    assert form.checked("tsunami_class") == ["warning"]
    assert form.value("arrival") == "2026-11-23T15:00"  # Japan's time
    assert form.value("reason").startswith("気象庁 2026/11/23 14:49発表")
    await kian.drafted(TSUNAMI_ORDER | {"proposal": form.value("proposal"), "arrival": "2026-11-23T15:00"})
    assert "宮城県 津波警報" not in (await kian.get("/hq/")).text
    drafted = (await site.side().alerts.working())[0].alert
    assert drafted.expected_arrival_at == datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


async def test_a_proposal_is_dismissed_only_with_a_reason(site: Site, kian: Officer) -> None:
    await site.side().proposals.put(_proposal())
    fields = {"id": "tsunami-live-220-t1", "reason": ""}
    assert (await kian.post("/hq/proposals/dismiss", fields)).status == 400
    assert len(await site.side().proposals.open()) == 1
    page = await kian.post("/hq/proposals/dismiss", fields | {"reason": "すでに発令済みのため"})
    assert page.status == 200
    assert await site.side().proposals.open() == []


async def test_a_raised_class_leads_to_an_update_of_the_order_in_force(
    site: Site, kian: Officer, shonin: Officer
) -> None:
    alert_id = (await _released(kian, shonin, TSUNAMI_ORDER)).split("/")[3]
    await site.side().proposals.put(
        _proposal(act=ProposedAct.UPDATE, grade=Grade.EMERGENCY, zones=("tsunami:area1", "tsunami:area2"))
    )
    board = await kian.get("/hq/")
    link = board.one("//*[@id='part-proposals']//a[contains(@class, 'button')]").get("href")
    assert f"update={alert_id}" in link
    form = await kian.get(link)
    assert form.checked("zone") == ["tsunami:area1", "tsunami:area2"]
    assert form.checked("tsunami_class") == ["major_warning"]


# ---- the log, the sites, the officers --------------------------------------------------------------


async def test_the_check_of_the_log_finds_what_was_changed(site: Site, kian: Officer) -> None:
    await kian.drafted(FLOOD_ORDER)
    assert "書き換えはありません" in (await kian.post("/hq/audit/verify")).text
    key = Keys(Realm.LIVE).audit
    first = await site.opened.redis.lindex(key, 0)
    await site.opened.redis.lset(key, 0, first.replace(b"test", b"tess"))
    page = await kian.post("/hq/audit/verify")
    assert "1件目で鎖が切れています" in page.text


async def test_a_desk_link_is_shown_once_with_its_pin_and_qr(site: Site, kian: Officer) -> None:
    chosen = (await site.side().sites.all())[0]
    page = await kian.post("/hq/sites/link", {"site": chosen.site_id})
    assert page.one("//img[contains(@src, 'data:image/svg+xml')]") is not None
    link, pin = (page.one(f"//dd[contains(@class, '{one}')]").text for one in ("secret", "pin"))
    assert link.startswith(f"{site.url}/s/")
    assert re.fullmatch(r"\d{6}", pin)
    listed = await kian.get("/hq/sites")
    assert pin not in listed.body
    assert link.rpartition("/")[2] not in listed.body
    assert (await kian.post("/hq/sites/revoke", {"site": chosen.site_id})).status == 200
    async with visitor(site) as phone:
        assert (await phone.get(link.removeprefix(site.url))).status == 404


async def test_what_a_site_says_by_telephone_is_recorded_with_the_officers_name(
    site: Site, kian: Officer
) -> None:
    chosen = (await site.side().sites.all())[0]
    fields = {"site": chosen.site_id, "opening": "closed", "present_persons": "１２"}
    page = await kian.post("/hq/sites/report", fields)
    assert page.status == 200
    status = await site.side().sites.status(chosen.site_id)
    assert (status.opening, status.present_persons, status.reporter) == ("closed", 12, "staff:kian")
    page = await kian.post("/hq/sites/report", {"site": chosen.site_id})
    assert page.status == 400


async def test_an_administrator_adds_an_officer_who_can_then_sign_in(site: Site) -> None:
    async with officer(site, "kanri", Role.ADMIN) as admin:
        page = await admin.post("/hq/staff", {"name": "Tanaka", "role": "hq_drafter"})
        password, secret = (page.one(f"//dd[contains(@class, '{one}')]").text for one in ("pin", "secret"))
        for bad in (
            {"name": "tanaka", "role": "viewer"},
            {"name": "田中", "role": "viewer"},
            {"name": "b", "role": ""},
        ):
            assert (await admin.post("/hq/staff", bad)).status == 400
        assert password not in (await admin.get("/hq/staff")).body
        for own in ("kanri", "KANRI", " kanri "):
            assert (await admin.post("/hq/staff/disable", {"name": own})).status == 400
        async with visitor(site) as tanaka:
            account = type(admin.account)(
                name="tanaka", role=Role.HQ_DRAFTER, password=password, totp_uri="", totp_secret=secret
            )
            tanaka.account = account
            assert (await tanaka.sign_in()).path == "/hq/"
            await admin.post("/hq/staff/disable", {"name": "tanaka"})
            assert (await tanaka.get("/hq/")).path.startswith("/hq/sign-in")


# ---- both sides ------------------------------------------------------------------------------------


async def test_the_drill_side_is_another_console_with_other_words(site: Site) -> None:
    async with (
        officer(site, "kian", Role.HQ_DRAFTER, Realm.DRILL) as drafter,
        officer(site, "shonin", Role.HQ_APPROVER, Realm.DRILL) as approver,
    ):
        path = await drafter.submitted(TSUNAMI_ORDER)
        shown = await approver.get(path)
        assert words_of(shown).startswith("訓練 ")
        assert "【訓練】" in shown.text
        assert shown.one("/html").get("data-realm") == "drill"
        assert (await approver.approve(path)).status == 200
    assert len(await in_force(site, Realm.DRILL)) == 1
    assert await in_force(site, Realm.LIVE) == []


async def test_no_page_has_inline_style_or_script(site: Site, kian: Officer, shonin: Officer) -> None:
    """The policy of every page refuses both: what is there would be dead, or worse, not refused."""
    await site.side().proposals.put(_proposal())
    path = await _released(kian, shonin, FLOOD_ORDER)
    pages = [
        await kian.get(one)
        for one in (
            "/hq/",
            "/hq/board",
            "/hq/alerts/new",
            path,
            path.rpartition("/")[0] + "/lift",
            path.rpartition("/")[0] + "/recall",
            "/hq/sites",
            "/hq/audit",
            "/hq/delivery",
            "/hq/delivery/towns",
        )
    ]
    pages.append(await shonin.get("/hq/delivery/persons"))
    async with visitor(site) as stranger:
        pages.append(await stranger.get("/hq/sign-in"))
    for page in pages:
        assert page.status == 200
        _refuse_inline(page)


def _refuse_inline(page: Shown) -> None:
    assert page.document.xpath("//*[@style]") == [], page.path
    assert page.document.xpath("//style") == []
    assert page.document.xpath("//@*[starts-with(name(), 'on')]") == []
    for script in page.document.xpath("//script[not(@src)]"):
        assert script.get("type") in ("importmap", "application/json"), page.path
