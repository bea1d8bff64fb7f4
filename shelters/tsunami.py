"""Go, inland, refuge or up: what to do under a tsunami order, from the nearest of each kind of way out.

    a fit site outside, in time and at most twice as far as the way inland ▸ inland, in time ▸ otherwise the
    shortest walk to any safety: refuge (tower, hill, stairs, named floor), inland, site ▸ up where one is
    advisory: only the seaward strip, and the answer is inland

Nobody is sent towards the sea, unless a refuge there is all there is. Whoever stands outside the area already, in a
site that failed, has no way inland to walk: the nearest fit site is his answer, however far it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shelters.model import Action
from shelters.pace import Pacing
from shelters.triage import ACTION_ROW

FAR_FACTOR = 2.0
"""A site may be at most this many times as far as the way inland."""
MAX_SEAWARD_M = 100.0
"""A place so little nearer to the sea is not "towards the sea": the next street is not the beach."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_GO, _INLAND = ACTION_ROW[Action.GO], ACTION_ROW[Action.INLAND]
_REFUGE, _UP = ACTION_ROW[Action.REFUGE], ACTION_ROW[Action.UP]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TsunamiView:
    """What (r,) people under a tsunami order see. Walks in level metres, inf = there is none; times in seconds."""

    go_m: Floats  # to the nearest site that is FIT and not seaward
    refuge_m: Floats  # to the nearest UPSTAIRS site, in any direction
    landward_refuge_m: Floats  # to the nearest UPSTAIRS site that is not seaward
    inland_m: Floats  # to the nearest way out; 0 = outside already
    speed_mps: Floats
    left_s: Floats  # until the wave is expected; 0 = unknown or passed


class TsunamiAnswer(NamedTuple):
    """(r,) what to do, and which sites may be named with it.

    action: rows of `triage.ACTIONS`. limit_m: GO may name FIT sites that are not seaward and at most this far (inf: no
    limit). seaward_too: REFUGE may also name UPSTAIRS sites towards the sea. INLAND and UP name none. in_time: GO and
    INLAND that end before the wave is expected.
    """

    action: NDArray[np.int8]
    limit_m: Floats
    seaward_too: Bools
    in_time: Bools


def for_tsunami(view: TsunamiView, pacing: Pacing, *, advisory: bool, night: bool) -> TsunamiAnswer:
    """The order of answers in the head of this module, per person."""
    is_out = view.inland_m <= 0
    reach_m = reachable_m(view.left_s, view.speed_mps, pacing, night=night)
    limit_m = np.where(is_out, np.inf, np.minimum(reach_m, FAR_FACTOR * view.inland_m))
    timely_go = np.isfinite(view.go_m) & (view.go_m <= limit_m)
    can_go = timely_go & (is_out | (not advisory))
    can_inland = np.isfinite(view.inland_m) & ((view.inland_m <= reach_m) | is_out | advisory)

    landward_only = np.isfinite(view.landward_refuge_m) | np.isfinite(view.inland_m)
    refuge_m = np.where(landward_only, view.landward_refuge_m, view.refuge_m)
    action = np.select(
        [can_go, can_inland],
        [_GO, _INLAND],
        default=_shortest(view.go_m, refuge_m, view.inland_m),
    ).astype(np.int8)
    in_time = ((action == _GO) & can_go) | ((action == _INLAND) & can_inland)
    return TsunamiAnswer(
        action=action,
        limit_m=np.where(can_go, limit_m, np.inf),
        seaward_too=~landward_only,
        in_time=in_time,
    )


def reachable_m(left_s: Floats, speed_mps: Floats, pacing: Pacing, *, night: bool) -> Floats:
    """(r,) metres one gets in the time left, after the start delay and with the margin kept; -1 = no time at all."""
    walking_s = left_s - pacing.start_delay_s(night=night) - pacing.arrival_margin_s
    return np.where(walking_s > 0, walking_s * speed_mps, -1.0)


def is_seaward(from_xy_m: Floats, to_xy_m: Floats, seaward_bearing_deg: float) -> Bools:
    """True where a destination lies more than `MAX_SEAWARD_M` towards the sea of a place.

    from_xy_m: (r, 2); to_xy_m: (r, 2), or (r, k, 2) for k destinations of each. Bearing clockwise from north.
    """
    angle = np.radians(seaward_bearing_deg)
    to_sea = np.array([np.sin(angle), np.cos(angle)])
    start = from_xy_m @ to_sea
    ahead = to_xy_m @ to_sea - (start if to_xy_m.ndim == from_xy_m.ndim else start[:, None])
    seaward: Bools = ahead > MAX_SEAWARD_M
    return seaward


def _shortest(go_m: Floats, refuge_m: Floats, inland_m: Floats) -> NDArray[np.int8]:
    """Without time the shortest walk counts: of equals refuge, then inland; up where there is nothing."""
    action = np.full(len(go_m), _REFUGE, dtype=np.int8)
    action[inland_m < refuge_m] = _INLAND
    action[go_m < np.minimum(inland_m, refuge_m)] = _GO
    action[~np.isfinite(np.minimum(np.minimum(inland_m, refuge_m), go_m))] = _UP
    return action
