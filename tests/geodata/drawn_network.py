"""Walking networks drawn in a few lines, in plane metres, without any importer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from geodata.network import Foot, WalkNetwork
from geodata.roads import RoadKind

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A way through some points. up: how many times as hard it is to walk along it as back."""

    points: Sequence[Point]
    kind: RoadKind = RoadKind.ROAD
    flags: int = 0
    name: str = ""
    up: float = 1.0
    down: float = 1.0


def drawn(*lines: Line | Sequence[Point], epsg: int = 6678) -> WalkNetwork:
    """The network of the lines: nodes where lines end or meet, one edge between two nodes of a line."""
    ways = [one if isinstance(one, Line) else Line(one) for one in lines]
    row: dict[Point, int] = {}
    uses: dict[int, int] = defaultdict(int)
    for way in ways:
        for n, point in enumerate(way.points):
            vertex = row.setdefault((float(point[0]), float(point[1])), len(row))
            uses[vertex] += 2 if n in (0, len(way.points) - 1) else 1
    xy = np.array(list(row), dtype=np.float64).reshape(-1, 2)
    is_node = {vertex for vertex, count in uses.items() if count > 1}
    node_vertex = np.array(sorted(is_node), dtype=np.int32)
    node_of = {int(vertex): n for n, vertex in enumerate(node_vertex)}
    names = tuple(sorted({one.name for one in ways if one.name}))
    chains: list[list[int]] = []
    owners: list[Line] = []
    for way in ways:
        part: list[int] = []
        for point in way.points:
            part.append(row[(float(point[0]), float(point[1]))])
            if len(part) > 1 and part[-1] in is_node:
                chains.append(part)
                owners.append(way)
                part = [part[-1]]
    return _arrays(
        epsg,
        xy,
        node_vertex=node_vertex,
        node_of=node_of,
        chains=chains,
        owners=owners,
        names=names,
    )


def _arrays(epsg, xy, *, node_vertex, node_of, chains, owners, names) -> WalkNetwork:
    first = np.cumsum([0, *(len(one) for one in chains)]).astype(np.int64)
    chain = np.array([vertex for one in chains for vertex in one], dtype=np.int32)
    along, name, kind = [], [], []
    for part, way in zip(chains, owners, strict=True):
        steps = np.hypot(*np.diff(xy[part], axis=0).T)
        along.extend([0.0, *np.cumsum(steps)])
        name.extend([names.index(way.name) if way.name else -1] * len(steps) + [-1])
        kind.extend([way.kind] * len(part))
    along_m = np.array(along, dtype=np.float32)
    counts = np.diff(first)
    up = np.repeat([one.up for one in owners], counts).astype(np.float32)
    down = np.repeat([one.down for one in owners], counts).astype(np.float32)
    barred = np.repeat([one.kind is RoadKind.STEPS for one in owners], counts)
    ab, ba = {}, {}
    for foot in Foot:
        for way_of, factor in ((ab, up), (ba, down)):
            effort = along_m * factor * (2 if foot is Foot.SLOW else 1)
            if foot is Foot.STEP_FREE:
                effort = np.where(barred & (along_m > 0), np.inf, effort)
            way_of[foot] = effort.astype(np.float32)
    edge_from = np.array([node_of[one[0]] for one in chains], dtype=np.int32)
    edge_to = np.array([node_of[one[-1]] for one in chains], dtype=np.int32)
    return WalkNetwork(
        epsg=epsg,
        xy_m=xy,
        elevation_m=np.full(len(xy), np.nan, dtype=np.float32),
        node_vertex=node_vertex,
        edge_from=edge_from,
        edge_to=edge_to,
        chain_first=first,
        chain=chain,
        along_m=along_m,
        effort_ab_m=ab,
        effort_ba_m=ba,
        length_m=along_m[first[1:] - 1],
        kind=np.array([one.kind for one in owners], dtype=np.int8),
        flags=np.array([int(one.flags) for one in owners], dtype=np.uint8),
        segment_name=np.array(name, dtype=np.int32),
        segment_kind=np.array(kind, dtype=np.int8),
        island=_islands(len(node_vertex), edge_from, edge_to),
        names=names,
        source="drawn",
        version="drawn",
    )


def _islands(count: int, edge_from: np.ndarray, edge_to: np.ndarray) -> np.ndarray:
    label = list(range(count))

    def root(n: int) -> int:
        while label[n] != n:
            n = label[n]
        return n

    for a, b in zip(edge_from, edge_to, strict=True):
        label[root(int(a))] = root(int(b))
    roots = [root(n) for n in range(count)]
    by_size = sorted(set(roots), key=lambda one: (-roots.count(one), one))
    return np.array([by_size.index(one) for one in roots], dtype=np.int32)


def grid(
    columns: int,
    rows: int,
    step_m: float = 100.0,
    *,
    effort: Callable[[int], tuple[float, float]] | None = None,
) -> WalkNetwork:
    """Streets on a square lattice with one bend in each block; effort: block number → its two factors."""
    lines: list[Line] = []

    def block(a: Point, b: Point) -> None:
        up, down = effort(len(lines)) if effort else (1.0, 1.0)
        middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
        lines.append(Line([a, middle, b], up=up, down=down))

    for x in range(columns):
        for y in range(rows):
            here = (x * step_m, y * step_m)
            if x + 1 < columns:
                block(here, ((x + 1) * step_m, y * step_m))
            if y + 1 < rows:
                block(here, (x * step_m, (y + 1) * step_m))
    return drawn(*lines)
