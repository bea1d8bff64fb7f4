"""What staff report, how late and how far off; and what the service therefore knows of each site.

doors (what is true) ─▶ a round every `every_s`, 満員 after the first refusal, failure, opening
                     ─▶ on their way for `delay_s` ─▶ heard ─▶ SiteStatus
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from shelters.model import Crowding, Opening, SiteStatus
from shelters.occupancy import SiteReport, current_status, is_impossible
from shelters.simulate.city import City
from shelters.simulate.crowd import Doors
from shelters.simulate.scenario import ReportRules

Bools = NDArray[np.bool_]


@dataclass(slots=True, eq=False)
class Desks:
    """The desks of all sites. `rng` is theirs alone, drawn from once a site and round whatever happens."""

    city: City
    rules: ReportRules
    rng: np.random.Generator
    start_s: float
    statuses: dict[str, SiteStatus] = field(default_factory=dict)
    silent: Bools = field(init=False)
    _first_round_s: NDArray[np.float64] = field(init=False)
    _rounds: NDArray[np.int64] = field(init=False)
    _said_full: Bools = field(init=False)
    _under_way: list[SiteReport] = field(default_factory=list)
    _heard: dict[str, list[SiteReport]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.city.sites)
        self.silent = self.rng.random(count) < self.rules.silent_fraction
        self._first_round_s = self.rng.uniform(0.0, self.rules.every_s, count)
        self._rounds = np.zeros(count, dtype=np.int64)
        self._said_full = np.zeros(count, dtype=np.bool_)

    def look(self, now_s: float, doors: Doors) -> None:
        """Staff look round and write down what is due by now."""
        for site in range(len(self.city.sites)):
            due_s = self._first_round_s[site] + self._rounds[site] * self.rules.every_s
            if due_s <= now_s:
                self._rounds[site] += 1
                off = self.rng.uniform(-self.rules.error_fraction, self.rules.error_fraction)
                if not (self.silent[site] or doors.locked[site] or doors.failed[site]):
                    self._count(site, now_s, round(float(doors.inside[site]) * (1.0 + off)))
            is_full = now_s - doors.first_refused_s[site] >= self.rules.full_after_s
            if is_full and not (self.silent[site] or self._said_full[site]):
                self._said_full[site] = True
                self._write(site, now_s, present_persons=int(doors.inside[site]), crowding=Crowding.FULL)

    def door(self, site: int, now_s: float, opening: Opening) -> None:
        """Staff, or HQ for a silent desk, report what happened to a door."""
        self._write(site, now_s, opening=opening)

    def hear(self, now_s: float) -> Mapping[str, SiteStatus]:
        """Everything that has reached the service by now; statuses of sites nobody spoke of are missing."""
        arrived = [one for one in self._under_way if one.received_at <= self._time(now_s)]
        self._under_way = [one for one in self._under_way if one.received_at > self._time(now_s)]
        for one in arrived:
            self._heard.setdefault(one.site_id, []).append(one)
        for name in {one.site_id for one in arrived}:
            self.statuses[name] = current_status(name, self._heard[name])
        return dict(self.statuses)

    def _count(self, site: int, now_s: float, persons: int) -> None:
        # Whoever said 満員 says so again with every count while nobody more fits.
        crowding = Crowding.FULL if self._said_full[site] else None
        self._write(site, now_s, present_persons=persons, crowding=crowding)

    def _write(
        self,
        site: int,
        now_s: float,
        *,
        present_persons: int | None = None,
        crowding: Crowding | None = None,
        opening: Opening | None = None,
    ) -> None:
        here = self.city.sites[site]
        self._under_way.append(
            SiteReport(
                site_id=here.site_id,
                event_at=self._time(now_s),
                received_at=self._time(now_s + self.rules.delay_s),
                reporter="simulated",
                opening=opening,
                present_persons=present_persons,
                crowding=crowding,
                held=present_persons is not None and is_impossible(present_persons, here.capacity),
            )
        )

    def _time(self, now_s: float) -> datetime:
        return datetime.fromtimestamp(self.start_s + now_s, UTC)
