"""What a fresh data folder needs before anything can start: sample sites, first officers, one desk to try."""

import msgspec

from bosai.model.realm import Realm
from bosai.model.staff import Role
from bosai.services.staff import NewAccount
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
    """Fill what is empty. Safe to run at every start."""
    live, drill = wired.realms[Realm.LIVE], wired.realms[Realm.DRILL]
    loaded = await live.sites.load_sample(ACTOR)
    if await live.staff.accounts():
        return FirstRun(sites_loaded=loaded)
    links = [
        DeskLink(site_name=site.name, path=f"{Realm.DRILL.path_prefix}{access.path}", pin=access.pin)
        for site in await drill.sites.all()
        if site.name == TOUR_SITE
        for access in [await drill.desks.link(ACTOR, site.site_id)]
    ]
    # Accounts last: a start killed in between makes everything again instead of hiding what it made.
    accounts = [await live.staff.add(ACTOR, name, role) for name, role in FIRST_OFFICERS]
    return FirstRun(sites_loaded=loaded, accounts=tuple(accounts), desk_links=tuple(links))
