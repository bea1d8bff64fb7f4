"""What tests of pages share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bosai.web.running import Site, running
from tests.redis_server import PrivateRedis


@pytest.fixture
async def site(private_redis: PrivateRedis, tmp_path: Path) -> AsyncIterator[Site]:
    """The whole web part over a Redis of its own; nobody delivers and nobody plans."""
    async with running(tmp_path, private_redis.url) as found:
        yield found
