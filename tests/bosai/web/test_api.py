"""The API over HTTP on the real services: subscriptions, advice, receipts, the public picture; live and drill apart."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bosai.model.instruction import Destination, MessageKind, Stage
from bosai.model.realm import Realm
from bosai.services.receipts import receipt_token
from bosai.stores.instructions import InstructionDraft
from shelters.model import Action
from tests.bosai.services.hq import Hq
from tests.bosai.web.running import ARAHAMA, PUSH_HOST, bearer, keys, running, subscription

SUBSCRIPTIONS = "/api/v1/subscriptions"
RECEIPTS = "/api/v1/receipts"
DRILL = "/drill"
SIDE = pytest.mark.parametrize(
    ("here", "realm"), [("", Realm.LIVE), (DRILL, Realm.DRILL)], ids=["live", "drill"]
)
SIDES = pytest.mark.parametrize(
    ("here", "there", "realm"), [("", DRILL, Realm.LIVE), (DRILL, "", Realm.DRILL)], ids=["live", "drill"]
)


@pytest.fixture
async def site(tmp_path, private_redis):
    async with running(tmp_path, private_redis.url) as site:
        yield site


async def told(site, subscription_id: str, realm: Realm = Realm.LIVE, *, people: Hq | None = None):
    """Issue an order for 荒浜 and tell this subscriber to go inland; the alert record."""
    hq = people or Hq(site.opened.redis, realm)
    record = await hq.issue()
    now = datetime.now(UTC)
    draft = InstructionDraft(
        subscription_id=subscription_id,
        incident=record.incident or "",
        place_id="home",
        message=MessageKind.ORDER,
        action=Action.GO,
        alert_key=record.alert.key,
        danger_class=1,
        destination=Destination(
            site_id="s1", name="七郷小学校", lon=140.93, lat=38.23, walk_m=900, walk_s=900
        ),
        plan_id="p1",
        decided_at=now,
        stale_at=now + timedelta(hours=2),
        meaning="go-s1",
    )
    report = await site.side(realm).instructions.emit(1, [draft], now)
    assert report.written == 1
    return record


# -- subscriptions ----------------------------------------------------------------------------------------


@SIDE
async def test_a_subscriber_registers_reads_changes_and_is_forgotten_wholly(site, here, realm):
    subscription_id, secret = await site.subscribe(here)
    path = f"{here}{SUBSCRIPTIONS}/{subscription_id}"
    held = (await site.ask("GET", path, headers=bearer(secret))).json()
    assert (held["lang"], held["places"][0]["label"]) == ("ja", "荒浜")
    changed = await site.ask("PUT", path, headers=bearer(secret), json={"lang": "vi"})
    assert (changed.status, changed.body) == (204, b"")
    held = (await site.ask("GET", path, headers=bearer(secret))).json()
    assert (held["lang"], len(held["places"])) == ("vi", 1)
    moved = {"endpoint": f"https://{PUSH_HOST}/wpush/v2/moved", "keys": keys()}
    assert (await site.ask("PUT", path, headers=bearer(secret), json={"subscription": moved})).status == 204
    assert (await site.ask("GET", path, headers=bearer(secret))).json()["push"]["endpoint"] == moved[
        "endpoint"
    ]
    assert (await site.ask("DELETE", path, headers=bearer(secret))).status == 204
    assert (await site.problem("GET", path, headers=bearer(secret)))["code"] == "not_found"
    assert await site.side(realm).subscriptions.count() == 0


async def test_a_browser_that_registers_again_replaces_itself(site):
    first, first_secret = await site.subscribe(token="same")
    second, second_secret = await site.subscribe(token="same", lang="en")
    assert first == second
    assert await site.side().subscriptions.count() == 1
    path = f"{SUBSCRIPTIONS}/{first}"
    assert (await site.ask("GET", path, headers=bearer(first_secret))).status == 403
    assert (await site.ask("GET", path, headers=bearer(second_secret))).json()["lang"] == "en"


async def test_answers_about_a_subscriber_are_kept_by_no_cache(site):
    subscription_id, secret = await site.subscribe()
    for path in (f"{SUBSCRIPTIONS}/{subscription_id}", f"{SUBSCRIPTIONS}/{subscription_id}/advice"):
        assert (await site.ask("GET", path, headers=bearer(secret))).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("endpoint", "status"),
    [
        ("https://127.0.0.1/push", 422),
        ("https://192.168.1.1/push", 422),
        ("https://[::1]/push", 422),
        ("https://push.example.com/x", 422),
        (f"http://{PUSH_HOST}/x", 422),
        (f"https://{PUSH_HOST}.example.com/x", 422),
        (f"https://user@{PUSH_HOST}:444/x", 422),
    ],
)
async def test_a_push_host_that_is_private_or_unknown_is_refused_and_nothing_stays(site, endpoint, status):
    body = subscription(subscription={"endpoint": endpoint, "keys": keys()})
    document = await site.problem("POST", SUBSCRIPTIONS, json=body)
    assert (document["status"], document["code"]) == (status, "push_host_refused")
    assert await site.side().subscriptions.count() == 0
    assert await site.opened.redis.dbsize() == 0


BAD = [
    ({"places": []}, "places"),
    ({"places": [ARAHAMA] * 2}, "places[1].place_id"),
    ({"places": [{**ARAHAMA, "lon": 0.0}]}, "places[0].lon"),
    ({"places": [{**ARAHAMA, "lat": "38"}]}, "places[0].lat"),
    ({"places": [{**ARAHAMA, "persons": 0}]}, "places[0].persons"),
    ({"places": [{**ARAHAMA, "structure": "straw"}]}, "places[0].structure"),
    ({"places": [{"place_id": "home", "lat": 38.2}]}, "places[0].lon"),
    ({"lang": "tlh"}, "lang"),
    ({"name": "佐藤"}, "name"),
    ({"subscription": {"endpoint": f"https://{PUSH_HOST}/x"}}, "subscription.keys"),
]


@pytest.mark.parametrize(("changes", "field"), BAD, ids=[field for _, field in BAD])
async def test_bad_input_names_its_field_and_nothing_half_written_stays(site, changes, field):
    document = await site.problem(
        "POST", SUBSCRIPTIONS, json=subscription(**changes), headers={"Accept-Language": "en"}
    )
    assert (document["status"], document["code"], document["field"]) == (400, "invalid_input", field)
    assert document["title"]
    assert document["mend"]
    assert await site.opened.redis.dbsize() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"subscription": {"x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}}",
        b'{"lang": "ja", "places": [{"place_id": "a", "lon": 1e999, "lat": 38}], "subscription": {}}',
    ],
    ids=["empty", "cut", "not utf-8", "list", "null", "deep", "infinite"],
)
async def test_what_is_no_such_document_is_bad_input_and_no_fault_of_ours(site, body):
    for path in (SUBSCRIPTIONS, RECEIPTS):
        if path == RECEIPTS and body == b"[]":
            continue  # an empty batch says nothing, which is allowed
        document = await site.problem("POST", path, data=body)
        assert (document["status"], document["code"]) == (400, "invalid_input")
        assert document["field"]


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Basic x"}, bearer(""), bearer("wrong"), bearer("ü")]
)
async def test_without_the_secret_nothing_opens(site, headers):
    subscription_id, secret = await site.subscribe()
    one = f"{SUBSCRIPTIONS}/{subscription_id}"
    for method, path, more in [
        ("GET", one, {}),
        ("PUT", one, {"json": {"lang": "en"}}),
        ("DELETE", one, {}),
        ("GET", f"{one}/advice", {}),
    ]:
        assert (await site.problem(method, path, headers=headers, **more))["code"] == "wrong_secret"
    assert (await site.ask("GET", one, headers=bearer(secret))).json()["lang"] == "ja"


async def test_a_strange_id_is_simply_unknown(site):
    for name in ("0" * 32, "..", "x" * 500, "%7Bhq%7D", "é"):
        answer = await site.ask("GET", f"{SUBSCRIPTIONS}/{name}/advice", headers=bearer("x"))
        assert answer.status == 404


# -- advice -----------------------------------------------------------------------------------------------


async def test_while_nothing_was_said_the_advice_says_so_with_its_time(site):
    subscription_id, secret = await site.subscribe()
    before = datetime.now(UTC)
    advice = (
        await site.ask("GET", f"{SUBSCRIPTIONS}/{subscription_id}/advice", headers=bearer(secret))
    ).json()
    assert (advice["instruction"], advice["text"]) == (None, None)
    assert before <= datetime.fromisoformat(advice["read_at"]) <= datetime.now(UTC)


@SIDE
async def test_the_advice_is_the_newest_instruction_in_the_readers_language(site, here, realm):
    subscription_id, secret = await site.subscribe(here)
    await told(site, subscription_id, realm)
    path = f"{here}{SUBSCRIPTIONS}/{subscription_id}/advice"
    advice = (await site.ask("GET", path, headers=bearer(secret))).json()
    assert advice["instruction"]["destination"]["name"] == "七郷小学校"
    assert "七郷小学校" in advice["text"]["body"]
    assert "仙台市" in advice["text"]["issuer_line"]
    assert ("【訓練】" in advice["text"]["title"]) is realm.is_drill
    english = (await site.ask("GET", path, headers={**bearer(secret), "Accept-Language": "en"})).json()
    assert english["text"]["lang"] == "en"
    assert english["text"]["title"] != advice["text"]["title"]


# -- receipts ---------------------------------------------------------------------------------------------


async def token_of(site, subscription_id: str, incident: str, realm: Realm = Realm.LIVE, seq: int = 1) -> str:
    key = site.opened.secrets.realm(realm.value).hmac_key
    return receipt_token(key, realm, subscription_id, incident, seq)


async def stage_of(site, subscription_id: str, realm: Realm = Realm.LIVE) -> Stage:
    found = await site.side(realm).instructions.latest(subscription_id)
    assert found is not None
    return found[1].stage


async def test_a_receipt_raises_the_stage_and_never_lowers_it(site):
    subscription_id, secret = await site.subscribe()
    record = await told(site, subscription_id)
    token = await token_of(site, subscription_id, record.incident)
    for report, stage in [
        ({"stage": "displayed"}, Stage.DISPLAYED),
        ({"stage": "opened"}, Stage.OPENED),
        ({"stage": "displayed"}, Stage.OPENED),
        ({"answer": "going"}, Stage.ANSWERED),
        ({"answer": "arrived"}, Stage.ARRIVED),
        ({"stage": "opened"}, Stage.ARRIVED),
    ]:
        answer = await site.ask("POST", RECEIPTS, json=[{"r": token, **report}])
        assert (answer.status, answer.body) == (204, b"")
        assert await stage_of(site, subscription_id) is stage
    advice = await site.ask("GET", f"{SUBSCRIPTIONS}/{subscription_id}/advice", headers=bearer(secret))
    assert advice.json()["answer"] == "arrived"


async def test_a_receipt_that_is_not_ours_does_not_spoil_the_batch_and_alone_it_is_refused(site):
    subscription_id, _ = await site.subscribe()
    record = await told(site, subscription_id)
    good = {"r": await token_of(site, subscription_id, record.incident), "stage": "opened"}
    bad = {"r": good["r"][:-1] + ("A" if good["r"][-1] != "A" else "B"), "stage": "opened"}
    assert (await site.problem("POST", RECEIPTS, json=[bad]))["code"] == "wrong_secret"
    assert await stage_of(site, subscription_id) is Stage.QUEUED
    assert (await site.ask("POST", RECEIPTS, json=[bad, good])).status == 204
    assert await stage_of(site, subscription_id) is Stage.OPENED


@pytest.mark.parametrize(
    ("batch", "field"),
    [
        ([{"r": "x"}], "[1].stage"),
        ([{"r": "x", "stage": "opened"}, {"r": "x", "stage": "accepted"}], "[2].stage"),
        ([{"r": "x", "answer": "maybe"}], "[1].answer"),
        ([{"stage": "opened"}], "[1].r"),
        ([{"r": "x", "stage": "opened"}] * 51, "body"),
    ],
)
async def test_a_receipt_without_sense_is_refused_before_any_is_recorded(site, batch, field):
    subscription_id, _ = await site.subscribe()
    record = await told(site, subscription_id)
    good = {"r": await token_of(site, subscription_id, record.incident), "stage": "opened"}
    document = await site.problem("POST", RECEIPTS, json=[good, *batch])
    assert document["field"] == field
    assert await stage_of(site, subscription_id) is Stage.QUEUED


# -- the public picture -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["荒浜", "あらはま", "Arahama", "ARAHAMA"])
async def test_a_town_is_found_by_kanji_kana_and_romaji(site, name):
    found = (await site.ask("GET", "/api/v1/towns", params={"q": name})).json()
    assert any(one["name"].startswith("荒浜") and one["ward"] == "若林区" for one in found)
    assert len(found) <= 12


async def test_no_name_finds_no_town_and_a_long_one_does_no_harm(site):
    assert (await site.ask("GET", "/api/v1/towns")).json() == []
    assert (await site.ask("GET", "/api/v1/towns", params={"q": "あ" * 500})).status == 200


async def test_sites_are_told_with_what_is_known_of_them_and_where_figures_come_from(site):
    await site.side().sites.load_sample("test")
    answer = await site.ask("GET", "/api/v1/sites.geojson")
    assert answer.headers["Content-Type"].startswith("application/geo+json")
    features = answer.json()["features"]
    assert len(features) > 20
    for one in features:
        lon, lat = one["geometry"]["coordinates"]
        assert 140.4 < lon < 141.2
        assert 38.0 < lat < 38.6
        facts = one["properties"]
        assert facts["capacity_source"] == "assumed"
        assert facts["present_persons"] is None
        assert facts["name"]
        assert facts["hazards"] == sorted(facts["hazards"])
    okada = next(one["properties"] for one in features if one["properties"]["name"] == "岡田小学校")
    assert okada["floors"]["tsunami"] == "3階以上"
    assert okada["not_opened_first_in_rain"] is False


async def test_the_areas_are_those_of_the_orders_in_force_on_this_side(site):
    hq = Hq(site.opened.redis)
    record = await hq.issue()
    (feature,) = (await site.ask("GET", "/api/v1/areas.geojson")).json()["features"]
    assert (feature["id"], feature["properties"]["level"]) == (record.alert.key, 4)
    ring = feature["geometry"]["coordinates"][0][0]
    assert ring[0] == ring[-1] == [140.98, 38.21]
    assert (await site.ask("GET", "/drill/api/v1/areas.geojson")).json()["features"] == []
    await hq.lift(record.alert.alert_id)
    assert (await site.ask("GET", "/api/v1/areas.geojson")).json()["features"] == []


async def test_a_tsunami_area_carries_no_level(site):
    from tests.bosai.services.hq import tsunami

    await Hq(site.opened.redis).issue(tsunami())
    (feature,) = (await site.ask("GET", "/api/v1/areas.geojson")).json()["features"]
    assert feature["properties"]["level"] is None
    assert feature["properties"]["tsunami_class"] == "major_warning"


async def test_the_zones_of_the_sample_are_marked_as_such(site):
    features = (await site.ask("GET", "/api/v1/zones.geojson")).json()["features"]
    assert {one["id"] for one in features} >= {"tsunami:area1", "tsunami:area2"}
    assert all(one["properties"]["approximate"] for one in features)


async def test_the_process_and_its_store_answer_for_a_supervisor(site):
    assert (await site.ask("GET", "/healthz")).body == b"ok\n"
    assert (await site.ask("GET", "/readyz")).body == b"ready\n"


# -- live and drill never mix -----------------------------------------------------------------------------


@SIDES
async def test_a_subscription_of_one_side_is_unknown_on_the_other(site, here, there, realm):
    subscription_id, secret = await site.subscribe(here)
    other = f"{there}{SUBSCRIPTIONS}/{subscription_id}"
    for method, path, more in [
        ("GET", other, {}),
        ("PUT", other, {"json": {"lang": "en"}}),
        ("DELETE", other, {}),
        ("GET", f"{other}/advice", {}),
    ]:
        assert (await site.problem(method, path, headers=bearer(secret), **more))["code"] == "not_found"
    assert await site.side(realm).subscriptions.count() == 1
    held = (await site.ask("GET", f"{here}{SUBSCRIPTIONS}/{subscription_id}", headers=bearer(secret))).json()
    assert held["lang"] == "ja"


async def test_one_endpoint_on_both_sides_is_two_subscribers_with_two_secrets(site):
    live_id, live_secret = await site.subscribe("", token="both")
    drill_id, drill_secret = await site.subscribe(DRILL, token="both")
    assert live_id != drill_id
    assert live_secret != drill_secret
    for prefix, own, other in [("", live_id, drill_secret), (DRILL, drill_id, live_secret)]:
        path = f"{prefix}{SUBSCRIPTIONS}/{own}"
        assert (await site.problem("GET", path, headers=bearer(other)))["code"] == "wrong_secret"
    counts = [await site.side(realm).subscriptions.count() for realm in Realm]
    assert counts == [1, 1]


@SIDES
async def test_a_receipt_of_one_side_counts_for_nothing_on_the_other(site, here, there, realm):
    subscription_id, _ = await site.subscribe(here)
    record = await told(site, subscription_id, realm)
    receipt = {"r": await token_of(site, subscription_id, record.incident, realm), "stage": "opened"}
    assert (await site.problem("POST", f"{there}{RECEIPTS}", json=[receipt]))["code"] == "wrong_secret"
    assert await stage_of(site, subscription_id, realm) is Stage.QUEUED
    assert (await site.ask("POST", f"{here}{RECEIPTS}", json=[receipt])).status == 204
    assert await stage_of(site, subscription_id, realm) is Stage.OPENED


@SIDE
async def test_registering_on_one_side_writes_no_key_of_the_other(site, here, realm):
    await site.subscribe(here)
    written = [key.decode() async for key in site.opened.redis.scan_iter("*")]
    assert written
    assert all(key.startswith(f"bosai:{{{realm.value}:") for key in written)


@SIDES
async def test_an_order_of_one_side_is_seen_and_heard_on_no_path_of_the_other(site, here, there, realm):
    other = Realm.LIVE if realm.is_drill else Realm.DRILL
    own_id, _ = await site.subscribe(here)
    other_id, other_secret = await site.subscribe(there)
    await told(site, own_id, realm)
    advice = await site.ask("GET", f"{there}{SUBSCRIPTIONS}/{other_id}/advice", headers=bearer(other_secret))
    assert advice.json()["instruction"] is None
    assert (await site.ask("GET", f"{there}/api/v1/areas.geojson")).json()["features"] == []
    assert await site.side(other).alert_store.in_force() == []
    page = (await site.ask("GET", f"{there}/", headers={"Accept": "text/html"})).body.decode()
    assert "若林区荒浜" not in page
    assert ("【訓練】" in page) is other.is_drill


async def test_every_route_of_the_api_stands_on_both_sides_with_that_sides_services(site):
    seen: dict[str, set[str]] = {"": set(), DRILL: set()}
    for route in site.app.router.routes():
        path = route.resource.canonical if route.resource else ""
        prefix = DRILL if path.startswith(f"{DRILL}/") else ""
        if path.removeprefix(prefix).startswith("/api/v1"):
            seen[prefix].add(f"{route.method} {path.removeprefix(prefix)}")
    assert seen[""] == seen[DRILL]
    assert len(seen[""]) >= 10
    assert site.side(Realm.LIVE).vapid_public_b64url != site.side(Realm.DRILL).vapid_public_b64url


async def test_many_register_at_once_and_each_is_there(site):
    made = await asyncio.gather(*(site.subscribe(token=f"t{n}") for n in range(60)))
    assert len({one for one, _ in made}) == 60
    assert await site.side().subscriptions.count() == 60
