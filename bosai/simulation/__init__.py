"""`bosai simulate`: a scenario file in, figures and one page out. No store, no network, nothing is sent.

    SCENARIO.toml ─▶ files (what may stand there) ─┐
    towns, sites, roads: imported, given, sample ──┴▶ city ─▶ shelters.simulate ─▶ Result ─▶ document (JSON)
                                                                                    └──────▶ page ◀─ charts, city_map

It computes what guidance does to a made city. It is no forecast, and says so wherever it is read.
"""
