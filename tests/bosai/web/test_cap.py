"""Open CAP over HTTP: the feed, the messages and the certificate, as aggregators and pages of others ask for them."""

from __future__ import annotations

import asyncio
import gzip
from email.utils import parsedate_to_datetime

import pytest
from cryptography import x509
from lxml import etree
from signxml import XMLVerifier

from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.web.cap import CAP_ROUTES
from tests.bosai.web.officers import FLOOD_ORDER, TSUNAMI_ORDER, no_planner, officer
from tests.bosai.web.running import running

ATOM = "{http://www.w3.org/2005/Atom}"
FEED = "/alerts.atom"


@pytest.fixture
async def site(tmp_path, private_redis):
    async with running(tmp_path, private_redis.url) as site:
        no_planner(site)
        yield site


async def issued(site, realm: Realm = Realm.LIVE, form=FLOOD_ORDER):
    """An order released at the console by two officers."""
    async with (
        officer(site, f"abe-{realm}", Role.HQ_DRAFTER, realm) as drafter,
        officer(site, f"sato-{realm}", Role.HQ_APPROVER, realm) as approver,
    ):
        path = await drafter.submitted(form)
        page = await approver.approve(path)
        assert page.status == 200, page.text
    (record,) = await site.side(realm).alerts.in_force()
    return record


async def entries(site, prefix: str = "") -> list[etree._Element]:
    answer = await site.ask("GET", prefix + FEED)
    assert answer.status == 200, answer
    return etree.fromstring(answer.body).findall(f"{ATOM}entry")


def address(site, entry) -> str:
    return entry.find(f"{ATOM}link").get("href").removeprefix(site.url)


async def test_a_release_is_in_the_feed_at_once_and_its_message_is_signed_and_valid(site, shared_data):
    assert await entries(site) == []
    await asyncio.sleep(0)
    record = await issued(site)
    site.side().cap._look_again_s = float("-inf")  # a second has passed
    (entry,) = await entries(site)
    answer = await site.ask("GET", address(site, entry))
    assert (answer.status, answer.headers["Content-Type"]) == (
        200,
        "application/cap+xml; charset=utf-8",
    )
    schema = etree.XMLSchema(
        await asyncio.to_thread(etree.parse, str(shared_data / "cap" / "schema" / "cap12.xsd"))
    )
    assert schema.validate(etree.fromstring(answer.body)), schema.error_log
    pem = (await site.ask("GET", "/alerts/certificate.pem")).body
    certificate = x509.load_pem_x509_certificate(pem)
    signed = await asyncio.to_thread(XMLVerifier().verify, answer.body, x509_cert=certificate)
    assert signed.signed_xml.findtext("{*}identifier") == f"{record.alert.alert_id}.1.0"
    assert entry.findtext(f"{ATOM}title") == record.alert.texts["ja"].headline
    certain = await site.ask("GET", FEED)
    assert certain.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert certain.headers["Cache-Control"] == "public, max-age=10"


async def test_by_the_id_of_an_order_alone_the_newest_message_about_it_is_given(site):
    """As the console links it, who does not know how often a message was renewed."""
    record = await issued(site)
    path = f"/alerts/{record.alert.alert_id}.cap.xml"
    first = await site.ask("GET", path)
    assert etree.fromstring(first.body).findtext("{*}identifier") == f"{record.alert.alert_id}.1.0"
    assert (await site.ask("GET", "/drill" + path)).status == 404


async def test_drills_stand_in_their_own_feed_as_exercises_and_nowhere_else(site):
    record = await issued(site, Realm.DRILL, TSUNAMI_ORDER)
    assert await entries(site) == []
    (entry,) = await entries(site, "/drill")
    assert entry.findtext(f"{ATOM}title").startswith("【訓練】")
    path = address(site, entry)
    assert path == f"/drill/alerts/{record.alert.alert_id}.1.0.cap.xml"
    message = etree.fromstring((await site.ask("GET", path)).body)
    assert message.findtext("{*}status") == "Exercise"
    assert (await site.ask("GET", path.removeprefix("/drill"))).status == 404
    feed = etree.fromstring((await site.ask("GET", "/drill" + FEED)).body)
    assert feed.findtext(f"{ATOM}title").startswith("【訓練】")
    certificates = [(await site.ask("GET", f"{p}/alerts/certificate.pem")).body for p in ("", "/drill")]
    assert certificates[0] != certificates[1]


@pytest.mark.parametrize("what", ["feed", "message"])
async def test_who_has_it_already_gets_a_short_answer(site, what):
    await issued(site)
    path = FEED if what == "feed" else address(site, (await entries(site))[0])
    first = await site.ask("GET", path)
    tag, changed = first.headers["ETag"], first.headers["Last-Modified"]
    assert parsedate_to_datetime(changed).tzinfo is not None
    for asked in ({"If-None-Match": tag}, {"If-Modified-Since": changed}):
        again = await site.ask("GET", path, headers=asked)
        assert (again.status, again.body) == (304, b""), asked
        assert again.headers["Last-Modified"] == changed
        assert again.headers["Access-Control-Allow-Origin"] == "*"
        assert again.headers["ETag"]
    other = {"If-None-Match": '"other"', "If-Modified-Since": changed}
    assert (await site.ask("GET", path, headers=other)).status == 200, "the tag decides where there is one"
    old = {"If-Modified-Since": "Thu, 01 Jan 2015 00:00:00 GMT"}
    assert (await site.ask("GET", path, headers=old)).status == 200


async def test_the_feed_is_packed_for_who_takes_it_and_head_tells_the_same_without_a_body(site):
    await issued(site)
    plain = await site.ask("GET", FEED, headers={"Accept-Encoding": "identity"})
    async with site.client.get(
        site.url + FEED, headers={"Accept-Encoding": "gzip"}, auto_decompress=False
    ) as packed:
        assert packed.headers["Content-Encoding"] == "gzip"
        body = await packed.read()
    assert await asyncio.to_thread(gzip.decompress, body) == plain.body
    head = await site.ask("HEAD", FEED, headers={"Accept-Encoding": "identity"})
    assert (head.status, head.body) == (200, b"")
    for name in ("ETag", "Last-Modified", "Content-Type", "Content-Length"):
        assert head.headers[name] == plain.headers[name]


async def test_pages_of_other_sites_may_read_it(site):
    answer = await site.ask("GET", FEED, headers={"Origin": "https://portal.example.org"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    before = await site.ask(
        "OPTIONS",
        FEED,
        headers={
            "Origin": "https://portal.example.org",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "if-none-match",
        },
    )
    assert before.status == 204
    assert "If-None-Match" in before.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize(
    "path", ["/alerts/none.1.0.cap.xml", "/alerts/..%2Fx.cap.xml", "/alerts/a b.cap.xml"]
)
async def test_a_message_that_was_never_sent_is_not_found(site, path):
    problem = await site.problem("GET", path)
    assert (problem["status"], problem["code"]) == (404, "not_found")


async def test_the_feed_needs_no_one_signed_in_and_writes_no_cookie(site):
    await issued(site)
    for one in CAP_ROUTES:
        if "{" not in one.path:
            answer = await site.ask("GET", one.path)
            assert answer.status == 200
            assert "Set-Cookie" not in answer.headers


async def test_two_web_processes_say_the_same_byte_for_byte(site, tmp_path, private_redis):
    await issued(site)
    async with running(tmp_path, private_redis.url, {"web.public_url": site.url}) as other:
        asked = [await one.ask("GET", FEED) for one in (site, other, site)]
        assert len({one.body for one in asked}) == 1
        assert len({one.headers["ETag"] for one in asked}) == 1
        path = address(site, (await entries(site))[0])
        assert (await site.ask("GET", path)).body == (await other.ask("GET", path)).body
