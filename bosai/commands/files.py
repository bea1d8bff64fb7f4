"""Telegrams from files."""

import argparse
from collections.abc import Sequence
from typing import Any

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


class FilesToRead(argparse.Action):
    """Files for what reads files, none for what does not: anything else is wrong usage."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Set `files`, or end with the usage."""
        if bool(values) is (namespace.action == "rebuild"):
            parser.error(
                "show and replay read files, rebuild reads none: it reads the telegrams that are kept"
            )
        setattr(namespace, self.dest, list(values or ()))
