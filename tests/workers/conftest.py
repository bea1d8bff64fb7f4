"""Workers open many connections at once; the Redis client asks the disk for its own version at each of them."""

from __future__ import annotations

import pytest
import redis.utils

VERSION = redis.utils.get_lib_version()


@pytest.fixture(autouse=True)
def the_redis_client_knows_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few os.stat per new connection: not ours, and not what the guard of the event loop is for."""
    monkeypatch.setattr(redis.utils, "get_lib_version", lambda: VERSION)
