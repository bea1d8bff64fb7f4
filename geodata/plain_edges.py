"""What holds of whole edges for everybody on them, so that it need not be asked of each person.

walks + sites ─▶ which sites are a matter of ways ─▶ edges that lead to all of those ─▶ edges where all is as usual
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.inland import grown_area
from geodata.pair_walks import PairWalks
from geodata.snapping import edge_of_places

Bools = NDArray[np.bool_]


class PlainEdges:
    """The edges of a network under one set of closures and for one list of sites. Worked out when first asked."""

    def __init__(self, pairs: PairWalks) -> None:
        self._pairs = pairs
        self._network = pairs.walks.network

    def get_ready(self) -> None:
        """Work all of it out now, before anybody waits for it."""
        _ = self.plain

    @cached_property
    def by_way(self) -> Bools:
        """(m,) sites near the network to which ways lead from most of it on quiet days: no figure of who stands near
        the network is below that of the network. To the others the straight line has a share."""
        return np.asarray((self._pairs.site_weight == 0) & self._pairs.quiet_reach.mostly_reached())

    @cached_property
    def leads(self) -> Bools:
        """(e,) edges from which ways lead to all of those on quiet days."""
        return self._pairs.quiet_reach.leads_to_all(self.by_way)

    @cached_property
    def hosts(self) -> Bools:
        """(e,) edges on which a site stands: the walk along one may be shorter than any over its ends."""
        hosts = np.zeros(len(self._network.edge_from), dtype=np.bool_)
        on = self._pairs.sites.at.edge
        hosts[on[on >= 0]] = True
        return hosts

    @cached_property
    def plain(self) -> Bools:
        """(e,) edges that lead, host nothing, and on which nothing is closed whatever the layer."""
        network, walks = self._network, self._pairs.walks
        plain = self.leads & ~self.hosts
        for layer in self._pairs.sites.layers:
            plain &= layer.ways.closures.ab_open & layer.ways.closures.ba_open
        if walks.sea is not None:
            rule = walks.sea.rule
            under = grown_area(rule.areas_xy_m, rule.margin_m)
            shapely.prepare(under)
            inside = np.atleast_1d(shapely.intersects_xy(under, *network.xy_m.T))
            plain[edge_of_places(network)[inside[network.chain]]] = False
        return np.asarray(plain)
