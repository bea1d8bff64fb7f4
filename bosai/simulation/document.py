"""What a run says, with stable keys: `bosai simulate --json`. The page is made of the same.

`schema` rises when a key changes its meaning or goes; new keys may come at any time. Times are seconds from the
beginning of the scenario, distances metres, people persons. The same scenario, files and seed give the same bytes.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec

from bosai.simulation.city import Staged
from bosai.simulation.files import ScenarioFile
from shelters.simulate.run import Result

SCHEMA = "bosai.simulation/1"
NOTICE = "これは模擬計算です。実際の予測ではありません"
NOTICE_EN = "This is a simulation of a made situation, not a forecast."


def document(found: ScenarioFile, staged: Staged, result: Result) -> dict[str, Any]:
    """Everything as plain values."""
    city = staged.city
    told = [max(one.capacity.refuge_persons, one.capacity.stay_persons) for one in city.sites]
    return {
        "schema": SCHEMA,
        "notice": NOTICE,
        "notice_en": NOTICE_EN,
        "scenario": {
            "name": found.name,
            "note": found.note,
            "seed": staged.scenario.seed,
            "begins": found.begins.isoformat(),
            "minutes": found.minutes,
            "step_s": found.step_s,
            "night": staged.scenario.night,
            "people": msgspec.to_builtins(found.people),
            "reports": msgspec.to_builtins(found.reports),
            "orders": [
                {
                    "id": one.order_id,
                    "at_s": one.at_s,
                    "hazard": one.hazard.value,
                    "level": one.level,
                    "advisory": one.advisory,
                    "arrival_s": one.arrival_s,
                    "area_km2": None if one.area_xy_m is None else round(one.area_xy_m.area / 1e6, 3),
                }
                for one in staged.scenario.orders
            ],
            "events": [
                {"at_s": one.at_s, "site_id": one.site_id, "opening": one.opening.value}
                for one in staged.scenario.events
            ],
            "seats_margin_fraction": staged.scenario.rules.seats_margin_fraction,
            "count_residents": staged.scenario.count_others,
            "squeeze": staged.scenario.squeeze,
        },
        "city": {
            "households": len(city),
            "persons": int(city.persons.sum()),
            "towns": len(city.towns.name),
            "sites": len(city.sites),
            "told_seats": int(sum(told)),
            "true_seats": int(city.true_seats.sum()),
            "residents_share": None if staged.sample_share is None else round(staged.sample_share, 6),
            "sources": list(staged.sources),
        },
        "ours": dataclasses.asdict(result.ours),
        "baseline": dataclasses.asdict(result.baseline),
        "ratios": dataclasses.asdict(result.ratios),
    }
