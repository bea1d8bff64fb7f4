"""What was told, explained; and a recorded plan made again."""

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

from bosai.access import opened
from bosai.commands.output import Stopped, print_json
from bosai.errors import SealBroken
from bosai.messages.explained import explained_lines
from bosai.model.realm import Realm
from bosai.model.subscription import Need, PaceClass, Place, Structure
from bosai.services.explaining import HERE, CannotExplain, explain_point, explain_subscription
from bosai.services.plan_archive import NoPlanRecord
from bosai.services.plan_replay import OtherGround, Replayed, archive_of, replay
from bosai.settings_schema import Settings
from bosai.stores.plan_records import Listed
from geodata.areas import Bbox
from shelters.records import RecordUnreadable

LISTED = 50
CLI = "command line"
MOST_FLOOR, MOST_PERSONS = 60, 20


def explain_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of `bosai explain`."""
    parser.add_argument("--subscription", metavar="ID", help="the newest instruction of this subscription")
    parser.add_argument("--point", metavar="LON,LAT", help="a household at this point, by the plan of now")
    parser.add_argument(
        "--plan", help="with --subscription: another plan than the newest (bosai replay --list)"
    )
    parser.add_argument("--floor", type=int, help="with --point: the floor, 1 = ground (default: unknown)")
    parser.add_argument("--structure", choices=[one.value for one in Structure], default="unknown")
    parser.add_argument("--pace", choices=[one.value for one in PaceClass], default="unknown")
    parser.add_argument("--persons", type=int, default=1)
    parser.add_argument("--need", action="append", choices=[one.value for one in Need])


def replay_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of `bosai replay`."""
    parser.add_argument("plan", nargs="?", help="plan id as instructions carry it, or a name of --list")
    parser.add_argument("--list", action="store_true", help="the newest recorded plans")


async def replay_plan(settings: Settings, args: argparse.Namespace) -> int:
    """Make a recorded plan again and compare it: 0 the same, 1 something differs."""
    if not args.plan and not args.list:
        raise Stopped(
            "計画の名前か --list を付けてください：bosai replay --list / name a plan, or give --list", 2
        )
    realm = Realm.DRILL if args.drill else Realm.LIVE
    async with AsyncExitStack() as stack:
        wired = await opened(stack, settings)
        archive = archive_of(wired, realm)
        if args.list:
            _print_list(await archive.listed(LISTED), settings, as_json=args.json)
            return 0
        holder = wired.realms[realm].geo.holder
        with unreadable_said():
            record = await archive.open(await archive.find(args.plan))
            found = await asyncio.to_thread(replay, record, holder.facts, holder.walking)
    if args.json:
        print_json(found)
    else:
        for line in replay_lines(found, settings):
            print(line)
    return 0 if found.same else 1


@contextmanager
def unreadable_said() -> Iterator[None]:
    """Turns what can be wrong with a record into one sentence with the mend."""
    try:
        yield
    except NoPlanRecord as error:
        raise Stopped(
            f"計画「{error.name}」の記録はありません。bosai replay --list で一覧を見てください"
            "（訓練の計画は --drill）。 / No record of this plan: see bosai replay --list."
        ) from error
    except OtherGround as error:
        raise Stopped(
            f"この計画は、いま取り込まれているものとは別の道路網で作られています"
            f"（当時 {error.then or 'なし'}、いま {error.now or 'なし'}）。同じ道路と標高を取り込んでから"
            "もう一度実行してください。 / Made over other ways than those imported here: "
            f"{error.then or 'none'} then, {error.now or 'none'} now; import the same roads first."
        ) from error
    except RecordUnreadable as error:
        raise Stopped(
            f"記録を読めません：{error}。記録したときの版のプログラムで実行してください。 / "
            "This record does not fit this version: run the version that made it."
        ) from error
    except CannotExplain as error:
        raise Stopped(f"{error.ja} / {error.en}") from error
    except SealBroken as error:
        raise Stopped(
            "記録の封が開きません。この記録を作ったときの keys フォルダー（places-seal.key）で"
            "実行してください。 / The record does not open with the places-seal.key of this data folder."
        ) from error


def replay_lines(found: Replayed, settings: Settings) -> list[str]:
    """What a replay found, for people."""
    lines = [
        f"計画 {found.name}（{local(found.at, settings)}、災害対応 {found.incident}）",
        f"  対象 {found.people:,}か所、判断 {found.decisions:,}件、送った指示 {found.told:,}件",
    ]
    if found.other_versions:
        lines.append("  別の版で作られた計画です / made with other versions:")
        lines += [
            f"    {name}：当時 {then} → いま {now}" for name, (then, now) in found.other_versions.items()
        ]
    if found.difference is None:
        lines.append("  作り直した計画は、記録と1バイトも違いません。 / identical to the last byte")
        return lines
    gap = found.difference
    where = f"判断 {gap.n + 1}番目（{gap.row + 1}行目の場所）の " if gap.n >= 0 else ""
    lines.append(f"  最初の違い / first difference：{where}{gap.field}")
    lines.append(f"    記録 {gap.recorded}")
    lines.append(f"    再現 {gap.replayed}")
    if gap.rows_differing > 1:
        lines.append(f"    この項目は {gap.rows_differing:,}件で違います")
    return lines


def local(at: datetime, settings: Settings) -> str:
    """A time as the city reads it."""
    return at.astimezone(ZoneInfo(settings.city.timezone)).strftime("%Y-%m-%d %H:%M:%S")


async def explain(settings: Settings, args: argparse.Namespace) -> int:
    """Say why somebody was told what he was told, or what would be told at a point now, and why."""
    if bool(args.subscription) == bool(args.point):
        raise Stopped(
            "--subscription ID か --point 経度,緯度 のどちらか一つを付けてください："
            "bosai explain --point 140.98,38.22 / give either --subscription ID or --point LON,LAT",
            2,
        )
    if args.point and args.plan:
        raise Stopped(
            "--plan は --subscription と使います。地点（--point）は、いまの計画で説明します。 / "
            "--plan goes with --subscription: a point is explained by the plan of now",
            2,
        )
    realm = Realm.DRILL if args.drill else Realm.LIVE
    async with AsyncExitStack() as stack:
        wired = await opened(stack, settings)
        with unreadable_said():
            if args.subscription:
                found = await explain_subscription(
                    wired, realm, args.subscription, actor=CLI, plan_name=args.plan or ""
                )
            else:
                found = await explain_point(wired, realm, _place_of(settings, args))
    if args.json:
        print_json(found)
    else:
        for line in explained_lines(found.explanation, found.plan, found.at):
            print(line)
    return 0


def _place_of(settings: Settings, args: argparse.Namespace) -> Place:
    """The place of the flags. Raises Stopped."""
    try:
        lon, lat = (float(one) for one in args.point.split(","))
    except ValueError:
        raise Stopped(
            f"--point は 経度,緯度（度）です（入力：{args.point}）：140.98,38.22 / LON,LAT in degrees", 2
        ) from None
    city = Bbox(*settings.city.bbox_lonlat)
    if not city.holds(lon, lat) and city.holds(lat, lon):
        raise Stopped(
            f"--point は 経度,緯度 の順です：--point {lat:g},{lon:g} / --point takes LON,LAT, in this order",
            2,
        )
    if not city.holds(lon, lat):
        raise Stopped(
            f"--point {args.point} は{settings.city.name}の外です。市内の経度,緯度を入れてください：140.98,38.22"
            " / outside the city"
        )
    for flag, value, most in (("--floor", args.floor, MOST_FLOOR), ("--persons", args.persons, MOST_PERSONS)):
        if value is not None and not 1 <= value <= most:
            raise Stopped(f"{flag} は 1〜{most} です（入力：{value}） / {flag} is 1 to {most}", 2)
    return Place(
        place_id=HERE,
        lon=lon,
        lat=lat,
        floor=args.floor,
        structure=Structure(args.structure),
        persons=args.persons,
        pace=PaceClass(args.pace),
        needs=tuple(Need(one) for one in args.need or ()),
    )


def _print_list(found: list[Listed], settings: Settings, *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {
                    "name": one.name,
                    "plan_id": one.facts.plan_id,
                    "incident": one.facts.incident,
                    "at": one.facts.at,
                    "told": one.facts.told,
                    "blocks": len(one.facts.blocks),
                }
                for one in found
            ]
        )
        return
    if not found:
        print("記録された計画はまだありません。")
    for one in found:
        facts = one.facts
        print(f"{one.name:<34} {local(facts.at, settings)}  {facts.incident}  送った指示 {facts.told:,}件")
