"""Taking in the facts of the ground: what a file says, what differs from what is stored, and storing it in one step.

    bytes ─▶ geodata.importers (thread) ─▶ lock ─▶ difference ─▶ files ─▶ manifest ─▶ version in Redis ─▶ event
    roads or heights changed ─▶ the walking network is built again      towns changed ─▶ merged again

The order of imports does not matter, and the same file again changes nothing. What can not be understood is refused
with a sentence; a row that can not is listed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import numpy as np
from redis.asyncio import Redis

from bosai.model.realm import Realm
from bosai.ports import Clock
from bosai.services.audit import AuditService
from bosai.services.geo_areas import parse_city_areas, with_file
from bosai.services.geo_changes import Changes, area_changes, elevation_changes, road_changes
from bosai.services.geo_codec import areas_bytes, read_areas
from bosai.services.geo_facts import ELEVATION, HAZARD, JMA, ROADS
from bosai.services.geo_hazards import (
    parse_hazards,
    refuse_again,
    refuse_erasing,
    refuse_nothing,
    refuse_other_half,
    refuse_unknown_layer,
)
from bosai.services.geo_places import PlaceFile, parse_places, put_places
from bosai.services.geo_roads import parse_heights, parse_roads, rebuild, road_remarks
from bosai.services.geo_work import Note, chosen, readable, refuse_a_part, stored, stored_file
from bosai.services.import_reports import ImportReport, rejected_rows, repaired_rows
from bosai.settings_schema import Settings
from bosai.stores.events import EventKind, announce
from bosai.stores.geo_files import GeoFiles, GeoImport, Manifest
from bosai.stores.keys import GEO_VERSION
from geodata import network_files
from geodata.areas import Bbox
from geodata.elevation import Elevation
from geodata.importers.hazard_files import HazardFileParsed
from geodata.layer_files import diff_layers, layer_from_bytes, layer_to_bytes

Change = Callable[[GeoImport], ImportReport]


class GeoImports:
    """Imports of one machine's data folder. Facts of the ground are the same on both sides."""

    def __init__(self, redis: Redis, clock: Clock, settings: Settings, audit: AuditService) -> None:
        self._redis = redis
        self._clock = clock
        self._settings = settings
        self._audit = audit
        self._files = GeoFiles(settings.data_dir)
        self._bbox = Bbox(*settings.city.bbox_lonlat)

    async def import_roads(
        self, data: bytes, actor: str, *, layer: str = "", many_may_go: bool = False
    ) -> ImportReport:
        """Lines to walk along: .osm.pbf, .osm, or GeoJSON lines. They take the place of the lines there were.

        layer: the table of [walking.mapped] that says what the properties mean. Raises InvalidInput.
        """
        mapped = chosen(self._settings.walking.mapped, layer, "walking.mapped")
        parsed = await readable(lambda: parse_roads(data, mapped, self._bbox))
        at = self._now()

        def change(work: GeoImport) -> ImportReport:
            before = stored(work, ROADS, network_files.load_roads)
            changes = road_changes(before, parsed.roads)
            refuse_a_part(len(before) if before else 0, len(parsed.roads), many_may_go=many_may_go)
            work.put(
                ROADS, network_files.save_roads(parsed.roads), at
            )  # the same content is not written again
            return ImportReport(
                unit="本の線",
                **changes._asdict(),
                rejected=rejected_rows(parsed.rejected),
                passed_over=sum(parsed.roads.passed_over.values()),
                remarks=(*road_remarks(parsed), *rebuild(work, self._settings, at)),
            )

        return await self._store("roads", actor, change)

    async def import_elevation(
        self, data: bytes, actor: str, *, epsg: int | None = None, many_may_go: bool = False
    ) -> ImportReport:
        """Heights of the ground: an ESRI ASCII grid. It takes the place of the grid there was. Raises InvalidInput."""
        parsed = await readable(lambda: parse_heights(data, epsg, self._bbox))
        at = self._now()

        def change(work: GeoImport) -> ImportReport:
            before = stored(work, ELEVATION, network_files.load_elevation)
            changes = elevation_changes(before, parsed)
            refuse_a_part(_heights(before), _heights(parsed), many_may_go=many_may_go)
            if before is None or not changes.is_empty:
                work.put(ELEVATION, network_files.save_elevation(parsed), at)
            remarks = rebuild(work, self._settings, at)
            return ImportReport(unit="個の標高点", **changes._asdict(), remarks=remarks)

        return await self._store("elevation", actor, change)

    async def import_jma_areas(self, data: bytes, actor: str) -> ImportReport:
        """JMA's areas of weather warnings or of earthquakes, GeoJSON; the city's are taken. Raises InvalidInput."""
        parsed = await readable(lambda: parse_city_areas(data, self._settings.city.name, self._bbox))
        at = self._now()

        def change(work: GeoImport) -> ImportReport:
            before = stored_file(work, JMA, "areas.geojson", read_areas) or ()
            after = with_file(before, parsed.areas, complete=not parsed.rejected)
            changes = area_changes(before, after)
            if not changes.is_empty:
                work.put(JMA, {"areas.geojson": areas_bytes(after)}, at)
            return ImportReport(
                unit="つの区域",
                **changes._asdict(),
                rejected=rejected_rows(parsed.rejected),
                passed_over=parsed.passed_over,
                repaired=repaired_rows(parsed.repaired),
            )

        return await self._store("jma_areas", actor, change)

    async def import_hazards(
        self,
        data: bytes | Mapping[str, bytes],
        actor: str,
        *,
        name: str = "",
        layer: str = "",
        epsg: int | None = None,
        many_may_go: bool = False,
        taken: set[str] | None = None,
    ) -> ImportReport:
        """Hazard maps: 国土数値情報, or a map that [hazard_files.mapped] explains. Each takes the place of its like.

        data: a file, or the members of a shapefile by name. layer: only this map. taken: the maps that files handed
        in together were, and now this one too; none of them may come again. Raises InvalidInput.
        """
        mapped = self._settings.hazard_files.mapped
        parsed = await readable(
            lambda: parse_hazards(
                data,
                name=name,
                layer=layer,
                epsg=epsg,
                mapped=mapped,
                bbox=self._bbox,
                plane_epsg=self._settings.city.plane_epsg,
            )
        )
        refuse_unknown_layer(layer, parsed)
        if taken is not None:
            refuse_again(taken, parsed)
        at = self._now()

        def change(work: GeoImport) -> ImportReport:
            refuse_nothing(parsed, many_may_go=many_may_go)
            changes = [self._put_layer(work, one, at, many_may_go=many_may_go) for one in parsed]
            return ImportReport(
                unit="つの区域",
                added=sum(one.added for one in changes),
                changed=sum(one.changed for one in changes),
                gone=sum(one.gone for one in changes),
                rejected=tuple(row for one in parsed for row in rejected_rows(one.rejected)),
                repaired=tuple(row for one in parsed for row in repaired_rows(one.repaired)),
                passed_over=sum(one.passed_over for one in parsed),
                remarks=tuple(
                    f"{one.layer.name_ja}：{remark}"
                    for one in parsed
                    for remark in (f"区域 {len(one.layer):,}、版 {one.layer.version}。", *one.remarks)
                ),
            )

        return await self._store("hazards", actor, change)

    async def import_places(
        self, data: bytes, actor: str, *, kind: str | None = None, many_may_go: bool = False
    ) -> ImportReport:
        """Towns: the city's own table, points, post codes with readings, or population; told by its content.

        kind: what the file is, where its content does not tell. Raises InvalidInput.
        """
        wanted = PlaceFile(kind) if kind else None
        parsed = await readable(lambda: parse_places(data, wanted, self._settings.city.name, self._bbox))
        at = self._now()

        def change(work: GeoImport) -> ImportReport:
            return put_places(work, parsed, at, self._bbox, many_may_go=many_may_go)

        return await self._store("places", actor, change)

    # ---- storing -----------------------------------------------------------------------------------

    def _put_layer(self, work: GeoImport, one: HazardFileParsed, at: str, *, many_may_go: bool) -> Changes:
        key = f"{HAZARD}{one.layer.key}"
        before = stored_file(work, key, "layer.bin", layer_from_bytes)
        refuse_erasing(len(before) if before else 0, one, many_may_go=many_may_go)
        refuse_a_part(len(before) if before else 0, len(one.layer), many_may_go=many_may_go)
        known = work.facts.get(key)
        refuse_other_half(known.notes if before and known else None, one, many_may_go=many_may_go)
        found = diff_layers(before, one.layer)
        notes: dict[str, Note] = {
            "source": one.layer.source,
            "version": one.layer.version,
            "half": one.half,
        }
        if before is None or not found.is_empty or layer_to_bytes(before) != layer_to_bytes(one.layer):
            work.put(key, {"layer.bin": layer_to_bytes(one.layer)}, at, notes)
        return Changes(found.added, found.changed, found.gone)

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="seconds")

    async def _store(self, what: str, actor: str, change: Change) -> ImportReport:
        """Run `change` under the lock of the folder, then say so to everybody."""
        report, manifest = await asyncio.to_thread(self._locked, change)
        before = await self._redis.getset(GEO_VERSION, manifest.version)
        facts = {
            "added": report.added,
            "changed": report.changed,
            "gone": report.gone,
            "rejected": len(report.rejected),
            "version": manifest.version,
        }
        await self._audit.note(actor, f"imported_{what}", what, facts)
        if before != manifest.version.encode():
            for realm in Realm:
                await announce(
                    self._redis, realm, EventKind.GEO_IMPORTED, manifest.version, self._clock.now()
                )
        return report

    def _locked(self, change: Change) -> tuple[ImportReport, Manifest]:
        with self._files.importing() as work:
            report = change(work)
            return report, work.commit()


def _heights(grid: Elevation | None) -> int:
    """How many heights a grid knows."""
    return 0 if grid is None else int(np.isfinite(grid.grid_m).sum())
