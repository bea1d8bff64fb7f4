"""The first few sites from everywhere: along the network by node and by edge, as the crow flies by square.

    efforts from every core node ─▶ NodeLists: the least few of the allowed sites ─▶ EdgeLists: by the end one leaves by
    squares of 256 m             ─▶ SquareLists: the nearest few of the allowed sites

All say how far at least whatever is not listed lies, so that an answer taken from a list can be proved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geodata.ways_out import WaysOut

Floats = NDArray[np.float64]
Efforts = NDArray[np.float32]
Ints = NDArray[np.int64]
Rows = NDArray[np.int32]
Bools = NDArray[np.bool_]

NONE = -1
SQUARE_M = 256.0
HALF_DIAGONAL_M = SQUARE_M * float(np.sqrt(0.5))
_NODES_AT_ONCE = 1 << 12


@dataclass(frozen=True, slots=True, eq=False)
class NodeLists:
    """From (c,) core nodes. site: (c, few) least first (ties: the smaller row), NONE-padded; effort_m: (c, few) with
    the gap of the site and its detour, inf where padded; beyond_m: (c,) no unlisted site is nearer along the network.
    """

    site: Rows
    effort_m: Efforts
    beyond_m: Efforts


@dataclass(frozen=True, slots=True, eq=False)
class EdgeLists:
    """The same from (e,) edges, leaving over the `to` end [0] or the `from` end [1]; efforts from that end on.

    site, effort_m: (2, e, few). There is no beyond: all that is unlisted is no nearer than the last of a full list.
    """

    site: Rows
    effort_m: Efforts


@dataclass(frozen=True, slots=True, eq=False)
class SquareLists:
    """The nearest `few` in a straight line, for (n,) points by `square`. site: (s, few) in no order, NONE-padded;
    beyond_m: (s,) no unlisted site is nearer to any point of the square.
    """

    square: Ints
    site: Rows
    beyond_m: Floats


def node_lists(ways: WaysOut, allowed: Bools, few: int) -> NodeLists:
    """Of the (m,) allowed sites. What the bounded search did not reach is not listed."""
    columns = np.flatnonzero(allowed)
    nodes, width = ways.node_effort_m.shape[0], min(few, len(columns))
    site = np.full((nodes, few), NONE, dtype=np.int32)
    effort = np.full((nodes, few), np.inf, dtype=np.float32)
    gap = (ways.gap_factor * ways.sites.gap_m[columns]).astype(np.float32)
    for begin in range(0, nodes if width else 0, _NODES_AT_ONCE):
        part = slice(begin, begin + _NODES_AT_ONCE)
        total = np.take(ways.node_effort_m[part], columns, axis=1)
        total += gap
        least = _least(total, width)
        effort[part, :width] = np.take_along_axis(total, least, axis=1)
        site[part, :width] = columns[least]
    site[~np.isfinite(effort)] = NONE
    rest = np.inf if width == len(columns) else effort[:, width - 1]
    return NodeLists(site, effort, np.broadcast_to(np.asarray(rest, dtype=np.float32), nodes))


def _least(total: Efforts, width: int) -> Ints:
    """(c, width) columns of the least, in order; of equals the first."""
    if width == 1:
        return np.asarray(total.argmin(axis=1)[:, None])
    if width < total.shape[1]:
        some = np.argpartition(total, width - 1, axis=1)[:, :width]
        some.sort(axis=1)
    else:
        some = np.broadcast_to(np.arange(width), (len(total), width))
    order = np.argsort(np.take_along_axis(total, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)


def edge_lists(ways: WaysOut, lists: NodeLists) -> EdgeLists:
    """By edge: over a dead end both ways on begin alike, and their lists become one."""
    core, few = ways.core, lists.site.shape[1]
    edges = core.slot_end.shape[1]
    site = np.full((2, edges, few), NONE, dtype=np.int32)
    effort = np.full((2, edges, few), np.inf, dtype=np.float32)
    for slot in (0, 1):
        end, to_end = core.slot_end[slot], core.slot_to_end[slot]
        usable = end >= 0
        cost = np.where(usable, ways.costs.slot[slot], np.inf).astype(np.float32)
        there = lists.effort_m[np.maximum(end, 0)] + cost[:, None]
        there_site = lists.site[np.maximum(end, 0)]
        for side, mine in ((0, to_end), (1, ~to_end)):
            taken = np.isfinite(effort[side, :, 0])
            alone, both = mine & ~taken, np.flatnonzero(mine & taken)
            site[side, alone], effort[side, alone] = there_site[alone], there[alone]
            site[side, both], effort[side, both] = merged(
                site[side, both], effort[side, both], there_site[both], there[both], few
            )
    site[~np.isfinite(effort)] = NONE
    return EdgeLists(site, effort)


def merged(
    site: Rows, effort: Efforts, other_site: Rows, other_effort: Efforts, few: int
) -> tuple[Rows, Efforts]:
    """(r, few) the least of two lists, each site once with the less of its efforts."""
    effort, other_effort = effort.copy(), other_effort.copy()
    for one in range(site.shape[1]):
        for other in range(other_site.shape[1]):
            same = site[:, one] == other_site[:, other]
            np.minimum(effort[:, one], other_effort[:, other], out=effort[:, one], where=same)
            other_effort[same, other] = np.inf
    both = np.concatenate([effort, other_effort], axis=1)
    order = np.argsort(both, axis=1, kind="stable")[:, :few]
    both_site = np.concatenate([site, other_site], axis=1)
    return np.take_along_axis(both_site, order, axis=1), np.take_along_axis(both, order, axis=1)


def square_lists(points_xy_m: Floats, sites_xy_m: Floats, allowed: Bools, few: int) -> SquareLists:
    """Of the (m,) allowed sites, for (n, 2) points."""
    columns = np.flatnonzero(allowed)
    cell = np.floor(points_xy_m / SQUARE_M).astype(np.int64)
    low = cell.min(axis=0, initial=0)
    cell -= low
    wide = int(cell[:, 0].max(initial=0)) + 1
    squares, square = np.unique(cell[:, 1] * wide + cell[:, 0], return_inverse=True)
    centre = (np.column_stack([squares % wide, squares // wide]) + low + 0.5) * SQUARE_M
    site = np.full((len(squares), few), NONE, dtype=np.int32)
    beyond = np.full(len(squares), np.inf)
    width = min(few, len(columns))
    if width:
        away = np.hypot(*(centre[:, None] - sites_xy_m[None, columns]).transpose(2, 0, 1))
        site[:, :width] = columns[:width]
        if width < len(columns):
            order = np.argpartition(away, width, axis=1)
            site[:, :width] = columns[order[:, :width]]
            next_m = np.take_along_axis(away, order[:, width : width + 1], axis=1)[:, 0]
            beyond = np.maximum(0.0, next_m - HALF_DIAGONAL_M)
    return SquareLists(square.reshape(-1), site, beyond)
