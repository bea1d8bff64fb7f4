"""Subscribers' places as the planner's arrays: ids become rows once, here. Incremental by bucket."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bosai.model.subscription import Need, PaceClass, Place, Structure
from geodata.crs import to_plane
from geodata.places import PlaceIndex
from shelters.model import Pace, People, StructureRow

CELL_BLUR_M = 180.0
"""Half the diagonal of a cell of 250 m (quarter mesh: about 230 m × 280 m here)."""

_PACE = {PaceClass.UNKNOWN: Pace.UNKNOWN, PaceClass.STANDARD: Pace.STANDARD, PaceClass.SLOW: Pace.SLOW}
_STRUCTURE = {
    Structure.UNKNOWN: StructureRow.UNKNOWN,
    Structure.WOODEN: StructureRow.WOODEN,
    Structure.SOLID: StructureRow.SOLID,
}
_NEEDS = {Need.STEP_FREE: 1, Need.POWER: 2, Need.PETS: 4}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PeopleRows:
    """(n,) places of (s,) subscribers. `owner` numbers the subscribers; `place_ids`, `towns`, `people` are by row."""

    subscription_ids: tuple[str, ...]
    place_ids: tuple[str, ...]
    towns: tuple[str, ...]  # the town of the place, for counts; "" where no towns are known
    owner: NDArray[np.int32]
    relative: NDArray[np.bool_]
    blur_m: NDArray[np.float64]  # how far off a place may be: 0, or half the diagonal of its 250 m cell
    people: People

    def __len__(self) -> int:
        return len(self.place_ids)


def rows_of(
    entries: Iterable[tuple[str, Sequence[Place]]], epsg: int, places: PlaceIndex | None = None
) -> PeopleRows:
    """(subscription id, places) pairs as arrays. A household sits at each of its own places; relatives hold no seat.

    places: the towns by their points; the nearest one names a place's town.
    """
    listed = list(entries)
    flat = [(n, place) for n, (_, places) in enumerate(listed) for place in places]
    lonlat = np.array([[one.lon, one.lat] for _, one in flat], dtype=np.float64).reshape(-1, 2)
    relative = np.array([one.relative for _, one in flat], dtype=np.bool_)
    xy_m = to_plane(lonlat, epsg)
    return PeopleRows(
        subscription_ids=tuple(name for name, _ in listed),
        place_ids=tuple(one.place_id for _, one in flat),
        towns=_towns_of(xy_m, places),
        owner=np.array([n for n, _ in flat], dtype=np.int32),
        relative=relative,
        blur_m=np.array([CELL_BLUR_M if one.is_cell else 0.0 for _, one in flat], dtype=np.float64),
        people=People(
            xy_m=xy_m,
            persons=np.array([one.persons for _, one in flat], dtype=np.int32),
            pace=np.array([_PACE[one.pace] for _, one in flat], dtype=np.int8),
            floor=np.array([one.floor or 0 for _, one in flat], dtype=np.int16),
            structure=np.array([_STRUCTURE[one.structure] for _, one in flat], dtype=np.int8),
            holds_seat=~relative,
            needs=np.array([sum(_NEEDS[need] for need in set(one.needs)) for _, one in flat], dtype=np.uint8),
        ),
    )


def _towns_of(xy_m: NDArray[np.float64], places: PlaceIndex | None) -> tuple[str, ...]:
    """「若林区荒浜」 for each point; the same string for all of a town."""
    if places is None or not len(places) or not len(xy_m):
        return ("",) * len(xy_m)
    names = [f"{town.ward}{town.name}" for town in places.towns]
    return tuple(names[row] for row in places.nearest_rows(xy_m))


def joined(parts: Iterable[PeopleRows]) -> PeopleRows:
    """Several parts one after the other, the subscribers numbered anew."""
    listed = list(parts)
    starts = np.cumsum([0, *(len(one.subscription_ids) for one in listed)])
    owners = [one.owner + start for one, start in zip(listed, starts[:-1], strict=True)]
    people = [one.people for one in listed]
    if not listed:
        return rows_of([], epsg=6678)
    return PeopleRows(
        subscription_ids=tuple(name for one in listed for name in one.subscription_ids),
        place_ids=tuple(name for one in listed for name in one.place_ids),
        towns=tuple(name for one in listed for name in one.towns),
        owner=np.concatenate(owners).astype(np.int32),
        relative=np.concatenate([one.relative for one in listed]),
        blur_m=np.concatenate([one.blur_m for one in listed]),
        people=People(
            xy_m=np.concatenate([one.xy_m for one in people]),
            persons=np.concatenate([one.persons for one in people]),
            pace=np.concatenate([one.pace for one in people]),
            floor=np.concatenate([one.floor for one in people]),
            structure=np.concatenate([one.structure for one in people]),
            holds_seat=np.concatenate([one.holds_seat for one in people]),
            needs=np.concatenate([one.needs for one in people]),
        ),
    )


class PeopleCache:
    """Buckets as arrays, each loaded again only when its version moved."""

    def __init__(self, epsg: int, places: PlaceIndex | None = None) -> None:
        self._epsg = epsg
        self._places = places
        self._versions: dict[int, int] = {}
        self._parts: dict[int, PeopleRows] = {}
        self._joined: PeopleRows | None = None

    def stale(self, versions: Sequence[int]) -> list[int]:
        """Buckets to load again, given the current versions. An untouched bucket (version 0) is empty."""
        return [n for n, version in enumerate(versions) if version != self._versions.get(n, 0)]

    def put(
        self, loaded: Mapping[int, Iterable[tuple[str, Sequence[Place]]]], versions: Sequence[int]
    ) -> None:
        """Take loaded buckets in, at the versions read *before* they were loaded."""
        for number, entries in loaded.items():
            self._parts[number] = rows_of(entries, self._epsg, self._places)
            self._versions[number] = versions[number]
        self._joined = None

    def name_by(self, places: PlaceIndex) -> None:
        """Name everybody's places by other towns; nothing is loaded again for it."""
        self._places = places
        for number, part in self._parts.items():
            self._parts[number] = replace(part, towns=_towns_of(part.people.xy_m, places))
        self._joined = None

    def rows(self) -> PeopleRows:
        """Everybody."""
        if self._joined is None:
            self._joined = joined(self._parts[number] for number in sorted(self._parts))
        return self._joined
