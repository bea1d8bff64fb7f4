"""Efforts on single edges: of whole ones, and between a place on one and its ends, as far as they are open."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geodata.closures import Closures
from geodata.network import Foot, WalkNetwork
from geodata.snapping import Snapped

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Efforts along the edge of n snapped places. (n,) each, inf where the foot or a closure forbids it.

    to_end, to_start: a person walking off the edge; from_start, from_end: walking up to the place.
    """

    to_end: Floats
    to_start: Floats
    from_start: Floats
    from_end: Floats


def places(network: WalkNetwork, foot: Foot, closures: Closures, at: Snapped) -> Places:
    """What it takes between places and the ends of their edges."""
    ab, ba = along(network, foot, at)
    whole = network.profile(foot)
    on = at.edge >= 0
    edge = np.where(on, at.edge, 0)
    at = replace(at, edge=edge)
    # A foot that cannot pass somewhere on the edge cannot pass there in either direction.
    passable = on & np.isfinite(whole.ab_m[edge]) & np.isfinite(whole.ba_m[edge])
    ab, ba = np.where(passable, ab, 0.0), np.where(passable, ba, 0.0)
    whole_ab = np.where(passable, whole.ab_m[edge], np.inf).astype(np.float64)
    whole_ba = np.where(passable, whole.ba_m[edge], np.inf).astype(np.float64)
    return Places(
        to_end=np.where(closures.leaves_to_end(at), np.maximum(whole_ab - ab, 0), np.inf),
        to_start=np.where(closures.leaves_to_start(at) & passable, ba, np.inf),
        from_start=np.where(closures.reached_from_start(at) & passable, ab, np.inf),
        from_end=np.where(closures.reached_from_end(at), np.maximum(whole_ba - ba, 0), np.inf),
    )


def along(network: WalkNetwork, foot: Foot, at: Snapped) -> tuple[Floats, Floats]:
    """(n,) efforts from the start of the edge to the place, and from the place back to the start."""
    found = []
    for efforts in (network.effort_ab_m[foot], network.effort_ba_m[foot]):
        before = efforts[at.place].astype(np.float64)
        after = efforts[np.minimum(at.place + 1, len(efforts) - 1)].astype(np.float64)
        with np.errstate(invalid="ignore"):
            found.append(np.where(at.share > 0, before + at.share * (after - before), before))
    return found[0], found[1]


def open_costs(network: WalkNetwork, foot: Foot, closures: Closures) -> tuple[Floats, Floats]:
    """(e,) efforts of whole edges walking ab and ba; inf where closed."""
    whole = network.profile(foot)
    return (
        np.where(closures.ab_open, whole.ab_m, np.inf).astype(np.float64),
        np.where(closures.ba_open, whole.ba_m, np.inf).astype(np.float64),
    )
