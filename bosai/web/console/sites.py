"""Evacuation sites as HQ sees them: open or not, how many people, how old the news, and the link for their staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bosai.errors import BosaiError, InvalidInput, NotAllowed, NotFound
from bosai.model.staff import Permission, Session
from bosai.services.welfare import is_welfare
from bosai.web.base import realm_of, services
from bosai.web.console.page import moved, refused, show
from bosai.web.console.qr import qr_data_uri
from bosai.web.console.session import signed_in
from geodata.hazards import HAZARD_ORDER, HazardKind
from shelters.model import Facet, Opening, Site, SiteStatus
from shelters.sites import opening_of

OUTAGES = {"power": Facet.POWER, "step_free": Facet.STEP_FREE, "pets": Facet.PETS}
"""What a site can lose for a while, as forms name it."""
CHECKS = {"yes": True, "no": False}
REPORTABLE = (Opening.EXPECTED, Opening.OPEN, Opening.CLOSED, Opening.UNUSABLE)
"""What staff can say of a door; 常時開放 is a fact of the place, not a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRow:
    """One line of the list."""

    site: Site
    status: SiteStatus | None
    opening: Opening
    hazards: tuple[HazardKind, ...]


def routes() -> list[web.RouteDef]:
    """The list, and the links of shelter staff."""
    return [
        web.get("/hq/sites", signed_in(sites_page)),
        web.post("/hq/sites/report", signed_in(report)),
        web.post("/hq/sites/failed", signed_in(failed)),
        web.post("/hq/sites/code", signed_in(make_code)),
        web.post("/hq/sites/code/revoke", signed_in(revoke_code)),
        web.post("/hq/sites/facilities", signed_in(facilities)),
        web.post("/hq/sites/link", signed_in(link)),
        web.post("/hq/sites/revoke", signed_in(revoke)),
    ]


async def sites_page(request: web.Request, officer: Session) -> web.Response:
    """Every site, or those that match `?q=`, `?ward=` and `?opening=`."""
    return show(request, "sites.html", officer, **await _context(request))


async def link(request: web.Request, officer: Session) -> web.StreamResponse:
    """A new link with its PIN, shown this once. The link the site had stops working."""
    try:
        _need(officer)
        site = await _site(request)
        access = await services(request).desks.link(officer.name, site.site_id)
    except BosaiError as error:
        return refused(request, "sites.html", officer, error, **await _context(request))
    base = services(request).settings.web.public_url.rstrip("/")
    url = f"{base}{realm_of(request).path_prefix}{access.path}"
    return show(request, "desk_link.html", officer, site=site, access=access, url=url, qr=qr_data_uri(url))


async def revoke(request: web.Request, officer: Session) -> web.StreamResponse:
    """The site's link stops working at once."""
    try:
        _need(officer)
        site = await _site(request)
        await services(request).desks.revoke(officer.name, site.site_id)
    except BosaiError as error:
        return refused(request, "sites.html", officer, error, **await _context(request))
    raise moved(request, "/hq/sites", "revoked")


async def report(request: web.Request, officer: Session) -> web.StreamResponse:
    """What a site told HQ by telephone or radio, entered by an officer."""
    form = await request.post()
    try:
        site = await _site(request)
        await services(request).sites.report(
            officer,
            site.site_id,
            opening=_opening(str(form.get("opening", ""))),
            present_persons=_count(str(form.get("present_persons", ""))),
        )
    except BosaiError as error:
        return refused(request, "sites.html", officer, error, **await _context(request))
    raise moved(request, "/hq/sites", "reported")


async def failed(request: web.Request, officer: Session) -> web.StreamResponse:
    """使用不可, in one action: whoever is on the way is sent elsewhere by the next plan."""
    try:
        site = await _site(request)
        await services(request).sites.report(officer, site.site_id, opening=Opening.UNUSABLE)
    except BosaiError as error:
        return refused(request, "sites.html", officer, error, **await _context(request))
    raise moved(request, "/hq/hand", "failed")


async def make_code(request: web.Request, officer: Session) -> web.StreamResponse:
    """A code that opens a welfare shelter to households of the ward's choice, shown this once."""
    form = await request.post()
    try:
        site = await _site(request)
        households = _count(str(form.get("households", "")), "households")
        if households is None:
            raise InvalidInput("households", "missing")
        made = await services(request).welfare.make(officer, site.site_id, households)
    except BosaiError as error:
        return refused(request, "sites.html", officer, error, **await _context(request))
    return show(request, "welfare_code.html", officer, site=site, made=made)


async def revoke_code(request: web.Request, officer: Session) -> web.StreamResponse:
    """The code opens nothing new."""
    form = await request.post()
    try:
        await services(request).welfare.revoke(officer, str(form.get("code", "")))
    except BosaiError as error:
        return refused(request, "sites.html", officer, error, **await _context(request))
    raise moved(request, "/hq/sites", "code_revoked")


async def facilities(request: web.Request, officer: Session) -> web.StreamResponse:
    """The building check and what does not work, as a site told HQ."""
    form = await request.post()
    given = {name: str(form.get(name, "")) for name in ("checked", "outages_said")}
    try:
        site = await _site(request)
        await services(request).sites.report(
            officer,
            site.site_id,
            checked=check_of(given["checked"]),
            outages=outages_of([str(one) for one in form.getall("outages", [])])
            if given["outages_said"]
            else None,
        )
    except BosaiError as error:
        return refused(request, "sites.html", officer, error, **await _context(request))
    raise moved(request, "/hq/sites", "reported")


def check_of(value: str) -> bool | None:
    """ "yes", "no", or "" for nothing said. Raises InvalidInput."""
    if not value:
        return None
    if value not in CHECKS:
        raise InvalidInput("checked", "unknown_value", value[:20])
    return CHECKS[value]


def outages_of(names: Sequence[str]) -> Facet:
    """Everything that does not work now; nothing named = all of it works. Raises InvalidInput."""
    lost = Facet(0)
    for name in names:
        if name not in OUTAGES:
            raise InvalidInput("outages", "unknown_value", name[:20])
        lost |= OUTAGES[name]
    return lost


def _opening(value: str) -> Opening | None:
    if not value:
        return None
    if value not in REPORTABLE:
        raise InvalidInput("opening", "unknown_value", value[:20])
    return Opening(value)


def _count(text: str, field: str = "present_persons") -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal() or len(text.strip()) > 6:
        raise InvalidInput(field, "not_a_number", text.strip()[:20])
    return int(text)


def _need(officer: Session) -> None:
    if not officer.may(Permission.MANAGE_DESKS):
        raise NotAllowed(Permission.MANAGE_DESKS.value)


async def _site(request: web.Request) -> Site:
    wanted = str((await request.post()).get("site", ""))
    found = next((one for one in await services(request).sites.all() if one.site_id == wanted), None)
    if found is None:
        raise NotFound("site", wanted[:60])
    return found


async def _context(request: web.Request) -> dict[str, Any]:
    here = services(request)
    statuses = await here.sites.statuses()
    on_their_way, _ = await here.sites.on_their_way()
    every = [_row(site, statuses.get(site.site_id)) for site in await here.sites.all()]
    asked = {name: request.query.get(name, "")[:60] for name in ("q", "ward", "opening")}
    rows = sorted(
        (one for one in every if _matches(one, asked)), key=lambda one: (one.site.ward, one.site.name)
    )
    return {
        "rows": rows,
        "total": len(every),
        "asked": asked,
        "wards": sorted({one.site.ward for one in every if one.site.ward}),
        "openings": list(Opening),
        "reportable": REPORTABLE,
        "outages": OUTAGES,
        "codes": await here.welfare.of_sites(),
        "is_welfare": is_welfare,
        "excluded": (await here.hand.hand()).excluded,
        "on_their_way": on_their_way,
        "linked": await here.desks.linked_sites(),
        "stale_min": here.settings.planner.occupancy_stale_min,
    }


def _row(site: Site, status: SiteStatus | None) -> SiteRow:
    hazards = tuple(one for one in HAZARD_ORDER if site.fit_for(one))
    return SiteRow(site=site, status=status, opening=opening_of(site, status), hazards=hazards)


def _matches(row: SiteRow, asked: dict[str, str]) -> bool:
    site = row.site
    return (
        (not asked["q"] or asked["q"].strip() in f"{site.name} {site.address}")
        and (not asked["ward"] or site.ward == asked["ward"])
        and (not asked["opening"] or row.opening.value == asked["opening"])
    )
