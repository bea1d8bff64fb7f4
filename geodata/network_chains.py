"""Segments threaded into edges: everything between two nodes becomes one chain of vertices.

Each segment is two darts, one for each direction. A dart that arrives at a vertex with only one other way out has
a next dart; following next darts by doubling (1, 2, 4 … steps at once) finds where every chain ends without a loop
over vertices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geodata.network_islands import islands_by_size
from geodata.network_joints import Rows, Segments


@dataclass(frozen=True, slots=True)
class Chains:
    """n nodes, e edges, c places of chains.

    node_vertex: (n,) vertex rows, rising. first: (e + 1,) offsets into vertex: (c,) vertex rows of each edge,
    both ends included. segment: (c,) the segment that starts at this place, -1 at the last of an edge.
    edge_from, edge_to: (e,) rows in node_vertex.
    """

    node_vertex: Rows
    edge_from: Rows
    edge_to: Rows
    first: Rows
    vertex: Rows
    segment: Rows

    @property
    def edge(self) -> Rows:
        """(c,) the edge each place of a chain belongs to."""
        return np.repeat(np.arange(len(self.edge_from)), np.diff(self.first))


def thread_chains(segments: Segments) -> Chains:
    """The edges between nodes: vertices where ways part, end, or what may close them changes.

    A ring without any node gets one at its lowest vertex. Edges run from the node whose dart has the lower
    row, and stand in the order of those darts, so the same segments always give the same chains.
    """
    s, v = len(segments), len(segments.lonlat)
    tail = np.concatenate([segments.a, segments.b])
    head = np.concatenate([segments.b, segments.a])
    is_node = _nodes(segments)
    following = _following(tail, head, is_node, s, v)
    last, hops = _run_to_the_end(following)
    starts = np.flatnonzero(is_node[tail])
    backwards = _reverse(last[starts], s)
    starts = starts[starts < backwards]

    edge_of_last = np.full(2 * s, -1)
    edge_of_last[last[starts]] = np.arange(len(starts))
    dart = np.flatnonzero(edge_of_last[last] >= 0)
    edge = edge_of_last[last[dart]]
    count = hops[starts] + 2  # places of the edge: its segments and one more
    first = np.concatenate([[0], np.cumsum(count)])
    place = first[edge] + count[edge] - 2 - hops[dart]
    vertex, segment = np.empty(first[-1], dtype=np.intp), np.full(first[-1], -1, dtype=np.intp)
    vertex[place], segment[place] = tail[dart], dart % max(s, 1)
    vertex[first[1:] - 1] = head[last[starts]]

    node_vertex = np.flatnonzero(is_node)
    node_row = np.cumsum(is_node) - 1
    return Chains(
        node_vertex=node_vertex,
        edge_from=node_row[tail[starts]],
        edge_to=node_row[head[last[starts]]],
        first=first,
        vertex=vertex,
        segment=segment,
    )


def _nodes(segments: Segments) -> NDArray[np.bool_]:
    """(v,) True where a chain has to begin or end."""
    v = len(segments.lonlat)
    degree = np.bincount(segments.a, minlength=v) + np.bincount(segments.b, minlength=v)
    what = segments.flags.astype(np.int64) * 2 + segments.steps
    lowest, highest = np.full(v, np.iinfo(np.int64).max), np.full(v, -1)
    for end in (segments.a, segments.b):
        np.minimum.at(lowest, end, what)
        np.maximum.at(highest, end, what)
    is_node: NDArray[np.bool_] = (degree != 2) | (lowest != highest)
    island, _ = islands_by_size(segments)
    has_node = np.zeros(int(island.max(initial=-1)) + 1, dtype=np.bool_)
    has_node[island[is_node]] = True
    _, lowest_vertex = np.unique(island, return_index=True)
    is_node[lowest_vertex[~has_node]] = True
    return is_node


def _following(tail: Rows, head: Rows, is_node: NDArray[np.bool_], s: int, v: int) -> Rows:
    """(2s,) the dart that continues each dart; a dart that arrives at a node is followed by itself."""
    out_sum = np.zeros(v, dtype=np.intp)
    # Only two darts leave a vertex that is no node: their sum less one of them is the other.
    np.add.at(out_sum, tail, np.arange(2 * s))
    following = np.arange(2 * s)
    goes_on = np.flatnonzero(~is_node[head])
    following[goes_on] = out_sum[head[goes_on]] - _reverse(goes_on, s)
    return following


def _run_to_the_end(following: Rows) -> tuple[Rows, Rows]:
    """(2s,) the last dart of each dart's chain, and the number of darts after this one."""
    last = following
    hops = (following != np.arange(len(following))).astype(np.intp)
    while True:
        further = hops[last]
        if not further.any():
            return last, hops
        hops = hops + further
        last = last[last]


def _reverse(dart: Rows, s: int) -> Rows:
    return np.where(dart < s, dart + s, dart - s)
