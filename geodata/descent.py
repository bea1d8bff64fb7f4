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
        """(p,) real metres from core nodes to sites; inf where there is no way.

        Ways to one site come together, so each (node, site) on any of them is stepped from once, and the steps are
        then summed by doubling.
        """
        width = self._node_effort_m.shape[1]
        asked, back = np.unique(node * width + site, return_inverse=True)
        seen = np.zeros(self._node_effort_m.size, dtype=np.bool_)
        keys, onward, steps_m = [], [], []
        fresh = asked
        while len(fresh):
            seen[fresh] = True
            following, step_m = self._step(fresh // width, fresh % width)
            keys.append(fresh)
            onward.append(following)
            steps_m.append(step_m)
            following = following[following >= 0]
            fresh = np.unique(following[~seen[following]])
        if not keys:
            return np.zeros(0)
        return self._summed(np.concatenate(keys), np.concatenate(onward), np.concatenate(steps_m), asked)[
            back
        ]

    def _summed(self, keys: Ints, onward: Ints, steps_m: Floats, asked: Ints) -> Floats:
        """(a,) the sums from the asked keys on; onward: -1 at the end of a way."""
        order = np.argsort(keys)
        ordered = keys[order]
        following = np.where(onward >= 0, order[np.searchsorted(ordered, np.maximum(onward, 0))], len(keys))
        total, following = np.append(steps_m, 0.0), np.append(following, len(keys))
        # Efforts fall with every step, so each way comes to its end.
        while (following < len(keys)).any():
            total, following = total + total[following], following[following]
        result: Floats = total[order[np.searchsorted(ordered, asked)]]
        return result

    def _step(self, here: Ints, there: Ints) -> tuple[Ints, Floats]:
        """(p,) the (node, site) one arc on, -1 at the end of the way, and the metres until there; inf without a way."""
        first = self._first[here]
        count = self._first[here + 1] - first
        starts = np.cumsum(count) - count
        owner = np.repeat(np.arange(len(here)), count)
        arc = np.arange(len(owner)) + (first - starts)[owner]
        effort = self._node_effort_m[here, there].astype(np.float64)
        next_effort = self._node_effort_m[self._head[arc], there[owner]].astype(np.float64)
        # Only downwards: rounding to float32 can never send a walk round in circles.
        down = next_effort < effort[owner]
        through = np.where(down, next_effort + self._cost[arc], np.inf)
        best = np.full(len(here), np.inf)
        np.minimum.at(best, owner, through)
        chosen = np.zeros(len(here), dtype=np.int64)
        hits = np.flatnonzero(through == best[owner])[::-1]
        chosen[owner[hits]] = arc[hits]
        at_end = here == self._ends[:, there]
        last = np.where(at_end, self._reach[:, there], np.inf)
        side = np.argmin(last, axis=0)
        pair = np.arange(len(here))
        arrives = (last[side, pair] <= best + _SLACK) & np.isfinite(last[side, pair])
        goes = ~arrives & np.isfinite(best) & np.isfinite(effort)
        step_m = np.full(len(here), np.inf)
        step_m[arrives] = self._last_m[side, there][arrives]
        step_m[goes] = self._length_m[chosen[goes]]
        following = np.full(len(here), -1, dtype=np.int64)
        following[goes] = (
            self._head[chosen[goes]].astype(np.int64) * self._node_effort_m.shape[1] + there[goes]
        )
        return following, step_m
