"""Heights from ESRI ASCII grids, and between their cells."""

from __future__ import annotations

import gzip
import io
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.areas import Bbox
from geodata.elevation import Elevation
from geodata.errors import UnreadableGrid
from geodata.importers.elevation import parse_elevation

HEADING = "ncols 3\nnrows 2\nxllcorner 140.0\nyllcorner 38.0\ncellsize 0.1\nNODATA_value -9999\n"
GRID = f"{HEADING}1 2 3\n4 5 -9999\n".encode()
CITY = Bbox(140.0, 38.0, 141.0, 39.0)


def heights(data: bytes, *places: tuple[float, float], epsg: int = 6668) -> list[float]:
    return parse_elevation(data, epsg=epsg).at(places).tolist()


def test_a_cell_has_its_value_at_its_centre_and_rows_run_from_north_to_south():
    assert heights(GRID, (140.05, 38.15), (140.25, 38.15), (140.05, 38.05)) == pytest.approx([1, 3, 4])


def test_between_cells_the_height_is_between_theirs():
    assert heights(GRID, (140.10, 38.15), (140.05, 38.10), (140.10, 38.10)) == pytest.approx([1.5, 2.5, 3.0])


def test_beside_a_cell_nobody_measured_the_nearest_measured_one_answers():
    assert heights(GRID, (140.19, 38.14), (140.21, 38.14), (140.19, 38.06)) == pytest.approx([2, 3, 5])


def test_outside_the_grid_nothing_is_known():
    found = heights(GRID, (139.99, 38.1), (140.31, 38.1), (140.1, 37.99), (140.1, 38.21))
    assert np.isnan(found).all()
    # The outer half of an edge cell still is that cell.
    assert heights(GRID, (140.001, 38.199)) == pytest.approx([1])
    assert np.isnan(heights(f"{HEADING}-9999 -9999 -9999\n-9999 -9999 -9999\n".encode(), (140.1, 38.1))).all()


@pytest.mark.parametrize(
    "heading",
    [
        HEADING.upper(),
        HEADING.replace("xllcorner 140.0", "xllcenter 140.05").replace("yllcorner 38.0", "yllcenter 38.05"),
        HEADING.replace("cellsize 0.1", "dx 0.1\ndy 0.1"),
        HEADING.replace("\n", "\r\n").replace(" ", "\t   "),
        "".join(f"{line}\n" for line in reversed(HEADING.splitlines())),
    ],
)
def test_headings_are_read_however_they_are_written(heading):
    assert heights(f"{heading}1 2 3\n4 5 -9999\n".encode(), (140.10, 38.10)) == pytest.approx([3.0])


def test_gzip_and_zip_are_opened():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("dem/sendai.asc", GRID)
        archive.writestr("readme.pdf", b"")
    for data in (gzip.compress(GRID), packed.getvalue()):
        assert heights(data, (140.05, 38.15)) == pytest.approx([1])


def test_plane_metres_are_asked_by_degrees_too():
    grid = b"ncols 2\nnrows 2\nxllcorner 3000\nyllcorner -194000\ncellsize 1000\n7 7\n7 7\n"
    assert heights(grid, (140.88, 38.26), epsg=6678) == pytest.approx([7])


@pytest.mark.parametrize(
    ("data", "line", "says"),
    [
        (b"", 1, "ends before"),
        (b"hello world", 1, "ncols"),
        (b"\x00\x01\x02\xff", 1, "ncols"),
        (HEADING.encode(), 6, "ends before"),
        (GRID.replace(b"nrows 2\n", b""), 6, "no nrows"),
        (GRID.replace(b"cellsize 0.1\n", b"dx 0.1\n"), 7, "cellsize or dy"),
        (GRID.replace(b"ncols 3", b"ncols three"), 1, "one number"),
        (GRID.replace(b"ncols 3", b"ncols 3 4"), 1, "one number"),
        (GRID.replace(b"ncols 3", b"ncols 2.5"), 7, "whole"),
        (GRID.replace(b"ncols 3", b"ncols nan"), 7, "above 0"),
        (GRID.replace(b"cellsize 0.1", b"cellsize -1"), 7, "above 0"),
        (GRID.replace(b"nrows 2", b"nrows 99999999999"), 7, "cells"),
        (GRID.replace(b"nrows 2", b"ncols 3"), 2, "second time"),
        (GRID.replace(b"1 2 3", b"1 2"), 7, "here are 2"),
        (GRID.replace(b"4 5 -9999", b"4 5 -9999 6"), 8, "here are 4"),
        (GRID.replace(b"1 2 3", b"1 two 3"), 7, "numbers"),
        (GRID + b"7 8 9\n", 9, "one more"),
        (GRID.replace(b"4 5 -9999\n", b""), 7, "cut off"),
        (gzip.compress(GRID)[:-9], 1, "opened"),
    ],
)
def test_what_is_no_grid_is_refused_with_its_line_and_the_reason(data, line, says):
    with pytest.raises(UnreadableGrid) as caught:
        parse_elevation(data, epsg=6668)
    assert caught.value.line == line
    assert says in str(caught.value)
    assert f"{line}行目" in caught.value.ja


@pytest.mark.parametrize("mark", ["-32768", "99999", "-9998"])
def test_marks_of_unknown_the_heading_does_not_name_are_no_heights(mark):
    head = "ncols 2\nnrows 1\nxllcorner 140.8\nyllcorner 38.2\ncellsize 0.01\nNODATA_value -9999\n"
    with pytest.raises(UnreadableGrid, match="NODATA_value") as refused:
        parse_elevation(f"{head}12 {mark}\n".encode(), epsg=6668)
    assert "NODATA_value" in refused.value.ja
    named = head.replace("-9999", mark)
    assert parse_elevation(f"{named}12 {mark}\n".encode(), epsg=6668).grid_m[0, 0] == 12


def test_the_coordinate_system_is_asked_for_and_a_wrong_one_is_found_by_the_city():
    with pytest.raises(UnreadableGrid, match="EPSG"):
        parse_elevation(GRID, epsg=None)
    assert parse_elevation(GRID, epsg=6668, bbox=CITY).epsg == 6668
    for epsg, says in ((6678, "outside the city"), (123456, "cannot be used")):
        with pytest.raises(UnreadableGrid, match=says):
            parse_elevation(GRID, epsg=epsg, bbox=CITY)


@given(
    st.lists(st.floats(-100, 4000, width=32), min_size=12, max_size=12),
    st.lists(st.tuples(st.floats(0.01, 0.29), st.floats(0.01, 0.39)), min_size=1, max_size=9),
)
def test_no_place_is_higher_or_lower_than_the_cells_around(values, offsets):
    grid = Elevation(
        grid_m=np.array(values, np.float32).reshape(4, 3),
        west=140.05,
        north=38.35,
        cell_x=0.1,
        cell_y=0.1,
        epsg=6668,
    )
    found = grid.at([(140.0 + east, 38.0 + north) for east, north in offsets])
    assert (found >= min(values) - 1e-3).all()
    assert (found <= max(values) + 1e-3).all()
