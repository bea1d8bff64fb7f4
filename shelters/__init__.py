"""How a household is matched to a place of refuge. Plain functions: no socket, no key, no clock.

    reports ─▶ occupancy ─┐
    sites ────────────────┴▶ sites (SiteTable) ─▶ suitability ─▶ which sites may be named here, and why not
    orders in force ───────▶ dangers (who is inside what) ──────────┐                │
    households (People) ───▶ dangers ─▶ triage: stay · up · go · inland · refuge ◀───┘
                                             │
    people on their way ─▶ ledger ─▶ assignment: seats ─▶ plan ─▶ Decision ─▶ advice (what a person must know)
                                                                ├▶ changes: who hears of it, and who does not
                                                                │
                                   records · replay · explain ◀─┘  the same plan again, and why it is so

    hazard maps ─▶ water (depth · duration · zones) ─▶ triage       tsunami: the same question by the time left
    a site that failed ─▶ people_left ─▶ plan ─▶ failure: where each of its people is sent, and who is short
    the city's own rules ─▶ openings: what HQ still has to have opened and checked

Positions are plane metres, times seconds since 1970, and the many are parallel arrays joined by row.
Ties break by site id (the tables are sorted by it), so the same input gives the same plan.
"""
