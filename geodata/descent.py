"""The real metres of quickest ways: down the efforts from node to node, each step the arc the effort was found by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geodata.core_graph import CoreCosts, CoreGraph

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SLACK = 1e-5


class Descent:
    """Walks down found efforts, many at once.

    node_effort_m: (c, m) float32 from core nodes to sites; ends: (2, m) core rows of the ends of each site's edge,
    reach: (2, m) efforts from there to the site, last_m: (2, m) real metres of the same.
    """

    def __init__(
        self,
        core: CoreGraph,
        costs: CoreCosts,
        node_effort_m: NDArray[np.float32],
        *,
        ends: Ints,
        reach: Floats,
        last_m: Floats,
    ) -> None:
        order = np.lexsort((core.head, core.tail))
        self._head, self._cost = core.head[order], costs.arc[order]
        self._length_m = costs.arc_length_m[order]
        self._first = np.searchsorted(core.tail[order], np.arange(len(core.node) + 1))
        self._node_effort_m, self._ends, self._reach, self._last_m = node_effort_m, ends, reach, last_m

    def metres(self, node: Ints, site: Ints) -> Floats:
        """(p,) real metres from core nodes to sites; inf where there is no way."""
        total = np.zeros(len(node))
        effort = self._node_effort_m[node, site].astype(np.float64)
        total[~np.isfinite(effort)] = np.inf
        active = np.flatnonzero(np.isfinite(effort))
        node, effort = node.copy(), effort.copy()
        while len(active):
            active = self._step(active, node, site, effort, total)
        return total

    def _step(self, active: Ints, node: Ints, site: Ints, effort: Floats, total: Floats) -> Ints:
        """One arc for every active pair; those who arrive at their site are left out of the answer."""
        here, there = node[active], site[active]
        first = self._first[here]
        count = self._first[here + 1] - first
        starts = np.cumsum(count) - count
        owner = np.repeat(np.arange(len(active)), count)
        arc = np.arange(len(owner)) + (first - starts)[owner]
        next_effort = self._node_effort_m[self._head[arc], there[owner]].astype(np.float64)
        # Only downwards: rounding to float32 can never send a walk round in circles.
        down = next_effort < effort[active][owner]
        through = np.where(down, next_effort + self._cost[arc], np.inf)
        best = np.full(len(active), np.inf)
        np.minimum.at(best, owner, through)
        chosen = np.zeros(len(active), dtype=np.int64)
        hits = np.flatnonzero(through == best[owner])[::-1]
        chosen[owner[hits]] = arc[hits]
        at_end = here == self._ends[:, there]
        last = np.where(at_end, self._reach[:, there], np.inf)
        side = np.argmin(last, axis=0)
        pair = np.arange(len(active))
        arrives = last[side, pair] <= best + _SLACK
        total[active[arrives]] += self._last_m[side, there][arrives]
        goes = ~arrives & np.isfinite(best)
        total[active[~arrives & ~goes]] = np.inf
        onward: Ints = active[goes]
        total[onward] += self._length_m[chosen[goes]]
        node[onward] = self._head[chosen[goes]]
        effort[onward] = self._node_effort_m[node[onward], site[onward]]
        return onward
