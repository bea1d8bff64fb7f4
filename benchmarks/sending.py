"""One delivery process as `python -m workers delivery` runs it, but held back until told to begin.

python -m benchmarks.sending SETTINGS_FILE      "ready" on stdout ─▶ a line on stdin ─▶ delivers until ended
"""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from bosai.settings import load_settings
from bosai.wiring import open_services
from workers.delivery_open import open_delivery


async def main(settings_file: Path) -> None:
    """Open everything, wait for the word, deliver until ended by SIGTERM."""
    settings = await asyncio.to_thread(load_settings, settings_file)
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    async with open_services(settings) as wired, open_delivery(wired) as workers:
        print("ready", flush=True)
        if not await asyncio.to_thread(sys.stdin.readline):
            return
        async with asyncio.TaskGroup() as group:
            for one in workers:
                group.create_task(one.run())


if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(main(Path(sys.argv[1])))
