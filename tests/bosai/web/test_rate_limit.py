"""A script is stopped, a crowd behind one address is not, and remembering clients costs bounded memory."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from bosai.web.rate_limit import BUCKETS, BURST, PER_MIN, TokenBuckets, client_of
from tests.bosai.web.running import running, subscription


class Hand:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


def test_a_burst_is_admitted_at_once_and_then_one_every_tenth_of_a_second():
    clock = Hand()
    buckets = TokenBuckets(now_s=clock)
    assert [buckets.wait_s("a") for _ in range(BURST)] == [0] * BURST
    assert buckets.wait_s("a") == 1
    clock.at += 0.1001
    assert (buckets.wait_s("a"), buckets.wait_s("a")) == (0, 1)
    assert buckets.wait_s("b") == 0


def test_whoever_waits_as_long_as_told_is_admitted():
    clock = Hand()
    buckets = TokenBuckets(per_min=6, burst=1, now_s=clock)
    assert buckets.wait_s("a") == 0
    told = buckets.wait_s("a")
    clock.at += told
    assert (told, buckets.wait_s("a")) == (10, 0)


@given(st.lists(st.tuples(st.floats(0, 30), st.sampled_from("ab")), max_size=200))
def test_nobody_gets_more_than_the_burst_and_the_rate_allow(steps):
    clock = Hand()
    buckets = TokenBuckets(per_min=60, burst=5, now_s=clock)
    admitted: dict[str, int] = {"a": 0, "b": 0}
    for pause, client in steps:
        clock.at += pause
        admitted[client] += buckets.wait_s(client) == 0
        assert admitted[client] <= 5 + (clock.at - 1_000) + 1e-6


def test_a_clock_that_steps_back_gives_nobody_tokens():
    clock = Hand()
    buckets = TokenBuckets(per_min=60, burst=1, now_s=clock)
    assert buckets.wait_s("a") == 0
    clock.at -= 500
    assert buckets.wait_s("a") > 0


def test_only_so_many_clients_are_remembered_the_longest_unseen_leaves_first():
    buckets = TokenBuckets(burst=1, max_clients=3, now_s=Hand())
    for client in "abc":
        assert buckets.wait_s(client) == 0
    assert buckets.wait_s("a") > 0  # seen again: now b is the longest unseen
    assert buckets.wait_s("d") == 0
    assert len(buckets) == 3
    assert buckets.wait_s("a") > 0
    assert buckets.wait_s("b") == 0


@pytest.mark.parametrize("wrong", [{"per_min": 0}, {"burst": 0}, {"max_clients": 0}])
def test_a_bucket_that_can_not_work_is_refused(wrong):
    with pytest.raises(ValueError, match="must be positive"):
        TokenBuckets(**wrong)


def asked_by(peer: str, *forwarded: str) -> str:
    headers = [("X-Forwarded-For", one) for one in forwarded]
    return client_of(make_mocked_request("POST", "/", headers=CIMultiDict(headers)).clone(remote=peer))


def test_behind_our_proxy_a_client_is_whom_the_proxy_saw():
    assert asked_by("127.0.0.1", "203.0.113.5") == "203.0.113.5"
    assert (
        asked_by("10.0.0.2", "6.6.6.6, 203.0.113.5") == "203.0.113.5"
    )  # what came before was written by the client
    assert asked_by("127.0.0.1", "6.6.6.6", "203.0.113.5") == "203.0.113.5"
    assert asked_by("", "203.0.113.5") == "203.0.113.5"


def test_a_client_from_outside_can_not_choose_its_name():
    assert asked_by("8.8.4.4", "203.0.113.5") == "8.8.4.4"
    assert asked_by("127.0.0.1", "not an address") == "127.0.0.1"
    assert asked_by("") == "local"


def test_a_household_with_a_whole_ipv6_network_is_one_client():
    assert asked_by("2400:4050::1") == asked_by("2400:4050::ffff:2") == "2400:4050::/64"
    assert asked_by("2400:4050:0:1::1") != asked_by("2400:4050::1")
    assert asked_by("::ffff:8.8.4.4") == "8.8.4.4"


@pytest.fixture
async def site(tmp_path, private_redis):
    async with running(tmp_path, private_redis.url) as site:
        yield site


def standing_still(site) -> TokenBuckets:
    """The application's buckets with a clock that stands, so that a slow machine refills nothing."""
    site.app[BUCKETS]._now_s = Hand()
    return site.app[BUCKETS]


async def test_whoever_registers_too_often_is_told_when_to_come_back_and_nothing_is_written(site):
    standing_still(site)
    for _ in range(BURST - 1):
        site.app[BUCKETS].wait_s("203.0.113.5 /api/v1/subscriptions")
    client = {"X-Forwarded-For": "203.0.113.5"}
    assert (
        await site.ask("POST", "/api/v1/subscriptions", json=subscription(), headers=client)
    ).status == 201
    refused = [
        await site.ask("POST", "/api/v1/subscriptions", json=subscription(f"t{n}"), headers=client)
        for n in range(3)
    ]
    for one in refused:
        assert one.status == 429
        document = one.json()
        assert (document["code"], one.headers["Retry-After"]) == (
            "too_many_tries",
            str(document["retry_after_s"]),
        )
        assert one.headers["Content-Type"].startswith("application/problem+json")
    assert await site.side().subscriptions.count() == 1


async def test_others_other_paths_and_the_other_side_go_on(site):
    buckets = standing_still(site)
    while not buckets.wait_s("203.0.113.5 /api/v1/subscriptions"):
        pass
    for prefix, client in [("", "203.0.113.6"), ("/drill", "203.0.113.5")]:
        answer = await site.ask(
            "POST",
            f"{prefix}/api/v1/subscriptions",
            json=subscription(client),
            headers={"X-Forwarded-For": client},
        )
        assert answer.status == 201
    answer = await site.ask("POST", "/api/v1/receipts", json=[], headers={"X-Forwarded-For": "203.0.113.5"})
    assert answer.status == 204


async def test_receipts_are_bounded_too(site):
    buckets = standing_still(site)
    while not buckets.wait_s("203.0.113.5 /api/v1/receipts"):
        pass
    document = await site.problem(
        "POST", "/api/v1/receipts", json=[], headers={"X-Forwarded-For": "203.0.113.5"}
    )
    assert document["status"] == 429


async def test_a_name_in_the_path_gives_a_client_nothing_more(site):
    """Made-up names would also push everybody else out of what is remembered."""
    buckets = standing_still(site)
    client = {"X-Forwarded-For": "203.0.113.5"}
    asked = [
        await site.ask("POST", f"/api/v1/subscriptions/{number:032x}/self-test", headers=client)
        for number in range(BURST + 2)
    ]
    assert [one.status for one in asked] == [403] * BURST + [429] * 2
    assert len(buckets) == 1


def test_the_bound_is_generous_because_carriers_share_addresses():
    assert (PER_MIN, BURST) == (600, 200)
