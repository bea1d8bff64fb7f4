"""What every test may ask for: a private Redis, the real data, a real browser, and an event loop nobody blocks."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis.asyncio
from blockbuster import blockbuster_ctx
from hypothesis import settings
from redis.driver_info import DriverInfo

from tests.browsers import in_ci, require_browser
from tests.redis_server import PrivateRedis, private_redis_server

__all__ = ["require_browser"]

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ["geodata", "shelters", "bosai", "workers"]

DRIVER = DriverInfo()
"""Made once: redis-py reads its own version from files for it, else at every new connection."""

# How long one example takes says how busy the machine is, not whether the code is right.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Blocking calls that are right where they are: (blocking function, file, function leading to it), each with its reason.
ALLOWED_TO_BLOCK: list[tuple[str, str, str]] = []


@pytest.fixture(scope="session")
def redis_server() -> Iterator[PrivateRedis]:
    """One private Redis for the whole run."""
    with private_redis_server() as server:
        yield server


@pytest.fixture
def private_redis(redis_server: PrivateRedis) -> PrivateRedis:
    """A real, empty Redis: one node with `cluster-enabled yes`, reached at `.url`."""
    redis_server.flush()
    return redis_server


@pytest.fixture(name="redis")
async def redis_client(private_redis: PrivateRedis) -> AsyncIterator[redis.asyncio.Redis]:
    """A client of the private Redis, answers as bytes."""
    async with redis.asyncio.Redis.from_url(private_redis.url, driver_info=DRIVER) as client:
        yield client


@pytest.fixture(autouse=True)
def nobody_blocks_the_event_loop() -> Iterator[None]:
    """A blocking call made by our own code on a running event loop raises BlockingError."""
    with blockbuster_ctx(scanned_modules=ROOMS) as guard:
        for name, file, function in ALLOWED_TO_BLOCK:
            guard.functions[name].can_block_in(file, function)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public data; the test is skipped where it is absent."""
    folder = Path(os.environ.get("BOSAI_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"the real data is not here: {folder} (BOSAI_SHARED_DATA names another folder)")
    return folder


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes are named by their length: some hold the time or a fresh key, and every worker must give the same names."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """With CI=true a browser test that skips, for whatever reason, has failed."""
    report = yield
    if report.skipped and in_ci() and item.get_closest_marker("browser") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and with CI=true no browser test may be: {report.longrepr}"
    return report
