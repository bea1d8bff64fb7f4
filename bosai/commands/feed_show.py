"""`bosai feed show FILE…`: what telegrams mean. Reads files and prints; touches no data and no network."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bosai.commands.output import print_json
from bosai.feeds.atom import MAX_FEED_BYTES
from bosai.feeds.safe_xml import MAX_BYTES
from bosai.feeds.show import show_json, show_telegram
from bosai.feeds.show_text import show_text
from bosai.feeds.show_values import ShownTelegram

_MOST = max(MAX_BYTES, MAX_FEED_BYTES)


async def feed_show(files: Sequence[Path], *, as_json: bool) -> int:
    """Print each file in its turn; 0 when all could be read, 1 when any was refused. One does not stop the rest."""
    shown = [await asyncio.to_thread(_shown, path) for path in files]
    if as_json:
        print_json([show_json(one) for one in shown])
    else:
        print("\n\n".join(map(show_text, shown)))
    return 1 if any(one.read == "refused" for one in shown) else 0


def _shown(path: Path) -> ShownTelegram:
    try:
        with path.open("rb") as file:
            data = file.read(
                MAX_BYTES + 1
            )  # one byte more than is accepted: enough to be refused for its size
    except OSError as error:
        return ShownTelegram(
            file=path.name,
            read="refused",
            reason="unreadable_file",
            error=f"ファイルを読めません：{path}（{_why(error)}）。名前と権限を確かめてください",
        )
    return show_telegram(data, name=path.name)


def _why(error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return "ありません"
        case IsADirectoryError():
            return "フォルダです"
        case PermissionError():
            return "読む権限がありません"
        case _:
            return error.strerror or type(error).__name__
