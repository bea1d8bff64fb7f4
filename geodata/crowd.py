"""Very many people and how they stand now: who on an edge near by may be looked up, and who must be worked out.

where they stand on quiet days ─▶ far from every border, nothing closed on the edge: as on quiet days
                               └▶ the rest of those near a way: asked one by one, once, and remembered
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geodata.pair_walks import Asked, PairWalks
from geodata.plain_edges import PlainEdges
from geodata.snapping import Snapped
from geodata.standing import Standing
from geodata.walks import NEAR_M

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_ROWS_AT_ONCE = 1 << 15


class Crowd:
    """(n,) people under one set of closures, each of one foot; 20 bytes a row beside where they stand.

    plain: (n,) who stands near an edge that leads, hosts no site and is stepped on as on quiet days: the figures to
    sites that are a matter of ways follow from to_end_m, to_start_m (efforts now, gap included) and layer alone.
    own_question: somebody waits for the answer to himself; nothing is made ready that serves many.
    """

    def __init__(self, xy_m: Floats, standing: Standing, *, own_question: bool = False) -> None:
        self.xy_m, self.standing, self.own_question = xy_m, standing, own_question
        self.to_end_m, self.to_start_m = standing.to_end_m.copy(), standing.to_start_m.copy()
        self.plain = np.zeros(len(standing), dtype=np.bool_)
        self.layer = np.zeros(len(standing), dtype=np.int8)
        self._known = np.zeros(len(standing), dtype=np.bool_)
        self._as_ever = np.zeros(
            len(standing), dtype=np.bool_
        )  # known to step on where they do on quiet days
        # Who steps on elsewhere, in order, and where. Exchanged whole: what a thread loses is asked again.
        self._elsewhere: tuple[Ints, Snapped] | None = None

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
        # Nearer to the way than to any border: the piece to it crosses none.
        within = cell >= 0
        if border_m is not None:
            within &= gap < border_m[np.maximum(cell, 0)]
        self._as_ever[rows[within & (edge >= 0)]] = True
        plain = near & edges.plain[np.maximum(edge, 0)] & within
        simple = rows[plain]
        self.plain[simple] = True
        if pairs.walks.sea is not None:
            self.layer[simple] = pairs.walks.sea.rule.set_of(self.xy_m[simple])
        return rows[near & ~plain]

    def asked(self, rows: Ints, pairs: PairWalks) -> Asked:
        """What is known of some rows one by one; where they step on is asked once and remembered."""
        return pairs.asked(
            self.xy_m[rows], self.standing.take(rows), lambda usual: self._step_on(rows, usual, pairs)
        )

    def _step_on(self, rows: Ints, usual: Snapped, pairs: PairWalks) -> Snapped:
        look = np.flatnonzero(~self._as_ever[rows])
        known = self._elsewhere
        if known is not None and len(look):
            place = np.minimum(np.searchsorted(known[0], rows[look]), len(known[0]) - 1)
            hit = known[0][place] == rows[look]
            fresh, old = look[~hit], look[hit]
        else:
            fresh = old = look
        result = usual
        if known is not None and len(old):
            result = result.replaced(old, known[1].take(place[hit]))
        if not len(fresh):
            return result
        there = usual.take(fresh)
        found = pairs.walks.ends.people(self.xy_m[rows[fresh]], there)
        moved = np.flatnonzero((found.edge != there.edge) | (found.along_m != there.along_m))
        stays = np.ones(len(fresh), dtype=np.bool_)
        stays[moved] = False
        self._as_ever[rows[fresh[stays]]] = True
        if not len(moved):
            return result
        self._remember(rows[fresh[moved]], found.take(moved))
        return result.replaced(fresh[moved], found.take(moved))

    def _remember(self, rows: Ints, at: Snapped) -> None:
        known = self._elsewhere
        if known is not None:
            rows, at = np.concatenate([known[0], rows]), Snapped.joined([known[1], at])
        rows, first = np.unique(rows, return_index=True)
        self._elsewhere = rows, at.take(first)

    def _ask(self, rows: Ints, pairs: PairWalks, edges: PlainEdges) -> None:
        asked = self.asked(rows, pairs)
        to_end, to_start = pairs.to_ends(asked)
        gap = pairs.walks.detour_factor * asked.at.gap_m
        self.to_end_m[rows], self.to_start_m[rows] = to_end + gap, to_start + gap
        self.layer[rows] = asked.layer
        usual = np.maximum(asked.usual.edge, 0)
        self.plain[rows] = ~asked.moved & (asked.weight == 0) & edges.leads[usual] & ~edges.hosts[usual]
