"""What differs between what was stored and what a file says, so that an import can tell. Pure.

Lines are the same when they run the same way: their kind, flags or name may have changed. Towns are known by ward and
name, areas by code. An unchanged file changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from hashlib import blake2b
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from geodata.areas import DEGREE_UNITS, canonical_units
from geodata.elevation import Elevation
from geodata.importers.areas import NamedArea
from geodata.importers.population import TownPopulation
from geodata.places import Town
from geodata.roads import RoadLines
from geodata.town_merge import TownReading

K = TypeVar("K", bound=Hashable)


class Changes(NamedTuple):
    """Counts of what is new, different and no longer there."""

    added: int
    changed: int
    gone: int

    @property
    def is_empty(self) -> bool:
        """True for the same again."""
        return not any(self)


def compare(before: Mapping[K, object], after: Mapping[K, object]) -> Changes:
    """Two tables by their keys."""
    both = before.keys() & after.keys()
    return Changes(
        added=len(after) - len(both),
        changed=sum(before[key] != after[key] for key in both),
        gone=len(before) - len(both),
    )


def road_changes(before: RoadLines | None, after: RoadLines) -> Changes:
    """Lines by where they run; a line drawn twice counts twice."""
    return compare(_lines(before) if before else {}, _lines(after))


def elevation_changes(before: Elevation | None, after: Elevation) -> Changes:
    """Cells with a height. Another grid altogether is all new, and the old one gone."""
    new = int(np.isfinite(after.grid_m).sum())
    if before is None:
        return Changes(new, 0, 0)
    if _frame(before) != _frame(after):
        return Changes(new, 0, int(np.isfinite(before.grid_m).sum()))
    old_known, new_known = np.isfinite(before.grid_m), np.isfinite(after.grid_m)
    return Changes(
        added=int((new_known & ~old_known).sum()),
        changed=int((new_known & old_known & (before.grid_m != after.grid_m)).sum()),
        gone=int((old_known & ~new_known).sum()),
    )


def town_changes(before: Iterable[Town], after: Iterable[Town]) -> Changes:
    """Towns by ward and name."""
    return compare(_towns(before), _towns(after))


def reading_changes(before: Iterable[TownReading], after: Iterable[TownReading]) -> Changes:
    """Rows of readings by all they say but their postcodes."""
    return compare(_readings(before), _readings(after))


def population_changes(before: TownPopulation | None, after: TownPopulation) -> Changes:
    """Towns by ward and name."""
    return compare(_people(before) if before else {}, _people(after))


def area_changes(before: Iterable[NamedArea], after: Iterable[NamedArea]) -> Changes:
    """Areas by code."""
    return compare(_areas(before), _areas(after))


def _lines(roads: RoadLines) -> dict[tuple[bytes, int], tuple[object, ...]]:
    units = np.rint(np.asarray(roads.lonlat) * DEGREE_UNITS).astype(np.int64)
    first = np.asarray(roads.first).tolist()
    names: tuple[str, ...] = (*roads.names, "")
    columns = zip(
        roads.kind.tolist(), roads.flags.tolist(), roads.layer.tolist(), roads.name.tolist(), strict=True
    )
    by_run: dict[bytes, list[tuple[object, ...]]] = {}
    for row, (kind, flags, layer, name) in enumerate(columns):
        run = _digest(units[first[row] : first[row + 1]])
        by_run.setdefault(run, []).append((kind, flags, layer, names[name]))
    return {
        (run, nth): what for run, drawn in by_run.items() for nth, what in enumerate(sorted(drawn, key=repr))
    }


def _digest(run: NDArray[np.int64]) -> bytes:
    return blake2b(run.tobytes(), digest_size=16).digest()


def _frame(grid: Elevation) -> tuple[object, ...]:
    return grid.grid_m.shape, grid.west, grid.north, grid.cell_x, grid.cell_y, grid.epsg


def _towns(towns: Iterable[Town]) -> dict[tuple[str, str, int], Town]:
    seen: Counter[tuple[str, str]] = Counter()
    found = {}
    for one in towns:
        found[one.ward, one.name, seen[one.ward, one.name]] = one
        seen[one.ward, one.name] += 1
    return found


def _readings(readings: Iterable[TownReading]) -> dict[tuple[object, ...], tuple[str, ...]]:
    return {(one.ward, one.name, one.kana, one.chome, one.rest, one.tower): one.postcodes for one in readings}


def _people(table: TownPopulation) -> dict[tuple[str, str, str], bytes]:
    numbers = (table.persons, table.young, table.working, table.old, table.households)
    columns = np.column_stack([*numbers, table.lonlat]).astype(np.float64)
    keys = zip(table.ward, table.code, table.name, strict=True)
    return {(ward, code, name): columns[row].tobytes() for row, (ward, code, name) in enumerate(keys)}


def _areas(areas: Iterable[NamedArea]) -> dict[tuple[str, str], object]:
    return {(one.code, one.name): (one.sample, canonical_units(one.geometry_lonlat)) for one in areas}
