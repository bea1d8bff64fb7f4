"""The steps of a walk: where one has a choice, and where the way changes its nature.

    pieces of way in order ─▶ joints ─▶ steps

A bend where nothing parts is no step, nor is a road that goes on under its name. Two turns a few metres apart (over
a wide street) are one. What a walker must know is always a step: stairs, bridges, tunnels, underpasses, fords.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geodata.crs import to_lonlat
from geodata.network import WalkNetwork
from geodata.route_steps import (
    ALWAYS_TOLD,
    PLAIN_DEG,
    SLIGHT_DEG,
    STRAIGHT_DEG,
    Side,
    Step,
    StepKind,
    Turn,
    compass_of,
    kind_of,
    turn_of,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LOOK_M = 12.0
"""A turn is what a walker sees so far before and behind the joint, not the last metre of a kerb."""
SHORT_M = 12.0
"""A step shorter than this is part of the next one."""
BESIDE_M = 3.0
"""A site so near to the way is on it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pieces:
    """A walk on the network as p straight pieces between p + 1 points.

    xy_m: (p + 1, 2); metres, effort_m: (p,); place: (p,) position in `chain` of the segment a piece lies on, edge:
    (p,); node: (p + 1,) the network's node at a point, -1 at a bend and at the ends of the walk.
    """

    xy_m: Floats
    metres: Floats
    effort_m: Floats
    place: Ints
    edge: Ints
    node: Ints


def steps_of(network: WalkNetwork, pieces: Pieces, from_xy_m: Floats, to_xy_m: Floats) -> tuple[Step, ...]:
    """The steps of a walk from a point to another one, the first a start and the last an arrival."""
    words = _Words(network, pieces)
    if not words.kinds:
        return (_arrival(words, to_xy_m, to_lonlat(pieces.xy_m, network.epsg)[-1]),)
    begins = _merged(words, [0, *(n for n in range(1, len(words.kinds)) if words.is_step(n))])
    where = to_lonlat(pieces.xy_m, network.epsg)
    steps = []
    for first, last in zip(begins, [*begins[1:], len(words.kinds)], strict=True):
        # A short piece in front was drawn into this step; what is said of it is what its longest part is.
        main = (
            first + int(np.argmax(pieces.metres[first:last]))
            if words.kinds[first] not in ALWAYS_TOLD
            else first
        )
        steps.append(
            Step(
                turn=turn_of(words.angle(first, last)) if first else Turn.START,
                kind=words.kinds[main],
                metres=float(pieces.metres[first:last].sum()),
                effort_m=float(pieces.effort_m[first:last].sum()),
                lon=float(where[first, 0]),
                lat=float(where[first, 1]),
                name=words.names[main],
                name_en=words.names_en[main],
                compass=None if first else compass_of(words.bearing_at_start()),
                gap_m=0.0 if first else float(np.hypot(*(pieces.xy_m[0] - from_xy_m))),
            )
        )
    return (*_run_together(steps), _arrival(words, to_xy_m, where[-1]))


def _run_together(steps: list[Step]) -> list[Step]:
    """Two corners that cancel out leave one going straight on: that is the step before, only longer."""
    told: list[Step] = []
    for step in steps:
        same = told and (step.kind, step.name) == (told[-1].kind, told[-1].name)
        if same and step.turn is Turn.STRAIGHT and step.kind not in ALWAYS_TOLD:
            before = told[-1]
            told[-1] = replace(
                before, metres=before.metres + step.metres, effort_m=before.effort_m + step.effort_m
            )
        else:
            told.append(step)
    return told


def _arrival(words: _Words, to_xy_m: Floats, where: Floats) -> Step:
    away = to_xy_m - words.xy[-1]
    gap = float(np.hypot(away[0], away[1]))
    side = None
    if gap >= BESIDE_M:
        angle = _between(words.bearing_before(len(words.kinds)), _bearing(away))
        side = Side.AHEAD if abs(angle) < SLIGHT_DEG else Side.RIGHT if angle > 0 else Side.LEFT
    return Step(
        turn=Turn.ARRIVE,
        kind=StepKind.OFF_NETWORK if side else words.kinds[-1] if words.kinds else StepKind.OFF_NETWORK,
        metres=0.0,
        effort_m=0.0,
        lon=float(where[0]),
        lat=float(where[1]),
        side=side,
        gap_m=gap,
    )


def _merged(words: _Words, begins: list[int]) -> list[int]:
    """Short steps go into the next one, unless they are of a kind that is always told."""
    kept: list[int] = []
    ends = [*begins[1:], len(words.kinds)]
    carried: int | None = None
    for begin, end in zip(begins, ends, strict=True):
        short = words.metres[begin:end].sum() < SHORT_M and words.kinds[begin] not in ALWAYS_TOLD
        told = words.kinds[begin] in ALWAYS_TOLD
        if short and end < len(words.kinds):
            carried = begin if carried is None else carried
            continue
        # What was carried belongs to the step before, when this one must begin where its stairs or bridge do.
        kept.append(begin if carried is None or told else carried)
        carried = None
    if kept and kept[0] != 0:
        kept[0] = 0
    return kept or [0]


class _Words:
    """What is known of each piece, and the directions at each joint."""

    def __init__(self, network: WalkNetwork, pieces: Pieces) -> None:
        self._network = network
        self.xy, self.metres = pieces.xy_m, pieces.metres
        self._node, self._edge, self._place = pieces.node, pieces.edge, pieces.place
        kinds, flags = network.segment_kind[pieces.place], network.flags[pieces.edge]
        self.kinds = [kind_of(int(k), int(f)) for k, f in zip(kinds, flags, strict=True)]
        rows = network.segment_name[pieces.place]
        self.names = [network.names[row] if row >= 0 else "" for row in rows]
        english = network.names_en
        self.names_en = [english[row] if row >= 0 and english else "" for row in rows]
        hops = np.diff(pieces.xy_m, axis=0)
        self._at_m = np.concatenate([[0.0], np.cumsum(np.hypot(hops[:, 0], hops[:, 1]))])

    def is_step(self, n: int) -> bool:
        """Whether a step begins with the n-th piece."""
        before, here = self.kinds[n - 1], self.kinds[n]
        if before != here and (before in ALWAYS_TOLD or here in ALWAYS_TOLD):
            return True
        branches = self._branches(n)
        if not len(branches):
            return False
        turn = self._turn(n)
        if abs(turn) >= SLIGHT_DEG:
            # Where one's own road bends and only a lane goes on, its name says enough.
            return not (
                self.names[n] and self.names[n] == self.names[n - 1] and abs(turn) < PLAIN_DEG
            ) or bool(np.abs(branches).min() < abs(turn) - STRAIGHT_DEG)
        if abs(turn) >= STRAIGHT_DEG:
            return bool(np.abs(branches).min() < abs(turn))
        named = bool(self.names[n]) and self.names[n] != self.names[n - 1]
        return named or (here != before and StepKind.MAIN_ROAD in (here, before))

    def angle(self, first: int, last: int) -> float:
        """Degrees between how one comes to a step and how one goes on, past what is short in it."""
        onward = first
        while (
            onward + 1 < last
            and self._at_m[onward] - self._at_m[first] < SHORT_M / 2
            and self._breaks(onward + 1)
        ):
            onward += 1
        return _between(self.bearing_before(first), self._bearing_after(onward))

    def bearing_at_start(self) -> float:
        """Degrees from north of the first metres."""
        return self._bearing_after(0)

    def bearing_before(self, point: int) -> float:
        """Degrees from north of the last metres up to a point."""
        return _bearing(self.xy[point] - self._point_at(self._at_m[point] - LOOK_M)) if point else 0.0

    def _bearing_after(self, point: int) -> float:
        return _bearing(self._point_at(self._at_m[point] + LOOK_M) - self.xy[point])

    def _point_at(self, at_m: float) -> Floats:
        x = np.interp(at_m, self._at_m, self.xy[:, 0])
        y = np.interp(at_m, self._at_m, self.xy[:, 1])
        return np.array([x, y])

    def _turn(self, n: int) -> float:
        return _between(self.bearing_before(n), self._bearing_after(n))

    def _breaks(self, n: int) -> bool:
        return bool(self._node[n] >= 0) and abs(self._turn(n)) >= STRAIGHT_DEG

    def _branches(self, n: int) -> Floats:
        """Angles at which other ways leave the joint before the n-th piece; none where there is no choice."""
        node = int(self._node[n])
        if node < 0:
            return np.zeros(0)
        network, came = self._network, self.bearing_before(n)
        angles = []
        for ends, edges in (
            (0, np.flatnonzero(network.edge_from == node)),
            (1, np.flatnonzero(network.edge_to == node)),
        ):
            for edge in edges:
                if edge in (self._edge[n - 1], self._edge[n]):
                    continue
                chain = network.chain[network.chain_first[edge] : network.chain_first[edge + 1]]
                chain = chain[::-1] if ends else chain
                angles.append(_between(came, _bearing(_ahead(network.xy_m[chain]))))
        return np.array(angles)


def _ahead(xy: Floats) -> Floats:
    hops = np.diff(xy, axis=0)
    at = np.concatenate([[0.0], np.cumsum(np.hypot(hops[:, 0], hops[:, 1]))])
    way: Floats = np.array([np.interp(LOOK_M, at, xy[:, 0]), np.interp(LOOK_M, at, xy[:, 1])]) - xy[0]
    return way


def _bearing(way: Floats) -> float:
    return float(np.degrees(np.arctan2(way[0], way[1]))) % 360.0


def _between(before_deg: float, after_deg: float) -> float:
    """−180…180, clockwise positive."""
    return (after_deg - before_deg + 180.0) % 360.0 - 180.0
