"""What a guide may know at one moment: orders, reports, answers. Never where people truly are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shelters import suitability
from shelters.dangers import Danger, who_is_inside
from shelters.model import Opening, People, SiteStatus
from shelters.simulate.city import City
from shelters.simulate.crowd import Known
from shelters.simulate.scenario import OrderVersion
from shelters.sites import SiteTable, site_table
from shelters.suitability import Verdict

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """(n,) what households have answered to the newest message. arrived_s: seconds of the scenario, nan = not."""

    arrived_s: NDArray[np.float64]
    declined: Bools


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """One moment. inside: (n, k) whose homes lie in which danger's area. leaves: (n,) whom an order tells to go."""

    now_s: float
    table: SiteTable
    counted_at_s: NDArray[np.float64]  # (m,) seconds since 1970, nan = silent
    dangers: tuple[Danger, ...]
    inside: Bools
    leaves: Bools
    known: Known
    answers: Answers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Message:
    """What one household is told. site -1 with an exit: walk out of the area; -1 without: stay where you are."""

    row: int
    site: int
    spare: int
    exit_xy_m: NDArray[np.float64] | None
    is_redirect: bool  # sent elsewhere after having been named another site
    ends: bool  # lifted, or outside now
    waits: bool  # only to prepare: level 3, for those who can leave fast


def dangers_at(orders: Sequence[OrderVersion], now_s: float, start_s: float) -> tuple[Danger, ...]:
    """The orders in force: of each the newest version begun by now, unless that lifts it."""
    newest: dict[str, OrderVersion] = {}
    version: dict[str, int] = {}
    for one in sorted(orders, key=lambda order: order.at_s):
        if one.at_s <= now_s:
            newest[one.order_id] = one
            version[one.order_id] = version.get(one.order_id, 0) + 1
    return tuple(
        Danger(
            key=f"{name}:{version[name]}",
            hazard=one.hazard,
            area_xy_m=one.area_xy_m,
            level=one.level,
            advisory=one.advisory,
            expected_arrival_s=None if one.arrival_s is None else start_s + one.arrival_s,
        )
        for name, one in sorted(newest.items())
        if one.area_xy_m is not None
    )


def table_now(city: City, statuses: Mapping[str, SiteStatus], margin_fraction: float) -> SiteTable:
    """The sites as the service sees them."""
    return site_table(city.sites, statuses, city.site_xy_m, margin_fraction=margin_fraction)


def counted_at(city: City, statuses: Mapping[str, SiteStatus]) -> NDArray[np.float64]:
    """(m,) when each site's heads were counted, seconds since 1970; nan = never."""
    found = [statuses.get(one.site_id) for one in city.sites]
    return np.array(
        [one.present_at.timestamp() if one and one.present_at else np.nan for one in found], dtype=np.float64
    )


def homes_inside(people: People, dangers: Sequence[Danger], widen_by_m: float) -> Bools:
    """(n, k) whose homes lie in, or on the edge of, which area."""
    return who_is_inside(people, dangers, widen_by_m)


def told_to_leave(inside: Bools, dangers: Sequence[Danger], is_slow: Bools) -> Bools:
    """(n,) whom the orders themselves tell to go: level 3 only the slow ones, level 5 nobody (it is too late)."""
    leaves = np.zeros(len(inside), dtype=np.bool_)
    for column, one in enumerate(dangers):
        if one.level != 5:
            leaves |= inside[:, column] & (is_slow | (one.level != 3))
    return leaves


def known_sites(
    table: SiteTable, dangers: Sequence[Danger], inside: Bools, statuses: Mapping[str, SiteStatus]
) -> Known:
    """Which sites people take for fit for what threatens them, and not for closed: signs, maps and the public list."""
    if not dangers:
        return Known(np.ones((1, len(table)), dtype=np.bool_), np.zeros(len(inside), dtype=np.int64))
    kinds, kind = np.unique(inside, axis=0, return_inverse=True)
    site_inside = suitability.sites_inside(table, dangers)
    shut = np.array(
        [
            (status := statuses.get(one.site_id)) is not None
            and status.opening in (Opening.CLOSED, Opening.UNUSABLE)
            for one in table.sites
        ],
        dtype=np.bool_,
    )
    rows = []
    for one in kinds:
        live_here = [int(k) for k in np.flatnonzero(one)] or list(range(len(dangers)))
        verdict = suitability.judge(table, dangers, site_inside, live_here)
        rows.append((verdict <= Verdict.UPSTAIRS) & ~shut)
    return Known(np.array(rows, dtype=np.bool_), kind.reshape(-1).astype(np.int64))
