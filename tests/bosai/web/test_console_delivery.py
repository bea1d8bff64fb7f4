"""The page of delivery: honest stages, causes in words, towns without small counts for wards, and the trial message."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bosai.model.alert import Act, AlertRecord
from bosai.model.instruction import CHECK_INCIDENT, MessageKind, Stage
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.ports import OriginState
from bosai.stores.instructions import InstructionStore, member_of
from bosai.stores.keys import Keys, bucket_of
from bosai.stores.outbox import Outbox, Result
from bosai.web.console.board import DELIVERY
from bosai.wiring import told_sealer
from tests.bed.answers import Answer
from tests.bed.push_service import PushService
from tests.bosai.web.officers import FLOOD_ORDER, Officer, in_force, no_planner, officer, visitor
from tests.bosai.web.running import Site, running
from tests.redis_server import PrivateRedis
from tests.workers.street import draft, fake_id, make_known

JSON = {"Content-Type": "application/json", "Accept": "application/json"}


@pytest.fixture
async def push() -> AsyncIterator[PushService]:
    async with PushService() as found:
        yield found


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path, push: PushService) -> AsyncIterator[Site]:
    async with running(tmp_path, private_redis.url, {"push.test_hosts": [push.endpoint_host]}) as found:
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


@pytest.fixture
async def order(site: Site, kian: Officer, shonin: Officer) -> AlertRecord:
    path = await kian.submitted(FLOOD_ORDER)
    assert (await shonin.approve(path)).status == 200
    return (await in_force(site))[0]


async def told(
    site: Site, order: AlertRecord, travels: Sequence[tuple[str, Stage, str]], *, first: int = 0
) -> list[str]:
    """People told of the order: (town, how far it came, cause) each; their ids."""
    redis, now = site.opened.redis, site.side().clock.now()
    ids = [fake_id(first + n) for n in range(len(travels))]
    await make_known(redis, *ids)
    seal, incident = told_sealer(site.opened.secrets.live), order.incident or ""
    store, outbox = InstructionStore(redis, Realm.LIVE, seal), Outbox(redis, Realm.LIVE, "w", seal)
    drafts = [
        draft(one, incident=incident, alert_key=order.alert.key, decided_at=now, town=town)
        for one, (town, _, _) in zip(ids, travels, strict=True)
    ]
    assert (await store.emit(1, drafts, now)).written == len(ids)
    for one, (_, stage, cause) in zip(ids, travels, strict=True):
        if stage is not Stage.QUEUED:
            result = Result(member_of(incident, one), 1, stage, 1, bytes_sent=1000, cause=cause)
            assert await outbox.record({bucket_of(one): [result]}, now) == 1
    return ids


def tiles(page: object) -> dict[str, str]:
    document = page.document  # type: ignore[attr-defined]
    heads = [one.text for one in document.xpath("//*[@aria-label='配信の段階']//span")]
    counts = [one.text for one in document.xpath("//*[@aria-label='配信の段階']//strong")]
    return dict(zip(heads, counts, strict=True))


def table(page: object, label: str) -> list[list[str]]:
    rows = page.document.xpath(f"//*[@aria-label='{label}']//tbody/tr")  # type: ignore[attr-defined]
    return [[" ".join(cell.text_content().split()) for cell in row.xpath("./th|./td")] for row in rows]


TRAVELS = [
    *[("若林区荒浜", Stage.ACCEPTED, "")] * 6,
    *[("若林区荒浜", Stage.DISPLAYED, "")] * 7,
    *[("若林区荒井", Stage.DISPLAYED, "")] * 2,
    *[("若林区荒井", Stage.FAILED, "timeout")] * 3,
    *[("若林区荒浜", Stage.RETIRED, "http_410")] * 6,
    ("若林区荒浜", Stage.QUEUED, ""),
]


async def test_before_the_first_order_the_page_says_so(site: Site, kian: Officer) -> None:
    page = await kian.get("/hq/delivery")
    assert page.status == 200
    assert "まだ発令はありません" in page.text and "送信の処理から報告がありません" in page.text
    assert (await kian.get("/hq/delivery/towns")).status == 200
    assert "まだだれにも送っていません" in page.text and "送れなかった人は" not in page.text


async def test_that_push_services_took_everything_is_never_said_as_if_it_had_reached_everybody(
    site: Site, kian: Officer, order: AlertRecord
) -> None:
    await told(site, order, [("若林区荒浜", Stage.ACCEPTED, "")] * 7)
    page = await kian.get("/hq/delivery")
    stages = " ".join(page.one("//*[@id='part-stages']").text_content().split())
    assert "案内を作った人 7人。そのうち端末に届いたと分かった人 0人。" in stages
    causes = page.one("//*[@id='part-causes']").text_content()
    assert "受理されても、端末に届いたとは限りません" in causes
    assert "届かなかった人" not in page.text  # nobody knows that yet of those seven


async def test_the_headquarters_sees_every_stage_cause_version_and_byte(
    site: Site, kian: Officer, order: AlertRecord
) -> None:
    await told(site, order, TRAVELS)
    page = await kian.get("/hq/delivery")
    assert tiles(page) == {
        "送信待ち": "1",
        "プッシュサービス受理": "6",
        "端末に表示": "9",
        "開封": "0",
        "回答": "0",
        "到着": "0",
        "送れなかった": "9",
        "送る前に止めた": "0",
    }
    assert table(page, "送れなかった原因") == [
        ["登録の失効", "プッシュサービス：この登録は取り消された（410）", "6"],
        ["送信失敗", "プッシュサービスから返事がない", "3"],
    ]
    ((version, *counts, sent),) = table(page, "版ごとの配信")
    assert "警戒レベル4 避難指示" in version and counts == ["1", "6", "9", "0", "0", "0", "9"]
    assert (
        sent == "24.0キロバイト" and "「プッシュサービス受理」は、端末に届いたことではありません" in page.text
    )
    assert (await kian.get("/hq/delivery/parts")).body.count("data-part") == 7


async def test_by_town_with_causes_and_as_a_table_for_other_programs(
    site: Site, kian: Officer, order: AlertRecord
) -> None:
    await told(site, order, [*TRAVELS, ("=cmd()", Stage.EXPIRED, "stale")])
    page = await kian.get("/hq/delivery/towns")
    assert "最後の事案" not in page.text
    lines = {row[0]: row[1:] for row in table(page, "町ごとの配信")}
    assert lines["若林区荒浜"][:7] == ["6", "1", "6", "7", "0", "0", "0"]
    assert lines["若林区荒井"][0] == "3" and lines["若林区荒井"][7] == "プッシュサービスから返事がない 3人"
    assert (lines["若林区荒井"][8], lines["若林区荒浜"][8]) == ("5.0キロバイト", "19.0キロバイト")
    answer = await kian.get("/hq/delivery/towns.csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.body.lstrip("\ufeff"))))
    assert rows[0] == ["町", "原因", "送れなかった人"]
    assert ["若林区荒井", "プッシュサービスから返事がない", "3"] in rows
    assert ["'=cmd()", "有効な時間のうちに送れなかった", "1"] in rows  # no spreadsheet runs it


async def test_a_ward_sees_no_count_below_five_and_none_to_be_worked_out(
    site: Site, order: AlertRecord
) -> None:
    ids = await told(site, order, TRAVELS)
    async with officer(site, "ward", Role.WARD_OPERATOR) as ward:
        for path in ("/hq/delivery", "/hq/board", f"/hq/alerts/{order.alert.key.replace(':', '/')}"):
            page = await ward.get(path)
            shown = tiles(page)
            # One person waits (withheld); with it the smallest other goes, or 25 less the rest would be that one.
            assert (shown["送信待ち"], shown["プッシュサービス受理"], shown["端末に表示"]) == (
                "非表示",
                "非表示",
                "9",
            )
            assert shown["送れなかった"] == "9" and "5人未満の数" in page.text
            assert all(one[:8] not in page.body for one in ids)
        page = await ward.get("/hq/delivery")
        assert [row[2] for row in table(page, "送れなかった原因")] == ["非表示", "非表示"]
        assert not table(page, "版ごとの配信")
        lines = {row[0]: row[1:] for row in table(await ward.get("/hq/delivery/towns"), "町ごとの配信")}
        assert lines["若林区荒井"] == ["非表示", "0", "0", "非表示", "0", "0", "0"]
        assert lines["若林区荒浜"][0] == "非表示" and lines["若林区荒浜"][3] == "非表示"
        rows = list(csv.reader(io.StringIO((await ward.get("/hq/delivery/towns.csv")).body.lstrip("\ufeff"))))
        assert rows == [["町", "送れなかった人"], ["若林区荒井", "非表示"], ["若林区荒浜", "非表示"]]
        assert (await ward.get("/hq/delivery/persons")).status == 403


async def test_a_ward_can_not_take_differences_of_what_was_sent(site: Site, kian: Officer) -> None:
    now = site.side().clock.now()
    state = OriginState(
        origin="https://a.example", state="open", in_flight=1, waiting=2, accepted=4321, failed=3
    )
    row = msgspec.json.encode({"at": now, **msgspec.structs.asdict(state)})
    await site.opened.redis.hset(Keys(Realm.LIVE).push_origins, "w1 https://a.example", row)
    assert "4,321" in (await kian.get("/hq/delivery")).text
    async with officer(site, "ward", Role.WARD_OPERATOR) as ward:
        page = await ward.get("/hq/delivery")
        ((_, state_word, *counts, _),) = table(page, "プッシュサービスの状態")
        assert (state_word, counts) == ("通常", ["—"] * 4)
        assert "事前鍵" not in page.text


async def test_single_deliveries_are_for_approvers_by_pages_of_a_hundred(
    site: Site, kian: Officer, shonin: Officer, order: AlertRecord
) -> None:
    ids = await told(site, order, [("若林区荒浜", Stage.FAILED, "gave_up reset")] * 120)
    await told(site, order, [("若林区荒浜", Stage.ACCEPTED, "")], first=500)
    assert (await kian.get("/hq/delivery/persons")).status == 403
    first = await shonin.get("/hq/delivery/persons")
    following = first.one("//a[.='次の100件']").get("href")
    second = await shonin.get(following)
    rows = table(first, "登録ごとの配信") + table(second, "登録ごとの配信")
    assert [row[0] for row in rows] == [one[:12] for one in sorted(ids)]
    assert rows[0][1:5] == [
        "送信失敗",
        "何度送っても受理されなかった：通信が途中で切れた",
        "1",
        "1.0キロバイト",
    ]
    assert not second.document.xpath("//a[.='次の100件']")
    assert len(table(await shonin.get("/hq/delivery/persons?stage=accepted"), "登録ごとの配信")) == 1
    assert (await shonin.get("/hq/delivery/persons?stage=everything")).status == 400
    assert (await shonin.get("/hq/delivery/persons?after=..%2F")).status == 400


async def test_what_a_recall_stopped_and_whom_it_corrected_is_told_apart(
    site: Site, kian: Officer, shonin: Officer, order: AlertRecord
) -> None:
    ids = await told(site, order, [("若林区荒浜", Stage.ACCEPTED, "")] * 3)
    await told(site, order, [("若林区荒浜", Stage.REPLACED, "order_recalled")] * 2, first=50)
    here = site.side()
    words = here.alerts.confirmation_words(order, Act.RECALL)
    page = await kian.post(
        f"/hq/alerts/{order.alert.alert_id}/recall", {"reason": "区域の誤り", "typed": words}
    )
    assert page.status == 200, page.text
    recalled = (await here.alert_store.recent_ended())[-1]
    store = InstructionStore(site.opened.redis, Realm.LIVE, told_sealer(site.opened.secrets.live))
    now = here.clock.now()
    corrections = [
        draft(
            one,
            incident=order.incident or "",
            alert_key=recalled.alert.key,
            message=MessageKind.RECALLED,
            action=None,
            meaning="recalled",
            decided_at=now,
        )
        for one in ids
    ]
    await store.emit(1, corrections, now)
    text = (await kian.get("/hq/delivery")).one("//*[@id='part-endings']").text_content()
    said = " ".join(text.split())
    assert "送る前に止めた人2人" in said and "取消を送った人0人" in said and "これから送る人3人" in said
    for who, path in ((kian, "/hq/delivery"), (kian, "/hq/delivery/towns"), (shonin, "/hq/delivery/persons")):
        assert "最後の事案" in (await who.get(path)).text, path


async def test_push_services_and_processes_are_shown_as_they_last_were(site: Site, kian: Officer) -> None:
    keys, redis, now = Keys(Realm.LIVE), site.opened.redis, site.side().clock.now()

    async def origin(consumer: str, age_s: float, **facts: object) -> None:
        state = OriginState(
            **{
                "origin": "https://a.example",
                "state": "open",
                "in_flight": 3,
                "waiting": 4,
                "accepted": 5000,
                "failed": 6,
                **facts,
            }
        )
        row = {"at": now - timedelta(seconds=age_s), **msgspec.structs.asdict(state)}
        await redis.hset(keys.push_origins, f"{consumer} {state.origin}", msgspec.json.encode(row))

    await origin("w1", 1)
    await origin("w2", 2, state="resting", rest_s=30.0, cause="http_503")
    await origin("w3", 61)
    await redis.hset(keys.push_origins, "w4 broken", b"{")
    for consumer, age_s, ok in (("w1", 1, True), ("w2", 120, True)):
        said = {"at": now - timedelta(seconds=age_s), "ok": ok, "detail": ""}
        await redis.hset(keys.health, f"{DELIVERY}:{consumer}", msgspec.json.encode(said))
    page = await kian.get("/hq/delivery")
    rows = table(page, "プッシュサービスの状態")
    assert [row[1][:4] for row in rows] == ["通常", "停止中再", "応答なし"]
    assert rows[1][1].startswith("停止中再試行まで") and rows[1][6] == "プッシュサービスの故障（503）"
    assert rows[0][2:6] == ["3", "4", "5,000", "6"]
    board = (await kian.get("/hq/board")).one("//*[@id='part-health']").text_content()
    assert "正常 配信" in " ".join(board.split())  # one of two goes on
    processes = " ".join(page.one("//*[@id='part-processes']").text_content().split())
    assert "正常 配信 w1" in processes and "応答なし 配信 w2" in processes
    assert "事前鍵" in page.one("//*[@id='part-processes']/p").text_content()  # after the list, not in it


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([("w1", 120, True)], "応答なし"),
        ([("w1", 1, True), ("w2", 1, False)], "異常"),
        ([("w1", 1, True), ("w2", 120, False)], "正常"),
    ],
)
async def test_delivery_is_well_while_one_process_is_there_and_none_complains(
    site: Site, kian: Officer, rows: list[tuple[str, int, bool]], word: str
) -> None:
    now = site.side().clock.now()
    for consumer, age_s, ok in rows:
        said = {
            "at": now - timedelta(seconds=age_s),
            "ok": ok,
            "detail": "" if ok else "http_403 from https://a.example",
        }
        row = msgspec.json.encode(said)
        await site.opened.redis.hset(Keys(Realm.LIVE).health, f"{DELIVERY}:{consumer}", row)
    board = (await kian.get("/hq/board")).one("//*[@id='part-health']").text_content()
    assert f"{word} 配信" in " ".join(board.split())
    assert ("VAPIDの鍵か連絡先）：https://a.example" in board) == (word == "異常")


# ---- the trial message -------------------------------------------------------------------------------


async def trial(site: Site, who: Officer, info: object, **headers: str) -> tuple[int, dict[str, object]]:
    async with who.client.post(
        f"{site.url}{who.prefix}/hq/delivery/test",
        data=msgspec.json.encode(info),
        headers={**JSON, "Origin": site.url, **headers},
    ) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_trial_goes_to_the_officers_own_browser_and_says_what_the_push_service_said(
    site: Site, kian: Officer, push: PushService
) -> None:
    subscriber = push.make_subscriber(site.side().vapid_public_b64url)
    status, said = await trial(site, kian, subscriber.info)
    assert (status, said["status"]) == (200, 201)
    assert "受理しました" in str(said["text"]) and "届いたことではありません" in str(said["text"])
    (message,) = subscriber.inbox
    sent = msgspec.json.decode(message.text or "")
    assert sent["notification"]["title"].startswith("【試験】")
    assert "災害の知らせではありません" in sent["notification"]["body"]
    assert (sent["bosai"]["incident"], sent["bosai"]["realm"]) == (CHECK_INCIDENT, "live")
    entry = (await site.side().audit.read(-1, 1))[0]
    assert (entry.actor, entry.step, entry.facts["status"]) == ("kian", "trial_sent", 201)
    assert subscriber.info["endpoint"] not in str(entry)


async def test_a_trial_of_the_drill_side_is_marked_first_and_last(site: Site, push: PushService) -> None:
    async with officer(site, "kunren", Role.VIEWER, Realm.DRILL) as who:
        subscriber = push.make_subscriber(site.side(Realm.DRILL).vapid_public_b64url)
        assert (await trial(site, who, subscriber.info))[1]["status"] == 201
    shown = msgspec.json.decode(subscriber.inbox[0].text or "")["notification"]
    assert shown["title"].startswith("【訓練】【試験】") and shown["body"].endswith("これは訓練です")


async def test_one_trial_in_ten_seconds(site: Site, kian: Officer, push: PushService) -> None:
    subscriber = push.make_subscriber(site.side().vapid_public_b64url)
    assert (await trial(site, kian, subscriber.info))[0] == 200
    status, said = await trial(site, kian, subscriber.info)
    assert (status, said["code"], len(push.attempts)) == (429, "too_many_tries", 1)


@pytest.mark.parametrize(
    ("answer", "word"),
    [(410, "無効"), (403, "VAPID"), (503, "受理しませんでした"), (429, "受理しませんでした")],
)
async def test_what_a_push_service_refuses_is_said_with_its_mend(
    site: Site, kian: Officer, push: PushService, answer: int, word: str
) -> None:
    push.answer_next(1, Answer(status=answer))
    status, said = await trial(site, kian, push.make_subscriber(site.side().vapid_public_b64url).info)
    assert (status, said["status"]) == (200, answer)
    assert word in str(said["text"]) and str(answer) in str(said["text"])


async def test_a_trial_goes_nowhere_else_than_to_push_services(site: Site, kian: Officer) -> None:
    keys = {"p256dh": "AA", "auth": "AA"}
    for endpoint, wanted in (("https://10.0.0.7/x", 422), ("http://127.0.0.1:1/x", 422), ("", 400)):
        assert (await trial(site, kian, {"endpoint": endpoint, "keys": keys}))[0] == wanted


async def test_a_trial_needs_an_officer_and_our_own_page(
    site: Site, kian: Officer, push: PushService
) -> None:
    info = push.make_subscriber(site.side().vapid_public_b64url).info
    async with visitor(site) as stranger:
        assert (await trial(site, stranger, info))[0] == 401
    assert (await trial(site, kian, info, Origin="https://elsewhere.example"))[0] == 403
    assert push.attempts == []
