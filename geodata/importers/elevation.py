"""Heights from an ESRI ASCII grid (.asc, also in gzip or zip).

    ncols 3            ─▶ heading: keys in any case and order
    nrows 2
    xllcorner 140.0       or xllcenter; the lower left corner or centre of the lower left cell
    yllcorner 38.0
    cellsize 0.1          or dx and dy
    NODATA_value -9999    may be missing
    1.0 2.0 3.0        ─▶ rows from north to south
    4.0 5.0 -9999

The file does not say which coordinates it is in, so the caller must.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from geodata.areas import Bbox
from geodata.crs import to_plane
from geodata.elevation import Elevation
from geodata.errors import BadPosition, UnreadableGrid
from geodata.importers.packed import opened
from geodata.reasons import reason_ja

_KEYS = frozenset(
    {
        *("ncols", "nrows", "xllcorner", "xllcenter", "yllcorner", "yllcenter"),
        *("cellsize", "dx", "dy", "nodata_value", "nodata"),
    }
)
MAX_CELLS = 200_000_000
LOWEST_M, HIGHEST_M = -300.0, 4_000.0
"""In Japan: Mt. Fuji is 3,776 m high, and the deepest open pits lie above -300 m."""


def parse_elevation(
    data: bytes, *, epsg: int | None, bbox: Bbox | None = None, source: str = ""
) -> Elevation:
    """The grid as it lies in `epsg`.

    Raises UnreadableGrid: no such file, no epsg given, an unknown one, a heading or a row that does not fit (with its
    line), or, with `bbox`, a grid that does not touch the city (which a wrong epsg brings about).
    """
    try:
        lines = opened(data, (".asc", ".txt")).splitlines()
    except ValueError as error:
        raise UnreadableGrid(
            1, f"cannot be opened ({error}).", f"開けません（{reason_ja(str(error))}）。"
        ) from None
    heading, start = _heading(lines)
    if epsg is None:
        raise UnreadableGrid(
            1,
            "an ESRI ASCII grid does not say its coordinate system; give its EPSG code (for example 6668 for "
            "degrees, 6678 for plane zone X, 3857 for web maps).",
            "この形式には座標系が書かれていません。--epsg でEPSGコードを指定してください（例：緯度経度は6668、"
            "平面直角座標系X系は6678、ウェブ地図は3857）。",
        )
    columns, rows = int(heading["ncols"]), int(heading["nrows"])
    grid = _grid(lines, start, columns, rows)
    nodata = heading.get("nodata_value", heading.get("nodata", -9999.0))
    grid[(grid == np.float32(nodata)) | ~np.isfinite(grid)] = np.nan
    _refuse_no_heights(grid)
    cell_x, cell_y = (heading.get(one, heading.get("cellsize", 0.0)) for one in ("dx", "dy"))
    west = heading["xllcenter"] if "xllcenter" in heading else heading["xllcorner"] + cell_x / 2
    south = heading["yllcenter"] if "yllcenter" in heading else heading["yllcorner"] + cell_y / 2
    elevation = Elevation(
        grid_m=grid,
        west=west,
        north=south + (rows - 1) * cell_y,
        cell_x=cell_x,
        cell_y=cell_y,
        epsg=epsg,
        source=source,
    )
    if bbox is not None:
        _refuse_elsewhere(elevation, bbox)
    return elevation


def _refuse_no_heights(grid: NDArray[np.float32]) -> None:
    """Raises UnreadableGrid for numbers that are no heights in Japan: marks of "unknown" the heading does not name."""
    odd = grid[(grid < LOWEST_M) | (grid > HIGHEST_M)]
    if len(odd):
        raise UnreadableGrid(
            1,
            f"{len(odd)} heights such as {odd[0]:g} m are none; name the mark of unknown cells as NODATA_value.",
            f"標高として有り得ない値が{len(odd):,}個あります（{odd[0]:g}mなど）。値のない所の印なら、"
            "見出しの NODATA_value をその値に直してください。",
        )


def _heading(lines: list[bytes]) -> tuple[Mapping[str, float], int]:
    """The heading values by lower-case key, and the row in `lines` where the numbers begin."""
    heading: dict[str, float] = {}
    for number, line in enumerate(lines, start=1):
        words = line.decode("latin-1").split()
        if not words:
            continue
        key = words[0].lower()
        if key not in _KEYS:
            if not heading or key[0].isalpha():
                raise _bad(
                    number,
                    f"expected ncols and the other lines of an ESRI ASCII grid's heading, found {key[:20]!r}",
                    f"ESRI ASCII Grid（.asc）の見出し（ncols など）がありません（「{key[:20]}」）",
                )
            _check(heading, number)
            return heading, number - 1
        try:
            (value,) = (float(one) for one in words[1:])
        except ValueError:
            found = " ".join(words[1:])[:40]
            raise _bad(
                number,
                f"{key} needs one number, found {found!r}",
                f"{key} には数値を1つ書いてください（「{found}」）",
            ) from None
        if key in heading:
            raise _bad(number, f"{key} stands here a second time", f"{key} が2回書かれています")
        heading[key] = value
    raise _bad(max(len(lines), 1), "the file ends before its numbers", "数値の前でファイルが終わっています")


def _check(heading: Mapping[str, float], number: int) -> None:
    for choices in (
        ("ncols",),
        ("nrows",),
        ("xllcorner", "xllcenter"),
        ("yllcorner", "yllcenter"),
        ("cellsize", "dx"),
        ("cellsize", "dy"),
    ):
        if not any(one in heading for one in choices):
            raise _bad(
                number,
                f"the heading has no {' or '.join(choices)}",
                f"見出しに {' か '.join(choices)} がありません",
            )
    for key in ("ncols", "nrows", "cellsize", "dx", "dy"):
        value = heading.get(key, 1.0)
        whole = key.startswith("n")
        if not (math.isfinite(value) and value > 0) or (whole and value != int(value)):
            raise _bad(
                number,
                f"{key} must be a {'whole ' if whole else ''}number above 0, found {value:g}",
                f"{key} は0より大きい{'整数' if whole else '数'}にしてください（{value:g}）",
            )
    if heading["ncols"] * heading["nrows"] > MAX_CELLS:
        raise _bad(
            number,
            f"more than {MAX_CELLS:,} cells; cut the grid to the city",
            f"格子が{MAX_CELLS:,}を超えます。対象市域に切り取ってください",
        )


def _grid(lines: list[bytes], start: int, columns: int, rows: int) -> NDArray[np.float32]:
    grid = np.empty((rows, columns), dtype=np.float32)
    filled = 0
    for number, line in enumerate(lines[start:], start=start + 1):
        if not line.strip():
            continue
        if filled == rows:
            raise _bad(
                number, f"nrows says {rows} rows, here is one more", f"nrows の{rows}行より多く行があります"
            )
        try:
            values = np.fromstring(line.decode("ascii"), dtype=np.float32, sep=" ")
        except (ValueError, UnicodeDecodeError):
            raise _bad(number, "not all of the line is numbers", "数値でないものがあります") from None
        if len(values) != columns:
            raise _bad(
                number,
                f"ncols says {columns} numbers, here are {len(values)}",
                f"ncols の{columns}個に対して数値が{len(values)}個あります",
            )
        grid[filled] = values
        filled += 1
    if filled != rows:
        raise _bad(
            len(lines),
            f"nrows says {rows} rows, the file has {filled}; it may be cut off",
            f"nrows の{rows}行に対して{filled}行しかありません。途中で切れていないか確かめてください",
        )
    return grid


def _refuse_elsewhere(elevation: Elevation, bbox: Bbox) -> None:
    """A grid in the wrong coordinates lands far from the city: none of it touches the city's rectangle."""
    corners = [(lon, lat) for lon in (bbox.west, bbox.east) for lat in (bbox.south, bbox.north)]
    try:
        xy = to_plane(corners, elevation.epsg)
    except (RuntimeError, BadPosition) as error:  # pyproj's own error is a RuntimeError
        raise _bad(
            1,
            f"EPSG:{elevation.epsg} cannot be used for the city ({str(error)[:120]})",
            f"EPSG:{elevation.epsg} はこの市域に使えません。EPSGコードを確かめてください",
        ) from None
    rows, columns = elevation.grid_m.shape
    east = elevation.west + (columns - 1) * elevation.cell_x
    south = elevation.north - (rows - 1) * elevation.cell_y
    apart = (
        xy[:, 0].max() < elevation.west
        or xy[:, 0].min() > east
        or xy[:, 1].max() < south
        or xy[:, 1].min() > elevation.north
    )
    if apart:
        found = f"{elevation.west:g}–{east:g}, {south:g}–{elevation.north:g}"
        raise UnreadableGrid(
            1,
            f"in EPSG:{elevation.epsg} the grid ({found}) lies outside the city ({bbox}); check the EPSG code.",
            f"EPSG:{elevation.epsg} では、この格子（{found}）は対象市域（{bbox}）の外です。"
            "EPSGコードを確かめてください。",
        )


def _bad(line: int, detail: str, detail_ja: str) -> UnreadableGrid:
    return UnreadableGrid(line, f"{detail}.", f"{detail_ja}。")
