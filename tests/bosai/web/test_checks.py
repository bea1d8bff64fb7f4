"""The self-test over HTTP: its two routes, the wish for monthly checks, and a page in every language."""

from __future__ import annotations

import re

import pytest
from lxml import html

from bosai.messages.catalogue import LANGS
from bosai.model.realm import Realm
from bosai.web.assets import STATIC_DIR
from bosai.web.resident_checks import STEPS, VERDICTS, check_texts
from tests.bosai.web.resident_site import pick
from tests.bosai.web.running import Site, bearer, running

prefixes = pytest.mark.parametrize("prefix", [realm.path_prefix for realm in Realm])


@pytest.fixture
async def site(tmp_path, private_redis):
    async with running(tmp_path, private_redis.url) as site:
        yield site


@prefixes
async def test_a_self_test_is_taken_and_its_status_told_to_its_owner_alone(site: Site, prefix: str) -> None:
    subscription_id, secret = await site.subscribe(prefix)
    path = f"{prefix}/api/v1/subscriptions/{subscription_id}/self-test"
    assert (await site.problem("GET", path, headers=bearer(secret)))["code"] == "not_found"
    taken = await site.ask("POST", path, headers=bearer(secret))
    assert (taken.status, taken.headers["Cache-Control"]) == (202, "no-store")
    test = taken.json()
    status = (await site.ask("GET", path, headers=bearer(secret))).json()
    assert (status["seq"], status["asked_at"], status["stage"]) == (test["seq"], test["asked_at"], "queued")
    assert status["delivery"] == "stopped"  # no worker runs here
    for method in ("GET", "POST"):
        assert (await site.problem(method, path, headers=bearer("another")))["code"] == "wrong_secret"
        assert (await site.problem(method, path))["code"] == "wrong_secret"


async def test_a_second_test_at_once_is_refused_with_the_seconds_to_wait(site: Site) -> None:
    subscription_id, secret = await site.subscribe()
    path = f"/api/v1/subscriptions/{subscription_id}/self-test"
    await site.ask("POST", path, headers=bearer(secret))
    again = await site.ask("POST", path, headers=bearer(secret))
    assert again.status == 429
    assert 1 <= int(again.headers["Retry-After"]) <= 20
    assert again.json()["code"] == "too_many_tries"


async def test_a_subscription_of_one_side_can_not_be_tested_on_the_other(site: Site) -> None:
    subscription_id, secret = await site.subscribe()
    path = f"/drill/api/v1/subscriptions/{subscription_id}/self-test"
    assert (await site.problem("POST", path, headers=bearer(secret)))["code"] == "not_found"


async def test_a_test_is_not_the_newest_advice(site: Site) -> None:
    subscription_id, secret = await site.subscribe()
    one = f"/api/v1/subscriptions/{subscription_id}"
    await site.ask("POST", f"{one}/self-test", headers=bearer(secret))
    advice = (await site.ask("GET", f"{one}/advice", headers=bearer(secret))).json()
    assert advice["instruction"] is None


@prefixes
@pytest.mark.parametrize("lang", LANGS)
async def test_the_page_of_the_test_says_what_a_push_can_not_do(site: Site, prefix: str, lang: str) -> None:
    answer = await site.ask("GET", f"{prefix}/check?lang={lang}")
    assert answer.status == 200
    page = html.fromstring(answer.body.decode())
    assert [one.get("data-step") for one in pick(page, "li[data-step]")] == list(STEPS)
    assert "緊急速報メール" in page.text_content()
    assert bool(pick(page, ".drill-banner")) is bool(prefix)
    assert pick(page, "noscript")


@prefixes
async def test_the_first_page_leads_to_the_test_of_its_side(site: Site, prefix: str) -> None:
    page = html.fromstring((await site.ask("GET", f"{prefix}/?lang=ja")).body.decode())
    links = {one.get("href") for one in page.iter("a")}
    assert f"{prefix}/check" in links
    (wish,) = [one for one in page.iter("input") if one.get("name") == "checks"]
    assert wish.get("checked") is not None


@prefixes
@pytest.mark.parametrize("path", ["/", "/check"])
async def test_only_the_live_side_offers_the_monthly_check_it_sends(
    site: Site, prefix: str, path: str
) -> None:
    page = html.fromstring((await site.ask("GET", f"{prefix}{path}?lang=ja")).body.decode())
    (wish,) = [
        one for one in page.iter("input") if one.get("name") == "checks" or "data-wants-checks" in one.attrib
    ]
    boxes = [one for one in wish.iterancestors("div") if set(one.attrib) <= {"hidden"}]
    assert any("hidden" in one.attrib for one in boxes) is bool(prefix)


def test_the_script_says_nothing_that_has_no_sentence_and_no_sentence_is_left_over() -> None:
    script = (STATIC_DIR / "resident" / "check.js").read_text("utf-8")
    codes = set(re.findall(r'new Stop\("(\w+)"', script)) | {"ok", "late", "server"}
    codes |= set(re.findall(r'\w+: "(\w+)"', re.search(r"const ENDS = \{(.*?)\}", script)[1]))
    assert codes == set(VERDICTS)
    said = set(re.findall(r'text\([^"`)]*"(check\.[\w.]+)"', script))
    known = check_texts("ja")
    assert said <= set(known)
    spoken = {key for key in known if key.split(".")[1] not in ("v", "m", "state")}
    assert spoken - set(re.findall(r'"(check\.[\w.]+)"', script)) == set()


@pytest.mark.parametrize("lang", LANGS)
def test_every_verdict_has_a_sentence_and_a_mend(lang: str) -> None:
    texts = check_texts(lang)
    for code, names in VERDICTS.items():
        assert texts[f"check.m.{code}"].strip()
        assert set(re.findall(r"{(\w+)}", texts[f"check.v.{code}"])) == set(names)
