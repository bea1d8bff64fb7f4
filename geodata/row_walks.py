"""The nearest sites of very many people: looked up where a look-up is provably the answer, worked out where it is not.

    who stands plainly by an edge        ─▶ least of the edge's two lists, proved by bounds
    who is far from every way            ─▶ nearest in a straight line, if that enters no area
    the rest (between, by a site, moved) ─▶ candidates and exact figures (`NearRounds`)

The answer is that of the whole matrix of figures (`NetworkWalks.walk`), which is never made.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geodata.crowd import Crowd
from geodata.descent import Descent
from geodata.ground_cells import GroundCells
from geodata.inland import Exits
from geodata.near_rounds import NONE, SLACK_M, NearRounds, NearSites, best_of
from geodata.pair_walks import Asked, PairWalks
from geodata.plain_edges import PlainEdges
from geodata.plain_figures import PlainFigures
from geodata.site_lists import edge_lists, merged, node_lists
from geodata.walks import BLEND_FROM, FAR_M

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

KEPT_TABLES = 6
_ROWS_AT_ONCE = 1 << 15
_PAIRS_AT_ONCE = 1 << 20
_THREADS = 2
_MORE_BEYOND = (6, 40)  # sites looked at beyond those asked for where all lie beyond the bound
_SHORT, _GROUPS, _GROUPS_AT_ONCE = 4, 20_000, 1 << 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Table:
    """What is looked up for one choice of sites; s squares, l layers, e edges.

    straight_m: (s,) no site to which the straight line has a share is nearer; site, effort_m: (2, l × e, few) as in
    `EdgeLists`, layer after layer.
    """

    straight_m: NDArray[np.float32]
    site: NDArray[np.int32]
    effort_m: NDArray[np.float32]
    rounds: NearRounds
    tree: cKDTree
    columns: Ints


class RowWalks:
    """The walks of one foot under one set of closures, to one list of sites, asked by row of a crowd."""

    def __init__(self, pairs: PairWalks, cells: GroundCells) -> None:
        self.pairs, self.edges = pairs, PlainEdges(pairs)
        self.plain = PlainFigures(pairs, self.edges)
        self._cells = cells
        self._descents: dict[int, Descent] = {}
        self._tables: tuple[tuple[tuple[bytes, int], _Table], ...] = ()  # exchanged whole: threads share it

    def nearest(self, crowd: Crowd, rows: Ints, allowed: Bools, k: int) -> NearSites:
        """(r, k) sites of each of (r,) rows, the nearest first, NONE-padded, and their figures, inf-padded."""
        site = np.full((len(rows), k), NONE, dtype=np.int64)
        figure = np.full((len(rows), k), np.inf)
        width = min(k, int(allowed.sum()))
        if not width or not len(rows):
            return site, figure
        if crowd.own_question:  # whoever waits for his own answer does not wait for tables
            asked, columns = self._asked(crowd, rows), np.flatnonzero(allowed)
            everywhere = np.broadcast_to(columns, (len(rows), len(columns)))
            found = best_of(self.pairs, asked, np.arange(len(rows)), everywhere, width)
            site[:, :width], figure[:, :width] = found
            return site, figure
        if width > _SHORT and len(rows) <= _GROUPS:
            site[:, :width], figure[:, :width] = self._without_tables(crowd, rows, allowed, width)
            return site, figure
        table = self._table(allowed, width)
        crowd.get_ready(rows, self.pairs, self.edges, self._border_m)
        done = np.zeros(len(rows), dtype=np.bool_)

        def look_up(part: slice) -> None:
            done[part] = self._look_up(crowd, rows[part], table, site[part, :width], figure[part, :width])

        _in_parts(len(rows), _ROWS_AT_ONCE, look_up)
        far = np.flatnonzero(~done & (crowd.standing.gap_m[rows] >= FAR_M))
        done[far] = self._far(crowd, rows, far, table, site[:, :width], figure[:, :width])
        beyond = np.flatnonzero(~done & crowd.plain[rows])
        done[beyond] = self._beyond(crowd, rows, beyond, table, site[:, :width], figure[:, :width])
        rest = np.flatnonzero(~done)
        for begin in range(0, len(rest), _ROWS_AT_ONCE):
            part = rest[begin : begin + _ROWS_AT_ONCE]
            found = table.rounds.nearest(self._asked(crowd, rows[part]), width)
            site[part, :width], figure[part, :width] = self._settled(crowd, rows[part], *found)
        return site, figure

    def figures(self, crowd: Crowd, rows: Ints, site: Ints) -> tuple[Floats, Bools]:
        """(r, j) level metres from each of (r,) rows to (r, j) sites, and where that is an estimate; NONE: inf."""
        figure, about = np.full(site.shape, np.inf), np.ones(site.shape, dtype=np.bool_)
        if not site.size:
            return figure, about
        if not crowd.own_question:
            crowd.get_ready(rows, self.pairs, self.edges, self._border_m)

        done = np.zeros(site.shape, dtype=np.bool_)

        def look_up(part: slice) -> None:
            done[part], about[part] = self.plain.figures(crowd, rows[part], site[part], figure[part])

        step = max(1, _PAIRS_AT_ONCE // (4 * site.shape[1]))
        if not crowd.own_question:
            _in_parts(len(rows), step, look_up)
        row, column = np.nonzero(~done & (site >= 0))
        for begin in range(0, len(row), _PAIRS_AT_ONCE):
            at, place = row[begin : begin + _PAIRS_AT_ONCE], column[begin : begin + _PAIRS_AT_ONCE]
            some, back = np.unique(at, return_inverse=True)
            found = self.pairs.figures(self._asked(crowd, rows[some]), back, site[at, place])
            figure[at, place], about[at, place] = found
        return figure, about

    def lengths(self, crowd: Crowd, rows: Ints, site: Ints, level_m: Floats) -> Floats:
        """(r,) real metres to one site each; level_m: what `figures` said; inf stays inf."""
        length = level_m.copy()
        plain = np.zeros(len(rows), dtype=np.bool_)
        if not crowd.own_question:
            crowd.get_ready(rows, self.pairs, self.edges, self._border_m)
            plain = crowd.plain[rows] & np.isfinite(level_m)
            plain[plain] = self._lengths_looked_up(
                crowd, rows[plain], site[plain], length, np.flatnonzero(plain)
            )
        rest = np.flatnonzero(~plain)
        if len(rest):
            length[rest] = self.pairs.lengths(self._asked(crowd, rows[rest]), site[rest], level_m[rest])
        straight = np.sqrt(self._squared(crowd.xy_m[rows], site[:, None]))[:, 0]
        return np.clip(length, np.minimum(straight, level_m), level_m)

    def _lengths_looked_up(self, crowd: Crowd, rows: Ints, site: Ints, length: Floats, into: Ints) -> Bools:
        """Writes the metres of plain rows; (r,) True where the search found a way."""
        network, standing = self.pairs.walks.network, crowd.standing.take(rows)
        edge, place = standing.edge, standing.place
        before = network.along_m[place] + standing.share * (
            network.along_m[place + 1] - network.along_m[place]
        )
        after = network.length_m[edge] - before
        known = np.zeros(len(rows), dtype=np.bool_)
        metres = np.zeros(len(rows))
        layer = crowd.layer[rows] if len(self.pairs.sites.layers) > 1 else None
        for number, one in enumerate(self.pairs.sites.layers):
            mine = np.arange(len(rows)) if layer is None else np.flatnonzero(layer == number)
            core, costs, on = one.ways.core, one.ways.costs, edge[mine]
            best, node = np.full(len(mine), np.inf), np.full(len(mine), -1, dtype=np.int64)
            walked = np.zeros(len(mine))
            for slot in (0, 1):
                end, to_end = core.slot_end[slot, on], core.slot_to_end[slot, on]
                first = np.where(to_end, crowd.to_end_m[rows[mine]], crowd.to_start_m[rows[mine]])
                cost = np.where(end >= 0, first + costs.slot[slot, on], np.inf)
                effort = cost + one.ways.node_effort_m[np.maximum(end, 0), site[mine]]
                better = effort < best
                best[better], node[better] = effort[better], end[better]
                slot_m = np.where(to_end, after[mine], before[mine]) + costs.slot_length_m[slot, on]
                walked[better] = slot_m[better]
            found = best <= self.pairs.walks.bound_m
            known[mine] = found
            metres[mine[found]] = walked[found] + self._descent(number).metres(node[found], site[mine[found]])
        metres += standing.gap_m + self.pairs.sites.at.gap_m[site]
        length[into[known]] = metres[known]
        return known

    def _descent(self, layer: int) -> Descent:
        if layer not in self._descents:
            self._descents[layer] = self.pairs.sites.layers[layer].ways.descent()
        return self._descents[layer]

    def inland(self, crowd: Crowd, rows: Ints) -> Exits:
        """See `NetworkWalks.inland`."""
        return self.pairs.inland(self._asked(crowd, rows))

    def _asked(self, crowd: Crowd, rows: Ints) -> Asked:
        return crowd.asked(rows, self.pairs)

    # -- looked up ------------------------------------------------------------------------------------------

    def _look_up(self, crowd: Crowd, rows: Ints, table: _Table, site: Ints, figure: Floats) -> Bools:
        """Writes what the table says; (r,) True where that is proved to be the answer."""
        few, standing, xy_m = site.shape[1], crowd.standing, crowd.xy_m[rows]
        at = np.maximum(standing.edge[rows], 0)
        if len(self.pairs.sites.layers) > 1:
            at = at + crowd.layer[rows].astype(np.int64) * len(self.edges.hosts)
        site_a, site_b = table.site[0][at], table.site[1][at]
        a, b = table.effort_m[0][at], table.effort_m[1][at]
        a += crowd.to_end_m[rows, None]
        b += crowd.to_start_m[rows, None]
        if few == 1:
            better = b < a
            found, least = np.where(better, site_b, site_a), np.where(better, b, a)
        else:
            found, least = merged(site_a, a, site_b, b, few)
        known, longest = np.maximum(found, 0), least.astype(np.float64)
        most = least[:, -1]
        proved = crowd.plain[rows] & (most <= BLEND_FROM * self.pairs.walks.bound_m)
        cell = standing.cell[rows]
        proved &= (cell >= 0) & (most <= table.straight_m[np.maximum(cell, 0)])
        # Downhill a walk may count for less than its metres; no figure is below the straight line.
        proved &= (self._squared(xy_m, known) <= longest * longest).all(axis=1)
        proved &= ~self.pairs.site_moved[known].any(axis=1)
        site[:], figure[:] = found, longest
        some = np.flatnonzero(proved)
        site[some], figure[some] = self._settled(
            crowd, rows[some], found[some].astype(np.int64), longest[some]
        )
        return np.asarray(proved)

    def _settled(self, crowd: Crowd, rows: Ints, site: Ints, figure: Floats) -> NearSites:
        """(r, k) the same sites with the very figures that `figures` gives: lists are kept in float32."""
        exact = figure.copy()
        self.plain.figures(crowd, rows, site, exact)
        if exact.shape[1] > 1 and (exact[:, 1:] < exact[:, :-1]).any():
            order = np.lexsort((site, exact))
            return np.take_along_axis(site, order, axis=1), np.take_along_axis(exact, order, axis=1)
        return site, exact

    def _beyond(  # noqa: PLR0917 - two arrays are written to
        self, crowd: Crowd, rows: Ints, some: Ints, table: _Table, site: Ints, figure: Floats
    ) -> Bools:
        """Plain rows to whom every site lies beyond the bound: the straight line tells which; True where that is
        proved. site, figure: what the table said of all rows, overwritten."""
        walks, sites = self.pairs.walks, self.pairs.sites
        gap_m = walks.detour_factor * crowd.standing.gap_m[rows[some]].astype(np.float64)
        by_way = self.edges.by_way[table.columns]
        most_m = walks.detour_factor * sites.at.gap_m[table.columns[by_way]].max(initial=0.0)
        todo = np.flatnonzero(figure[some, 0] > gap_m + walks.bound_m + most_m + SLACK_M)
        proved = np.zeros(len(some), dtype=np.bool_)
        if by_way.all():
            leads = self.plain.leads_to_any(crowd, rows[some[todo]], table.columns)
            nowhere, todo = todo[~leads], todo[leads]
            site[some[nowhere]], figure[some[nowhere]], proved[nowhere] = NONE, np.inf, True
        for more in _MORE_BEYOND:
            at = some[todo]
            found, least, sure = self._straight_first(crowd, rows[at], table, site.shape[1], more)
            site[at[sure]], figure[at[sure]] = found[sure], least[sure]
            proved[todo[sure]] = True
            todo = todo[~sure]
        return proved

    def _straight_first(
        self, crowd: Crowd, rows: Ints, table: _Table, few: int, more: int
    ) -> tuple[Ints, Floats, Bools]:
        """(r, few) sites and figures of plain rows to whom all lie beyond the bound; (r,) where they are proved."""
        asked = min(few + more, len(table.columns))
        xy_m = crowd.xy_m[rows]
        away, near = table.tree.query(xy_m, k=np.arange(1, asked + 1))
        near = np.sort(table.columns[near], axis=1)
        least, exact = self.plain.beyond(crowd, rows, near)
        order = np.argsort(least, axis=1, kind="stable")[:, :few]
        found, figure, exact = (np.take_along_axis(one, order, axis=1) for one in (near, least, exact))
        # To a site that is no matter of ways the straight line has a share; to the others nothing is below its detour.
        whole = bool(self.edges.by_way[table.columns].all())
        rest_m = away[:, -1] * (self.pairs.walks.detour_factor if whole else 1.0)
        sure = (figure[:, -1] < rest_m) | (asked == len(table.columns))
        return np.where(np.isfinite(figure), found, NONE), figure, sure & exact.all(axis=1)

    def _far(  # noqa: PLR0917 - two arrays are written to
        self, crowd: Crowd, rows: Ints, far: Ints, table: _Table, site: Ints, figure: Floats
    ) -> Bools:
        """Those so far from every way that the straight line is the figure; True where it enters no area."""
        if not len(far):
            return np.zeros(0, dtype=np.bool_)
        xy_m, few = crowd.xy_m[rows[far]], site.shape[1]
        asked = min(few + 2, len(table.columns))
        near = table.columns[table.tree.query(xy_m, k=np.arange(1, asked + 1))[1]]
        near.sort(axis=1)
        straight = np.sqrt(self._squared(xy_m, near)) * self.pairs.walks.detour_factor
        order = np.argsort(straight, axis=1, kind="stable")[:, :few]
        site[far] = np.take_along_axis(near, order, axis=1)
        figure[far] = np.take_along_axis(straight, order, axis=1)
        barred = self.pairs.enters(xy_m, np.repeat(np.arange(len(far)), few), site[far].reshape(-1))
        return np.asarray(~barred.reshape(-1, few).any(axis=1))

    def _squared(self, xy_m: Floats, site: Ints | NDArray[np.int32]) -> Floats:
        """(r, j) squares of straight metres."""
        x = xy_m[:, 0, None] - self.pairs.sites.xy_m[site, 0]
        y = xy_m[:, 1, None] - self.pairs.sites.xy_m[site, 1]
        squared: Floats = x * x + y * y
        return squared

    @cached_property
    def _border_m(self) -> NDArray[np.float32] | None:
        areas = self.pairs.walks.areas
        return self._cells.border_m(areas) if areas else None

    def _without_tables(self, crowd: Crowd, rows: Ints, allowed: Bools, few: int) -> NearSites:
        """Long lists for some thousand people: lists of every edge would take longer than to look at all sites."""
        rounds = NearRounds(self.pairs, self.edges, allowed, ())
        asked = self._asked(crowd, rows)
        site = np.full((len(rows), few), NONE, dtype=np.int64)
        figure = np.full((len(rows), few), np.inf)
        todo = np.ones(len(rows), dtype=np.bool_)
        goes = np.flatnonzero(rounds.goes_by_way(asked))
        for begin in range(0, len(goes), _GROUPS_AT_ONCE):
            part, candidates, bound = rounds.least_at_least(asked, goes[begin : begin + _GROUPS_AT_ONCE], few)
            candidates = np.sort(candidates, axis=1)
            known, _ = self.figures(crowd, rows[part], candidates)
            order = np.argsort(known, axis=1, kind="stable")[:, :few]
            least = np.take_along_axis(known, order, axis=1)
            proved = least[:, -1] <= bound + SLACK_M
            named = np.where(np.isfinite(least), np.take_along_axis(candidates, order, axis=1), NONE)
            site[part[proved]], figure[part[proved]] = named[proved], least[proved]
            todo[part[proved]] = False
        rest = np.flatnonzero(todo)
        if len(rest):
            site[rest], figure[rest] = self._settled(
                crowd, rows[rest], *rounds.nearest(asked.take(rest), few)
            )
        return site, figure

    def _table(self, allowed: Bools, few: int) -> _Table:
        key = allowed.tobytes(), few
        table = next((one for name, one in self._tables if name == key), None) or self._made(allowed, few)
        others = [one for one in self._tables if one[0] != key]
        self._tables = ((key, table), *others)[:KEPT_TABLES]
        return table

    def _made(self, allowed: Bools, few: int) -> _Table:
        layers, by_way = self.pairs.sites.layers, self.edges.by_way
        nodes = [node_lists(one.ways, allowed & by_way, few) for one in layers]
        edges = [edge_lists(layer.ways, one) for layer, one in zip(layers, nodes, strict=True)]
        columns = np.flatnonzero(allowed)
        return _Table(
            straight_m=self._cells.nearest_m(self.pairs.sites.xy_m[allowed & ~by_way]),
            site=np.concatenate([one.site for one in edges], axis=1),
            effort_m=np.concatenate([one.effort_m for one in edges], axis=1),
            rounds=NearRounds(self.pairs, self.edges, allowed, nodes),
            tree=cKDTree(self.pairs.sites.xy_m[columns]),
            columns=columns,
        )


def _in_parts(count: int, at_once: int, work: Callable[[slice], None]) -> None:
    """NumPy works without the interpreter's lock on arrays like these, so two at a time."""
    parts = [slice(begin, min(begin + at_once, count)) for begin in range(0, count, at_once)]
    if len(parts) == 1:
        work(parts[0])
        return
    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(work, parts))
