"""Telegrams from files."""

import argparse
import asyncio
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path

from bosai.access import opened
from bosai.commands.feed_show import feed_show
from bosai.commands.output import print_json
from bosai.feeds.errors import FeedError
from bosai.feeds.jma.envelope import parse_telegram
from bosai.model.realm import Realm
from bosai.settings_schema import Settings


async def feed(settings: Settings, args: argparse.Namespace) -> int:
    """Say what telegrams mean, or play them as if they came now."""
    if args.action == "show":
        return await feed_show(args.files, as_json=args.json)
    files = [(path, await asyncio.to_thread(path.read_bytes)) for path in args.files]
    return await _replay(settings, args, files)


async def _replay(settings: Settings, args: argparse.Namespace, files: list[tuple[Path, bytes]]) -> int:
    taken = []
    async with AsyncExitStack() as stack:
        wired = await opened(stack, settings)
        service = wired.realms[Realm.DRILL if args.drill else Realm.LIVE].feeds
        for path, data in files:
            now = _sent_at(path.name, data) if args.clock == "original" else None
            max_age = timedelta(minutes=settings.feeds.telegram_max_age_min)
            taken.append(await service.take(data, path.name, now=now, max_age=max_age, as_drill=args.drill))
    if args.json:
        print_json(taken)
    else:
        for one in taken:
            print(f"{one.name}: {one.title} → {_OUTCOMES[one.outcome]} {one.detail}".rstrip())
    return 1 if any(one.outcome == "unreadable" for one in taken) else 0


def _sent_at(name: str, data: bytes) -> datetime | None:
    """The clock of the recording; None for one that can not be read, which the service then says."""
    try:
        return parse_telegram(data, name=name).sent_at
    except FeedError:
        return None


_OUTCOMES = {
    "proposed": "本部への提案を作りました",
    "no_change": "発令の判断に関わる変化はありません",
    "kept": "保存しました（この種別はまだ判断に使いません）",
    "not_for_this_side": "こちら側では扱いません（訓練・試験の電文）",
    "stale": "時計に合わないため扱いません:",
    "unreadable": "読めません:",
}
