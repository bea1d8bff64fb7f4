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
from bosai.model.realm import Realm
from bosai.services.plan_records import NoPlanRecord
from bosai.services.plan_replay import OtherGround, Replayed, archive_of, replay
from bosai.settings_schema import Settings
from bosai.stores.plan_records import Listed
from shelters.records import RecordUnreadable

LISTED = 50


async def replay_plan(settings: Settings, args: argparse.Namespace) -> int:
    """Make a recorded plan again and compare it: 0 the same, 1 something differs."""
    if not args.plan and not args.list:
        raise Stopped("replay needs the name of a plan, or --list: bosai replay --list", 2)
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
