"""Who gets which seats, in one pass: households whole, nobody twice, and what was told kept.

    told, and it stands ─▶ keeps the seat (beyond the seats only when nearly there, or while life is at stake)
    everybody else ─▶ groups ─▶ quotas (min-cost flow) ─▶ households whole
    whoever could still do clearly better where seats are left ─▶ moves, until nobody can

The last step is the same for those who were told and those who were not, so a plan made again changes nothing. While
leaving in time, seats plus margin are never exceeded; while life is in imminent danger fullness only makes a site look
farther (`CROWDED_FACTOR`) and nobody is turned away (design, rule 5.6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shelters.candidates import Reach, cheapest
from shelters.quotas import NO_SITE, QuotaProblem, quotas
from shelters.seating import seat_households

CROWDED_FACTOR = 1.3
KEEP_UNLESS_BETTER = 0.8
"""A told destination is kept unless the new one is more than 20 % nearer."""
NEEDY_WEIGHT = 1.5
"""A minute of somebody slow, or who needs a facility, counts so much more: they are near, others walk on."""
FARTHER = 30
"""So many sites with seats are looked at behind the nearest when those are full."""
NO_SEAT_S = 200_000
"""What having no seat costs in the flow: dearer than any walk, and finite."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeatProblem:
    """(q,) households of one pass. own_*: the site that costs least. told: what stands of what was told, -1 = nothing.

    group: row of `choice` and `price` (g, k), the sites in question for each group and what they cost (metres).
    """

    reach: Reach
    rows: Ints  # as `Reach` counts them
    persons: Ints
    takes_seats: Bools  # False: relatives' places, and those who answered that they go elsewhere
    weight_per_mps: Floats  # seconds a metre takes, weighted
    needy: Bools
    told: Ints
    told_m: Floats
    counted: Bools  # already inside the reported head count of the told site
    keeps: Bools  # there, nearly there, or HQ wants nobody redirected: the told site whatever its seats
    own_site: Ints
    own_m: Floats
    group: Ints
    speaks: Ints  # (g,) the row of `Reach` that speaks for each group
    choice: Ints
    price: Floats
    life_at_stake: bool
    party_beyond: bool


@dataclass(slots=True, kw_only=True, eq=False)
class Seats:
    """(m,) seats left, used up in place. `held` is what those who were told keep theirs of, `free` is for new people.

    `free` is the smaller: what nobody has reported lately is not given away as a whole.
    """

    held: Ints
    free: Ints

    def take(self, site: Ints, persons: Ints) -> None:
        """Give up seats. site: (q,) all >= 0."""
        used = np.bincount(site, weights=persons, minlength=len(self.held)).astype(np.int64)
        self.held -= used
        self.free -= used

    @property
    def spare(self) -> Ints:
        """(m,) what a household may still be given."""
        return np.maximum(np.minimum(self.held, self.free), 0)


def assign(problem: SeatProblem, seats: Seats) -> Ints:
    """(q,) site of each household, -1 = none."""
    site = np.full(len(problem.rows), NO_SITE, dtype=np.int64)
    stands = problem.told >= 0
    kept = stands & (problem.keeps | problem.counted | ~problem.takes_seats)
    if problem.life_at_stake:
        kept = stands
    site[kept] = problem.told[kept]
    taking = np.flatnonzero(kept & problem.takes_seats & ~problem.counted)
    seats.take(site[taking], problem.persons[taking])
    asks = np.flatnonzero(stands & ~kept)
    _hold(problem, seats, site, asks)
    fresh = np.flatnonzero((site < 0) & problem.takes_seats & (problem.own_site >= 0))
    if len(fresh):
        _seat_fresh(problem, seats, site, fresh)
    _improve(problem, seats, site)
    others = np.flatnonzero((site < 0) & ~problem.takes_seats & (problem.own_site >= 0))
    site[others] = _nearest_with_room(problem, seats, others)
    return site


def _hold(problem: SeatProblem, seats: Seats, site: Ints, asks: Ints) -> None:
    """Whoever was told keeps the seat while it is there: nobody gives it to somebody who lives nearer."""
    told, persons = problem.told[asks], problem.persons[asks]
    wanted = np.bincount(told, weights=persons, minlength=len(seats.held)).astype(np.int64)
    fits = (wanted <= seats.held)[told]
    site[asks[fits]] = told[fits]
    seats.take(told[fits], persons[fits])
    short = asks[~fits]
    order = np.lexsort(
        (short, -problem.persons[short], ~problem.needy[short], problem.told_m[short], problem.told[short])
    )
    left = seats.held.tolist()
    for row in short[order].tolist():
        to, party = int(problem.told[row]), int(problem.persons[row])
        if left[to] >= party:
            left[to] -= party
            site[row] = to
    held = short[site[short] >= 0]
    seats.take(site[held], problem.persons[held])


def _seat_fresh(problem: SeatProblem, seats: Seats, site: Ints, fresh: Ints) -> None:
    persons, spare = problem.persons[fresh], seats.spare
    nearest = problem.own_site[fresh]
    wanted = np.bincount(nearest, weights=persons, minlength=len(spare)).astype(np.int64)
    if (wanted <= spare).all():
        site[fresh] = nearest  # room for everybody where it costs least: nothing to share out
    else:
        site[fresh] = _by_flow(problem, spare, fresh)
    seated = fresh[site[fresh] >= 0]
    seats.take(site[seated], problem.persons[seated])


def _by_flow(problem: SeatProblem, spare: Ints, fresh: Ints) -> Ints:
    """(f,) sites by quotas. Where the few choices of some are full, all choose again, the sites with seats left beside
    their nearest: so the next street makes room instead of one household crossing the town. Who is left goes there.
    """
    site = _quota_round(problem, spare, fresh, problem.choice, problem.price)
    if problem.life_at_stake:
        return site
    if (site < 0).any():
        choice, price = _with_farther(problem, spare, fresh, site)
        site = _quota_round(problem, spare, fresh, choice, price)
    while True:
        seated = site >= 0
        persons = problem.persons[fresh]
        taken = np.bincount(site[seated], weights=persons[seated], minlength=len(spare)).astype(np.int64)
        left, turned_away = np.maximum(spare - taken, 0), np.flatnonzero(~seated)
        room = left >= persons[turned_away].min(initial=1 << 40)
        if not len(turned_away) or not room.any():
            break
        choice, price = problem.choice.copy(), problem.price.copy()
        groups = np.unique(problem.group[fresh[turned_away]])
        choice[groups], price[groups] = cheapest(
            problem.reach, problem.speaks[groups], choice.shape[1], among=room
        )
        again = _quota_round(problem, left, fresh[turned_away], choice, price)
        if not (again >= 0).any():
            break
        site[turned_away] = again
    return site


def _with_farther(problem: SeatProblem, spare: Ints, fresh: Ints, site: Ints) -> tuple[Ints, Floats]:
    """The choices of all groups, and behind them the nearest sites that a first round left seats at."""
    seated = site >= 0
    taken = np.bincount(site[seated], weights=problem.persons[fresh[seated]], minlength=len(spare))
    groups = np.unique(problem.group[fresh])
    farther, farther_m = cheapest(problem.reach, problem.speaks[groups], FARTHER, among=spare > taken)
    known = (farther[:, :, None] == problem.choice[groups][:, None, :]).any(axis=2)
    shape = len(problem.choice), FARTHER
    more, more_m = np.full(shape, NO_SITE, dtype=np.int64), np.full(shape, np.inf)
    more[groups] = np.where(known, NO_SITE, farther)
    more_m[groups] = np.where(known, np.inf, farther_m)
    return np.concatenate([problem.choice, more], axis=1), np.concatenate([problem.price, more_m], axis=1)


def _quota_round(problem: SeatProblem, spare: Ints, fresh: Ints, choices: Ints, prices: Floats) -> Ints:
    used, group = np.unique(problem.group[fresh], return_inverse=True)
    persons = problem.persons[fresh]
    first = np.zeros(len(used), dtype=np.int64)
    first[group[::-1]] = fresh[::-1]
    per_m = problem.weight_per_mps[first]
    choice, price = choices[used], prices[used]
    cost = np.rint(np.where(choice >= 0, price, 0.0) * per_m[:, None]).astype(np.int64)
    overflow = np.rint(NO_SEAT_S * np.maximum(1.0, per_m)).astype(np.int64) + cost.max(axis=1, initial=0)
    if problem.life_at_stake:
        dearest = np.where(choice[:, 0] >= 0, price[:, 0] * CROWDED_FACTOR, 0.0)
        choice = np.where(price <= dearest[:, None], choice, NO_SITE)
        overflow = np.rint(dearest * per_m).astype(np.int64)
    heads = np.bincount(group, weights=persons, minlength=len(used)).astype(np.int64)
    flow = QuotaProblem(persons=heads, choice=choice, cost=cost, overflow=overflow, seats=spare)
    found = seat_households(
        flow,
        quotas(flow),
        group.reshape(-1),
        persons,
        xy_m=problem.reach.xy_m[problem.rows[fresh]],
        party_beyond=problem.party_beyond and not problem.life_at_stake,
    ).site
    found = np.where(np.isfinite(problem.reach.cost(problem.rows[fresh], found)), found, NO_SITE)
    # While life is at stake there is no "no seat": the nearest, crowded.
    return np.where(found < 0, problem.own_site[fresh], found) if problem.life_at_stake else found


def _improve(problem: SeatProblem, seats: Seats, site: Ints) -> None:
    """Whoever has no seat, or could be clearly nearer, bids for the best site with room; each site takes who gains
    most. Every move makes somebody's walk shorter, so it ends."""
    rows = np.flatnonzero(problem.takes_seats & ~problem.keeps & ~problem.counted & (problem.own_site >= 0))
    now_m = np.full(len(site), np.inf)
    seated = rows[site[rows] >= 0]
    now_m[seated] = np.where(
        site[seated] == problem.told[seated], problem.told_m[seated], problem.own_m[seated]
    )
    elsewhere = seated[(site[seated] != problem.own_site[seated]) & (site[seated] != problem.told[seated])]
    now_m[elsewhere] = problem.reach.cost(problem.rows[elsewhere], site[elsewhere])
    rows = rows[problem.own_m[rows] < KEEP_UNLESS_BETTER * now_m[rows]]
    while len(rows):
        to, to_m = _best_with_room(problem, seats.spare, rows, now_m[rows])
        bids = np.flatnonzero(to >= 0)
        if not len(bids):
            return
        moved = bids[_accepted(problem, seats.spare, rows[bids], to[bids], now_m[rows[bids]] - to_m[bids])]
        at = rows[moved]
        leaving = at[site[at] >= 0]
        seats.take(site[leaving], -problem.persons[leaving])
        site[at], now_m[at] = to[moved], to_m[moved]
        seats.take(site[at], problem.persons[at])
        rows = rows[problem.own_m[rows] < KEEP_UNLESS_BETTER * now_m[rows]]


def _best_with_room(problem: SeatProblem, spare: Ints, rows: Ints, now_m: Floats) -> tuple[Ints, Floats]:
    """(q,) the site with room for the whole party that costs least, if that is clearly less than now; -1 otherwise."""
    to, to_m = np.full(len(rows), NO_SITE, dtype=np.int64), np.full(len(rows), np.inf)
    if problem.life_at_stake:  # the nearest takes everybody, it only looks farther
        nearest_m = problem.own_m[rows] * CROWDED_FACTOR
        fine = nearest_m < KEEP_UNLESS_BETTER * now_m
        to[fine], to_m[fine] = problem.own_site[rows[fine]], nearest_m[fine]
    room = spare[np.maximum(problem.choice, 0)] * (problem.choice >= 0)
    most = room.max(axis=1, initial=0)
    able = np.flatnonzero(most[problem.group[rows]] >= problem.persons[rows])
    for part in np.array_split(able, max(1, len(able) // 50_000)):
        group = problem.group[rows[part]]
        one, rank = np.nonzero(room[group] >= problem.persons[rows[part]][:, None])
        pair = part[one]
        choice = problem.choice[group[one], rank]
        cost = problem.reach.cost(problem.rows[rows[pair]], choice)
        better = (cost < KEEP_UNLESS_BETTER * now_m[pair]) & (cost < to_m[pair])
        pair, choice, cost = pair[better], choice[better], cost[better]
        order = np.lexsort((choice, cost, pair))
        pair, choice, cost = pair[order], choice[order], cost[order]
        best = np.flatnonzero(np.diff(pair, prepend=-1))
        to[pair[best]], to_m[pair[best]] = choice[best], cost[best]
    if problem.life_at_stake:
        crowded = np.flatnonzero(to_m == problem.own_m[rows] * CROWDED_FACTOR)
        to_m[crowded] = problem.own_m[rows[crowded]]
    return to, to_m


def _accepted(problem: SeatProblem, spare: Ints, rows: Ints, to: Ints, gain: Floats) -> Ints:
    """Of the bids, those the sites have room for, the greatest gain first (ties: where they live)."""
    xy_m = problem.reach.xy_m[problem.rows[rows]]
    persons = problem.persons[rows]
    order = np.lexsort((rows, xy_m[:, 1], xy_m[:, 0], persons, -gain, to))
    heads = np.cumsum(persons[order])
    first = np.flatnonzero(np.diff(to[order], prepend=-1))
    before = np.repeat(np.append(0, heads)[first], np.diff(first, append=len(order)))
    fits = heads - before <= spare[to[order]]
    if problem.life_at_stake:
        fits |= to[order] == problem.own_site[rows[order]]
    accepted: Ints = order[fits]
    return accepted


def _nearest_with_room(problem: SeatProblem, seats: Seats, rows: Ints) -> Ints:
    """For those who take no seat: the cheapest that would have room for them; any while life is at stake."""
    if problem.life_at_stake:
        return problem.own_site[rows]
    to, _ = _best_with_room(problem, seats.spare, rows, np.full(len(rows), np.inf))
    return to
