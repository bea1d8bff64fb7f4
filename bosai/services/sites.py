"""Sites: importing lists, seats, and what is known of each now.

file ─▶ records · rejected ─▶ difference to what is stored ─▶ catalogue ─▶ one script ─▶ event to both sides
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from importlib import resources
from typing import TypeVar

from redis.asyncio import Redis

from bosai.errors import InvalidInput, NotAllowed, NotFound
from bosai.model.realm import Realm
from bosai.model.staff import Permission, Session
from bosai.ports import Clock
from bosai.services.audit import AuditService
from bosai.services.import_reports import ImportReport, rejected_rows
from bosai.services.site_facts import capacity_of, catalogue_of, find_site
from bosai.services.site_reports import SiteReporting
from bosai.settings_schema import Settings
from bosai.stores.alerts import AlertStore
from bosai.stores.events import EventKind, announce
from bosai.stores.keys import Keys
from bosai.stores.replies import as_text
from bosai.stores.site_failures import SiteFailure, SiteFailures
from bosai.stores.sites import SiteFacts, SiteStore
from geodata.areas import Bbox
from geodata.errors import GeodataError
from geodata.facilities import SiteChanges
from geodata.importers.capacities import CapacitiesParsed, parse_capacities
from geodata.importers.sites import SitesParsed, parse_sites
from geodata.importers.tables import Rejected
from geodata.sites import SiteRecord
from shelters.model import Capacity, Crowding, Facet, Opening, Site, SiteStatus
from shelters.occupancy import still_said

TRIES = 5
MANY_GONE = 10
MANY_GONE_SHARE = 0.2
"""A list that misses more than this many and this share of the known sites may be cut off, or another city's."""
P = TypeVar("P")


class SiteService:
    """The catalogue both sides share, seen from one side, and that side's reports."""

    def __init__(
        self, redis: Redis, realm: Realm, clock: Clock, settings: Settings, audit: AuditService
    ) -> None:
        self.realm = realm
        self._redis = redis
        self._clock = clock
        self._settings = settings
        self._audit = audit
        self._store = SiteStore(redis, realm)
        self._alerts = AlertStore(redis, realm)
        self._reporting = SiteReporting(redis, realm, clock)
        self._failures = SiteFailures(redis, realm)

    async def all(self) -> list[Site]:
        """Every site, by id."""
        return await self._store.catalogue()

    async def get(self, site_id: str) -> Site:
        """One site. Raises NotFound."""
        site = await self._store.site(site_id)
        if site is None:
            raise NotFound("site", site_id)
        return site

    async def version(self) -> int:
        """Rises with every import that changed something."""
        return await self._store.version()

    async def statuses(self) -> dict[str, SiteStatus]:
        """Site id → what is known now; sites nobody has reported on are absent (unknown, not empty)."""
        began = await self._alerts.began() or self._clock.now()
        return {name: still_said(one, began) for name, one in (await self._store.statuses()).items()}

    async def status(self, site_id: str) -> SiteStatus:
        """What is known of one site now."""
        began = await self._alerts.began() or self._clock.now()
        return still_said(await self._store.status(site_id), began)

    async def report(
        self,
        officer: Session,
        site_id: str,
        *,
        opening: Opening | None = None,
        present_persons: int | None = None,
        crowding: Crowding | None = None,
        checked: bool | None = None,
        outages: Facet | None = None,
        event_at: datetime | None = None,
    ) -> SiteStatus:
        """An officer's report on a site. Raises NotAllowed, NotFound, InvalidInput."""
        if officer.realm is not self.realm or not officer.may(Permission.REPORT_SITE):
            raise NotAllowed(Permission.REPORT_SITE.value)
        return await self._reporting.report(
            await self.get(site_id),
            f"staff:{officer.name}",
            opening=opening,
            present_persons=present_persons,
            crowding=crowding,
            checked=checked,
            outages=outages,
            event_at=event_at,
        )

    async def on_their_way(self) -> tuple[dict[str, int], datetime | None]:
        """Site id → persons sent there who have not arrived, and the time of the plan that says so, None = no plan."""
        found = await self._redis.hgetall(Keys(self.realm).on_the_way)
        rows = {as_text(name): as_text(value) for name, value in found.items()}
        at = rows.pop("at", None)
        return {name: int(value) for name, value in rows.items()}, datetime.fromisoformat(at) if at else None

    async def failures(self) -> list[SiteFailure]:
        """What the failure of each unusable site means, by the last plan."""
        return await self._failures.all()

    # ---- imports -----------------------------------------------------------------------------------

    async def import_sites(
        self, data: bytes, actor: str, *, municipality: str | None = None, many_may_go: bool = False
    ) -> ImportReport:
        """Take a list of sites (GSI layouts or the sample's). Good rows go in; bad ones are listed.

        Gone are records of the kinds the list covers that it no longer holds; a rejected row never removes its
        site. The same list again changes nothing. Raises InvalidInput when the file as a whole can't be read, and,
        unless `many_may_go`, when so many known sites are missing from it that it may be a part of a list.
        """
        name = self._settings.city.name if municipality is None else municipality
        bbox = Bbox(*self._settings.city.bbox_lonlat)
        parsed = await _readable(lambda: parse_sites(data, municipality=name, bbox=bbox))
        for _ in range(TRIES):
            before = await self._store.facts()
            changes, after = await asyncio.to_thread(self._after_sites, before, parsed)
            if not many_may_go:
                _refuse_a_part(changes, before, parsed)
            if changes.is_empty or await self._store.replace(before, after):
                report = ImportReport(
                    added=len(changes.added),
                    changed=len(changes.changed),
                    gone=len(changes.gone),
                    gone_names=tuple(one.name for one in changes.gone),
                    rejected=rejected_rows(parsed.rejected),
                    passed_over=parsed.other_municipalities,
                    remarks=_remarks(parsed),
                )
                await self._tell(actor, "imported_sites", report)
                return report
        raise _busy()

    async def import_capacities(self, data: bytes, actor: str) -> ImportReport:
        """Take published or measured seats, by 共通ID or name. Raises InvalidInput when the file can't be read."""
        parsed = await _readable(lambda: parse_capacities(data))
        for _ in range(TRIES):
            before = await self._store.facts()
            capacities, rejected = self._after_capacities(before, parsed)
            sites = await asyncio.to_thread(self._catalogue, before.records, capacities)
            after = replace(before, capacities=capacities, sites=sites)
            if capacities == before.capacities or await self._store.replace(before, after):
                report = ImportReport(
                    added=len(capacities.keys() - before.capacities.keys()),
                    changed=sum(
                        one != capacities[site_id]
                        for site_id, one in before.capacities.items()
                        if site_id in capacities
                    ),
                    rejected=rejected_rows(rejected),
                )
                await self._tell(actor, "imported_capacities", report)
                return report
        raise _busy()

    async def load_sample(self, actor: str = "system") -> int:
        """Load the built-in sample city where nothing was ever imported; the number of sites loaded, else 0."""
        if await self._store.version():
            return 0
        sample = resources.files("bosai").joinpath("sample", "sites.csv")
        data = await asyncio.to_thread(sample.read_bytes)
        await self.import_sites(data, actor, municipality="")
        return len(await self._store.catalogue())

    def _after_sites(self, before: SiteFacts, parsed: SitesParsed) -> tuple[SiteChanges, SiteFacts]:
        changes = parsed.changes_from(before.records)
        records: dict[str, SiteRecord] = dict(before.records)
        records |= {one.site_id: one for one in changes.added}
        records |= {new.site_id: new for _, new in changes.changed}
        for one in changes.gone:
            del records[one.site_id]
        sites = self._catalogue(records, before.capacities)
        return changes, replace(before, records=records, sites=sites)

    def _after_capacities(
        self, before: SiteFacts, parsed: CapacitiesParsed
    ) -> tuple[dict[str, Capacity], list[Rejected]]:
        capacities, rejected = dict(before.capacities), list(parsed.rejected)
        for one in parsed.records:
            site_id, why = find_site(one, before.sites)
            if site_id:
                form = before.sites[site_id].form
                capacities[site_id] = capacity_of(one, form, self._settings.capacity_defaults)
            else:
                rejected.append(Rejected(one.row, "id" if one.site_id else "name", why, one.site_id))
        return capacities, sorted(rejected, key=lambda one: one.row)

    def _catalogue(
        self, records: Mapping[str, SiteRecord], capacities: Mapping[str, Capacity]
    ) -> dict[str, Site]:
        return catalogue_of(
            records.values(), capacities, self._settings.capacity_defaults, self._settings.city.plane_epsg
        )

    async def _tell(self, actor: str, step: str, report: ImportReport) -> None:
        """The record and, when something changed, the planners of both sides."""
        facts = {"added": report.added, "changed": report.changed, "gone": list(report.gone_names)}
        await self._audit.note(actor, step, "sites", facts | {"rejected": len(report.rejected)})
        if report.added or report.changed or report.gone:
            for realm in Realm:
                await announce(self._redis, realm, EventKind.SITES_IMPORTED, "sites", self._clock.now())


def _refuse_a_part(changes: SiteChanges, before: SiteFacts, parsed: SitesParsed) -> None:
    known = sum(one.kind in parsed.kinds for one in before.records.values())
    gone = len(changes.gone)
    if gone > MANY_GONE and gone > MANY_GONE_SHARE * known:
        names = "、".join(one.name for one in changes.gone[:3])
        raise InvalidInput(
            "file",
            "other",
            f"登録済みの{known}件のうち{gone}件（{names} ほか）がこの一覧にありません。途中で切れたファイルか、"
            "ほかの市町村のファイルかもしれません。何も変えていません。"
            "本当に廃止するときは --many-may-go を付けてください。",
        )


async def _readable(parse: Callable[[], P]) -> P:
    try:
        return await asyncio.to_thread(parse)
    except GeodataError as error:
        raise InvalidInput("file", "unreadable", error.ja) from error


def _remarks(parsed: SitesParsed) -> tuple[str, ...]:
    ignored = "、".join(parsed.ignored_columns)
    return (f"使わない列：{ignored}。",) if ignored else ()


def _busy() -> InvalidInput:
    return InvalidInput("file", "other", "ほかの取り込みと重なりました。もう一度取り込んでください。")
