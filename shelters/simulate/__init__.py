"""A made emergency on a virtual clock: what the service does to a city, beside what "go to the nearest" does.

    Scenario ─┬▶ city: homes, sites, seats as told and as they truly are
              ├▶ walkers: pace, start delay, whether they do as they are told          one seed, two runs
              └▶ events: orders and how they grow, doors that open late, sites that fail
                     │
    each step: events ▶ set out ▶ arrive, be let in or refused ▶ staff report ▶ the guide speaks ▶ people hear
                     │                                             guide: the planner, or the nearest open site
                     └▶ measures: placed, refused, metres, minutes in danger, messages ─▶ Outcome

Times are seconds from the first order, positions plane metres. The same scenario and seed give the same outcome.
It is a computation about a made city and no forecast.
"""
