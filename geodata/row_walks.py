"""The nearest sites of very many people: looked up where a look-up is provably the answer, worked out where it is not.

    who stands plainly on an edge nothing is closed on ─▶ least of the edge's two lists, proved by bounds ─▶ done
    everybody else (off the network, by a border, on a site's own street …) ─▶ a few candidates, exact figures
                                                         ─▶ not proved? more candidates ─▶ all of them

The answer is that of the whole matrix of figures (`NetworkWalks.walk`), which is never made.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.ground_cells import GroundCells
from geodata.inland import grown_area
from geodata.pair_walks import Asked, PairWalks
from geodata.site_lists import EdgeLists, NodeLists, edge_lists, merged, node_lists, square_lists
from geodata.snapping import edge_of_places
from geodata.standing import Standing
from geodata.walks import BLEND_FROM, NEAR_M

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
NearSites = tuple[Ints, Floats]

NONE = -1
KEPT_LISTS = 8
_ROWS_AT_ONCE = 1 << 15
_PAIRS_AT_ONCE = 1 << 20
_MORE_BY_WAY, _MORE_STRAIGHT = 2, 8
_SLACK_M = 0.005  # what is kept in float32 may be off by this much
_THREADS = 2
_FEW_ROWS = 32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Table:
    """What is looked up for one choice of sites. by_way: the allowed ones whose figure is never below the network's."""

    by_way: Bools
    straight: Bools
    straight_m: NDArray[np.float32]  # (s,) by square: none of `straight` is nearer
    nodes: tuple[NodeLists, ...]  # by layer
    edges: tuple[EdgeLists, ...]


class RowWalks:
    """The walks of one foot under one set of closures, to one list of sites, asked by row."""

    def __init__(self, pairs: PairWalks, cells: GroundCells) -> None:
        self.pairs, self._cells = pairs, cells
        self._network = pairs.walks.network
        self._tables: OrderedDict[tuple[bytes, int], _Table] = OrderedDict()
        self._lock = threading.Lock()

    def nearest(self, xy_m: Floats, standing: Standing, allowed: Bools, k: int) -> NearSites:
        """(n, k) sites of each of n people, the nearest first, NONE-padded, and their figures, inf-padded."""
        site = np.full((len(xy_m), k), NONE, dtype=np.int64)
        figure = np.full((len(xy_m), k), np.inf)
        width = min(k, int(allowed.sum()))
        if not width or not len(xy_m):
            return site, figure
        if len(xy_m) <= _FEW_ROWS:  # whoever waits for his own answer does not wait for tables
            rows, columns = np.arange(len(xy_m)), np.flatnonzero(allowed)
            all_sites = np.broadcast_to(columns, (len(rows), len(columns)))
            found = self._best(self.pairs.asked(xy_m, standing), rows, all_sites, width)
            site[:, :width], figure[:, :width] = found
            return site, figure
        table = self._table(allowed, width)
        _ = self._plain_edge, self.pairs.walks.areas and self._border_m  # made once, before threads ask
        plain = np.zeros(len(xy_m), dtype=np.bool_)

        def look_up(begin: int) -> None:
            part = slice(begin, begin + _ROWS_AT_ONCE)
            plain[part] = self._look_up(
                xy_m[part], standing.take(part), table, site[part, :width], figure[part, :width]
            )

        begins = range(0, len(xy_m), _ROWS_AT_ONCE)
        if len(begins) > 1:
            with ThreadPoolExecutor(_THREADS) as threads:
                list(threads.map(look_up, begins))
        else:
            look_up(0)
        rest = np.flatnonzero(~plain)
        step = max(1, _PAIRS_AT_ONCE // (4 * width + 2 * _MORE_STRAIGHT))
        for begin in range(0, len(rest), step):
            rows = rest[begin : begin + step]
            asked = self.pairs.asked(xy_m[rows], standing.take(rows))
            site[rows, :width], figure[rows, :width] = self._work_out(asked, allowed, table, width)
        return site, figure

    def figures(self, xy_m: Floats, standing: Standing, site: Ints) -> tuple[Floats, Bools]:
        """(n, j) level metres from each of n people to (n, j) sites, and where that is an estimate; NONE: inf."""
        figure, about = np.full(site.shape, np.inf), np.ones(site.shape, dtype=np.bool_)
        if not site.size:
            return figure, about
        step = max(1, _PAIRS_AT_ONCE // site.shape[1])
        for begin in range(0, len(xy_m), step):
            part = slice(begin, begin + step)
            here, there = standing.take(part), site[part]
            plain = self._pairs_looked_up(xy_m[part], here, there, figure[part])
            about[part] = ~plain
            row, column = np.nonzero(~plain & (there >= 0))
            some, back = np.unique(row, return_inverse=True)
            asked = self.pairs.asked(xy_m[part][some], here.take(some))
            found = self.pairs.figures(asked, back, there[row, column])
            figure[part][row, column], about[part][row, column] = found
        return figure, about

    def lengths(self, xy_m: Floats, standing: Standing, site: Ints, level_m: Floats) -> Floats:
        """(n,) real metres to one site each; level_m: what `figures` said; inf stays inf."""
        return self.pairs.lengths(self.pairs.asked(xy_m, standing), site, level_m)

    # -- looked up ------------------------------------------------------------------------------------------

    def _look_up(self, xy_m: Floats, standing: Standing, table: _Table, site: Ints, figure: Floats) -> Bools:
        """Writes what the tables say; (n,) True where that is proved to be the answer."""
        on = standing.edge >= 0
        edge = np.where(on, standing.edge, 0)
        few = site.shape[1]
        if len(table.edges) == 1:
            there, effort = table.edges[0].site, table.edges[0].effort_m
            ends = [(there[side][edge], effort[side][edge]) for side in (0, 1)]
        else:
            odd = self._is_odd(xy_m)
            ends = [
                (
                    np.where(odd[:, None], table.edges[1].site[side][edge], table.edges[0].site[side][edge]),
                    np.where(
                        odd[:, None], table.edges[1].effort_m[side][edge], table.edges[0].effort_m[side][edge]
                    ),
                )
                for side in (0, 1)
            ]
        (site_a, a), (site_b, b) = ends
        a += standing.to_end_m[:, None]
        b += standing.to_start_m[:, None]
        if few == 1:
            better = b < a
            found, least = np.where(better, site_b, site_a), np.where(better, b, a)
        else:
            found, least = merged(site_a, a, site_b, b, few)
        known = np.maximum(found, 0)
        x = xy_m[:, 0, None] - self.pairs.sites.xy_m[known, 0]
        y = xy_m[:, 1, None] - self.pairs.sites.xy_m[known, 1]
        most = least[:, -1]
        proved = self._is_plain(standing, edge) & (most <= BLEND_FROM * self.pairs.walks.bound_m)
        proved &= most <= table.straight_m[np.maximum(standing.cell, 0)]
        # Downhill a walk may count for less than its metres; no figure is below the straight line.
        longest = least.astype(np.float64)
        proved &= ((x * x + y * y <= longest * longest) & ~self.pairs.site_moved[known]).all(axis=1)
        site[:], figure[:] = found, longest
        return np.asarray(proved)

    def _pairs_looked_up(self, xy_m: Floats, standing: Standing, site: Ints, figure: Floats) -> Bools:
        """The same for (n, j) chosen pairs."""
        edge, there = np.maximum(standing.edge, 0), np.maximum(site, 0)
        layer = self._is_odd(xy_m).astype(np.int8) if self.pairs.walks.sea is not None else None
        least = np.full(site.shape, np.inf)
        for number, one in enumerate(
            self.pairs.sites.layers[:1] if layer is None else self.pairs.sites.layers[:2]
        ):
            rows = slice(None) if layer is None else np.flatnonzero(layer == number)
            core, costs, on = one.ways.core, one.ways.costs, edge[rows]
            best = np.full(site[rows].shape, np.inf)
            for slot in (0, 1):
                first = np.where(
                    core.slot_to_end[slot, on], standing.to_end_m[rows], standing.to_start_m[rows]
                )
                end = core.slot_end[slot, on]
                cost = np.where(end >= 0, first + costs.slot[slot, on], np.inf)
                effort = one.ways.node_effort_m[np.maximum(end, 0)[:, None], there[rows]]
                np.minimum(best, cost[:, None] + effort, out=best)
            least[rows] = best
        least += self.pairs.walks.detour_factor * self.pairs.sites.at.gap_m[there]
        x = xy_m[:, 0, None] - self.pairs.sites.xy_m[there, 0]
        y = xy_m[:, 1, None] - self.pairs.sites.xy_m[there, 1]
        proved = self._is_plain(standing, edge)[:, None] & (least <= BLEND_FROM * self.pairs.walks.bound_m)
        proved &= self._ways_count[there] & ~self.pairs.site_moved[there] & (site >= 0)
        proved &= x * x + y * y <= least * least
        figure[proved] = least[proved]
        return np.asarray(proved)

    def _is_plain(self, standing: Standing, edge: NDArray[np.int32]) -> Bools:
        """(n,) who stands near an edge on which all is as on quiet days, and steps onto it as on quiet days."""
        plain = (
            (standing.edge >= 0) & (standing.cell >= 0) & self._plain_edge[edge] & (standing.gap_m <= NEAR_M)
        )
        if self.pairs.walks.areas:
            plain &= standing.gap_m < self._border_m[np.maximum(standing.cell, 0)]
        return np.asarray(plain)

    def _is_odd(self, xy_m: Floats) -> Bools:
        """(n,) True where the second set of lines towards the sea holds for who is not under the tsunami."""
        assert self.pairs.walks.sea is not None
        return np.asarray(self.pairs.walks.sea.rule.set_of(xy_m) == 1)

    @cached_property
    def _border_m(self) -> NDArray[np.float32]:
        return self._cells.border_m(self.pairs.walks.areas)

    @cached_property
    def _plain_edge(self) -> Bools:
        """(e,) edges on which all is as on quiet days and no site stands, and that lead to all sites by way."""
        network, walks = self._network, self.pairs.walks
        plain = np.ones(len(network.edge_from), dtype=np.bool_)
        plain[self._hosts] = False
        for layer in self.pairs.sites.layers:
            plain &= layer.ways.closures.ab_open & layer.ways.closures.ba_open
        if walks.sea is not None:
            rule = walks.sea.rule
            under = grown_area(rule.areas_xy_m, rule.margin_m)
            shapely.prepare(under)
            touched = np.atleast_1d(shapely.intersects_xy(under, *network.xy_m.T))[network.chain]
            plain[edge_of_places(network)[touched]] = False
        return np.asarray(plain & self._leads_everywhere)

    # -- which sites are a matter of ways -------------------------------------------------------------------

    @cached_property
    def _ways_count(self) -> Bools:
        """(m,) sites near the network that on quiet days can be walked to from most of it."""
        return np.asarray((self.pairs.site_weight == 0) & self.pairs.quiet_reach.mostly_reached())

    @cached_property
    def _leads_everywhere(self) -> Bools:
        """(e,) edges from which on quiet days ways lead to all of those."""
        return self.pairs.quiet_reach.leads_to_all(self._ways_count)

    def _table(self, allowed: Bools, few: int) -> _Table:
        with self._lock:
            return self._kept_table(allowed, few)

    def _kept_table(self, allowed: Bools, few: int) -> _Table:
        key = allowed.tobytes(), few
        table = self._tables.pop(key, None)
        if table is None:
            by_way, straight = allowed & self._ways_count, allowed & ~self._ways_count
            nodes = tuple(node_lists(one.ways, by_way, few) for one in self.pairs.sites.layers)
            table = _Table(
                by_way=by_way,
                straight=straight,
                straight_m=self._cells.nearest_m(self.pairs.sites.xy_m[straight]),
                nodes=nodes,
                edges=tuple(
                    edge_lists(layer.ways, one)
                    for layer, one in zip(self.pairs.sites.layers[:2], nodes, strict=False)
                ),
            )
        self._tables[key] = table
        while len(self._tables) > KEPT_LISTS:
            self._tables.popitem(last=False)
        return table

    # -- worked out -----------------------------------------------------------------------------------------

    def _work_out(self, asked: Asked, allowed: Bools, table: _Table, few: int) -> NearSites:
        """Exact figures of a few candidates, of more where those prove nothing, and of all in the end."""
        site = np.full((len(asked), few), NONE, dtype=np.int64)
        figure = np.full((len(asked), few), np.inf)
        todo = np.ones(len(asked), dtype=np.bool_)
        for rows, candidates, bound in self._rounds(asked, allowed, table, few, todo):
            found_site, found = self._best(asked, rows, candidates, few)
            proved = found[:, -1] <= bound + _SLACK_M
            done = rows[proved]
            site[done], figure[done] = found_site[proved], found[proved]
            todo[done] = False
        return site, figure

    def _rounds(
        self, asked: Asked, allowed: Bools, table: _Table, few: int, todo: Bools
    ) -> Iterator[tuple[Ints, Ints, Floats]]:
        """(rows, (r, c) candidates, (r,) no other site has a lower figure than this), until nothing is `todo`."""
        rows = np.flatnonzero(self._goes_by_way(asked))
        if len(rows):
            yield rows, *self._by_way_first(asked, rows, table, few)
        rows = np.flatnonzero(todo)
        if len(rows):
            near = square_lists(asked.xy_m[rows], self.pairs.sites.xy_m, allowed, few + _MORE_STRAIGHT)
            # Blended with the straight line no figure is below the straight line's share of it.
            more = 1 + (self.pairs.walks.detour_factor - 1) * asked.weight[rows]
            yield rows, near.site[near.square].astype(np.int64), near.beyond_m[near.square] * more
        rows, columns = np.flatnonzero(todo), np.flatnonzero(allowed)
        step = max(1, _PAIRS_AT_ONCE // len(columns))
        for begin in range(0, len(rows), step):
            part = rows[begin : begin + step]
            yield part, np.broadcast_to(columns, (len(part), len(columns))), np.full(len(part), np.inf)

    def _goes_by_way(self, asked: Asked) -> Bools:
        """(r,) whose figures to the sites of `by_way` are never below those of the network."""
        usual, edge = np.maximum(asked.usual.edge, 0), np.maximum(asked.at.edge, 0)
        goes = (asked.weight == 0) & (asked.usual.edge >= 0) & self._leads_everywhere[usual]
        return np.asarray(goes & ~self._hosts[edge])

    @cached_property
    def _hosts(self) -> Bools:
        """(e,) edges on which a site stands: the walk along one may be shorter than any over its ends."""
        hosts = np.zeros(len(self._network.edge_from), dtype=np.bool_)
        hosts[self.pairs.sites.at.edge[self.pairs.sites.at.edge >= 0]] = True
        return hosts

    def _by_way_first(self, asked: Asked, rows: Ints, table: _Table, few: int) -> tuple[Ints, Floats]:
        """Those that are first from the ends of each one's edge, and the nearest of those that are estimates."""
        near = square_lists(asked.xy_m[rows], self.pairs.sites.xy_m, table.straight, few + _MORE_BY_WAY)
        listed = [near.site[near.square]]
        by_way = np.full(len(rows), np.inf)
        layer = asked.layer[rows]
        for slot in (0, 1):
            end, cost = asked.end[slot, rows], asked.cost[slot, rows]
            there = np.full((len(rows), few), NONE, dtype=np.int32)
            for number, nodes in enumerate(table.nodes):
                mine = np.flatnonzero((layer == number) & np.isfinite(cost))
                there[mine] = nodes.site[end[mine]]
                by_way[mine] = np.minimum(by_way[mine], cost[mine] + nodes.beyond_m[end[mine]])
            listed.append(there)
        by_way = np.minimum(
            by_way + self.pairs.walks.detour_factor * asked.at.gap_m[rows], self.pairs.walks.bound_m
        )
        bound = np.minimum(by_way, near.beyond_m[near.square])
        return np.concatenate(listed, axis=1).astype(np.int64), bound

    def _best(self, asked: Asked, rows: Ints, candidates: Ints, few: int) -> NearSites:
        """(r, few) the least of the candidates' figures; ties: the smaller row."""
        candidates = np.sort(candidates, axis=1)
        fresh = candidates >= 0
        fresh[:, 1:] &= candidates[:, 1:] != candidates[:, :-1]
        row, column = np.nonzero(fresh)
        figure = np.full(candidates.shape, np.inf)
        figure[row, column], _ = self.pairs.figures(asked, rows[row], candidates[row, column])
        order = np.argsort(figure, axis=1, kind="stable")[:, :few]
        found = np.take_along_axis(figure, order, axis=1)
        site = np.where(np.isfinite(found), np.take_along_axis(candidates, order, axis=1), NONE)
        if order.shape[1] < few:
            wider = ((0, 0), (0, few - order.shape[1]))
            return np.pad(site, wider, constant_values=NONE), np.pad(found, wider, constant_values=np.inf)
        return site, found
