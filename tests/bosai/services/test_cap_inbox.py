"""From the bytes of a CAP source to HQ's desk: through the real services of a side, on a real Redis."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from bosai.channels.cap_signing import CapSigner
from bosai.channels.cap_xml import cap_bytes, cap_xml
from bosai.feeds.changes import Outcome
from bosai.feeds.proposals import ProposedAct
from bosai.model.cap import CapMessage, CapMsgType, CapStatus
from bosai.model.realm import Realm
from bosai.services.cap_inbox import CapCertificateUnusable, cap_rules
from bosai.settings import load_settings
from bosai.wiring import Wired, open_services
from tests.bosai.channels.test_cap_signing import certificate_of
from tests.bosai.feeds.cap_messages import following, info, message


@dataclass(frozen=True, kw_only=True)
class Bench:
    wired: Wired
    signer: CapSigner

    def fresh(self, **changes) -> CapMessage:
        """A message of this moment."""
        now = self.wired.clock.now().replace(microsecond=0)
        one = info(expires=now + timedelta(hours=1), effective=now)
        return message(**{"sent": now, "infos": (one,), **changes})

    def signed(self, one: CapMessage) -> bytes:
        return cap_bytes(self.signer.sign(cap_xml(one)))

    async def take(self, data: bytes, feed: str = "pref", realm: Realm = Realm.LIVE):
        return await self.wired.realms[realm].feeds.take_cap(data, "message.xml", feed=feed)

    async def waiting(self, realm: Realm = Realm.LIVE):
        return [one.proposal for one in await self.wired.realms[realm].proposals.open()]


def settings_with(tmp_path: Path, certificate: bytes, url: str = ""):
    pem = tmp_path / "pref.pem"
    pem.write_bytes(certificate)
    base = load_settings(overrides={"data.dir": str(tmp_path / "data"), "redis.url": url})
    feeds = [
        {"name": "pref", "issuer": "宮城県", "certificates": [str(pem)]},
        {"name": "open", "allow_unsigned": True},
    ]
    cap_in = msgspec.convert({**msgspec.to_builtins(base.cap_in), "feeds": feeds}, type(base.cap_in))
    return msgspec.structs.replace(base, cap_in=cap_in)


@pytest.fixture
async def bench(tmp_path, private_redis):
    key = ec.generate_private_key(ec.SECP256R1())
    signer = CapSigner(key, [certificate_of(key)])
    settings = await asyncio.to_thread(settings_with, tmp_path, signer.certificate_pem, private_redis.url)
    async with open_services(settings, private_redis.url) as wired:
        yield Bench(wired=wired, signer=signer)


async def test_a_signed_message_about_the_city_waits_on_hqs_desk_and_issues_nothing(bench):
    taken = await bench.take(bench.signed(bench.fresh()))
    assert taken.outcome is Outcome.PROPOSED, taken
    (found,) = await bench.waiting()
    assert (found.issuer, found.origin, found.act) == ("宮城県（CAP）", "cap", ProposedAct.ISSUE)
    live = bench.wired.realms[Realm.LIVE]
    assert await live.alerts.in_force() == []
    assert await live.alerts.working() == []
    assert await live.feeds.in_force() == (), "what 気象庁 has in force it never touches"
    row = await live.feeds.telegrams.row(taken.key)
    assert (row.feed, row.outcome, row.source.title) == ("pref", Outcome.PROPOSED, "河川氾濫")


async def test_the_same_message_again_changes_nothing(bench):
    data = bench.signed(bench.fresh())
    await bench.take(data)
    await bench.take(data)
    assert len(await bench.waiting()) == 1


async def test_an_update_takes_the_place_of_what_it_updates_and_a_bare_cancel_recalls_it(bench):
    first = bench.fresh()
    await bench.take(bench.signed(first))
    second = following(first, "miyagi-2", infos=first.infos)
    await bench.take(bench.signed(second))
    (found,) = await bench.waiting()
    assert (found.act, found.telegram_title) == (ProposedAct.UPDATE, "河川氾濫")
    cancel = following(second, "miyagi-3", msg_type=CapMsgType.CANCEL, infos=(), note="誤報")
    assert (await bench.take(bench.signed(cancel))).outcome is Outcome.PROPOSED
    (found,) = await bench.waiting()
    assert (found.act, found.headline) == (ProposedAct.RECALL, "誤報")


async def test_a_source_trusted_less_takes_back_or_forestalls_nothing_of_another(bench):
    first = bench.fresh()
    await bench.take(bench.signed(first))
    for number, (kind, infos) in enumerate({CapMsgType.CANCEL: (), CapMsgType.UPDATE: first.infos}.items()):
        forged = following(first, f"miyagi-2{number}", msg_type=kind, infos=infos)
        await bench.take(cap_bytes(cap_xml(forged)), "open")
    assert ("宮城県（CAP）", ProposedAct.ISSUE) in [(one.issuer, one.act) for one in await bench.waiting()]
    assert ProposedAct.RECALL not in [one.act for one in await bench.waiting()]
    second = bench.fresh(identifier="miyagi-3")
    await bench.take(cap_bytes(cap_xml(second)), "open")
    assert (await bench.take(bench.signed(second))).outcome is Outcome.PROPOSED


async def test_two_warnings_of_one_sender_wait_beside_each_other(bench):
    await bench.take(bench.signed(bench.fresh()))
    await bench.take(bench.signed(bench.fresh(identifier="miyagi-9")))
    assert len(await bench.waiting()) == 2


async def test_who_is_not_known_or_signs_wrongly_is_kept_for_hq_to_see_and_proposes_nothing(bench):
    one = bench.fresh()
    unsigned = cap_bytes(cap_xml(one))
    forged = bench.signed(one).replace(b"Severe", b"Minor")
    asked = [
        (unsigned, "pref", "署名がありません"),
        (forged, "pref", "署名を確かめられません"),
        (unsigned, "stranger", "信頼する設定がありません"),
    ]
    for data, feed, why in asked:
        taken = await bench.take(data, feed)
        assert taken.outcome is Outcome.UNREADABLE
        assert why in taken.detail
    assert await bench.waiting() == []
    assert len(await bench.wired.realms[Realm.LIVE].feeds.telegrams.unread()) == 2, "one content, one row"
    assert (await bench.take(unsigned, "open")).outcome is Outcome.PROPOSED


@pytest.mark.parametrize("status", CapStatus)
async def test_only_an_actual_message_acts_on_the_live_side_and_only_an_exercise_on_the_drill_side(
    bench, status
):
    data = bench.signed(bench.fresh(status=status))
    for realm, own in ((Realm.LIVE, CapStatus.ACTUAL), (Realm.DRILL, CapStatus.EXERCISE)):
        taken = await bench.take(data, realm=realm)
        assert (taken.outcome is Outcome.PROPOSED) is (status is own), taken
        assert bool(await bench.waiting(realm)) is (status is own)


def test_a_certificate_that_is_none_stops_the_start_with_its_name_and_the_mend(tmp_path):
    with pytest.raises(CapCertificateUnusable, match=r"pref.pem of the CAP source 'pref' is no certificate"):
        cap_rules(settings_with(tmp_path, b"none"))
    settings = settings_with(tmp_path, b"")
    (tmp_path / "pref.pem").unlink()
    with pytest.raises(CapCertificateUnusable, match=r"can not be read: put the sender's certificate there"):
        cap_rules(settings)
