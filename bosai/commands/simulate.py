"""`bosai simulate SCENARIO.toml`: a made emergency in a made or sampled city, with our guidance and without."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from bosai.commands.output import Stopped, print_json
from bosai.settings_schema import Settings

if TYPE_CHECKING:
    from shelters.simulate.run import Progress, Result

LINE_EVERY_SHARE = 0.1
TO_SCREEN = "-"
GUIDES_JA = {"ours": "この案内", "nearest_open": "最寄りの案内"}


def flags(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("scenario", type=Path, metavar="SCENARIO.toml")
    parser.add_argument(
        "--seed", type=int, help="another seed than the scenario's: another luck, the same city kind"
    )
    parser.add_argument(
        "--json",
        nargs="?",
        const=TO_SCREEN,
        metavar="FILE",
        help="the figures as JSON: to a file, or (last, without one) to standard output",
    )
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="one page with plots and a map, in Japanese"
    )
    parser.add_argument("--towns", type=Path, metavar="FILE", help="towns or population (CSV) of residents")
    parser.add_argument("--sites", type=Path, metavar="FILE", help="the list of sites (CSV, GeoJSON)")
    parser.add_argument(
        "--straight", action="store_true", help="straight lines, though a walking network was imported"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")


async def simulate(settings: Settings, args: argparse.Namespace) -> int:
    """Run it, say the figures, and write what was asked for."""
    json_file = Path(args.json) if args.json not in (None, TO_SCREEN) else None
    await asyncio.to_thread(_refuse_missing_folders, json_file, args.html)
    written, page = await asyncio.to_thread(_work, settings, args)
    if json_file is not None:
        text = msgspec.json.format(msgspec.json.encode(written), indent=1) + b"\n"
        await asyncio.to_thread(json_file.write_bytes, text)
    if page is not None:
        await asyncio.to_thread(args.html.write_text, page, "utf-8")
    if args.json == TO_SCREEN:
        print_json(written)
    elif not args.quiet:
        _print(written)
    return 0


def _refuse_missing_folders(*paths: Path | None) -> None:
    """Before a minute of computing, not after it."""
    for path in paths:
        if path is not None and not path.parent.is_dir():
            raise Stopped(f"書き出す先のフォルダーがありません / no such folder: {path.parent}", 2)


def _work(settings: Settings, args: argparse.Namespace) -> tuple[dict[str, Any], str | None]:
    """Blocking. Loads what only simulations need."""
    from bosai.services.planning import is_night, rules_of  # noqa: PLC0415
    from bosai.simulation.city import Given, stage  # noqa: PLC0415
    from bosai.simulation.document import document  # noqa: PLC0415
    from bosai.simulation.files import ScenarioInvalid, read_scenario  # noqa: PLC0415
    from bosai.simulation.ground import open_ground  # noqa: PLC0415
    from bosai.simulation.page import page  # noqa: PLC0415
    from shelters.simulate.run import simulate as run_both  # noqa: PLC0415

    try:
        found = read_scenario(args.scenario)
        ground = open_ground(settings, with_network=not args.straight)
        given = Given(
            scenario_path=args.scenario,
            towns_path=args.towns,
            sites_path=args.sites,
            population=ground.population,
            night=is_night(found.begins, settings),
        )
        seed = found.seed if args.seed is None else args.seed
        staged = stage(found, given, settings, rules_of(settings), seed)
    except ScenarioInvalid as error:
        raise Stopped(str(error), 2) from error
    watch = _watch(found.begins, settings.city.timezone, quiet=args.quiet)
    result: Result = run_both(staged.scenario, staged.city, ways_of=ground.ways_of(staged.city), tell=watch)
    html = page(found, staged, result, settings.city.timezone) if args.html is not None else None
    return document(found, staged, result), html


def _watch(begins: datetime, timezone: str, *, quiet: bool) -> "Callable[[Progress], None] | None":
    """On a screen one line that is written over; elsewhere a line every tenth."""
    if quiet:
        return None
    on_screen = sys.stderr.isatty()
    said: dict[str, float] = {}
    zone = ZoneInfo(timezone)

    def tell(progress: "Progress") -> None:
        is_last = progress.share >= 1.0
        before = said.get(progress.guide, -1.0)
        if not (on_screen or is_last or progress.share - before >= LINE_EVERY_SHARE):
            return
        said[progress.guide] = progress.share
        clock = datetime.fromtimestamp(begins.timestamp() + progress.now_s, zone)
        line = (
            f"模擬計算 {GUIDES_JA[progress.guide]} {clock:%H:%M} {progress.share:4.0%} "
            f"移動中 {progress.walking:,}人 施設 {progress.inside:,}人"
        )
        end = "\n" if is_last or not on_screen else ""
        print(f"\r\x1b[2K{line}" if on_screen else line, end=end, file=sys.stderr, flush=True)

    return tell


def _with_shares(outcome: dict[str, Any]) -> dict[str, Any]:
    """From the heads: a share rounded twice can come out larger than the whole."""
    placed, movers = outcome["placed"], max(1, outcome["movers"])
    return outcome | {
        "settled": (placed + outcome["walked_out"]) / movers,
        "placed_of_movers": placed / movers,
    }


def _print(written: dict[str, Any]) -> None:
    ours, base = (_with_shares(written[name]) for name in ("ours", "baseline"))
    print(f"【{written['notice']}】 {written['scenario']['name']}（seed {written['scenario']['seed']}）")
    print(
        f"  対象 {ours['in_area']:,}人・避難した人 {ours['movers']:,}人（最寄りの案内では {base['movers']:,}人）"
    )
    rows = (
        ("避難を終えた人", "settled", "{:.1%}"),
        ("　うち施設に入れた人", "placed_of_movers", "{:.1%}"),
        ("予想時刻までに危険を離れた人", "out_in_time_share", "{:.1%}"),
        ("満員で断られた人", "refused_share", "{:.1%}"),
        ("　うち案内どおりに動いた登録者", "guided_refused_share", "{:.1%}"),
        ("行き場が見つからない人", "stranded", "{:,}人"),
        ("歩いて区域の外へ出た人", "walked_out", "{:,}人"),
    )
    for words, key, shape in rows:
        if ours[key] is None or base[key] is None:
            continue
        print(f"  {words}: この案内 {shape.format(ours[key])}・最寄りの案内 {shape.format(base[key])}")
    for words, key in (("半数", "p50"), ("90%", "p90")):
        one, other = ours["walked_m"][key], base["walked_m"][key]
        if one is not None and other is not None:
            print(f"  歩いた距離（{words}）: この案内 {one:,.0f}m・最寄りの案内 {other:,.0f}m")
    print(
        f"  通知（登録者1世帯）: この案内 {ours['messages']['each']:.2f}回・"
        f"最寄りの案内 {base['messages']['each']:.2f}回"
    )
