"""Sites as imported, the catalogue made of them, and what staff report about each.

import ─▶ records + capacities ─▶ catalogue (Site), one script, one version       both sides share these facts
report ─▶ history (stream, append-only) ─▶ status (hash), one script              each side has its own reports
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeVar

import msgspec
from redis.asyncio import Redis

from bosai.model.realm import Realm
from bosai.stores.keys import SITE_CAPACITIES, SITE_RECORDS, SITES, SITES_VERSION, Keys
from bosai.stores.replies import as_bytes, as_text
from bosai.stores.scripts import Script
from geodata.sites import SiteRecord
from shelters.model import Capacity, Site, SiteStatus
from shelters.occupancy import SiteReport

HISTORY_READ = 1_000
"""Reports looked back on to find what is current: more than a site files in a disaster."""

T = TypeVar("T")
_encode = msgspec.msgpack.Encoder().encode
_replace = Script("sites_replace")
_report = Script("site_report")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """Everything imported, with the version it was read at."""

    version: int
    records: Mapping[str, SiteRecord]
    capacities: Mapping[str, Capacity]
    sites: Mapping[str, Site]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A site's reports, oldest first, with the id of each entry; `newest` is the id of the last entry of any kind."""

    newest: str
    reports: tuple[tuple[str, SiteReport], ...]


class SiteStore:
    """The catalogue both sides share, and one side's reports."""

    def __init__(self, redis: Redis, realm: Realm) -> None:
        self.realm = realm
        self._redis = redis
        self._keys = Keys(realm)

    async def version(self) -> int:
        """Rises with every import that changed something; 0 = nothing was ever imported."""
        return int(await self._redis.get(SITES_VERSION) or 0)

    async def catalogue(self) -> list[Site]:
        """Every site, in ascending order of id."""
        rows = await self._redis.hvals(SITES)
        return sorted((_decode(row, Site) for row in rows), key=lambda one: one.site_id)

    async def site(self, site_id: str) -> Site | None:
        """One site."""
        row = await self._redis.hget(SITES, site_id)
        return None if row is None else _decode(row, Site)

    async def facts(self) -> SiteFacts:
        """What an import is computed on, of one moment."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.get(SITES_VERSION)
            pipe.hgetall(SITE_RECORDS)
            pipe.hgetall(SITE_CAPACITIES)
            pipe.hgetall(SITES)
            version, records, capacities, sites = await pipe.execute()
        return SiteFacts(
            version=int(version or 0),
            records=_table(records, SiteRecord),
            capacities=_table(capacities, Capacity),
            sites=_table(sites, Site),
        )

    async def replace(self, before: SiteFacts, after: SiteFacts) -> bool:
        """Write what differs between the two, all of it or nothing. False: another import was quicker, read again."""
        groups = chain(
            _difference(before.records, after.records),
            _difference(before.capacities, after.capacities),
            _difference(before.sites, after.sites),
        )
        keys = [SITE_RECORDS, SITE_CAPACITIES, SITES, SITES_VERSION]
        return int(await _replace(self._redis, keys=keys, args=[str(before.version), *groups])) >= 0

    # ---- one side's reports ------------------------------------------------------------------------

    async def statuses(self) -> dict[str, SiteStatus]:
        """Site id → what is known now. Sites nobody has reported on are absent."""
        return _table(await self._redis.hgetall(self._keys.site_status), SiteStatus)

    async def status(self, site_id: str) -> SiteStatus:
        """What is known of one site now."""
        row = await self._redis.hget(self._keys.site_status, site_id)
        return SiteStatus(site_id=site_id) if row is None else _decode(row, SiteStatus)

    async def history(self, site_id: str) -> History:
        """The newest HISTORY_READ reports, oldest first; the ones taken back are marked `undone`."""
        found: Any = await self._redis.xrevrange(self._keys.site_reports + site_id, count=HISTORY_READ)
        rows = [(as_text(entry), fields) for entry, fields in found]
        undone = {as_text(fields[b"undoes"]) for _, fields in rows if b"undoes" in fields}
        reports = []
        for entry, fields in reversed(rows):
            if b"report" in fields:
                report = _decode(fields[b"report"], SiteReport)
                reports.append((entry, replace(report, undone=entry in undone)))
        return History(newest=rows[0][0] if rows else "", reports=tuple(reports))

    async def append(self, seen: History, report: SiteReport, status: SiteStatus) -> str | None:
        """Append a report and write the status after it. None: somebody reported meanwhile, read again."""
        return await self._append(seen, "report", _encode(report), status)

    async def undo(self, seen: History, entry: str, status: SiteStatus) -> str | None:
        """Take the report `entry` back; the history keeps both. None: somebody reported meanwhile, read again."""
        return await self._append(seen, "undoes", entry.encode(), status)

    async def _append(self, seen: History, field: str, value: bytes, status: SiteStatus) -> str | None:
        added = await _report(
            self._redis,
            keys=[self._keys.site_reports + status.site_id, self._keys.site_status],
            args=[seen.newest, field, value, status.site_id, _encode(status)],
        )
        return as_text(added) or None


def _decode(row: object, kind: type[T]) -> T:
    return msgspec.msgpack.decode(as_bytes(row), type=kind)


def _table(rows: Mapping[Any, Any], kind: type[T]) -> dict[str, T]:
    return {as_text(key): _decode(row, kind) for key, row in rows.items()}


def _difference(before: Mapping[str, T], after: Mapping[str, T]) -> Iterable[str | bytes | int]:
    """Number of pairs, the pairs, number of deletions, the deletions: what the script expects."""
    written = sorted(key for key, value in after.items() if before.get(key) != value)
    gone = sorted(before.keys() - after.keys())
    yield len(written)
    for key in written:
        yield key
        yield _encode(after[key])
    yield len(gone)
    yield from gone
