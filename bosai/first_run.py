"""What a fresh data folder needs before anything can start: sample sites, first officers, one desk to try."""

import msgspec

from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.staff import NewAccount, StaffService
from bosai.stores.keys import STAFF_READY
from bosai.wiring import Wired

ACTOR = "first start"
FIRST_OFFICERS = (("kian", Role.HQ_DRAFTER), ("shonin", Role.HQ_APPROVER), ("kanri", Role.ADMIN))
"""起案, 承認, 管理. Two people can issue an order from the first minute; one can not."""
TOUR_SITE = "七郷小学校"


class DeskLink(msgspec.Struct, frozen=True, kw_only=True):
    """A desk made for the tour, on the drill side."""

    site_name: str
    path: str
    pin: str


class FirstRun(msgspec.Struct, frozen=True, kw_only=True):
    """What was made. Empty on every later start; the secrets in it are shown once and kept nowhere."""

    sites_loaded: int = 0
    accounts: tuple[NewAccount, ...] = ()
    desk_links: tuple[DeskLink, ...] = ()


async def prepare(wired: Wired) -> FirstRun:
    """Fill what is empty. Safe to run at every start; `shown` must follow once the secrets were shown."""
    live, drill = wired.realms[Realm.LIVE], wired.realms[Realm.DRILL]
    loaded = await live.sites.load_sample(ACTOR)
    if await wired.redis.exists(STAFF_READY):
        return FirstRun(sites_loaded=loaded)
    links = [
        DeskLink(site_name=site.name, path=f"{Realm.DRILL.path_prefix}{access.path}", pin=access.pin)
        for site in await drill.sites.all()
        if site.name == TOUR_SITE
        for access in [await drill.desks.link(ACTOR, site.site_id)]
    ]
    return FirstRun(
        sites_loaded=loaded, accounts=tuple(await _first_officers(live.staff)), desk_links=tuple(links)
    )


async def shown(wired: Wired) -> None:
    """The secrets reached a person. A start killed before this makes new ones instead of hiding what it made."""
    await wired.redis.set(STAFF_READY, b"1")


async def _first_officers(staff: StaffService) -> list[NewAccount]:
    known = {one.name for one in await staff.accounts()}
    return [
        await staff.renew(ACTOR, name) if name in known else await staff.add(ACTOR, name, role)
        for name, role in FIRST_OFFICERS
    ]
