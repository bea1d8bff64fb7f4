"""Map files made for the tests: shapefiles, GeoJSON and GML in the layout of 国土数値情報, nothing real in them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyogrio.raw
import shapely
from shapely.geometry import mapping

SQUARE = shapely.box(140.90, 38.20, 140.91, 38.21)
BESIDE = shapely.box(140.92, 38.22, 140.93, 38.23)
ACROSS = shapely.box(141.10, 38.20, 141.20, 38.21)  # over the eastern edge of the frame the tests use
TOKYO = shapely.box(139.70, 35.60, 139.71, 35.61)
WITH_HOLE = shapely.Polygon(
    shapely.box(140.80, 38.10, 140.84, 38.14).exterior.coords,
    [shapely.box(140.81, 38.11, 140.82, 38.12).exterior.coords],
)


def geojson(
    shapes: Sequence[object], rows: Sequence[Mapping[str, object]], *, epsg: int | None = 6668
) -> bytes:
    document: dict[str, object] = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": dict(row),
                "geometry": mapping(shape) if shape is not None else None,
            }
            for shape, row in zip(shapes, rows, strict=True)
        ],
    }
    if epsg is not None:
        document["crs"] = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{epsg}"}}
    return json.dumps(document, ensure_ascii=False).encode()


def shapefile(
    shapes: Sequence[object],
    columns: Mapping[str, Sequence[object]],
    *,
    stem: str = "map",
    epsg: int | None = 6668,
    encoding: str = "UTF-8",
    kind: str = "Polygon",
) -> dict[str, bytes]:
    """The loose members by name."""
    fields = np.array(list(columns))
    values = [
        np.array(one, dtype=None if all(isinstance(x, int) for x in one) else object)
        for one in columns.values()
    ]
    with TemporaryDirectory() as folder:
        pyogrio.raw.write(
            f"{folder}/{stem}.shp",
            shapely.to_wkb(np.array(shapes, dtype=object)),
            values,
            fields,
            crs=f"EPSG:{epsg}" if epsg else "EPSG:6668",
            geometry_type=kind,
            driver="ESRI Shapefile",
            encoding=encoding,
        )
        members = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    if epsg is None:
        del members[f"{stem}.prj"]
    return members


def zipped(members: Mapping[str, bytes], *, names_in: str = "utf-8") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            if names_in == "cp932":
                archive.writestr(_AsOnWindows(name), content)
            else:
                archive.writestr(name, content)
    return packed.getvalue()


class _AsOnWindows(zipfile.ZipInfo):
    """A member whose name is cp932 bytes without the mark of UTF-8."""

    def _encodeFilenameFlags(self):  # noqa: N802
        return self.filename.encode("cp932"), 0


def ksj_gml(
    kind: str,
    shapes: Sequence[shapely.Polygon],
    rows: Sequence[Mapping[str, object]],
    *,
    oriented: bool = False,
    underscore: bool = False,
    mixed_case: bool = False,
    lonlat: bool = False,
    srs: str = "JGD2011 / (B, L)",
    encoding: str = "UTF-8",
) -> bytes:
    """A Dataset of curves, surfaces that point at them, and features that point at the surfaces."""
    curves, surfaces, features = [], [], []
    count = 0
    for n, (shape, row) in enumerate(zip(shapes, rows, strict=True), start=1):
        rings = []
        for side, ring in [("exterior", shape.exterior), *(("interior", one) for one in shape.interiors)]:
            count += 1
            pairs = [(x, y) if lonlat else (y, x) for x, y in ring.coords]
            positions = "\n".join(f"{a!r} {b!r}" for a, b in pairs)
            capital = "Cv" if mixed_case else "cv"
            curves.append(
                f'<gml:Curve gml:id="{capital}{count}"><gml:segments><gml:LineStringSegment><gml:posList>\n'
                f"{positions}\n</gml:posList></gml:LineStringSegment></gml:segments></gml:Curve>"
            )
            pointer = f"cv{count}"
            if oriented:
                curves.append(
                    f'<gml:OrientableCurve gml:id="_{capital}{count}" orientation="-">'
                    f'<gml:baseCurve xlink:href="#{capital}{count}"/></gml:OrientableCurve>'
                )
            if oriented or underscore:
                pointer = f"_{pointer}"
            rings.append(
                f'<gml:{side}><gml:Ring><gml:curveMember xlink:href="#{pointer}"/></gml:Ring></gml:{side}>'
            )
        surfaces.append(
            f'<gml:Surface gml:id="sf{n}"><gml:patches><gml:PolygonPatch>{"".join(rings)}'
            "</gml:PolygonPatch></gml:patches></gml:Surface>"
        )
        values = "".join(f"<ksj:{key}>{value}</ksj:{key}>" for key, value in row.items())
        features.append(f'<ksj:{kind} gml:id="ft{n}"><ksj:bounds xlink:href="#sf{n}"/>{values}</ksj:{kind}>')
    envelope = f'<gml:EnvelopeWithTimePeriod srsName="{srs}" frame="GC / JST"/>' if srs else ""
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n'
        '<ksj:Dataset gml:id="D" xmlns:ksj="http://nlftp.mlit.go.jp/ksj/schemas/ksj-app" '
        'xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:xlink="http://www.w3.org/1999/xlink">'
        f"<gml:boundedBy>{envelope}</gml:boundedBy>{''.join([*curves, *surfaces, *features])}</ksj:Dataset>"
    )
    return text.encode("cp932" if encoding == "Shift_JIS" else "utf-8")
