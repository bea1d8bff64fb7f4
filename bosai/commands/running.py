"""Starting: the whole service on one machine, one web process, one worker."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack

from aiohttp import web as aiohttp_web

from bosai.access import own_redis_url, redis_url
from bosai.commands.listening import listening, port_of, with_port
from bosai.commands.output import Stopped, print_addresses, print_first
from bosai.first_run import prepare, shown
from bosai.settings_schema import Settings
from bosai.supervise import run_children
from bosai.wiring import open_services

WORKERS = ("planner", "delivery", "feeds", "schedules")
STOP_WITHIN_S = 5.0
"""For answers under way when told to stop: less than the supervisor waits before it kills."""


async def setup(settings: Settings, args: argparse.Namespace) -> int:
    """Prepare everything `run` needs, and stop."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(redis_url(settings))
        wired = await stack.enter_async_context(open_services(settings, url))
        first = await prepare(wired)
        print_first(first, settings, as_json=args.json)
        await shown(wired)
    return 0


async def run(settings: Settings, args: argparse.Namespace) -> int:
    """Start every part on this machine and keep it running until told to stop."""
    from bosai.web.assets import missing_libraries  # noqa: PLC0415 (the other commands need no web)

    missing = missing_libraries()
    if missing:
        raise Stopped(f"Browser libraries are missing ({missing[0]} …): run 'npm ci', or 'make setup'.")
    with await asyncio.to_thread(listening, settings) as tried:  # before anything is made that is shown once
        settings = with_port(settings, port_of(tried))
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(own_redis_url(settings))
        async with open_services(settings, url) as wired:
            first = await prepare(wired)
            print_first(first, settings, as_json=args.json)
            await shown(wired)
        print_addresses(settings)
        env = _environment(settings, args, url)
        parts = {"web": [sys.executable, "-m", "bosai", "web"]} | {
            name: [sys.executable, "-m", "workers", name] for name in _parts(settings)
        }
        await run_children(parts, env, on_output=lambda name, line: print(f"{name:>9} | {line}", flush=True))
    return 0


def _parts(settings: Settings) -> list[str]:
    return [name for name in WORKERS if name != "feeds" or settings.feeds.enabled]


def _environment(settings: Settings, args: argparse.Namespace, redis_url: str) -> dict[str, str]:
    """What a part is told of the settings of this command."""
    return os.environ | {
        "BOSAI_REDIS__URL": redis_url,
        "BOSAI_DATA__DIR": settings.data.dir,
        "BOSAI_WEB__PORT": str(settings.web.port),
        "BOSAI_WEB__PUBLIC_URL": settings.web.public_url,
        "PYTHONUNBUFFERED": "1",
        **({"BOSAI_SETTINGS": str(args.settings.absolute())} if args.settings else {}),
    }


async def web(settings: Settings, _args: argparse.Namespace) -> int:
    """One web process. Needs a Redis that runs."""
    from bosai.web.app import make_app, make_runner  # noqa: PLC0415

    _need_redis(settings)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    taken = await asyncio.to_thread(listening, settings)
    settings = with_port(settings, port_of(taken))
    app = make_app(lambda: open_services(settings), body_max_bytes=settings.web.body_max_bytes)
    runner = make_runner(app)
    await runner.setup()
    try:
        await aiohttp_web.SockSite(runner, taken).start()
        logging.getLogger("bosai.web").info("ready on %s", settings.web.public_url)
        await _until_told()
    finally:
        await runner.cleanup()
    return 0


async def worker(settings: Settings, args: argparse.Namespace) -> int:
    """One worker, in place of this process."""
    _need_redis(settings)
    env = _environment(settings, args, settings.redis.url)
    os.execve(sys.executable, [sys.executable, "-m", "workers", args.name], env)  # noqa: S606


async def _until_told() -> None:
    """Wait for SIGTERM or SIGINT."""
    told = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, told.set)
    await told.wait()


def _need_redis(settings: Settings) -> None:
    if settings.redis.is_embedded:
        raise Stopped(
            "This part needs [redis] url (BOSAI_REDIS__URL); 'bosai run' starts everything on one machine."
        )
