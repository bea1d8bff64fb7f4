"""Many points and where they stand on the network, kept small: 16 bytes a point beside its coordinates.

points ─▶ Snapper ─▶ Snapped (60 B a point) ─▶ Standing ─▶ .at(some rows) ─▶ Snapped, as exact as it was to 0.1 mm
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geodata.network import WalkNetwork
from geodata.snapping import Snapped

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """(n,) places on a network. edge: -1 where there is none; the rest as in `Snapped`, in half the bytes."""

    edge: NDArray[np.int32]
    place: NDArray[np.int32]
    share: NDArray[np.float32]
    gap_m: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.edge)

    @classmethod
    def of(cls, at: Snapped) -> Standing:
        """The same places."""
        return cls(
            edge=at.edge,
            place=at.place.astype(np.int32),
            share=at.share.astype(np.float32),
            gap_m=at.gap_m.astype(np.float32),
        )

    @classmethod
    def joined(cls, parts: Sequence[Standing]) -> Standing:
        """Several one after the other."""
        return cls(
            edge=np.concatenate([one.edge for one in parts]) if parts else np.empty(0, dtype=np.int32),
            place=np.concatenate([one.place for one in parts]) if parts else np.empty(0, dtype=np.int32),
            share=np.concatenate([one.share for one in parts]) if parts else np.empty(0, dtype=np.float32),
            gap_m=np.concatenate([one.gap_m for one in parts]) if parts else np.empty(0, dtype=np.float32),
        )

    def take(self, rows: Ints) -> Standing:
        """The places of some rows."""
        return Standing(self.edge[rows], self.place[rows], self.share[rows], self.gap_m[rows])

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
        gap = np.hypot(points_xy_m[:, 0] - foot[:, 0], points_xy_m[:, 1] - foot[:, 1])
        return Snapped(
            edge=self.edge,
            place=place,
            share=share,
            along_m=np.where(none, 0.0, from_m + share * (network.along_m[after] - from_m)),
            gap_m=np.where(none, np.inf, gap),
            foot_xy_m=foot,
        )
