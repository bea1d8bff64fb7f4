"""One-time pairs: how they stand, and making them now instead of in the quiet hours."""

import argparse
from contextlib import AsyncExitStack

import msgspec

from bosai.access import opened
from bosai.commands.output import Stopped, print_json
from bosai.model.realm import Realm
from bosai.services.prekey_fill import FillReport, PrekeyFill
from bosai.settings_schema import Settings
from bosai.stores.prekeys import PrekeyStatus
from bosai.wiring import Wired, push_sealer


class _Side(msgspec.Struct, frozen=True, kw_only=True):
    realm: Realm
    status: PrekeyStatus
    fill: FillReport | None


_NAMES = {Realm.LIVE: "本番", Realm.DRILL: "訓練"}


async def prekeys(settings: Settings, args: argparse.Namespace) -> int:
    """Show or fill the pairs of both sides. 1 when an order in force kept them from being made."""
    async with AsyncExitStack() as stack:
        wired = await opened(stack, settings)
        sides = [await _side(wired, realm, fill=args.action == "fill") for realm in Realm]
    if args.json:
        print_json({one.realm.value: {"status": one.status, "fill": one.fill} for one in sides})
    else:
        for one in sides:
            print(_line(one, settings.push.prekeys_each))
    paused = [_NAMES[one.realm] for one in sides if one.fill and one.fill.paused]
    if paused:
        raise Stopped(
            f"発令中は送信を優先し、事前鍵を作りません（{'・'.join(paused)}）。"
            "解除の後にもう一度実行してください。 / "
            "An order is in force: run this again when it was lifted."
        )
    return 0


async def _side(wired: Wired, realm: Realm, *, fill: bool) -> _Side:
    sealer = push_sealer(wired.secrets.realm(realm.value))
    service = PrekeyFill(wired.redis, realm, wired.clock, wired.settings, sealer)
    report = await service.fill() if fill else None
    return _Side(realm=realm, status=await service.status(), fill=report)


def _line(one: _Side, each: int) -> str:
    status = one.status
    line = (
        f"{_NAMES[one.realm]}：登録 {status.subscribers}件、事前鍵 {status.pairs}組（1件あたり最大{each}組）、"
        f"1組もない登録 {status.without}件"
    )
    if one.fill is None:
        return line
    line += f"、いま作った鍵 {one.fill.made}組"
    return line + (f"、宛先を読めない登録 {one.fill.broken}件" if one.fill.broken else "")
