"""Telegrams from files."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from bosai.commands.feed_replay import rebuild, replay
from bosai.commands.feed_show import feed_show
from bosai.settings_schema import Settings


async def feed(settings: Settings, args: argparse.Namespace) -> int:
    """Say what telegrams mean, play them as if they came now, or tell the state again from those that are kept."""
    if args.action == "show":
        return await feed_show(args.files, as_json=args.json)
    if args.action == "rebuild":
        return await rebuild(settings, args)
    return await replay(settings, args)


def feed_actions(feed: argparse.ArgumentParser, flags: Sequence[argparse.ArgumentParser]) -> None:
    """`feed show|replay FILE…` and `feed rebuild`, which reads the kept telegrams; flags stand anywhere behind."""
    actions = feed.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", parents=flags, help="what telegrams mean; changes nothing")
    replay = actions.add_parser("replay", parents=flags, help="play telegrams as if they came now")
    actions.add_parser("rebuild", parents=flags, help="tell the state again from the telegrams that are kept")
    for reading in (show, replay):
        reading.add_argument("files", nargs="+", type=Path, metavar="FILE")
    replay.add_argument(
        "--clock",
        choices=["original", "now"],
        default="original",
        help="judge each telegram's age by its own time (default), or by the clock, as the live feed does",
    )
