"""Officers, shelter desks, the audit log, and what this machine has."""

import argparse
import asyncio
import sys
from contextlib import AsyncExitStack

from bosai.access import opened
from bosai.commands.output import Stopped, print_account, print_json
from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.geo_facts import problem_of
from bosai.settings_schema import Settings
from bosai.stores.geo_files import GeoFileDamaged, GeoFiles

CLI = "command line"


async def staff(settings: Settings, args: argparse.Namespace) -> int:
    """Add an officer, or list them. Secrets are printed once."""
    if args.action == "renew" and not args.name:
        raise Stopped("staff renew needs a name: bosai staff renew sato", 2)
    if args.action == "add" and not (args.name and args.role):
        raise Stopped("staff add needs a name and --role: bosai staff add sato --role hq_drafter", 2)
    password = sys.stdin.readline().rstrip("\n") if args.password_stdin else None
    async with AsyncExitStack() as stack:
        wired = await opened(stack, settings)
        service = wired.realms[Realm.LIVE].staff
        if args.action == "list":
            found = [
                {"name": one.name, "role": one.role, "disabled": one.disabled}
                for one in await service.accounts()
            ]
            if args.json:
                print_json(found)
            else:
                for one in found:
                    print(f"{one['name']:<20} {one['role']}{' (停止中)' if one['disabled'] else ''}")
            return 0
        if args.action == "renew":
            made = await service.renew(CLI, args.name)
        else:
            made = await service.add(CLI, args.name, Role(args.role), password)
    if args.json:
        print_json(made)
    else:
        print_account(made)
    return 0


async def desk(settings: Settings, args: argparse.Namespace) -> int:
    """Make a shelter's link and PIN; the one before stops working."""
    async with AsyncExitStack() as stack:
        wired = await opened(stack, settings)
        here = wired.realms[Realm.DRILL if args.drill else Realm.LIVE]
        found = [one for one in await here.sites.all() if args.site in (one.site_id, one.name)]
        if len(found) != 1:
            raise Stopped(
                f"「{args.site}」という施設は{len(found)}件です。IDで指定してください。 / "
                f"{len(found)} sites are called '{args.site}': give the id instead."
            )
        access = await here.desks.link(CLI, found[0].site_id)
    link = f"{settings.web.public_url}{here.realm.path_prefix}{access.path}"
    if args.json:
        print_json({"site_id": found[0].site_id, "url": link, "pin": access.pin})
    else:
        print(f"{found[0].name}\n  {link}\n  PIN {access.pin}")
    return 0


async def verify_audit(settings: Settings, args: argparse.Namespace) -> int:
    """Check the hash chain. 1 when it is broken."""
    async with AsyncExitStack() as stack:
        wired = await opened(stack, settings)
        report = await wired.realms[Realm.DRILL if args.drill else Realm.LIVE].audit.verify()
    if args.json:
        print_json(report)
    elif report.ok:
        print(f"監査記録 {report.entries} 件：つながりは正しい。")
    else:
        print(f"監査記録：{report.first_bad} 件目からつながりが壊れています。")
    return 0 if report.ok else 1


async def doctor(settings: Settings, args: argparse.Namespace) -> int:
    """What this machine has and lacks."""
    from bosai.redis_program import find_programs  # noqa: PLC0415
    from bosai.web.assets import missing_libraries  # noqa: PLC0415

    programs = [str(one.path) for one in await asyncio.to_thread(find_programs)]
    missing = missing_libraries()
    ground, damaged = await asyncio.to_thread(_ground, settings)
    facts = {
        "python": sys.version.split()[0],
        "redis_programs": programs,
        "browser_libraries_missing": missing,
        "data_dir": settings.data.dir,
        "vapid_contact_is_placeholder": settings.city.contact_is_placeholder,
        "ground": ground,
        "ground_damaged": damaged,
    }
    if args.json:
        print_json(facts)
    else:
        for name, value in facts.items():
            print(f"{name}: {value}")
    return 0 if programs and not missing and not damaged else 1


def _ground(settings: Settings) -> tuple[dict[str, str], list[str]]:
    """What was imported on this machine, with its time, and what of it is damaged, every byte looked at."""
    files = GeoFiles(settings.data_dir)
    damaged = [problem_of(one) for one in files.damaged()]
    try:
        stored = {key: one.imported_at for key, one in files.manifest().facts.items()}
    except GeoFileDamaged:
        stored = {}
    return stored, list(dict.fromkeys(one.ja for one in damaged))
