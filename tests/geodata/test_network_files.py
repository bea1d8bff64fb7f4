"""The network, its lines and its heights in files: the same back, and a sentence when they are damaged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from geodata import network_files
from geodata.elevation import Elevation
from geodata.errors import DamagedGeoFiles
from geodata.foot import Foot
from geodata.network import build
from geodata.roads import RoadFlag
from tests.geodata.drawn_roads import Way, road_lines

ROADS = road_lines(
    Way([(0, 0), (50, 5), (100, 0)], name="定禅寺通"),
    Way([(100, 0), (100, 80)], flags=RoadFlag.BRIDGE, layer=1),
    shut=[(0, 0)],
)
GRID = Elevation(
    grid_m=np.array([[1, np.nan], [3, 4]], np.float32), west=140.8, north=38.3, cell_x=1, cell_y=1, epsg=6668
)


def put(files: dict[str, bytes], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def folder(tmp_path):
    return put(network_files.save(build(ROADS)[0]), tmp_path / "network")


def test_a_network_comes_back_as_it_was_mapped_and_read_only(folder):
    network, _ = build(ROADS)
    loaded = network_files.load(folder, verify=True)
    for (name, saved), (_, array) in zip(network.arrays(), loaded.arrays(), strict=True):
        assert array.dtype == saved.dtype
        assert np.array_equal(array, saved, equal_nan=array.dtype.kind == "f"), name
    assert (loaded.names, loaded.source, loaded.epsg, loaded.version) == (
        network.names,
        network.source,
        network.epsg,
        network.version,
    )
    assert isinstance(loaded.xy_m.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        loaded.effort_ab_m[Foot.SLOW][0] = 1
    assert network_files.version_of(folder) == network.version


def test_lines_and_heights_come_back_and_build_the_same_network(tmp_path):
    lines = network_files.load_roads(put(network_files.save_roads(ROADS), tmp_path / "roads"))
    heights = network_files.load_elevation(put(network_files.save_elevation(GRID), tmp_path / "heights"))
    assert heights.at([[141.0, 38.0]]).tolist() == GRID.at([[141.0, 38.0]]).tolist()
    assert build(lines, heights)[0].version == build(ROADS, GRID)[0].version


def test_an_empty_network_can_be_kept_too(tmp_path):
    empty, _ = build(road_lines())
    assert network_files.load(put(network_files.save(empty), tmp_path / "empty"), verify=True).version == (
        empty.version
    )


def test_the_same_network_gives_the_same_bytes():
    assert network_files.save(build(ROADS)[0]) == network_files.save(build(ROADS)[0])


def _meta(folder: Path, change) -> None:
    meta = json.loads((folder / "meta.json").read_bytes())
    change(meta)
    (folder / "meta.json").write_text(json.dumps(meta))


def _cut_off(folder: Path) -> None:
    path = folder / "chain.npy"
    path.write_bytes(path.read_bytes()[:-3])


def _another_size(folder: Path) -> None:
    shutil.copy(folder / "edge_from.npy", folder / "chain.npy")


def _pickled(folder: Path) -> None:
    np.save(folder / "kind.npy", np.array([{}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda folder: (folder / "meta.json").unlink(), "meta.json"),
        (lambda folder: (folder / "meta.json").write_text("{"), "meta.json"),
        (lambda folder: (folder / "chain.npy").unlink(), "chain.npy"),
        (_cut_off, "chain.npy"),
        (_another_size, "chain.npy"),
        (_pickled, "kind.npy"),
        (lambda folder: _meta(folder, lambda meta: meta.update(format=99)), "format 99"),
        (lambda folder: _meta(folder, lambda meta: meta.update(what="roads")), "roads"),
        (lambda folder: _meta(folder, lambda meta: meta["arrays"].pop("kind")), "kind"),
        (lambda folder: _meta(folder, lambda meta: meta["facts"].update(epsg="north")), "epsg"),
        (lambda folder: _meta(folder, lambda meta: meta["facts"].pop("names")), "names"),
        (lambda folder: _meta(folder, lambda meta: meta.update(surprise=1)), "surprise"),
    ],
)
def test_damaged_files_are_refused_with_their_name_and_the_mend(folder, damage, named):
    damage(folder)
    with pytest.raises(DamagedGeoFiles) as caught:
        network_files.load(folder)
    assert named in str(caught.value)
    assert "取り込んで" in caught.value.ja


def test_a_changed_byte_is_found_when_asked_for(folder):
    path = folder / "along_m.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    network_files.load(folder)
    with pytest.raises(DamagedGeoFiles, match="checksum"):
        network_files.load(folder, verify=True)


@pytest.mark.parametrize(
    ("files", "array", "load"),
    [
        (network_files.save_roads(ROADS), "lonlat", network_files.load_roads),
        (network_files.save_elevation(GRID), "grid_m", network_files.load_elevation),
    ],
)
def test_changed_lines_and_heights_are_found_always(tmp_path, files, array, load):
    content = bytearray(files[f"{array}.npy"])
    content[-1] ^= 1
    put(files | {f"{array}.npy": bytes(content)}, tmp_path)
    with pytest.raises(DamagedGeoFiles, match="checksum"):
        load(tmp_path)
