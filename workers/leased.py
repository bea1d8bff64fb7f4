"""Work that only one process does at a time: start it while the lease is held, stop it when the lease is lost."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from bosai.stores.lease import Lease
from workers.cancelling import stop_if_cancelled
from workers.faults import log_fault

log = logging.getLogger(__name__)

RENEW_S = 1.5


async def while_held(lease: Lease, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` whenever the lease is ours, until cancelled; the lease is given back at the end.

    Work that ends by itself gives way like work whose lease was lost. What it raises travels on.
    """
    try:
        while True:
            stop_if_cancelled()
            if await _try_take(lease, name):
                log.info("%s: holding the lease with token %s", name, lease.token)
                await _until_lost(lease, name, work)
                log.warning("%s: the lease was lost", name)
            await asyncio.sleep(RENEW_S)
    finally:
        try:
            await lease.drop()
        except Exception as error:
            log_fault(log, f"{name}: the lease can not be given back; it ends by itself", error)


async def _until_lost(lease: Lease, name: str, work: Callable[[], Awaitable[None]]) -> None:
    tasks = [asyncio.ensure_future(one) for one in (work(), _renewing(lease, name))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _renewing(lease: Lease, name: str) -> None:
    """Ends when the lease is lost, or can not be renewed before it would have ended."""
    renewed = time.monotonic()
    while True:
        stop_if_cancelled()
        await asyncio.sleep(RENEW_S)
        if await _try_take(lease, name):
            renewed = time.monotonic()
        elif lease.token is None or time.monotonic() - renewed > 2 * RENEW_S:
            return


async def _try_take(lease: Lease, name: str) -> bool:
    try:
        return await lease.take()
    except Exception as error:
        log_fault(log, f"{name}: the lease can not be asked for", error)
        return False
