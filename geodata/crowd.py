"""Very many people and how they stand now: who on an edge near by may be looked up, and who must be worked out.

where they stand on quiet days ─▶ far from every border, nothing closed on the edge: as on quiet days
                               └▶ the rest of those near a way: asked one by one, once, and remembered
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geodata.pair_walks import PairWalks
from geodata.plain_edges import PlainEdges
from geodata.standing import Standing
from geodata.walks import NEAR_M

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_ROWS_AT_ONCE = 1 << 15


class Crowd:
    """(n,) people under one set of closures, each of one foot; 19 bytes a row beside where they stand.

    plain: (n,) who stands near an edge that leads, hosts no site and is stepped on as on quiet days: the figures to
    sites that are a matter of ways follow from to_end_m, to_start_m (efforts now, gap included) and layer alone.
    """

    def __init__(self, xy_m: Floats, standing: Standing) -> None:
        self.xy_m, self.standing = xy_m, standing
        self.to_end_m, self.to_start_m = standing.to_end_m.copy(), standing.to_start_m.copy()
        self.plain = np.zeros(len(standing), dtype=np.bool_)
        self.layer = np.zeros(len(standing), dtype=np.int8)
        self._known = np.zeros(len(standing), dtype=np.bool_)

    def __len__(self) -> int:
        return len(self.standing)

    def get_ready(
        self, rows: Ints, pairs: PairWalks, edges: PlainEdges, border_m: NDArray[np.float32] | None
    ) -> None:
        """Work out what is not known yet of some rows; who asks at the same time writes the same.

        border_m: by square, as of `GroundCells`; None without areas.
        """
        fresh = rows[~self._known[rows]]
        if not len(fresh):
            return
        rest = self._as_usual(fresh, pairs, edges, border_m)
        for begin in range(0, len(rest), _ROWS_AT_ONCE):
            self._ask(rest[begin : begin + _ROWS_AT_ONCE], pairs, edges)
        self._known[fresh] = True

    def _as_usual(
        self, rows: Ints, pairs: PairWalks, edges: PlainEdges, border_m: NDArray[np.float32] | None
    ) -> Ints:
        """Marks who is plainly plain; returns the rest of those who may be."""
        edge = self.standing.edge[rows]
        cell, gap = self.standing.cell[rows], self.standing.gap_m[rows]
        near = (edge >= 0) & (gap <= NEAR_M)
        plain = near & edges.plain[np.maximum(edge, 0)] & (cell >= 0)
        if border_m is not None:
            plain &= gap < border_m[np.maximum(cell, 0)]
        simple = rows[plain]
        self.plain[simple] = True
        if pairs.walks.sea is not None:
            self.layer[simple] = pairs.walks.sea.rule.set_of(self.xy_m[simple])
        return rows[near & ~plain]

    def _ask(self, rows: Ints, pairs: PairWalks, edges: PlainEdges) -> None:
        asked = pairs.asked(self.xy_m[rows], self.standing.take(rows))
        to_end, to_start = pairs.to_ends(asked)
        gap = pairs.walks.detour_factor * asked.at.gap_m
        self.to_end_m[rows], self.to_start_m[rows] = to_end + gap, to_start + gap
        self.layer[rows] = asked.layer
        usual = np.maximum(asked.usual.edge, 0)
        self.plain[rows] = ~asked.moved & (asked.weight == 0) & edges.leads[usual] & ~edges.hosts[usual]
