"""A fresh folder becomes a usable service; its secrets are shown once, and made anew when a start was killed before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pyotp
import pytest

from bosai.errors import SameOfficer, SignInFailed, WrongRealm
from bosai.first_run import FIRST_OFFICERS, TOUR_SITE, FirstRun, prepare, shown
from bosai.model.realm import Realm
from bosai.model.staff import Permission
from bosai.settings import load_settings
from bosai.wiring import Wired, open_services
from tests.bosai.services.hq import flood


@asynccontextmanager
async def opened(tmp_path, private_redis) -> AsyncIterator[Wired]:
    settings = await asyncio.to_thread(
        load_settings, overrides={"data.dir": str(tmp_path), "redis.url": private_redis.url}
    )
    async with open_services(settings) as wired:
        yield wired


@pytest.fixture
async def wired(tmp_path, private_redis) -> AsyncIterator[Wired]:
    async with opened(tmp_path, private_redis) as wired:
        yield wired


async def signed_in(wired: Wired, first: FirstRun, name: str, realm: Realm = Realm.LIVE):
    account = next(one for one in first.accounts if one.name == name)
    code = pyotp.TOTP(account.totp_secret).at(wired.clock.now())
    _, session = await wired.realms[realm].staff.sign_in(name, account.password, code, "127.0.0.1")
    return session


async def test_a_fresh_folder_gets_the_sample_two_officers_an_administrator_and_a_desk_to_try(wired):
    first = await prepare(wired)
    assert first.sites_loaded == len(await wired.realms[Realm.LIVE].sites.all()) > 20
    assert [(one.name, one.role) for one in first.accounts] == list(FIRST_OFFICERS)
    (desk,) = first.desk_links
    assert (desk.site_name, desk.path.startswith("/drill/s/")) == (TOUR_SITE, True)


async def test_both_sides_see_the_same_sites_and_the_live_side_has_no_desk_yet(wired):
    first = await prepare(wired)
    live, drill = (wired.realms[realm] for realm in Realm)
    assert [one.site_id for one in await live.sites.all()] == [one.site_id for one in await drill.sites.all()]
    capability = first.desk_links[0].path.rsplit("/", 1)[1]
    pin = first.desk_links[0].pin
    assert await drill.desks.open(capability, pin, "127.0.0.1")
    with pytest.raises(Exception) as caught:
        await live.desks.open(capability, pin, "127.0.0.1")
    assert caught.value.code in {"not_found", "wrong_secret"}


async def test_with_what_was_shown_two_people_issue_an_order_and_one_can_not(wired):
    first = await prepare(wired)
    kian = await signed_in(wired, first, "kian")
    shonin = await signed_in(wired, first, "shonin")
    alerts = wired.realms[Realm.LIVE].alerts
    assert (kian.may(Permission.APPROVE), shonin.may(Permission.APPROVE)) == (False, True)
    own = await alerts.draft(shonin, flood())
    own = await alerts.submit(shonin, own.alert.key, own.decision_hash)
    with pytest.raises(SameOfficer):
        await alerts.approve(shonin, own.alert.key, own.decision_hash, alerts.confirmation_words(own))
    draft = await alerts.draft(kian, flood())
    pending = await alerts.submit(kian, draft.alert.key, draft.decision_hash)
    await alerts.approve(shonin, pending.alert.key, pending.decision_hash, alerts.confirmation_words(pending))
    assert [one.alert.key for one in await alerts.in_force()] == [pending.alert.key]


async def test_a_session_of_one_side_does_nothing_on_the_other(wired):
    first = await prepare(wired)
    kian = await signed_in(wired, first, "kian", Realm.DRILL)
    with pytest.raises(WrongRealm):
        await wired.realms[Realm.LIVE].alerts.draft(kian, flood())


async def test_once_shown_the_secrets_are_never_made_or_shown_again(tmp_path, private_redis):
    async with opened(tmp_path, private_redis) as wired:
        first = await prepare(wired)
        await shown(wired)
    async with opened(tmp_path, private_redis) as wired:
        assert await prepare(wired) == FirstRun()
        assert await signed_in(wired, first, "kian")


async def test_a_start_killed_before_they_were_shown_makes_new_ones_and_the_unseen_ones_open_nothing(
    tmp_path, private_redis
):
    async with opened(tmp_path, private_redis) as wired:
        unseen = await prepare(wired)
    async with opened(tmp_path, private_redis) as wired:
        seen = await prepare(wired)
        assert [one.name for one in seen.accounts] == [one.name for one in unseen.accounts]
        assert await signed_in(wired, seen, "shonin")
        with pytest.raises(SignInFailed):
            await signed_in(wired, unseen, "kian")
        assert len(await wired.realms[Realm.LIVE].staff.accounts()) == len(FIRST_OFFICERS)
