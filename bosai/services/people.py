"""Subscribers' places as the planner's arrays: ids become rows once, here. Incremental by bucket."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bosai.messages.catalogue import LANGS
from bosai.model.subscription import Need, PaceClass, Place, Structure
from geodata.crs import to_plane
from geodata.places import PlaceIndex
from shelters.model import Pace, People, StructureRow

if TYPE_CHECKING:  # loads SciPy, which a process without an imported network never needs
    from bosai.services.walking import Places, Walking

CELL_BLUR_M = 180.0
"""Half the diagonal of a cell of 250 m (quarter mesh: about 230 m × 280 m here)."""

_PACE = {PaceClass.UNKNOWN: Pace.UNKNOWN, PaceClass.STANDARD: Pace.STANDARD, PaceClass.SLOW: Pace.SLOW}
_STRUCTURE = {
    Structure.UNKNOWN: StructureRow.UNKNOWN,
    Structure.WOODEN: StructureRow.WOODEN,
    Structure.SOLID: StructureRow.SOLID,
}
_LANG_ROW = {lang: row for row, lang in enumerate(LANGS)}
_NEEDS = {Need.STEP_FREE: 1, Need.POWER: 2, Need.PETS: 4}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PeopleRows:
    """(n,) places of (s,) subscribers. `owner` numbers the subscribers; everything else but the names is by row."""

    subscription_ids: tuple[str, ...]
    place_ids: tuple[str, ...]
    towns: tuple[str, ...]  # the town of the place, for counts; "" where no towns are known
    owner: NDArray[np.int32]
    relative: NDArray[np.bool_]
    blur_m: NDArray[np.float64]  # how far off a place may be: 0, or half the diagonal of its 250 m cell
    people: People
    town: NDArray[np.int32]  # row of `town_names`, -1 where no towns are known
    town_names: tuple[str, ...]
    visitor: NDArray[np.bool_]  # "today only": 帰宅困難者 when trains stop
    until_s: NDArray[np.float64]  # unix time at which a place ends, inf = none
    lang: NDArray[np.int8]  # (s,) row of LANGS by subscriber, -1 = unknown
    welfare_sites: Mapping[int, str]  # row → id of the welfare shelter a ward's code opened; few have one
    places: "Places | None" = None  # where they stand on the network; None where no roads were imported

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
    names, town = _towns_of(xy_m, places)
    return PeopleRows(
        subscription_ids=tuple(name for name, _ in listed),
        place_ids=tuple(one.place_id for _, one in flat),
        towns=_names(names, town),
        town=town,
        town_names=names,
        lang=np.array(
            [_LANG_ROW.get(places[0].lang, -1) if places else -1 for _, places in listed], dtype=np.int8
        ),
        visitor=np.array([one.is_visitors for _, one in flat], dtype=np.bool_),
        until_s=np.array([one.until.timestamp() if one.until else np.inf for _, one in flat]),
        welfare_sites={row: one.welfare_site for row, (_, one) in enumerate(flat) if one.welfare_site},
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


def _towns_of(
    xy_m: NDArray[np.float64], places: PlaceIndex | None
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The names of all towns (「若林区荒浜」), and for each point the row of its own; -1 where none are known."""
    if places is None or not len(places):
        return (), np.full(len(xy_m), -1, dtype=np.int32)
    names = tuple(f"{town.ward}{town.name}" for town in places.towns)
    if not len(xy_m):
        return names, np.zeros(0, dtype=np.int32)
    return names, np.asarray(places.nearest_rows(xy_m), dtype=np.int32)


def _names(names: tuple[str, ...], town: NDArray[np.int32]) -> tuple[str, ...]:
    """The name of each row's town; the same string for all of a town."""
    return tuple(names[row] for row in town) if names else ("",) * len(town)


def joined(parts: Iterable[PeopleRows]) -> PeopleRows:
    """Several parts one after the other, the subscribers numbered anew."""
    listed = list(parts)
    starts = np.cumsum([0, *(len(one.subscription_ids) for one in listed)])
    owners = [one.owner + start for one, start in zip(listed, starts[:-1], strict=True)]
    people = [one.people for one in listed]
    if not listed:
        return rows_of([], epsg=6678)
    row_starts = np.cumsum([0, *(len(one) for one in listed)]).tolist()
    return PeopleRows(
        subscription_ids=tuple(name for one in listed for name in one.subscription_ids),
        place_ids=tuple(name for one in listed for name in one.place_ids),
        towns=tuple(name for one in listed for name in one.towns),
        owner=np.concatenate(owners).astype(np.int32),
        relative=np.concatenate([one.relative for one in listed]),
        blur_m=np.concatenate([one.blur_m for one in listed]),
        town=np.concatenate([one.town for one in listed]),
        # Every part is named by the same towns.
        town_names=next((one.town_names for one in listed if one.town_names), ()),
        lang=np.concatenate([one.lang for one in listed]),
        visitor=np.concatenate([one.visitor for one in listed]),
        until_s=np.concatenate([one.until_s for one in listed]),
        places=_places_of(listed) if listed[0].places is not None else None,
        welfare_sites={
            start + row: site_id
            for start, one in zip(row_starts, listed, strict=False)
            for row, site_id in one.welfare_sites.items()
        },
        people=people_of(people),
    )


def people_of(parts: Iterable[People]) -> People:
    """Several one after the other; at least one."""
    people = list(parts)
    return People(
        xy_m=np.concatenate([one.xy_m for one in people]),
        persons=np.concatenate([one.persons for one in people]),
        pace=np.concatenate([one.pace for one in people]),
        floor=np.concatenate([one.floor for one in people]),
        structure=np.concatenate([one.structure for one in people]),
        holds_seat=np.concatenate([one.holds_seat for one in people]),
        needs=np.concatenate([one.needs for one in people]),
    )


def _places_of(parts: Sequence[PeopleRows]) -> "Places | None":
    """Where everybody stands; None unless that is known of all."""
    from bosai.services.walking import Places  # noqa: PLC0415 - loads SciPy: only where there are roads

    known = [one.places for one in parts if one.places is not None]
    return Places.joined(known) if len(known) == len(parts) else None


def kept(rows: PeopleRows, keep: NDArray[np.bool_]) -> PeopleRows:
    """The rows where (n,) `keep` is true; subscribers keep their numbers, one without a place left is in none."""
    left, people = np.flatnonzero(keep), rows.people
    at = {int(old): new for new, old in enumerate(left)} if rows.welfare_sites else {}
    return replace(
        rows,
        place_ids=tuple(rows.place_ids[row] for row in left),
        towns=tuple(rows.towns[row] for row in left),
        owner=rows.owner[left],
        relative=rows.relative[left],
        blur_m=rows.blur_m[left],
        town=rows.town[left],
        visitor=rows.visitor[left],
        until_s=rows.until_s[left],
        places=rows.places.take(left) if rows.places is not None else None,
        welfare_sites={at[row]: site_id for row, site_id in rows.welfare_sites.items() if row in at},
        people=People(
            xy_m=people.xy_m[left],
            persons=people.persons[left],
            pace=people.pace[left],
            floor=people.floor[left],
            structure=people.structure[left],
            holds_seat=people.holds_seat[left],
            needs=people.needs[left],
        ),
    )


class PeopleCache:
    """Buckets as arrays, each loaded again only when its version moved."""

    def __init__(self, epsg: int, places: PlaceIndex | None = None) -> None:
        self._epsg = epsg
        self._places = places
        self._versions: dict[int, int] = {}
        self._parts: dict[int, PeopleRows] = {}
        self._walking: Walking | None = None
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
        self._stand(sorted(loaded))
        self._joined = None

    def stand_on(self, walking: "Walking | None") -> None:
        """Put everybody on another network, or on none; who is loaded later is put there at once."""
        if walking is self._walking:
            return
        self._walking = walking
        self._stand(sorted(self._parts))
        self._joined = None

    def name_by(self, places: PlaceIndex) -> None:
        """Name everybody's places by other towns; nothing is loaded again for it."""
        self._places = places
        for number, part in self._parts.items():
            names, town = _towns_of(part.people.xy_m, places)
            self._parts[number] = replace(part, towns=_names(names, town), town=town, town_names=names)
        self._joined = None

    def _stand(self, numbers: Sequence[int]) -> None:
        """All of them at once: the many of one bucket are few for a network."""
        parts = [self._parts[number] for number in numbers]
        if self._walking is None or not parts:
            for number, part in zip(numbers, parts, strict=True):
                self._parts[number] = replace(part, places=None)
            return
        places = self._walking.places_of(people_of(one.people for one in parts))
        begin = 0
        for number, part in zip(numbers, parts, strict=True):
            mine = slice(begin, begin + len(part))
            self._parts[number] = replace(part, places=places.take(mine))
            begin = mine.stop

    def drop_ended(self, before_s: float) -> bool:
        """Leave out the places that ended by `before_s` (unix time); True when there were any."""
        ended = [
            number for number, part in self._parts.items() if len(part) and part.until_s.min() <= before_s
        ]
        for number in ended:
            self._parts[number] = kept(self._parts[number], self._parts[number].until_s > before_s)
            self._joined = None
        return bool(ended)

    def rows(self) -> PeopleRows:
        """Everybody."""
        if self._joined is None:
            self._joined = joined(self._parts[number] for number in sorted(self._parts))
        return self._joined
