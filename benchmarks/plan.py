"""The plan of a city, in one run beside plainer ways: `python -m benchmarks.plan [--quick] [--json FILE]`.

cold      1,000,000 places, 300 sites, 5 areas of 20,000 vertices, nothing planned before; beside a loop that finds for
          one person after another the areas he is in and the nearest open site (a sample of it, multiplied up).
again     one site was counted, or closed, after everybody has heard the first plan.
roads     the same over the network, its open ways searched before and the people put on it before.
growth    10,000, 100,000 and 1,000,000 places, in straight lines.
quality   walking beside the least there is, people parted at will; who is beyond the seats, and by plain guidance.
memory    the arrays of the problem and the plan, and what the next plan may use again; the network's own come on top.

Figures are medians of wall time. With --quick the city has 100,000 places and the budgets are not judged.
"""

import argparse
import math
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import shapely

from benchmarks.geo_city import City, open_city
from benchmarks.plan_city import PlanSize, plan_problem, told_by, with_heads
from benchmarks.plan_optimum import Quality, quality_of
from benchmarks.report import Row, row, spread, table, write_json
from bosai.services.walking import Walking
from bosai.settings import load_settings
from shelters import facets
from shelters.model import Opening
from shelters.plan import Plan, PlanInput
from shelters.planning import plan
from shelters.sites import OPENINGS

FULL_PLACES = 1_000_000
QUICK_PLACES = 100_000
GROWTH = (10_000, 100_000, 1_000_000)
QUALITY = PlanSize(30_000, vertices=2_000, radius_m=2_500.0)
LOOP_SAMPLE = 2_000
DETOUR_FACTOR = 1.5
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is done."""

    places: int
    repeats: int

    @property
    def is_full(self) -> bool:
        """Whether the budgets are judged."""
        return self.places == FULL_PLACES


def timed(work: Callable[[], Plan]) -> tuple[float, Plan]:
    """Seconds, and what came of them."""
    begin = time.perf_counter()
    made = work()
    return time.perf_counter() - begin, made


def loop_seconds(problem: PlanInput) -> float:
    """A plain loop over a sample of the people: the areas around each, the nearest site that is open and outside."""
    areas = [shapely.buffer(one.area_xy_m, 0.0) for one in problem.dangers]
    for area in areas:
        shapely.prepare(area)
    dry = [
        (float(x), float(y))
        for x, y in problem.sites.xy_m
        if not any(shapely.intersects_xy(area, x, y) for area in areas)
    ]
    rows = np.random.default_rng(0).integers(0, len(problem.people), LOOP_SAMPLE)
    begin = time.perf_counter()
    for row_ in rows.tolist():
        x, y = problem.people.xy_m[row_].tolist()
        if any(shapely.intersects_xy(area, x, y) for area in areas):
            min(math.hypot(x - u, y - v) for u, v in dry)
    return (time.perf_counter() - begin) / LOOP_SAMPLE * len(problem.people)


def closed(problem: PlanInput, site: int) -> PlanInput:
    """The problem with one door shut."""
    doors = problem.sites.opening.copy()
    doors[site] = OPENINGS.index(Opening.CLOSED)
    return replace(problem, sites=replace(problem.sites, opening=doors))


def plan_rows(title: str, problem: PlanInput, size: Size, say: Say, peer_s: float | None) -> list[Row]:
    """Cold, and again after one change, of one kind of walks."""
    cold = []
    for _ in range(size.repeats):
        seconds, made = timed(lambda: plan(problem))
        cold.append(seconds)
    say(f"  {title}, cold: {spread(cold)} s; {len(made):,} people's decisions")
    heard = told_by(made)
    _, made = timed(lambda: plan(heard, made))
    busiest = np.argsort(-made.expected, kind="stable")[: size.repeats + 1].tolist()
    counts, doors = [], []
    for site in busiest:
        counted = with_heads(heard, site, int(made.expected[site] * 0.9))
        seconds, _ = timed(lambda counted=counted: plan(counted, made))  # type: ignore[misc]
        counts.append(seconds)
        shut = closed(heard, site)
        seconds, _ = timed(lambda shut=shut: plan(shut, made))  # type: ignore[misc]
        doors.append(seconds)
    say(f"  {title}, after one count: {spread(counts)} s; after one door: {spread(doors)} s")
    places, judged = f"{size.places:,} places, {title}", size.is_full
    first = row(
        f"plan {places}, cold",
        median(cold),
        "s",
        peer=peer_s,
        peer_name="" if peer_s is None else "nearest open site, a person at a time",
        less_is_better=True,
        at_most=1.5,
        judged=judged,
    )
    return [
        first,
        row(f"… after one count of {places}", median(counts), "s", at_most=0.2, judged=judged),
        row(f"… after one closed door of {places}", median(doors), "s", at_most=0.2, judged=judged),
        row(f"memory of {places}", weight(heard, made) / size.places, "B/place", at_most=200, judged=judged),
    ]


def weight(problem: PlanInput, made: Plan) -> int:
    """Bytes of all different arrays of a problem, its plan and what the next plan may use again."""
    held: dict[int, int] = {}
    for value in (problem, made, made.workings.everything()):
        _weigh(value, held)
    return sum(held.values())


def _weigh(value: object, held: dict[int, int]) -> None:
    if isinstance(value, np.ndarray):
        base = value if value.base is None or not isinstance(value.base, np.ndarray) else value.base
        held[id(base)] = int(base.nbytes)
    elif isinstance(value, tuple | list):
        for one in value:
            _weigh(one, held)
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            _weigh(getattr(value, each.name), held)


def on_roads(city: City, problem: PlanInput, say: Say) -> PlanInput:
    """The same problem over the network, with what stands before an order comes ready."""
    begin = time.perf_counter()
    walking = Walking(city.network, load_settings(None, {}, {}))
    places = walking.places_of(problem.people)
    walking.prepare(problem.sites.xy_m)
    ways = walking.ways(problem.people, problem.dangers, problem.sites.xy_m, places)
    say(f"  people put on the network, open ways searched: {time.perf_counter() - begin:.1f} s")
    return replace(problem, ways=ways)


def growth_rows(city: City, size: Size, say: Say) -> list[Row]:
    """How the time grows with the places."""
    rows, before = [], 0.0
    for places in [one for one in GROWTH if one <= size.places]:
        problem = plan_problem(city.network, PlanSize(places))
        seconds = median(timed(lambda problem=problem: plan(problem))[0] for _ in range(3))  # type: ignore[misc]
        say(
            f"  {places:,} places: {seconds:.3g} s"
            + (f", {seconds / before:.1f} times the last" if before else "")
        )
        rows.append(row(f"plan {places:,} places, straight lines", seconds, "s"))
        before = seconds
    return rows


def quality(city: City, size: PlanSize) -> Quality:
    """A plan small enough to be held beside the optimum, large enough to be made in groups."""
    problem = plan_problem(city.network, size)
    made = plan(problem)
    flooded = shapely.union_all([one.area_xy_m for one in problem.dangers])
    dry = ~np.asarray(shapely.intersects_xy(flooded, *problem.sites.xy_m.T))
    needs = problem.people.needs[made.row]
    extra = np.zeros((len(made), len(problem.sites)))
    for one in np.unique(needs[needs > 0]).tolist():
        extra[needs == one] = facets.extra_m(problem.sites, one)
    return quality_of(made, problem.sites.stay_seats, dry, extra)


def quality_rows(city: City, say: Say) -> list[Row]:
    """Walking beside the optimum, seats beside nearest-site guidance."""
    found = quality(city, QUALITY)
    say(f"  {found}")
    return [
        row("walking time / the splittable optimum", found.ratio, "×", at_most=1.02),
        row(
            "people beyond the seats",
            found.ours_beyond,
            "people",
            peer=found.baseline_beyond or None,
            peer_name="nearest open site" if found.ours_beyond else "",
            less_is_better=True,
        )
        if found.ours_beyond
        else row(
            f"people beyond the seats (nearest open site: {found.baseline_beyond:,})",
            0.0,
            "people",
            at_most=0,
        ),
    ]


def measure(size: Size, say: Say) -> list[Row]:
    """Every row."""
    city = open_city()
    say(f"{city.name}: {len(city.network.xy_m):,} vertices")
    plan(plan_problem(city.network, PlanSize(1_000, vertices=100)))  # what a process loads once
    problem = plan_problem(city.network, PlanSize(size.places))
    say("plans")
    rows = plan_rows("straight lines", problem, size, say, loop_seconds(problem))
    rows += plan_rows("over the roads", on_roads(city, problem, say), replace(size, repeats=1), say, None)
    say("growth")
    rows += growth_rows(city, size, say)
    say("quality")
    return rows + quality_rows(city, say)


def parse(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plan", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"within 45 s: {QUICK_PLACES:,} places")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--places", type=int, metavar="N", help="this many places instead")
    parser.add_argument("--repeats", type=int, metavar="N", help="this many rounds instead")
    return parser.parse_args(argv)


def size_of(asked: argparse.Namespace) -> Size:
    """The size the command line asks for. Raises ValueError naming the flag."""
    for flag in ("places", "repeats"):
        if getattr(asked, flag) is not None and getattr(asked, flag) < 1:
            raise ValueError(f"--{flag}: expected at least 1")
    return Size(
        places=asked.places or (QUICK_PLACES if asked.quick else FULL_PLACES), repeats=asked.repeats or 3
    )


def main(argv: list[str]) -> int:
    """Entry point: 0 when it ran, whatever the figures say; 2 for a senseless size."""

    def say(words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    asked = parse(argv)
    try:
        size = size_of(asked)
    except ValueError as error:
        say(str(error))
        return 2
    say(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}; {size}")
    rows = measure(size, say)
    print(table(rows))
    if asked.json:
        write_json(rows, asked.json)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
