"""What a loop that goes on says of a step that failed."""

import logging

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

REDIS_GONE = (RedisConnectionError, RedisTimeoutError, ReadOnlyError, OutOfMemoryError)
"""What passes when Redis is back: away, failing over (read only), or out of memory for a while."""


def log_fault(log: logging.Logger, what: str, error: Exception) -> None:
    """One line while Redis is away, which every loop says several times a second; else with its traceback."""
    if isinstance(error, REDIS_GONE):
        log.warning("%s: Redis does not answer (%s)", what, type(error).__name__)
    else:
        log.error("%s", what, exc_info=error)
