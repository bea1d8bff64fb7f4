"""Many points and where they stand on the network, kept small: 28 bytes a point beside its coordinates.

points ─▶ Snapper ─▶ Snapped (60 B a point) ─▶ Standing ─▶ .at(some rows) ─▶ Snapped, the same to 0.1 mm
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from geodata.closures import nothing_closed
from geodata.edge_efforts import places
from geodata.ground_cells import GroundCells
from geodata.network import Foot, WalkNetwork
from geodata.snapping import Snapped

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """(n,) places on a network. edge: -1 where there is none; place, share, gap_m as in `Snapped`.

    to_end_m, to_start_m: efforts to the ends of the edge with nothing closed, of the foot they were made for, the gap
    with its detour inside; cell: the square of the point in `GroundCells`.
    """

    edge: NDArray[np.int32]
    place: NDArray[np.int32]
    share: NDArray[np.float32]
    gap_m: NDArray[np.float32]
    to_end_m: NDArray[np.float32]
    to_start_m: NDArray[np.float32]
    cell: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.edge)

    @classmethod
    def empty(cls, count: int) -> Standing:
        """Nowhere: to be filled."""
        whole, real = np.full(count, -1, dtype=np.int32), np.full(count, np.inf, dtype=np.float32)
        none = np.zeros(count, dtype=np.int32)
        return cls(whole, none, none.astype(np.float32), real, real.copy(), real.copy(), whole.copy())

    @classmethod
    def joined(cls, parts: Sequence[Standing]) -> Standing:
        """Several one after the other."""
        if not parts:
            return cls.empty(0)
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in _COLUMNS))

    def take(self, rows: Ints | slice) -> Standing:
        """The places of some rows."""
        return Standing(*(getattr(self, name)[rows] for name in _COLUMNS))

    def put(self, rows: Ints, other: Standing) -> None:
        """Take some rows from another one; for who is making it."""
        for name in _COLUMNS:
            getattr(self, name)[rows] = getattr(other, name)

    def at(self, network: WalkNetwork, points_xy_m: Floats) -> Snapped:
        """All of them in full; points_xy_m: (n, 2) the points themselves."""
        place = self.place.astype(np.int64)
        share = self.share.astype(np.float64)
        none = self.edge < 0
        after = np.minimum(place + 1, len(network.chain) - 1)
        start = network.xy_m[network.chain[place]]
        foot = start + share[:, None] * (network.xy_m[network.chain[after]] - start)
        foot[none] = points_xy_m[none]
        from_m = network.along_m[place].astype(np.float64)
        away = points_xy_m - foot
        return Snapped(
            edge=self.edge,
            place=place,
            share=share,
            along_m=np.where(none, 0.0, from_m + share * (network.along_m[after] - from_m)),
            gap_m=np.where(none, np.inf, np.hypot(away[:, 0], away[:, 1])),
            foot_xy_m=foot,
        )


_COLUMNS = tuple(one.name for one in fields(Standing))


class Stander:
    """Makes `Standing` of snapped points, for one network and foot."""

    def __init__(self, network: WalkNetwork, foot: Foot, cells: GroundCells, *, gap_factor: float) -> None:
        self._network, self._foot, self._cells, self._gap_factor = network, foot, cells, gap_factor
        self._open = nothing_closed(network)

    def stand(self, points_xy_m: Floats, at: Snapped) -> Standing:
        """(n, 2) points that are snapped to `at`."""
        here = places(self._network, self._foot, self._open, at)
        gap = self._gap_factor * at.gap_m
        return Standing(
            edge=at.edge.astype(np.int32),
            place=at.place.astype(np.int32),
            share=at.share.astype(np.float32),
            gap_m=at.gap_m.astype(np.float32),
            to_end_m=(here.to_end + gap).astype(np.float32),
            to_start_m=(here.to_start + gap).astype(np.float32),
            cell=self._cells.of(points_xy_m),
        )
