"""A store that is away does not fill the log; a fault of ours is told with its place."""

from __future__ import annotations

import logging

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from workers.faults import log_fault


def raised(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as caught:
        return caught


def test_redis_away_is_one_line_and_another_fault_brings_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = logging.getLogger("test")
    log_fault(log, "live: a plan failed", raised(RedisConnectionError("Connection refused")))
    log_fault(log, "live: a plan failed", raised(ResponseError("WRONGTYPE")))
    away, ours = caplog.records
    assert (away.levelno, away.exc_info) == (logging.WARNING, None)
    assert away.getMessage() == "live: a plan failed: Redis does not answer (ConnectionError)"
    assert ours.levelno == logging.ERROR
    assert "test_faults.py" in caplog.text and "WRONGTYPE" in caplog.text
