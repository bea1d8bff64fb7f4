"""Where things are: pure functions from bytes and arrays to places, areas and sites.

    bytes ──▶ importers/… ──▶ SiteRecord, NamedArea, Town, CapacityRecord
    lon/lat ─▶ crs ─▶ plane metres ─▶ areas (inside?) · inland (way out) · cells (area of chosen towns)
    text ───▶ places (which town is meant?)

Nothing here opens a file, a socket or a clock. Longitude and latitude live at the edges (`_lonlat`);
distances and areas are computed on the plane (`_xy_m`, EPSG:6678 unless said otherwise).
"""
