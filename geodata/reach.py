"""Whether there is any way at all, however long: what a bounded search cannot say.

what is open ─▶ groups of nodes with ways there and back ─▶ from which groups each site is reached
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

from geodata.edge_efforts import open_costs
from geodata.snapping import Snapped
from geodata.ways_out import WaysOut

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
_Asked = Callable[[Snapped], Bools]


class Reach:
    """Who can get to the sites of `ways` under its closures and for its foot, in any length."""

    def __init__(self, ways: WaysOut) -> None:
        network, closed = ways.network, ways.closures
        self._network, self._closed = network, closed
        nodes = len(network.node_vertex)
        ab, ba = (np.flatnonzero(np.isfinite(one)) for one in open_costs(network, ways.foot, closed))
        tail = np.concatenate([network.edge_from[ab], network.edge_to[ba]])
        head = np.concatenate([network.edge_to[ab], network.edge_from[ba]])
        count, self._group = connected_components(_graph(tail, head, nodes), connection="strong")
        tail, head = self._group[tail], self._group[head]
        between = np.unique(np.stack([head, tail])[:, head != tail], axis=1)
        backwards = _graph(between[0], between[1], count)
        ends = np.stack(
            [
                self._end(ways.sites, network.edge_from, closed.reached_from_start),
                self._end(ways.sites, network.edge_to, closed.reached_from_end),
            ]
        )
        asked, self._row = np.unique(ends, return_inverse=True)
        self._row = self._row.reshape(ends.shape)
        # One column more, for people who cannot leave their place at all.
        self._reached = np.zeros((len(asked), count + 1), dtype=np.bool_)
        for row in np.flatnonzero(asked >= 0):
            order = breadth_first_order(backwards, int(asked[row]), return_predecessors=False)
            self._reached[row, order] = True

    def joined(self, at: Snapped) -> Bools:
        """(n, m) True where open ways lead from the n-th place to the m-th site."""
        closed = self._closed
        result = np.zeros((len(at), self._row.shape[1]), dtype=np.bool_)
        for group in (
            self._end(at, self._network.edge_from, closed.leaves_to_start),
            self._end(at, self._network.edge_to, closed.leaves_to_end),
        ):
            for row in self._row:
                result |= self._reached[:, group].T[:, row]
        return result

    def joined_pairs(self, at: Snapped, row: Ints, site: Ints) -> Bools:
        """(p,) True where open ways lead from place `row` of `at` to `site`."""
        result = np.zeros(len(row), dtype=np.bool_)
        for group in (
            self._end(at, self._network.edge_from, self._closed.leaves_to_start),
            self._end(at, self._network.edge_to, self._closed.leaves_to_end),
        ):
            for ends in self._row:
                result |= self._reached[ends[site], group[row]]
        return result

    def joined_edges(self, edge: Ints, leaves: tuple[Bools, Bools], site: Ints) -> Bools:
        """(r, j) True where open ways lead from each of (r,) edges to (r, j) sites. leaves: (r,) whether one gets to
        its `from` end, and to its `to` end."""
        ends = self._network.edge_from[edge], self._network.edge_to[edge]
        result = np.zeros(site.shape, dtype=np.bool_)
        rows = [ends_of_sites[site] for ends_of_sites in self._row]
        for nodes, is_open in zip(ends, leaves, strict=True):
            group = np.where(is_open, self._group[nodes], -1)[:, None]
            for row in rows:
                result |= self._reached[row, group]
        return result

    def leads_from(self, edge: Ints, leaves: tuple[Bools, Bools], sites: Ints) -> Bools:
        """(r,) edges from which open ways lead to one of some sites at least; leaves: as of `joined_edges`."""
        reached = np.atleast_1d(self._reached[np.unique(self._row[:, sites])].any(axis=0))
        ends = self._network.edge_from[edge], self._network.edge_to[edge]
        one, other = (
            reached[np.where(is_open, self._group[nodes], -1)]
            for nodes, is_open in zip(ends, leaves, strict=True)
        )
        return np.asarray(one | other)

    def mostly_reached(self) -> Bools:
        """(m,) sites to which ways lead from the greatest group of nodes."""
        greatest = int(np.bincount(self._group).argmax())
        return np.asarray(self._reached[self._row, greatest].any(axis=0))

    def leads_to_all(self, sites: Bools) -> Bools:
        """(e,) edges from one end of which at least ways lead to every one of the (m,) chosen sites."""
        all_reached = np.ones(self._reached.shape[1], dtype=np.bool_)
        for one, other in np.unique(self._row[:, sites], axis=1).T:
            all_reached &= self._reached[one] | self._reached[other]
        ends = self._group[self._network.edge_from], self._group[self._network.edge_to]
        return np.asarray(all_reached[ends[0]] | all_reached[ends[1]])

    def leads_to_any(self, at: Snapped, sites: Bools) -> Bools:
        """(n,) places from which ways lead to one of the (m,) chosen sites at least."""
        reached = np.atleast_1d(self._reached[np.unique(self._row[:, sites])].any(axis=0))
        starts = self._end(at, self._network.edge_from, self._closed.leaves_to_start)
        ends = self._end(at, self._network.edge_to, self._closed.leaves_to_end)
        return np.asarray(reached[starts] | reached[ends])

    def _end(self, at: Snapped, ends: NDArray[np.int32], is_open: _Asked) -> Ints:
        """(n,) group of one end of each place's edge, -1 where that end is closed to it."""
        on = at.edge >= 0
        known = replace(at, edge=np.where(on, at.edge, 0))
        return np.where(on & is_open(known), self._group[ends[known.edge]], -1)


def _graph(tail: Ints, head: Ints, size: int) -> csr_matrix:
    return csr_matrix((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(size, size))
