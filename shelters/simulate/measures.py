"""What came of it: figures of one run, and ours beside the baseline's."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shelters.simulate.crowd import Crowd, Stand
from shelters.simulate.walkers import Manner

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

STANDS = ("home", "walking", "inside", "out", "at_door", "away", "stays", "stranded")
"""`Stand` by name, in the order of its numbers; the columns of `Series.standing`."""


@dataclass(slots=True, eq=False)
class Series:
    """Step by step. standing: persons in danger's area at the beginning, by `STANDS`."""

    at_s: list[float] = field(default_factory=list)
    standing: list[list[int]] = field(default_factory=list)
    in_danger: list[int] = field(default_factory=list)  # persons inside a live area, not in a site
    refused: list[int] = field(default_factory=list)  # persons turned away so far, each time counted
    messages: list[int] = field(default_factory=list)  # sent so far
    inside: list[list[int]] = field(default_factory=list)  # persons in each site


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Weighted by persons; None where nobody is counted."""

    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None


WALK_BIN_M = 250
WALK_BINS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkBins:
    """Persons placed, by metres walked: `persons[k]` from k × bin_m to (k + 1) × bin_m, the last without an end."""

    bin_m: int
    persons: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOutcome:
    """One site at the end. told_seats: what the service was told; true_seats: what it holds."""

    site_id: str
    name: str
    told_seats: int
    true_seats: int
    inside: int
    most_inside: int
    refused: int
    state: str  # open, locked, unusable


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """To subscribers. redirects: named another site than before."""

    total: int
    subscribers: int  # households that heard at least one
    each: float
    redirects: int
    redirects_each: float
    needless: int  # redirects to households that stood inside a site that could be used
    most_to_one: int
    by_number: dict[str, int]  # how many households heard so many messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run. Persons throughout. movers: those who set out for a site; shares are of them."""

    guide: str
    in_area: int
    movers: int
    placed: int
    placed_share: float
    walked_out: int
    refused: int  # persons turned away at least once because the site was full
    refused_share: float
    refusals: int  # each time counted
    guided: int  # movers with a phone who do as they are told
    guided_refused: int  # of those, turned away at least once
    guided_refused_share: float
    found_shut: int  # persons who came to a site that had failed
    stranded: int
    still_walking: int
    still_home: int
    elsewhere: int
    stayed: int
    without_site: int  # named no site for want of seats, in the newest advice
    walked_m: Percentiles  # by those placed
    walk_bins: WalkBins
    in_danger_min: Percentiles  # from the first order to out of the area, by all who got out
    out_of_danger_share: float  # of those in the area
    out_in_time_share: float | None  # before the wave; None where no arrival is given
    messages: Messages
    sites: tuple[SiteOutcome, ...]
    series: Series
    tracks: list[list[list[int]]]  # sampled households: [step][x, y] in metres
    track_ends: list[str]


def percentiles(values: Floats, weights: Ints) -> Percentiles:
    """Mean and the values below which 50, 90 and 99 % of the weight lie."""
    if not len(values) or not weights.sum():
        return Percentiles(mean=None, p50=None, p90=None, p99=None)
    order = np.argsort(values, kind="stable")
    mass = np.cumsum(weights[order]) / weights.sum()
    p50, p90, p99 = (
        round(float(values[order][np.searchsorted(mass, q - 1e-12)]), 1) for q in (0.5, 0.9, 0.99)
    )
    return Percentiles(
        mean=round(float((values * weights).sum() / weights.sum()), 1), p50=p50, p90=p90, p99=p99
    )


def count_messages(sent: Ints, redirects: Ints, needless: Ints) -> Messages:
    """(n,) messages, redirects and needless ones of each household; those who heard nothing are left out."""
    heard = sent[sent > 0]
    number, households = np.unique(heard, return_counts=True)
    count = len(heard)
    return Messages(
        total=int(sent.sum()),
        subscribers=count,
        each=round(float(heard.mean()), 3) if count else 0.0,
        redirects=int(redirects.sum()),
        redirects_each=round(float(redirects.sum() / count), 3) if count else 0.0,
        needless=int(needless.sum()),
        most_to_one=int(heard.max()) if count else 0,
        by_number={str(int(n)): int(k) for n, k in zip(number, households, strict=True)},
    )


def outcome_of(
    crowd: Crowd,
    *,
    guide: str,
    concerned: Bools,
    safe_s: Floats,
    arrival_s: float | None,
    messages: Messages,
    most_inside: Ints,
    without_site: int,
    series: Series,
    tracks: list[list[list[int]]],
    track_rows: Ints,
) -> Outcome:
    """concerned: (n,) whose home was in an area; safe_s: (n,) when they were out of it for good, inf = not yet."""
    persons, stand = crowd.city.persons, crowd.stand
    movers = concerned & ((crowd.walked_m > 0) | (stand == Stand.STRANDED))

    def heads(which: Bools) -> int:
        return int(persons[which & concerned].sum())

    placed = stand == Stand.INSIDE
    guided = movers & crowd.walkers.subscribed & (crowd.walkers.manner == Manner.COMPLIES)
    refused = crowd.refusals > 0
    moving, area = max(1, heads(movers)), max(1, heads(concerned))
    out = concerned & np.isfinite(safe_s)
    in_time = None if arrival_s is None else round(heads(safe_s <= arrival_s) / area, 4)
    return Outcome(
        guide=guide,
        in_area=heads(concerned),
        movers=heads(movers),
        placed=heads(placed),
        placed_share=round(heads(placed) / moving, 4),
        walked_out=heads(stand == Stand.OUT),
        refused=heads(refused),
        refused_share=round(heads(refused) / moving, 4),
        guided=heads(guided),
        guided_refused=heads(guided & refused),
        guided_refused_share=round(heads(guided & refused) / max(1, heads(guided)), 4),
        refusals=int((crowd.refusals * persons)[concerned].sum()),
        found_shut=heads(crowd.found_shut > 0),
        stranded=heads(stand == Stand.STRANDED),
        still_walking=heads((stand == Stand.WALKING) | (stand == Stand.AT_DOOR)),
        still_home=heads(stand == Stand.HOME),
        elsewhere=heads(stand == Stand.AWAY),
        stayed=heads(stand == Stand.STAYS),
        without_site=without_site,
        walked_m=percentiles(crowd.walked_m[placed & concerned], persons[placed & concerned]),
        walk_bins=_walk_bins(crowd.walked_m[placed & concerned], persons[placed & concerned]),
        in_danger_min=percentiles(safe_s[out] / 60.0, persons[out]),
        out_of_danger_share=round(heads(out) / area, 4),
        out_in_time_share=in_time,
        messages=messages,
        sites=_sites(crowd, most_inside),
        series=series,
        tracks=tracks,
        track_ends=[STANDS[stand[row]] for row in track_rows],
    )


def _walk_bins(walked_m: Floats, persons: Ints) -> WalkBins:
    which = np.minimum((walked_m // WALK_BIN_M).astype(np.int64), WALK_BINS - 1)
    heads = np.bincount(which, weights=persons, minlength=WALK_BINS)
    return WalkBins(bin_m=WALK_BIN_M, persons=[int(one) for one in heads])


def _sites(crowd: Crowd, most_inside: Ints) -> tuple[SiteOutcome, ...]:
    doors = crowd.doors
    return tuple(
        SiteOutcome(
            site_id=site.site_id,
            name=site.name,
            told_seats=max(site.capacity.refuge_persons, site.capacity.stay_persons),
            true_seats=int(doors.true_seats[n]),
            inside=int(doors.inside[n]),
            most_inside=int(most_inside[n]),
            refused=int(doors.refused[n]),
            state="unusable" if doors.failed[n] else "locked" if doors.locked[n] else "open",
        )
        for n, site in enumerate(crowd.city.sites)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratios:
    """Ours / the baseline's; None where the baseline has nothing to divide by."""

    placed: float | None
    refused: float | None
    refusals: float | None
    walked_p50: float | None
    walked_p90: float | None
    in_danger_p50: float | None
    messages_each: float | None


def ratios(ours: Outcome, base: Outcome) -> Ratios:
    """How ours compares."""

    def over(one: float | None, other: float | None) -> float | None:
        return None if one is None or not other else round(one / other, 3)

    return Ratios(
        placed=over(ours.placed, base.placed),
        refused=over(ours.refused, base.refused),
        refusals=over(ours.refusals, base.refusals),
        walked_p50=over(ours.walked_m.p50, base.walked_m.p50),
        walked_p90=over(ours.walked_m.p90, base.walked_m.p90),
        in_danger_p50=over(ours.in_danger_min.p50, base.in_danger_min.p50),
        messages_each=over(ours.messages.each, base.messages.each),
    )
