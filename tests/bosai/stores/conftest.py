"""The client of the services' tests: its driver has looked up its own version beforehand."""

from tests.bosai.services.conftest import redis_client

__all__ = ["redis_client"]
