"""Maps and ways beside the plain way of doing it, in one run: `python -m benchmarks.geodata [--quick] [--json FILE]`.

points    1,000,000 points against 5 areas of 20,000 vertices; beside geopandas.sjoin (its frames made before) and
          shapely's prepared intersects_xy. What is made once for each area is said apart.
ways out  300 sites, 3 km, over every vertex of the city; beside networkx's single_source_dijkstra_path_length with a
          cutoff from the nearest vertex of each site. Ours starts from a loaded network and snapped sites.
re-route  an area that is closed grows by 50 m; beside searching everything again, and beside networkx, which also
          searches everything again (ready-made with the area cut out, in its favour).
nearest   of 300 sites for everybody by row, under 5 live areas of 20,000 vertices, people put on the network and ways
          searched before, and 20 chosen sites for 8,000 groups; beside a table of all figures, made for 1,000 people
          and multiplied up. What asking for the first time under these areas takes is said apart.
load      the network's files, mapped, until every vertex can be asked for; beside a networkx graph of the same
          vertices and lengths from its pickle.
towns     a town by what somebody types; beside a loop over the names, and difflib where nothing matches.

Ours and the peers take turns; figures are medians. With --quick networkx gets fewer sites, and its time is
multiplied up: it takes as long for each.
"""

import argparse
import asyncio
import difflib
import math
import os
import pickle
import platform
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import geopandas
import networkx as nx
import numpy as np
import shapely
from numpy.typing import NDArray

from benchmarks.geo_city import City, made_areas, open_city, ragged, scattered
from benchmarks.report import Row, interleaved, row, spread, table, write_json
from geodata.area_grid import AreaGrid
from geodata.closures import close_areas
from geodata.crowd import Crowd
from geodata.ground_cells import GroundCells
from geodata.network import WalkNetwork
from geodata.network_files import load, save
from geodata.pair_walks import PairWalks
from geodata.places import PlaceIndex, Town
from geodata.row_walks import RowWalks
from geodata.snapping import Snapped, Snapper, segments_of
from geodata.standing import Stander
from geodata.walks import NetworkWalks
from geodata.ways_out import WaysOut, ways_out

Floats = NDArray[np.float64]
BOUND_M = 3_000.0
TABLE_PEOPLE = 1_000  # as many people the table of all figures is made for; it takes as long for each
ASKED = (
    "一番町",
    "いちばんちょう",
    "ichibancho",
    "八木山南三丁目",
    "桜ケ丘",
    "nagmachi",
    "青葉区国分町2丁目",
    "つつじがおか",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is done. peer_sites: how many of the sites networkx gets."""

    points: int
    areas: int
    vertices: int
    sites: int
    peer_sites: int
    repeats: int
    until_s: float = (
        math.inf
    )  # monotonic; no round but the first begins that would end later; the figures say of how many they are

    @property
    def is_full(self) -> bool:
        """Whether the budgets are judged."""
        return (self.points, self.areas, self.vertices, self.sites) == (1_000_000, 5, 20_000, 300)


FULL = Size(points=1_000_000, areas=5, vertices=20_000, sites=300, peer_sites=300, repeats=3)
QUICK_ROUNDS_S = 30.0
QUICK = replace(FULL, peer_sites=20, repeats=2)


def timed(work: Callable[[], object]) -> Callable[[], Awaitable[float]]:
    """A contestant: seconds of one go."""

    def once() -> float:
        begin = time.perf_counter()
        work()
        return time.perf_counter() - begin

    return lambda: asyncio.to_thread(once)


def contest(
    size: Size, say: Callable[[str], None], contestants: dict[str, Callable[[], object]]
) -> dict[str, float]:
    """Name → median seconds."""
    turns = {name: timed(work) for name, work in contestants.items()}
    found = asyncio.run(interleaved(size.repeats, turns, until_s=size.until_s))
    for name, seconds in found.items():
        say(f"  {name}: {spread(seconds)} s")
    return {name: median(seconds) for name, seconds in found.items()}


def point_rows(city: City, size: Size, say: Callable[[str], None]) -> list[Row]:
    """Points in areas."""
    points = scattered(city.network, size.points, 300, seed=1)
    areas = made_areas(city.network, size.areas, size.vertices, radius_m=2_000, seed=2)
    points_frame = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(points[:, 0], points[:, 1]))
    areas_frame = geopandas.GeoDataFrame(geometry=areas)
    made: list[float] = []
    grids: list[AreaGrid] = []

    def make() -> None:
        begin = time.perf_counter()
        grids[:] = [AreaGrid(areas)]
        made.append(time.perf_counter() - begin)

    def prepared() -> None:
        for area in areas:
            shapely.prepare(area)
            shapely.intersects_xy(area, points[:, 0], points[:, 1])

    make()
    found = contest(
        size,
        say,
        {
            "made once for the areas": make,
            "ours": lambda: grids[0].covers(points),
            # The areas on the left: the side that asks is prepared. The other way round takes minutes.
            "geopandas.sjoin": lambda: geopandas.sjoin(areas_frame, points_frame, predicate="intersects"),
            "prepared intersects_xy": prepared,
        },
    )
    what = f"{size.points:,} points in {size.areas} areas of {size.vertices:,} vertices"
    return [
        row(
            what,
            found["ours"],
            "s",
            peer=found["geopandas.sjoin"],
            peer_name="geopandas.sjoin",
            less_is_better=True,
            at_most=0.3,
            judged=size.is_full,
        ),
        row(
            what,
            found["ours"],
            "s",
            peer=found["prepared intersects_xy"],
            peer_name="prepared intersects_xy",
            less_is_better=True,
        ),
        row("  made once for these areas", found["made once for the areas"], "s"),
    ]


def plain_graph(network: WalkNetwork, inside: NDArray[np.bool_] | None = None) -> "nx.DiGraph[int]":
    """Every vertex a node, every piece an arc each way; into what is inside there is none."""
    places = segments_of(network)
    a, b = network.chain[places], network.chain[places + 1]
    length = (network.along_m[places + 1] - network.along_m[places]).astype(np.float64)
    graph: nx.DiGraph[int] = nx.DiGraph()
    for tail, head in ((a, b), (b, a)):
        kept = slice(None) if inside is None else inside[tail] | ~inside[head]
        # Dijkstra runs backwards from the sites, so the arcs are turned round.
        graph.add_weighted_edges_from(
            zip(head[kept].tolist(), tail[kept].tolist(), length[kept].tolist(), strict=True)
        )
    return graph


def search_plainly(graph: "nx.DiGraph[int]", vertices: Sequence[int]) -> None:
    """Networkx, site after site."""
    for vertex in vertices:
        if vertex in graph:
            nx.single_source_dijkstra_path_length(graph, vertex, cutoff=BOUND_M)


def nearest_vertices(network: WalkNetwork, sites: Snapped) -> list[int]:
    """The end of each site's segment that is nearer."""
    return [int(one) for one in network.chain[sites.place + (sites.share > 0.5)]]


def way_rows(city: City, size: Size, say: Callable[[str], None]) -> list[Row]:
    """Ways out, and again when an area grows."""
    network = city.network
    sites = Snapper(network).snap(scattered(network, size.sites, 20, seed=3))
    middle = network.xy_m.mean(axis=0)
    before, after = (ragged(middle, radius, 400, seed=5) for radius in (800.0, 850.0))
    x, y = network.xy_m[:, 0], network.xy_m[:, 1]
    graph, cut = plain_graph(network), plain_graph(network, shapely.intersects_xy(after, x, y))
    vertices = nearest_vertices(network, sites)[: size.peer_sites]
    ways = ways_out(network, sites, bound_m=BOUND_M).update(close_areas(network, [before]))

    def again() -> WaysOut:
        return ways.update(close_areas(network, [after]))

    def afresh() -> WaysOut:
        return ways_out(network, sites, bound_m=BOUND_M, closures=close_areas(network, [after]))

    found = contest(
        size,
        say,
        {
            "ours": lambda: ways_out(network, sites, bound_m=BOUND_M),
            "networkx": lambda: search_plainly(graph, vertices),
            "re-route": again,
            "searching everything again": afresh,
            "networkx, area cut out": lambda: search_plainly(cut, vertices),
        },
    )
    say(f"  sites searched again: {int((again().node_effort_m != ways.node_effort_m).any(axis=0).sum())}")
    more = size.sites / len(vertices)
    peer = "networkx" if more == 1 else f"networkx ({len(vertices)} sites × {more:.3g})"
    judged = size.is_full and len(network.xy_m) >= 100_000
    what = f"ways out, {size.sites} sites × {len(network.xy_m):,} vertices of {city.name}, 3 km"
    rerouted = "re-route when a closed area grows by 50 m"
    return [
        row(
            what,
            found["ours"],
            "s",
            peer=found["networkx"] * more,
            peer_name=peer,
            less_is_better=True,
            at_most=1,
            ratio_at_least=10,
            judged=judged,
        ),
        row(
            rerouted,
            found["re-route"],
            "s",
            peer=found["searching everything again"],
            peer_name="searching everything again",
            less_is_better=True,
        ),
        row(
            rerouted,
            found["re-route"],
            "s",
            peer=found["networkx, area cut out"] * more,
            peer_name=peer,
            less_is_better=True,
            ratio_at_least=10,
            judged=judged,
        ),
    ]


def near_rows(city: City, size: Size, say: Callable[[str], None]) -> list[Row]:
    """The nearest sites by row of everybody, under live areas; beside a table of all figures, of a share of them."""
    network = city.network
    areas = made_areas(network, size.areas, size.vertices, radius_m=2_000, seed=2)
    sites = scattered(network, size.sites, 20, seed=3)
    people = scattered(network, size.points, 60, seed=1)
    walks = NetworkWalks(network, bound_m=BOUND_M)
    walks.prepare(sites)
    past = walks.under(areas)
    past.prepare(sites)
    cells = GroundCells(network)
    standing = Stander(network, walks.foot, cells, gap_factor=walks.detour_factor).stand(
        people, walks.ends.usual(people)
    )
    rows, crowd = RowWalks(PairWalks(past, sites), cells), Crowd(people, standing)
    everybody, allowed = np.arange(len(people)), np.ones(len(sites), dtype=np.bool_)
    few = people[:TABLE_PEOPLE]
    groups = np.random.default_rng(6).integers(0, len(people), 8_000)
    choices = np.random.default_rng(7).integers(0, len(sites), (8_000, 20))
    begin = time.perf_counter()
    rows.nearest(crowd, everybody, allowed, 1)
    first = time.perf_counter() - begin
    found = contest(
        size,
        say,
        {
            "nearest": lambda: rows.nearest(crowd, everybody, allowed, 1),
            "nearest three": lambda: rows.nearest(crowd, everybody, allowed, 3),
            "chosen pairs": lambda: rows.figures(crowd, groups, choices),
            "a table of all figures": lambda: past.metres(few, sites),
        },
    )
    table = found["a table of all figures"] * size.points / len(few)
    peer = f"a table of all figures ({len(few):,} people × {size.points / len(few):,.4g})"
    what = f"nearest of {size.sites} sites for {size.points:,} places, {size.areas} live areas"
    judged = size.is_full and len(network.xy_m) >= 100_000
    return [
        row(
            what,
            found["nearest"],
            "s",
            peer=table,
            peer_name=peer,
            less_is_better=True,
            at_most=0.15,
            judged=judged,
        ),
        row(
            what.replace("nearest", "nearest three", 1),
            found["nearest three"],
            "s",
            peer=table,
            peer_name=peer,
            less_is_better=True,
            at_most=0.3,
            judged=judged,
        ),
        row("  asked for the first time under these areas", first, "s"),
        row("walks of 8,000 groups to 20 sites each", found["chosen pairs"], "s", at_most=0.1, judged=judged),
    ]


def load_rows(city: City, size: Size, say: Callable[[str], None]) -> list[Row]:
    """The network from its files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in save(city.network).items():
            (folder / file).write_bytes(content)
        pickled = folder / "graph.pickle"
        pickled.write_bytes(pickle.dumps(plain_graph(city.network), protocol=pickle.HIGHEST_PROTOCOL))
        found = contest(
            size,
            say,
            {
                "ours": lambda: float(load(folder).xy_m.sum()),
                "networkx": lambda: pickle.loads(pickled.read_bytes()),
            },
        )
    return [
        row(
            f"load the network of {len(city.network.xy_m):,} vertices",
            found["ours"],
            "s",
            peer=found["networkx"],
            peer_name="networkx graph from its pickle",
            less_is_better=True,
            at_most=1,
        )
    ]


def loop_search(towns: Sequence[Town], text: str) -> list[Town]:
    """The plain way: what holds the text, and where nothing does, what looks like it."""
    hits = [one for one in towns if text in one.name or text in one.kana or text in one.romaji]
    if hits:
        return hits[:10]
    close = set(difflib.get_close_matches(text, [one.name for one in towns], n=10))
    return [one for one in towns if one.name in close][:10]


def town_rows(city: City, size: Size, say: Callable[[str], None]) -> list[Row]:
    """Towns by what is typed."""
    index = PlaceIndex(city.towns)
    found = contest(
        size,
        say,
        {
            "ours": lambda: [index.search(one) for one in ASKED],
            "a loop over the names": lambda: [loop_search(city.towns, one) for one in ASKED],
        },
    )
    return [
        row(
            f"find a town among {len(city.towns):,}",
            1_000 * found["ours"] / len(ASKED),
            "ms",
            peer=1_000 * found["a loop over the names"] / len(ASKED),
            peer_name="a loop over the names",
            less_is_better=True,
        )
    ]


def measure(size: Size, say: Callable[[str], None]) -> list[Row]:
    """Every row."""
    city = open_city()
    say(f"{city.name}: {len(city.network.xy_m):,} vertices, {len(city.towns):,} towns")
    rows: list[Row] = []
    for title, part in (
        ("points in areas", point_rows),
        ("ways out", way_rows),
        ("nearest by row", near_rows),
        ("load", load_rows),
        ("towns", town_rows),
    ):
        say(title)
        rows += part(city, size, say)
    return rows


def parse(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.geodata", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="within 45 s: networkx gets fewer sites, the rows say how many"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--points", type=int, metavar="N", help="this many points instead")
    parser.add_argument("--sites", type=int, metavar="N", help="this many sites instead")
    parser.add_argument("--repeats", type=int, metavar="N", help="this many rounds instead")
    return parser.parse_args(argv)


def size_of(asked: argparse.Namespace) -> Size:
    """The size the command line asks for. Raises ValueError naming the flag."""
    size = QUICK if asked.quick else FULL
    for flag in ("points", "sites", "repeats"):
        if getattr(asked, flag) is not None and getattr(asked, flag) < 1:
            raise ValueError(f"--{flag}: expected at least 1")
    sites = asked.sites or size.sites
    return replace(
        size,
        points=asked.points or size.points,
        sites=sites,
        peer_sites=min(size.peer_sites, sites),
        repeats=asked.repeats or size.repeats,
    )


def main(argv: list[str]) -> int:
    """Entry point: 0 when it ran, whatever the figures say; 2 for a senseless size."""
    asked = parse(argv)

    def say(words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    try:
        size = size_of(asked)
    except ValueError as error:
        say(str(error))
        return 2
    say(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}; {size}")
    if asked.quick:
        size = replace(size, until_s=time.monotonic() + QUICK_ROUNDS_S)
    rows = measure(size, say)
    print(table(rows))
    if asked.json:
        write_json(rows, asked.json)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
