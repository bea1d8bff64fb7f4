"""Small made inputs and the real folder, for the tests of geodata."""

from __future__ import annotations

from pathlib import Path

import pytest

from geodata.areas import Bbox
from geodata.importers.towns import parse_towns
from geodata.places import PlaceIndex

SAMPLE = Path(__file__).parents[2] / "bosai" / "sample"


@pytest.fixture(scope="session")
def sendai() -> Bbox:
    return Bbox(140.45, 38.05, 141.15, 38.50)


@pytest.fixture(scope="session")
def sample_dir() -> Path:
    return SAMPLE


@pytest.fixture(scope="session")
def places() -> PlaceIndex:
    return PlaceIndex(parse_towns((SAMPLE / "towns.csv").read_bytes()).towns)
