"""An import killed while it writes leaves what was stored, whole; the next one clears up and arrives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bosai.stores.geo_files import GeoFiles
from tests.bosai.test_cli import ROOT, Shell

pytestmark = pytest.mark.timeout(240)
STREETS = 150
WITHIN_S = 60


def streets(path: Path, kind: str) -> Path:
    """A drawn city large enough that writing it takes a moment."""
    west, south, step = 140.80, 38.15, 0.0005
    rows = [[[west + step * x, south + step * y] for x in range(STREETS)] for y in range(STREETS)]
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": row},
            "properties": {"highway": kind},
        }
        for row in (*rows, *map(list, zip(*rows, strict=True)))
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def killed_while_writing(shell: Shell, file: Path, left: set[str]) -> None:
    """Start an import and kill it as soon as it has begun to write something that was not there."""
    folder = shell.data_dir / "geo"
    child = subprocess.Popen(
        [sys.executable, "-m", "bosai", "import", "roads", str(file), "--data-dir", str(shell.data_dir)],
        cwd=ROOT,
        env=shell.env(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + WITHIN_S
        while not {path.name for path in folder.glob("*") if path.is_dir()} - left:
            assert child.poll() is None, "the import was over before it could be killed"
            assert time.monotonic() < until
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait(10)


def test_a_killed_import_leaves_the_facts_of_before_and_the_next_one_arrives(tmp_path, private_redis):
    shell = Shell(tmp_path / "data", private_redis.url)
    old, new = streets(tmp_path / "old.geojson", "residential"), streets(tmp_path / "new.geojson", "service")
    assert shell("import", "roads", old).status == 0
    files = GeoFiles(shell.data_dir)
    before = files.manifest()
    for _ in range(3):
        there = {path.name for path in files.folder.iterdir() if path.is_dir()}
        killed_while_writing(shell, new, there)
        assert files.manifest() == before
        assert files.damaged() == []
    said = shell("import", "roads", new, "--json")
    assert (said.json()["changed"], said.json()["added"]) == (2 * STREETS, 0)
    assert files.manifest().version != before.version
    assert files.damaged() == []
    named = {one.folder for one in files.manifest().facts.values()} | set(files.manifest().before[0])
    assert {path.name for path in files.folder.iterdir() if path.is_dir()} <= named
