"""Officers sign in with a password and a fresh code, on one side, and not by trying."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from argon2 import PasswordHasher
from redis.asyncio import Redis

from bosai.errors import InvalidInput, NotFound, NotSignedIn, SignInFailed, TooManyTries
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.push.sealing import Sealer
from bosai.services.audit import AuditService
from bosai.services.staff import NewAccount, StaffService
from bosai.stores.keys import STAFF, Keys
from tests.bosai.services.hq import HandClock

FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"


class Desk:
    """The staff service of both sides on one clock, with one account."""

    def __init__(self, redis: Redis, **options: Any) -> None:
        self.redis = redis
        self.clock = HandClock()
        self.sealer = Sealer(os.urandom(32), "test")
        options = {"hasher": FAST, **options}
        self.live = StaffService(redis, Realm.LIVE, self.clock, self.sealer, **options)
        self.drill = StaffService(redis, Realm.DRILL, self.clock, self.sealer, **options)
        self.account: NewAccount

    def code(self, steps: int = 0) -> str:
        now = int(self.clock.now().timestamp()) // 30
        return pyotp.TOTP(self.account.totp_secret).generate_otp(now + steps)

    async def sign_in(self, **changes: Any) -> Any:
        given = {
            "name": "abe",
            "password": PASSWORD,
            "totp_code": self.code(),
            "client": "192.0.2.1",
            **changes,
        }
        return await self.live.sign_in(**given)


@pytest.fixture
async def desk(redis: Redis) -> Desk:
    made = Desk(redis)
    made.account = await made.live.add("cli", "Abe", Role.HQ_DRAFTER, PASSWORD)
    return made


async def test_the_right_password_and_code_open_a_session(desk: Desk) -> None:
    cookie, session = await desk.sign_in()
    assert (session.name, session.role, session.realm) == ("abe", Role.HQ_DRAFTER, Realm.LIVE)
    assert await desk.live.session(cookie) == session
    assert len(cookie) >= 43
    assert cookie not in str(session)


async def test_the_cookie_is_nowhere_in_the_store(desk: Desk) -> None:
    cookie, _ = await desk.sign_in()
    keys = [key async for key in desk.redis.scan_iter(match="*session*")]
    assert len(keys) == 1
    assert cookie.encode() not in keys[0]
    assert cookie.encode() not in (await desk.redis.get(keys[0]) or b"")


async def test_the_store_holds_neither_password_nor_code_secret(desk: Desk) -> None:
    row = await desk.redis.hget(STAFF, "abe")
    assert row is not None
    assert PASSWORD.encode() not in row
    assert desk.account.totp_secret.encode() not in row


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "wrong horse battery"},
        {"password": ""},
        {"password": PASSWORD + "x" * 100_000},
        {"password": "\ud800"},
        {"totp_code": "000000"},
        {"totp_code": ""},
        {"totp_code": "１２３４５６"},
        {"name": "nobody"},
        {"name": "unknown"},
        {"name": ""},
        {"name": "x" * 10_000},
        {"name": "\ud800"},
    ],
)
async def test_anything_wrong_gives_the_same_answer(desk: Desk, wrong: dict[str, str]) -> None:
    with pytest.raises(SignInFailed) as caught:
        await desk.sign_in(**wrong)
    assert caught.value.facts == {}


async def test_an_unknown_name_is_compared_as_long_as_a_known_one(redis: Redis) -> None:
    class Counting(PasswordHasher):
        def __init__(self) -> None:
            super().__init__(time_cost=1, memory_cost=8, parallelism=1)
            self.compared = 0

        def verify(self, *args: Any, **kwargs: Any) -> Any:
            self.compared += 1
            return super().verify(*args, **kwargs)

    hasher = Counting()
    desk = Desk(redis, hasher=hasher)
    desk.account = await desk.live.add("cli", "abe", Role.VIEWER, PASSWORD)
    for name in ("abe", "unknown"):
        before = hasher.compared
        with pytest.raises(SignInFailed):
            await desk.sign_in(name=name, password="wrong horse battery")
        assert hasher.compared == before + 1


async def test_a_code_opens_once_on_both_sides_together(desk: Desk) -> None:
    await desk.sign_in()
    with pytest.raises(SignInFailed):
        await desk.sign_in()
    with pytest.raises(SignInFailed):
        await desk.drill.sign_in("abe", PASSWORD, desk.code(), "192.0.2.1")
    with pytest.raises(SignInFailed):
        await desk.sign_in(totp_code=desk.code(-1))
    await desk.drill.sign_in("abe", PASSWORD, desk.code(+1), "192.0.2.1")


async def test_of_many_with_the_same_code_one_gets_in(desk: Desk) -> None:
    tries = await asyncio.gather(*(desk.sign_in() for _ in range(4)), return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in tries) == 1


async def test_codes_of_other_times_do_not_open(desk: Desk) -> None:
    for steps in (-2, 2, 10):
        with pytest.raises(SignInFailed):
            await desk.sign_in(totp_code=desk.code(steps))


async def test_five_failures_lock_the_name_until_the_time_is_over(desk: Desk) -> None:
    for _ in range(5):
        with pytest.raises(SignInFailed):
            await desk.sign_in(password="wrong horse battery")
    with pytest.raises(TooManyTries) as caught:
        await desk.sign_in(client="198.51.100.7")
    assert caught.value.retry_after_s == 900
    desk.clock.move(minutes=14)
    with pytest.raises(TooManyTries) as caught:
        await desk.sign_in()
    assert caught.value.retry_after_s == 60
    desk.clock.move(minutes=1)
    await desk.sign_in()


async def test_strangers_who_know_a_name_can_not_keep_its_owner_out(desk: Desk) -> None:
    """Names are no secrets, and in a disaster a quarter of an hour without the approver costs lives."""
    await desk.sign_in(client="192.0.2.10")
    desk.clock.move(minutes=1)
    for _ in range(5):
        with pytest.raises(SignInFailed):
            await desk.sign_in(password="wrong horse battery", client="203.0.113.66")
    with pytest.raises(TooManyTries):
        await desk.sign_in(client="198.51.100.7")
    await desk.sign_in(client="192.0.2.10")


async def test_a_known_client_is_locked_by_its_own_failures(desk: Desk) -> None:
    await desk.sign_in(client="192.0.2.10")
    desk.clock.move(minutes=1)
    for _ in range(5):
        with pytest.raises(SignInFailed):
            await desk.sign_in(password="wrong horse battery", client="192.0.2.10")
    with pytest.raises(TooManyTries):
        await desk.sign_in(client="192.0.2.10")


async def test_an_unknown_name_is_locked_like_a_known_one(desk: Desk) -> None:
    for _ in range(5):
        with pytest.raises(SignInFailed):
            await desk.sign_in(name="unknown")
    with pytest.raises(TooManyTries):
        await desk.sign_in(name="unknown")
    await desk.sign_in()


async def test_guesses_made_at_once_do_not_pass_the_limit_together(desk: Desk) -> None:
    tries = await asyncio.gather(
        *(desk.sign_in(password="wrong horse battery") for _ in range(12)), return_exceptions=True
    )
    assert sum(isinstance(one, SignInFailed) for one in tries) == 5
    assert sum(isinstance(one, TooManyTries) for one in tries) == 7


async def test_one_client_trying_many_names_is_locked(redis: Redis) -> None:
    desk = Desk(redis, lockout_client_failures=6)
    desk.account = await desk.live.add("cli", "abe", Role.VIEWER, PASSWORD)
    for n in range(6):
        with pytest.raises(SignInFailed):
            await desk.sign_in(name=f"guess{n}")
    with pytest.raises(TooManyTries):
        await desk.sign_in()
    await desk.sign_in(client="198.51.100.7")


async def test_signing_in_forgets_the_failures_of_the_name_and_costs_the_client_nothing(redis: Redis) -> None:
    desk = Desk(redis, lockout_client_failures=6)
    desk.account = await desk.live.add("cli", "abe", Role.VIEWER, PASSWORD)
    for _ in range(4):
        with pytest.raises(SignInFailed):
            await desk.sign_in(password="wrong horse battery")
    await desk.sign_in()
    for _ in range(2):
        with pytest.raises(SignInFailed):
            await desk.sign_in(password="wrong horse battery")
    with pytest.raises(TooManyTries):
        await desk.sign_in()


async def test_a_session_left_alone_expires_and_a_used_one_lives_on(redis: Redis) -> None:
    desk = Desk(redis, session_idle=timedelta(minutes=30), session_longest=timedelta(hours=2))
    desk.account = await desk.live.add("cli", "abe", Role.VIEWER, PASSWORD)
    cookie, _ = await desk.sign_in()
    for _ in range(3):
        desk.clock.move(minutes=29)
        await desk.live.session(cookie)
    desk.clock.move(minutes=31)
    with pytest.raises(NotSignedIn):
        await desk.live.session(cookie)


async def test_no_session_outlives_the_longest_time(redis: Redis) -> None:
    desk = Desk(redis, session_idle=timedelta(minutes=30), session_longest=timedelta(hours=1))
    desk.account = await desk.live.add("cli", "abe", Role.VIEWER, PASSWORD)
    cookie, _ = await desk.sign_in()
    for _ in range(3):
        desk.clock.move(minutes=20)
        await desk.live.session(cookie)
    desk.clock.move(minutes=1)
    with pytest.raises(NotSignedIn):
        await desk.live.session(cookie)


async def test_redis_forgets_a_session_by_itself(desk: Desk) -> None:
    _, session = await desk.sign_in()
    left = await desk.redis.ttl(Keys(Realm.LIVE).sessions + session.session_id)
    assert 0 < left <= 30 * 60


async def test_a_session_of_one_side_does_not_open_the_other(desk: Desk) -> None:
    cookie, session = await desk.sign_in()
    with pytest.raises(NotSignedIn):
        await desk.drill.session(cookie)
    stolen = await desk.redis.get(Keys(Realm.LIVE).sessions + session.session_id)
    assert stolen is not None
    await desk.redis.set(Keys(Realm.DRILL).sessions + session.session_id, stolen)
    with pytest.raises(NotSignedIn):
        await desk.drill.session(cookie)


async def test_signing_out_ends_the_session_even_for_a_request_under_way(desk: Desk) -> None:
    cookie, _ = await desk.sign_in()
    await asyncio.gather(
        *(desk.live.session(cookie) for _ in range(5)), desk.live.sign_out(cookie), return_exceptions=True
    )
    with pytest.raises(NotSignedIn):
        await desk.live.session(cookie)
    await desk.live.sign_out(cookie)


@pytest.mark.parametrize("cookie", ["", "x", "\ud800", "0" * 10_000])
async def test_a_made_up_cookie_opens_nothing(desk: Desk, cookie: str) -> None:
    with pytest.raises(NotSignedIn):
        await desk.live.session(cookie)


async def test_a_disabled_account_is_out_at_once_and_stays_out(desk: Desk) -> None:
    cookie, _ = await desk.sign_in()
    await desk.live.disable("admin", "abe")
    with pytest.raises(NotSignedIn):
        await desk.live.session(cookie)
    desk.clock.move(minutes=1)
    with pytest.raises(SignInFailed):
        await desk.sign_in()
    with pytest.raises(NotFound):
        await desk.live.disable("admin", "unknown")


async def test_a_password_of_ours_is_strong_and_easy_to_read(desk: Desk) -> None:
    made = [await desk.live.add("cli", f"officer{n}", Role.VIEWER) for n in range(5)]
    assert len({one.password for one in made}) == 5
    for one in made:
        assert len(one.password.replace("-", "")) == 20
        assert not set(one.password) & set("01loi IO")
        assert pyotp.parse_uri(one.totp_uri).secret == one.totp_secret


@pytest.mark.parametrize(
    ("name", "password", "field", "problem"),
    [
        ("ab", None, "name", "bad_account_name"),
        ("a" * 33, None, "name", "bad_account_name"),
        ("-abe", None, "name", "bad_account_name"),
        ("a be", None, "name", "bad_account_name"),
        ("阿部さん", None, "name", "bad_account_name"),
        ("ABE", None, "name", "taken"),
        ("kato", "short", "password", "too_short"),
        ("kato", "x" * 201, "password", "too_long"),
    ],
)
async def test_an_account_that_can_not_be_is_refused(
    desk: Desk, name: str, password: str | None, field: str, problem: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await desk.live.add("cli", name, Role.VIEWER, password)
    assert (caught.value.field, caught.value.problem) == (field, problem)
    assert [one.name for one in await desk.live.accounts()] == ["abe"]


async def test_coming_and_going_is_in_the_log_of_that_side(desk: Desk) -> None:
    cookie, _ = await desk.sign_in()
    await desk.live.sign_out(cookie)
    entries = await AuditService(desk.redis, Realm.LIVE, desk.clock).read()
    assert [(one.actor, one.step) for one in entries] == [
        ("cli", "added"),
        ("abe", "signed_in"),
        ("abe", "signed_out"),
    ]
    assert await AuditService(desk.redis, Realm.DRILL, desk.clock).read() == []
