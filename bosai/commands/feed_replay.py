"""Telegrams from files played as if they came now, and the state told again from those that are kept."""

import argparse
import asyncio
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path

from bosai.access import opened
from bosai.commands.output import print_json
from bosai.feeds.changes import IgnoredReason, Outcome
from bosai.feeds.errors import FeedError
from bosai.feeds.jma.envelope import parse_telegram
from bosai.model.realm import Realm
from bosai.services.feed_take import REPLAY
from bosai.services.feeds import Rebuilt, Taken
from bosai.settings_schema import Settings


async def replay(settings: Settings, args: argparse.Namespace) -> int:
    """Take each file in the order given; 1 when one of them can not be read."""
    taken = []
    max_age = timedelta(minutes=settings.feeds.telegram_max_age_min)
    async with AsyncExitStack() as stack:
        wired = await opened(stack, settings)
        service = wired.realms[_realm(args)].feeds
        for path in args.files:
            data = await asyncio.to_thread(Path(path).read_bytes)
            now = await asyncio.to_thread(_sent_at, path.name, data) if args.clock == "original" else None
            taken.append(
                await service.take(
                    data, path.name, now=now, max_age=max_age, as_drill=args.drill, feed=REPLAY
                )
            )
    if args.json:
        print_json(taken)
    else:
        for one in taken:
            print(_line(one))
    return 1 if any(one.outcome is Outcome.UNREADABLE for one in taken) else 0


async def rebuild(settings: Settings, args: argparse.Namespace) -> int:
    """Read every kept telegram of one side again; 1 when what was stored was not what they say."""
    async with AsyncExitStack() as stack:
        wired = await opened(stack, settings)
        found = await wired.realms[_realm(args)].feeds.rebuild(full=True)
    if args.json:
        print_json(found)
    else:
        print(_rebuilt(found))
    return 0 if found.same else 1


def _realm(args: argparse.Namespace) -> Realm:
    return Realm.DRILL if args.drill else Realm.LIVE


def _sent_at(name: str, data: bytes) -> datetime | None:
    """The clock of the recording; None for one that can not be read, which the service then says."""
    try:
        return parse_telegram(data, name=name).sent_at
    except FeedError:
        return None


def _line(one: Taken) -> str:
    why = "" if one.ignored is None else f"（{IGNORED_JA[one.ignored]}）"
    made = "、".join(one.proposals)
    return f"{one.name}: {one.title} → {OUTCOMES_JA[one.outcome]}{why} {one.detail or made}".rstrip()


def _rebuilt(found: Rebuilt) -> str:
    verdict = (
        "保存されていた状態と同じでした" if found.same else "保存されていた状態と違ったため、置き換えました"
    )
    gone = f"。古い版の記録を除きました: {'、'.join(found.dropped)}" if found.dropped else ""
    return f"電文 {found.telegrams}件から、発表中 {found.in_force}件を読み直しました。{verdict}{gone}"


OUTCOMES_JA = {
    Outcome.PROPOSED: "本部への提案を作りました",
    Outcome.CHANGED: "発表の状況が変わりました（提案する定めはありません）",
    Outcome.NO_CHANGE: "変化はありません",
    Outcome.KEPT: "保存しました（この種別は判断に使いません）",
    Outcome.NOT_FOR_THIS_SIDE: "こちら側では扱いません（訓練・試験の電文）:",
    Outcome.STALE: "時計に合わないため扱いません:",
    Outcome.UNREADABLE: "読めません:",
}
IGNORED_JA = {
    IgnoredReason.STATUS: "こちら側の電文ではない",
    IgnoredReason.DUPLICATE: "受信済み",
    IgnoredReason.LATE: "新しい電文が先に届いている",
    IgnoredReason.NOTHING_TO_RECALL: "取り消す対象がない",
    IgnoredReason.OTHER_FAMILY: "判断に使わない系統の電文",
}
