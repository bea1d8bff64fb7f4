"""`bosai import …`: files of facts into the service, saying what they changed and what was not taken."""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bosai.access import opened
from bosai.commands.output import Stopped, print_json, print_report
from bosai.model.realm import Realm
from bosai.services.import_reports import ImportReport
from bosai.services.sites import SiteService
from bosai.settings_schema import Settings

if TYPE_CHECKING:
    from bosai.services.geo_imports import GeoImports

CLI = "command line"
OF_THE_GROUND = ("hazards", "roads", "elevation", "places", "jma-areas")
KINDS = ("sites", "capacities", *OF_THE_GROUND)
WHAT_IT_TAKES = (
    "sites: 指定緊急避難場所・指定避難所・一時滞在施設 (CSV, GeoJSON) — capacities: 収容人数 (CSV) — "
    "hazards: 国土数値情報 A31a, A33, A40, A49, or a GeoJSON of the settings — roads: .osm.pbf, .osm, GeoJSON — "
    "elevation: ESRI ASCII grid — places: 町名, utf_ken_all.csv, 人口 (CSV) — jma-areas: 予報区等 (GeoJSON)"
)
SHAPEFILE = frozenset({".shp", ".shx", ".dbf", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".xml"})
PLACE_FILES = ("towns", "points", "post-codes", "population")
_ONLY_FOR = {
    "layer": ("hazards", "roads"),
    "epsg": ("hazards", "elevation"),
    "as_": ("places",),
    "municipality": ("sites",),
    "many_may_go": ("sites", "hazards", "roads", "elevation", "places"),
}


async def import_files(settings: Settings, args: argparse.Namespace) -> int:
    """Read files of facts, one after the other. 1 when rows were rejected."""
    _refuse_strange_options(args)
    _refuse_several(args)
    make = await asyncio.to_thread(_geo_imports) if args.kind in OF_THE_GROUND else None
    reports: list[tuple[str, ImportReport]] = []
    async with AsyncExitStack() as stack:
        wired = await opened(stack, settings)
        live = wired.realms[Realm.LIVE]
        imports = make(wired.redis, wired.clock, settings, live.audit) if make else None
        taken: set[str] = set()
        for name, members in grouped(args.files, args.kind):
            data = {path.name: await asyncio.to_thread(path.read_bytes) for path in members}
            if imports is None:
                report = await _take_sites(args, settings, live.sites, next(iter(data.values())))
            else:
                report = await _take(args, imports, data, taken)
            reports.append((name, report))
            if not args.json:  # at once: the next file may be refused
                if len(args.files) > 1:
                    print(name)
                print_report(report, as_json=False)
    if args.json:
        several = [{"file": name, "report": one} for name, one in reports]
        print_json(several if len(several) > 1 else reports[0][1])
    return 1 if any(report.rejected for _, report in reports) else 0


def _geo_imports() -> "type[GeoImports]":
    """Loads GDAL, which no other command needs."""
    from bosai.services.geo_imports import GeoImports  # noqa: PLC0415

    return GeoImports


async def _take_sites(
    args: argparse.Namespace, settings: Settings, sites: SiteService, data: bytes
) -> ImportReport:
    if args.kind == "capacities":
        return await sites.import_capacities(data, CLI)
    city = args.municipality or settings.city.name
    return await sites.import_sites(data, CLI, municipality=city, many_may_go=args.many_may_go)


async def _take(
    args: argparse.Namespace, imports: "GeoImports", members: Mapping[str, bytes], taken: set[str]
) -> ImportReport:
    (name, data), many_may_go = next(iter(members.items())), args.many_may_go
    match args.kind:
        case "roads":
            return await imports.import_roads(data, CLI, layer=args.layer or "", many_may_go=many_may_go)
        case "elevation":
            return await imports.import_elevation(data, CLI, epsg=args.epsg, many_may_go=many_may_go)
        case "places":
            return await imports.import_places(data, CLI, kind=args.as_, many_may_go=many_may_go)
        case "hazards":
            return await imports.import_hazards(
                data if len(members) == 1 else members,
                CLI,
                name=name,
                layer=args.layer or "",
                epsg=args.epsg,
                many_may_go=many_may_go,
                taken=taken,
            )
        case _:
            return await imports.import_jma_areas(data, CLI)


def grouped(files: Sequence[Path], kind: str) -> list[tuple[str, tuple[Path, ...]]]:
    """What belongs together: the members of one shapefile; everything else stands alone."""
    groups: dict[Path, list[Path]] = {}
    for path in files:
        is_member = kind == "hazards" and path.suffix.lower() in SHAPEFILE
        groups.setdefault(path.with_suffix("") if is_member else path, []).append(path)
    for members in groups.values():
        if members[0].suffix.lower() in SHAPEFILE and kind == "hazards":
            found = {one.suffix.lower() for one in members}
            if missing := sorted({".shp", ".shx", ".dbf"} - found):
                raise Stopped(
                    f"{members[0].stem}：シェープファイルの {'・'.join(missing)} も一緒に指定してください"
                    "（まとめた zip でもかまいません）。 / "
                    f"name its {', '.join(missing)} too, or a zip of them all.",
                    status=2,
                )
    return [(members[0].name, tuple(members)) for members in groups.values()]


def _refuse_strange_options(args: argparse.Namespace) -> None:
    for option, kinds in _ONLY_FOR.items():
        if getattr(args, option) and args.kind not in kinds:
            flag = "--" + option.rstrip("_").replace("_", "-")
            raise Stopped(
                f"{flag} は {'・'.join(kinds)} の取り込みだけで使います。 / {flag} goes with {', '.join(kinds)} only.",
                status=2,
            )


def _refuse_several(args: argparse.Namespace) -> None:
    """One file is the whole of the roads or heights: the second would take the place of the first."""
    if args.kind in ("roads", "elevation") and len(args.files) > 1:
        raise Stopped(
            f"{args.kind} は一つのファイルで全体です。二つ目を取り込むと一つ目が消えます。"
            "一つにまとめてから指定してください。"
            f" / {args.kind}: one file is the whole; put them together first.",
            status=2,
        )
