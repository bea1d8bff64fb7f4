"""What a subscriber and a prekey cost in Redis: used_memory before and after, with endpoints as long as FCM's."""

import os
from dataclasses import dataclass

from benchmarks.rig import Rig
from bosai.push.prekeys import PAIR_BYTES

ORIGIN = "https://fcm.googleapis.com"
_BUFFERS = ("mem_clients_normal", "mem_aof_buffer")  # what the seeding itself leaves for a while


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes in Redis."""

    subscription_bytes: float
    prekey_bytes: float
    prekeys_each: int


async def memory_run(rig: Rig, subscribers: int) -> Memory:
    """Seed so many, then their prekeys; nothing is sent. The store is emptied before and after, but for keys of HQ."""
    each = rig.wired.settings.push.prekeys_each
    await _forget(rig)
    empty = await _used(rig)
    await rig.seed(subscribers, ORIGIN)
    seeded = await _used(rig)
    # As long as real ones and as random: making them would take a minute and weigh the same.
    await rig.add_pairs(subscribers, each, lambda _: os.urandom(PAIR_BYTES * each))
    filled = await _used(rig)
    await _forget(rig)
    return Memory((seeded - empty) / subscribers, (filled - seeded) / (subscribers * each), each)


async def _used(rig: Rig) -> int:
    await rig.settle()
    found = await rig.redis.info("memory")
    return int(found["used_memory"]) - sum(int(found.get(one, 0)) for one in _BUFFERS)


async def _forget(rig: Rig) -> None:
    await rig.wipe()
    await rig.forget_people()
