"""What is left of a network for shortest ways when nobody needs its dead ends and bends.

    edges ─▶ dead ends cut off ─▶ chains of nodes where nothing parts made one arc ─▶ core nodes and arcs

Between places on the network a walk never turns into a dead end, and has no choice in the middle of a chain. Two
fifths of a city's nodes go that way, and each takes its share of every search. Nodes that must be asked for (the
ends of the edges sites lie on) are kept. The shape does not change with what is closed: only the costs do.

From any edge a walker gets to the core over at most two exits ("slots"): along it to one end or the other and on
through the chain, or up the dead end to where it hangs and from there both ways.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geodata.network import WalkNetwork

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class CoreCosts:
    """Costs of one profile under one set of closures. inf = closed.

    arc: (a,) of each core arc; arc_length_m: (a,) real metres of the way that is cheapest;
    slot: (2, e) from the end of an edge that a slot starts at to its core node; slot_length_m: (2, e) metres.
    """

    arc: Floats
    arc_length_m: Floats
    slot: Floats
    slot_length_m: Floats


class CoreGraph:
    """The core of `network` with the nodes of `kept` in it. c core nodes, a arcs, e edges.

    node: (c,) rows of the network's nodes; row: (n,) core row of each node, -1 where it is not one.
    tail, head: (a,) core rows, walking from tail to head; one arc for each pair, in order of (head, tail).
    slot_end: (2, e) core row a slot leads to, -1 without one; slot_to_end: (2, e) whether a slot starts by walking to
    the `to` end of its edge (else to the `from` end).
    """

    def __init__(self, network: WalkNetwork, kept: NDArray[np.int64] | NDArray[np.int32]) -> None:
        self._count = len(network.edge_from)
        self._a, self._b = network.edge_from.astype(np.int64), network.edge_to.astype(np.int64)
        self._nodes = len(network.node_vertex)
        self._length_m = network.length_m.astype(np.float64)
        is_kept = np.zeros(self._nodes, dtype=np.bool_)
        is_kept[kept] = True
        loop = self._a == self._b
        is_kept[self._a[loop]] = True
        is_kept[:1] = True  # a core is never empty, not even that of a lone dead end
        self._cut_dead_ends(is_kept, ~loop)
        self._join_chains(is_kept)
        self._lay_slots(loop)
        self._lay_arcs()
        self._chain_m = self._chain_sums(np.concatenate([self._length_m, self._length_m]))
        self._up_m = self._up_sums(np.concatenate([self._length_m, self._length_m]))
        # A core is kept for as long as its ways are; what only its making needed is not.
        del self._alive, self._degree, self._edges, self._out, self._dart_end, self._root

    # -- shape --------------------------------------------------------------------------------------------

    def _cut_dead_ends(self, is_kept: Bools, usable: Bools) -> None:
        """Leaves go until there are none; `_up` is the dart a cut node leaves by."""
        rows = np.flatnonzero(usable)
        a, b = self._a, self._b
        degree = np.bincount(np.concatenate([a[rows], b[rows]]), minlength=self._nodes)
        # The exclusive or of a node's edges: of a leaf its one edge, of a node with two the other one.
        edges = np.zeros(self._nodes, dtype=np.int64)
        np.bitwise_xor.at(edges, a[rows], rows)
        np.bitwise_xor.at(edges, b[rows], rows)
        up = np.full(self._nodes, -1, dtype=np.int64)
        alive = usable.copy()
        leaves = np.flatnonzero((degree == 1) & ~is_kept)
        self._rounds = 0
        while len(leaves):
            edge = edges[leaves]
            other = a[edge] ^ b[edge] ^ leaves
            # Two leaves on one edge: one hangs on the other.
            first = ~((degree[other] == 1) & ~is_kept[other] & (other < leaves))
            leaves, edge, other = leaves[first], edge[first], other[first]
            alive[edge] = False
            up[leaves] = np.where(a[edge] == leaves, edge, edge + self._count)
            degree[leaves], edges[leaves] = 0, 0
            np.subtract.at(degree, other, 1)
            np.bitwise_xor.at(edges, other, edge)
            leaves = np.unique(other)
            leaves = leaves[(degree[leaves] == 1) & ~is_kept[leaves] & (up[leaves] < 0)]
            self._rounds += 1
        self._alive, self._degree, self._edges, self._up = alive, degree, edges, up
        head = self._head()
        parent = np.where(up >= 0, head[up], np.arange(self._nodes))
        for _ in range(_doublings(self._rounds)):
            parent = parent[parent]
        self._root = parent

    def _head(self) -> Ints:
        """(2e,) the node each dart arrives at: first all edges ab, then all ba."""
        return np.concatenate([self._b, self._a])

    def _join_chains(self, is_kept: Bools) -> None:
        inner = (self._degree == 2) & ~is_kept
        core = (self._degree > 0) & ~inner | is_kept
        self.node = np.flatnonzero(core)
        self.row = np.full(self._nodes, -1, dtype=np.int64)
        self.row[self.node] = np.arange(len(self.node))
        head, darts = self._head(), 2 * self._count
        edge = np.concatenate([np.arange(self._count)] * 2)
        on = np.flatnonzero(self._alive[edge] & inner[head])
        other = self._edges[head[on]] ^ edge[on]
        # `darts` is the end of every chain: it leads to itself and costs nothing.
        self._next = np.full(darts + 1, darts, dtype=np.int64)
        self._next[on] = np.where(self._a[other] == head[on], other, other + self._count)
        last = np.arange(darts + 1)
        step = self._next.copy()
        self._steps = 0
        while (step < darts).any() and 1 << self._steps <= darts:
            last = np.where(step < darts, last[np.minimum(step, darts)], last)
            step = step[step]
            self._steps += 1
        end = np.full(darts + 1, -1, dtype=np.int64)
        end[:-1] = np.where(self._alive[edge], self.row[head[last[:-1]]], -1)
        self._dart_end = end
        self._out = self._leaving(
            np.flatnonzero(self._alive[edge] & inner[np.concatenate([self._a, self._b])])
        )

    def _leaving(self, darts: Ints) -> Ints:
        """(2, n) the two darts that leave a node in the middle of a chain; the end of chains elsewhere."""
        tail = np.concatenate([self._a, self._b])[darts]
        out = np.full((2, self._nodes), 2 * self._count, dtype=np.int64)
        out[0, tail] = darts
        others = darts[out[0, tail] != darts]
        out[1, np.concatenate([self._a, self._b])[others]] = others
        return out

    def _lay_slots(self, loop: Bools) -> None:
        """Where the two slots of every edge start, the node they climb from, the dart they follow, where they end."""
        count, none = self._count, 2 * self._count
        edges = np.arange(count)
        self.slot_to_end = np.array([np.ones(count, np.bool_), np.zeros(count, np.bool_)])
        base = np.array([self._b, self._a])  # alive edges and loops: one end each
        dart = np.array([self._next[edges], self._next[edges + count]])
        end = np.array([self._dart_end[edges], self._dart_end[edges + count]])
        end[:, loop] = self.row[self._a[loop]]
        dead = np.flatnonzero(~self._alive & ~loop)
        if len(dead):
            upward = self._up[self._a[dead]] == dead  # the `from` end hangs on the `to` end
            upper = np.where(upward, self._b[dead], self._a[dead])
            root = self._root[upper]
            self.slot_to_end[:, dead] = upward
            base[:, dead] = upper
            on_core = self.row[root] >= 0
            for slot in (0, 1):
                dart[slot, dead] = np.where(on_core, none, self._out[slot, root])
                end[slot, dead] = self._dart_end[dart[slot, dead]]
            end[0, dead] = np.where(on_core, self.row[root], end[0, dead])
        self._slot_base, self._slot_dart, self.slot_end = base, dart, end

    def _lay_arcs(self) -> None:
        darts = np.flatnonzero(self._alive[np.concatenate([np.arange(self._count)] * 2)])
        tail = self.row[np.concatenate([self._a, self._b])[darts]]
        head = self._dart_end[darts]
        useful = (tail >= 0) & (head >= 0) & (tail != head)
        darts, tail, head = darts[useful], tail[useful], head[useful]
        order = np.lexsort((tail, head))
        darts, tail, head = darts[order], tail[order], head[order]
        first = np.ones(len(darts), dtype=np.bool_)
        first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
        self._arc_darts, self._arc_first = darts, np.flatnonzero(first)
        self.tail, self.head = tail[first], head[first]

    # -- costs --------------------------------------------------------------------------------------------

    def costs(self, ab: Floats, ba: Floats) -> CoreCosts:
        """The costs of arcs and slots from those of whole edges, (e,) walking ab and ba; inf = closed."""
        darts = np.concatenate([ab, ba])
        chain, up = self._chain_sums(darts), self._up_sums(darts)
        slot = up[self._slot_base] + chain[self._slot_dart]
        slot_length = self._up_m[self._slot_base] + self._chain_m[self._slot_dart]
        if not len(self._arc_first):
            nothing = np.zeros(0)
            return CoreCosts(nothing, nothing, slot, slot_length)
        cost = chain[self._arc_darts]
        arc = np.minimum.reduceat(cost, self._arc_first)
        of_arc = np.repeat(np.arange(len(arc)), np.diff(self._arc_first, append=len(cost)))
        cheapest = np.flatnonzero(cost == arc[of_arc])[::-1]
        length = np.zeros(len(arc))
        length[of_arc[cheapest]] = self._chain_m[self._arc_darts[cheapest]]
        return CoreCosts(arc, length, slot, slot_length)

    def _chain_sums(self, darts: Floats) -> Floats:
        """(2e + 1,) what it costs from the start of each dart to the core node its chain ends at."""
        total, step = np.append(darts, 0.0), self._next
        for _ in range(self._steps):
            total, step = total + total[step], step[step]
        return total

    def _up_sums(self, darts: Floats) -> Floats:
        """(n,) what it costs from each node up its dead end to where that hangs; 0 outside dead ends."""
        head = self._head()
        cut = self._up >= 0
        total = np.where(cut, darts[self._up], 0.0)
        step = np.where(cut, head[self._up], np.arange(self._nodes))
        for _ in range(_doublings(self._rounds)):
            total, step = total + total[step], step[step]
        return total


def _doublings(length: int) -> int:
    return max(0, int(length).bit_length())
