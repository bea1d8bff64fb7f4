"""A ward's code for a welfare shelter: made once, used by so many, told apart from guesses, kept as hashes."""

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.errors import InvalidInput, NotAllowed, NotFound, TooManyTries
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.audit import AuditService
from bosai.services.place_extras import Extras
from bosai.services.sites import SiteService
from bosai.services.welfare import ALPHABET, CODE_CHARS, MAX_WRONG, WelfareCodes, plain_code
from bosai.settings import load_settings
from tests.bosai.services.hq import HandClock, officer
from tests.bosai.services.test_sites import SCHOOL, table
from tests.bosai.services.test_subscriptions import HOME, all_places, service, target

CARE_HOME = "W1,shelter,荒浜特別養護老人ホーム,仙台市若林区荒浜9,若林区,140.96,38.23,,,,,,高齢者,,,welfare,\n"
WARD = officer("ward", Role.WARD_OPERATOR)
KEY = b"\x03" * 32


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def settings():
    return load_settings(None, {}, {})


@pytest.fixture
async def codes(redis, clock, settings):
    sites = SiteService(redis, Realm.LIVE, clock, settings, AuditService(redis, Realm.LIVE, clock))
    await sites.import_sites(table(SCHOOL, CARE_HOME), "cli")
    return WelfareCodes(redis, Realm.LIVE, clock, KEY)


async def refused(doing) -> str:
    with pytest.raises(InvalidInput) as found:
        await doing
    return found.value.problem


async def test_a_code_opens_the_shelter_to_so_many_households_and_to_each_of_them_again(codes):
    made = await codes.make(WARD, "W1", 2)
    assert await codes.take(made.code, "a" * 32, "c") == "W1"
    assert await codes.take(made.code.lower().replace("-", " "), "a" * 32, "c") == "W1"
    assert await codes.take(made.code, "b" * 32, "c") == "W1"
    assert await refused(codes.take(made.code, "c" * 32, "c")) == "used_up"
    assert await codes.take(made.code, "b" * 32, "c") == "W1"
    (use,) = (await codes.of_sites())["W1"]
    assert (use.used, use.record.households, use.record.made_by) == (2, 2, "ward")


async def test_households_racing_for_the_last_use_never_get_more_than_there_are(codes):
    made = await codes.make(WARD, "W1", 3)
    found = await asyncio.gather(
        *(codes.take(made.code, f"{n:032x}", "c") for n in range(12)), return_exceptions=True
    )
    assert sum(one == "W1" for one in found) == 3
    assert sum(isinstance(one, InvalidInput) and one.problem == "used_up" for one in found) == 9


async def test_a_revoked_code_opens_nothing_new_and_takes_nothing_from_who_used_it(codes, redis, clock):
    made = await codes.make(WARD, "W1", 5)
    await codes.take(made.code, "a" * 32, "c")
    await codes.revoke(WARD, made.record.code_id)
    await codes.revoke(WARD, made.record.code_id)
    assert await codes.of_sites() == {}
    assert await codes.take(made.code, "a" * 32, "c") == "W1"
    assert await refused(codes.take(made.code, "b" * 32, "c")) == "wrong_code"
    entries = await AuditService(redis, Realm.LIVE, clock).read(-2, 2)
    assert [one.step for one in entries] == ["opened_by_code", "closed_code"]
    with pytest.raises(NotFound):
        await codes.revoke(WARD, "00000000")


async def test_wrong_codes_are_counted_for_each_client_and_then_none_is_tried_any_more(codes):
    made = await codes.make(WARD, "W1", 5)
    for _ in range(MAX_WRONG):
        assert await refused(codes.take("AAAA-AAAA", "a" * 32, "guesser")) == "wrong_code"
    with pytest.raises(TooManyTries) as locked:
        await codes.take(made.code, "a" * 32, "guesser")
    assert 0 < locked.value.retry_after_s <= 3600
    assert await codes.take(made.code, "a" * 32, "somebody else") == "W1"


async def test_only_a_ward_or_hq_makes_codes_and_only_for_a_welfare_shelter(codes):
    for role in (Role.VIEWER, Role.SHELTER_REPORTER, Role.ADMIN):
        with pytest.raises(NotAllowed):
            await codes.make(officer("x", role), "W1", 1)
    with pytest.raises(NotAllowed):
        await codes.make(officer("x", Role.WARD_OPERATOR, Realm.DRILL), "W1", 1)
    assert await refused(codes.make(WARD, "E1", 1)) == "not_welfare"
    for households in (0, 501):
        assert await refused(codes.make(WARD, "W1", households)) == "out_of_range"
    with pytest.raises(NotFound):
        await codes.make(WARD, "nowhere", 1)


async def test_neither_the_code_nor_who_used_it_stands_in_the_store(codes, redis):
    made = await codes.make(WARD, "W1", 5)
    await codes.take(made.code, "ab" * 16, "192.0.2.7")
    seen = b""
    for key in await redis.keys("*welfare*"):
        seen += key
        if await redis.type(key) == b"hash":
            seen += b"".join(field + value for field, value in (await redis.hgetall(key)).items())
        elif await redis.type(key) == b"set":
            seen += b"".join(await redis.smembers(key))
    assert plain_code(made.code).encode() not in seen and made.code.encode() not in seen
    assert b"ab" * 16 not in seen and b"192.0.2.7" not in seen


@given(st.text(ALPHABET, min_size=CODE_CHARS, max_size=CODE_CHARS))
def test_a_code_may_be_typed_with_hyphens_blanks_small_or_full_width_letters(code):
    wide = "".join(chr(ord(one) + 0xFEE0) for one in code)
    for typed in (code, f" {code[:4]}-{code[4:]} ", code.lower(), wide, f"{code[:4]}ー{code[4:]}"[:60]):
        assert plain_code(typed).replace("ー", "") == code


# ---- in a registration --------------------------------------------------------------------------------


async def test_a_registration_with_the_code_names_the_shelter_in_its_sealed_places(codes, redis):
    made = await codes.make(WARD, "W1", 1)
    mother = msgspec.structs.replace(HOME, place_id="mother", relative=True)
    subscribers = service(redis, welfare=codes)
    one = await subscribers.register(target(), "ja", (HOME, mother), extras=extras(welfare_code=made.code))
    (held,) = (await all_places(redis)).values()
    assert [place.welfare_site for place in held] == ["W1", ""]
    # What is read may be sent back, and the code may stay in the form: neither is a second use.
    await subscribers.replace(one.subscription_id, one.secret, places=held)
    await subscribers.replace(
        one.subscription_id, one.secret, places=(HOME,), extras=extras(welfare_code=made.code)
    )
    (held,) = (await all_places(redis)).values()
    assert held[0].welfare_site == "W1"
    await subscribers.replace(one.subscription_id, one.secret, places=(HOME,))
    (held,) = (await all_places(redis)).values()
    assert held[0].welfare_site == ""


async def test_a_wrong_code_registers_nothing_and_nobody_names_a_shelter_for_himself(codes, redis):
    subscribers = service(redis, welfare=codes)
    wrong = subscribers.register(target(), "ja", (HOME,), extras=extras(welfare_code="WRONG"))
    assert await refused(wrong) == "wrong_code"
    own = msgspec.structs.replace(HOME, welfare_site="W1")
    assert await refused(subscribers.register(target(), "ja", (own,))) == "needs_code"
    assert await all_places(redis) == {}
    made = await subscribers.register(target(), "ja", (HOME,))
    assert (
        await refused(subscribers.replace(made.subscription_id, made.secret, places=(own,))) == "needs_code"
    )


def extras(**given):
    return Extras(client="c", **given)
