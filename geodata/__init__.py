"""Where things are and how to walk there: pure functions from bytes and arrays to places, areas, sites and ways.

    bytes ──▶ importers/… ──▶ SiteRecord, Town, TownPopulation, NamedArea, HazardLayer, RoadLines, Elevation
    lon/lat ─▶ crs, datums ─▶ plane metres ─▶ areas, area_grid (inside?) · catalogue (which dangers?) · touched (whom?)
    text ───▶ places (which town is meant?)
    RoadLines + Elevation ─▶ network ─▶ snapping, closures ─▶ ways_out, inland_ways ─▶ walks (figures), routes (steps)
    layers, lines ─▶ map_layers (thinned out for a zoom)

Nothing here opens a socket or a clock, nor a file but one: a network is mapped into memory from its folder
(network_files). Longitude and latitude live at the edges (`_lonlat`); distances and areas are computed on the plane
(`_xy_m`, EPSG:6678 unless said otherwise).
"""
