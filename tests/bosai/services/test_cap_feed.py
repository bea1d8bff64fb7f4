"""CAP messages of a side on a real Redis: made once by whoever comes first, renewed, ended, never on the other side."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree
from signxml import XMLVerifier
from signxml.exceptions import InvalidSignature

from bosai.channels.cap_atom import NS_ATOM
from bosai.channels.cap_signing import CapSigner
from bosai.errors import NotFound
from bosai.feeds.cap import CapTrust, SignatureState, read_cap
from bosai.model.alert import OrderKind
from bosai.model.cap import CapMessage, CapMsgType
from bosai.model.realm import Realm
from bosai.services import cap_feed
from bosai.services.cap_feed import CapFeed
from bosai.settings import load_settings
from bosai.stores.cap import CapStore
from bosai.stores.keys import Keys
from geodata.hazards import HazardKind
from tests.bosai.channels.orders import FRAME
from tests.bosai.channels.test_cap_signing import certificate_of
from tests.bosai.services.hq import Hq, flood, tsunami

SETTINGS = msgspec.structs.replace(load_settings().cap, sender=FRAME.sender)
BASE = "https://bosai.example.jp"


Keyring = dict[Realm, CapSigner]


@pytest.fixture(scope="module")
def keys() -> Keyring:
    made = {realm: ec.generate_private_key(ec.SECP256R1()) for realm in Realm}
    return {realm: CapSigner(key, [certificate_of(key)]) for realm, key in made.items()}


@pytest.fixture
def hq(redis) -> Hq:
    return Hq(redis)


@pytest.fixture
def feed(hq, keys) -> CapFeed:
    return opened(hq, keys)


def opened(hq: Hq, keys: Keyring, **settings) -> CapFeed:
    return CapFeed(
        hq.redis,
        hq.realm,
        hq.clock,
        hq.store,
        signer=keys[hq.realm],
        frame=FRAME,
        settings=msgspec.structs.replace(SETTINGS, **settings),
        base_url=BASE + hq.realm.path_prefix,
    )


async def messages(feed: CapFeed) -> list[CapMessage]:
    """Every message ever kept, oldest first, each checked against the certificate."""
    index = await feed._redis.zrange(Keys(feed.realm).cap_index, 0, -1)
    trust = CapTrust(certificates_pem=(feed.signer.certificate_pem,))
    found = []
    for one in index:
        xml, _ = await feed.document(one.decode())
        received = await asyncio.to_thread(read_cap, xml, trust=trust)
        assert received.signature is SignatureState.VERIFIED
        found.append(received.message)
    return sorted(found, key=lambda one: (one.sent, len(one.references), one.identifier))


async def listed(feed: CapFeed) -> list[str]:
    feed._look_again_s = float("-inf")  # as a reader of another process, or a second later
    return [one.identifier for one in (await feed.listing()).entries]


async def test_a_release_is_in_the_feed_for_the_first_reader_without_any_worker(hq, feed):
    assert await listed(feed) == []
    record = await hq.issue()
    assert await listed(feed) == [f"{record.alert.key.replace(':', '.')}.0"]
    (message,) = await messages(feed)
    assert message.msg_type is CapMsgType.ALERT
    assert message.infos[0].effective == record.released_at
    assert message.infos[0].expires == hq.clock.at + timedelta(minutes=SETTINGS.expires_min)


async def test_drafts_and_versions_waiting_for_approval_are_nowhere(hq, feed):
    await hq.alerts.draft(hq.abe, flood())
    await hq.pending()
    await feed.tick()
    assert await messages(feed) == []


async def test_an_order_is_renewed_while_it_stands_and_each_message_follows_the_one_before(hq, feed):
    await hq.issue()
    for _ in range(7):
        await feed.tick()
        hq.clock.move(minutes=10)
    sent = await messages(feed)
    assert [one.msg_type.value for one in sent] == ["Alert", "Update", "Update", "Update"]
    for before, after in pairwise(sent):
        assert before.reference in after.references
        assert before.infos[0].expires > after.sent, "no receiver ever lost the order"
    assert await listed(feed) == [sent[-1].identifier]


async def test_a_tick_that_comes_again_makes_nothing_new(hq, feed):
    await hq.issue()
    for _ in range(5):
        await feed.tick()
    assert len(await messages(feed)) == 1


async def test_update_lift_and_recall_follow_in_the_feed(hq, feed):
    order = (await hq.issue()).alert.alert_id
    await feed.tick()
    hq.clock.move(minutes=5)
    await hq.update(order)
    await feed.tick()
    hq.clock.move(minutes=5)
    await hq.lift(order)
    await feed.tick()
    first, second, third = await messages(feed)
    assert third.infos[0].responses[0].value == "AllClear"
    assert third.references == (first.reference, second.reference)
    assert await listed(feed) == [third.identifier]
    hq.clock.move(minutes=1)
    wrong = await hq.issue()
    await feed.tick()
    hq.clock.move(minutes=1)
    await hq.recall(wrong)
    assert (await listed(feed))[0].startswith(f"{wrong.alert.alert_id}.2.")
    last = (await messages(feed))[-1]
    assert (last.msg_type, [one.identifier for one in last.references]) == (
        CapMsgType.CANCEL,
        [f"{wrong.alert.alert_id}.1.0"],
    )


async def test_what_was_recalled_before_anybody_looked_never_goes_out(hq, feed):
    await hq.recall(await hq.issue())
    await feed.tick()
    assert await messages(feed) == []


async def test_what_was_superseded_before_anybody_looked_goes_out_as_it_stands(hq, feed):
    record = await hq.issue()
    await hq.update(record.alert.alert_id)
    await feed.tick()
    (only,) = await messages(feed)
    assert only.msg_type is CapMsgType.ALERT
    assert only.identifier == f"{record.alert.alert_id}.2.0"


async def test_many_processes_at_once_make_one_message_between_them(hq, keys):
    await hq.issue()
    await hq.issue(tsunami())
    feeds = [opened(hq, keys) for _ in range(8)]
    await asyncio.gather(*(one.tick() for one in feeds), *(one.listing() for one in feeds))
    assert len(await messages(feeds[0])) == 2
    hq.clock.move(minutes=21)
    await asyncio.gather(*(one.tick() for one in feeds))
    assert len(await messages(feeds[0])) == 4


async def test_a_renewal_and_a_release_that_race_never_leave_a_message_unreferred(hq, keys):
    order = (await hq.issue()).alert.alert_id
    feeds = [opened(hq, keys) for _ in range(4)]
    await feeds[0].tick()
    hq.clock.move(minutes=21)
    await asyncio.gather(*(one.tick() for one in feeds), hq.update(order), feeds[1].listing())
    await feeds[0].tick()
    sent = await messages(feeds[0])
    referred = {ref.identifier for one in sent for ref in one.references}
    assert {one.identifier for one in sent} - referred == {f"{order}.2.0"}


async def test_a_writer_that_comes_second_looks_again(hq, feed, keys, monkeypatch):
    """Between looking and writing, another process writes: the late one must refer to what that one sent."""
    order = (await hq.issue()).alert.alert_id
    await feed.tick()
    hq.clock.move(minutes=21)
    other = opened(hq, keys)
    put = CapStore.put
    raced = []

    async def late(self, *given):
        if not raced:
            raced.append(True)
            await hq.update(order)
            await other.tick()
        return await put(self, *given)

    monkeypatch.setattr(CapStore, "put", late)
    await feed.tick()
    sent = await messages(feed)
    assert [one.identifier for one in sent] == [f"{order}.1.0", f"{order}.2.0"]


async def test_a_crash_between_signing_and_writing_costs_nothing(hq, feed, monkeypatch):
    await hq.issue()

    async def killed(self, *given):
        raise ConnectionError("killed here")

    with monkeypatch.context() as broken:
        broken.setattr(CapStore, "put", killed)
        assert len(await feed.bring_up_to_date()) == 1
    await feed.tick()
    assert len(await messages(feed)) == 1


async def test_one_order_that_can_not_be_said_leaves_the_others_alone_and_hq_reads_of_it(
    hq, feed, monkeypatch
):
    broken = (await hq.issue()).alert.alert_id
    fine = (await hq.issue(tsunami())).alert.alert_id
    made = cap_feed.cap_message

    def fails(record, frame, **given):
        if record.alert.alert_id == broken:
            raise ValueError("a fault of ours")
        return made(record, frame, **given)

    monkeypatch.setattr(cap_feed, "cap_message", fails)
    await feed.tick()
    assert [one.identifier for one in await messages(feed)] == [f"{fine}.1.0"]
    health = msgspec.json.decode(await hq.redis.hget(Keys(Realm.LIVE).health, "cap"))
    assert (health["ok"], health["detail"]) == (False, f"CAP にできない発令・お知らせがあります: {broken}")
    monkeypatch.undo()
    await feed.tick()
    health = msgspec.json.decode(await hq.redis.hget(Keys(Realm.LIVE).health, "cap"))
    assert (health["ok"], len(await messages(feed))) == (True, 2)


async def test_readers_do_not_make_again_and_again_what_can_not_be_made(hq, feed, monkeypatch):
    tried = []

    def fails(record, frame, **given):
        tried.append(record.alert.key)
        raise ValueError("after seconds of work")

    monkeypatch.setattr(cap_feed, "cap_message", fails)
    monkeypatch.setattr(cap_feed, "READ_AGAIN_S", 0.0)
    await hq.issue()
    for _ in range(5):
        await feed.listing()
    assert len(tried) == 1


async def test_the_board_says_while_nobody_has_set_in_whose_name_messages_go_out(hq, keys):
    for sender, detail in ((FRAME.sender, ""), ("bosai@example.invalid", cap_feed.PLACEHOLDER)):
        await opened(hq, keys, sender=sender).tick()
        health = msgspec.json.decode(await hq.redis.hget(Keys(Realm.LIVE).health, "cap"))
        assert (health["ok"], health["detail"]) == (True, detail)


async def test_what_ended_stays_listed_for_a_day_and_can_be_fetched_for_a_month(hq, feed):
    record = await hq.issue()
    await feed.tick()
    await hq.lift(record.alert.alert_id)
    await feed.tick()
    last = f"{record.alert.alert_id}.2.0"
    hq.clock.move(hours=23)
    assert await listed(feed) == [last]
    hq.clock.move(hours=2)
    assert await listed(feed) == []
    assert (await feed.listing()).updated == hq.clock.at - timedelta(hours=1), "leaving the list is a change"
    await feed.tick()
    assert len(await messages(feed)) == 2
    hq.clock.move(days=30)
    await feed.tick()
    assert await messages(feed) == []
    assert await CapStore(hq.redis, hq.realm).all_series() == []
    with pytest.raises(NotFound):
        await feed.document(last)


async def test_an_order_that_stands_for_months_is_listed_all_the_time(hq, keys):
    feed = opened(hq, keys, kept_days=1)
    await hq.issue()
    for _ in range(6):
        await feed.tick()
        hq.clock.move(hours=20)
    found = await messages(feed)
    assert 1 <= len(found) <= 3
    assert await listed(feed) == [(await messages(feed))[-1].identifier]


async def test_live_and_drill_share_nothing(redis, keys):
    live, drill = Hq(redis), Hq(redis, Realm.DRILL)
    one, other = opened(live, keys), opened(drill, keys)
    here, there = await live.issue(), await drill.issue(tsunami())
    await one.tick()
    await other.tick()
    assert await listed(one) == [f"{here.alert.alert_id}.1.0"]
    assert await listed(other) == [f"{there.alert.alert_id}.1.0"]
    for mine, foreign in ((one, f"{there.alert.alert_id}.1.0"), (other, f"{here.alert.alert_id}.1.0")):
        with pytest.raises(NotFound):
            await mine.document(foreign)
    assert {m.status.value for m in await messages(one)} == {"Actual"}
    assert {m.status.value for m in await messages(other)} == {"Exercise"}
    xml, _ = await other.document(f"{there.alert.alert_id}.1.0")
    with pytest.raises(InvalidSignature):
        await asyncio.to_thread(XMLVerifier().verify, xml, x509_cert=one.signer.certificates[0])


async def test_notices_go_out_too(hq, feed):
    await hq.issue(flood(kind=OrderKind.NOTICE, hazard=HazardKind.EARTHQUAKE))
    assert len(await listed(feed)) == 1
    (message,) = await messages(feed)
    assert message.infos[0].event == "お知らせ"


async def test_switched_off_it_makes_and_serves_nothing_and_the_board_does_not_wait_for_it(hq, keys):
    await opened(hq, keys).tick()
    feed = opened(hq, keys, enabled=False)
    await hq.issue()
    await feed.tick()
    with pytest.raises(NotFound):
        await feed.listing()
    assert await hq.redis.zcard(Keys(hq.realm).cap_index) == 0
    assert not await hq.redis.hexists(Keys(hq.realm).health, "cap")


async def test_the_atom_document_names_every_message_by_its_address(hq, feed):
    record = await hq.issue()
    root = etree.fromstring(await asyncio.to_thread(feed.atom, await feed.listing()))
    (entry,) = root.findall(f"{{{NS_ATOM}}}entry")
    address = f"{BASE}/alerts/{record.alert.alert_id}.1.0.cap.xml"
    assert entry.find(f"{{{NS_ATOM}}}link").get("href") == address
    assert entry.find(f"{{{NS_ATOM}}}link").get("type") == "application/cap+xml"
    assert entry.findtext(f"{{{NS_ATOM}}}title") == record.alert.texts["ja"].headline
    cap = {etree.QName(one).localname: one.text for one in entry if one.tag.startswith("{urn:oasis")}
    assert (cap["severity"], cap["status"], cap["areaDesc"]) == ("Severe", "Actual", "若林区荒浜")
    assert root.findtext(f"{{{NS_ATOM}}}title") == "仙台市の避難情報・お知らせ（CAP 1.2）"
