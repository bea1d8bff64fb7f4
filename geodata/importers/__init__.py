"""One module per format: bytes in, records and rejected rows out.

    bytes ─▶ archives, packed, tables (open, decode, rows)
          ├─▶ recognise (what list is it?) ─▶ sites · capacities · towns · town_points · post_codes · population
          ├─▶ areas (named ones, GeoJSON)
          ├─▶ map_members, vector_files, ksj_gml ─▶ hazard_files (国土数値情報, or by a mapping)
          └─▶ roads_osm · roads_geojson · elevation

A bad row never stops the good ones: it is returned as `Rejected` with the row a person sees in a
spreadsheet, the field and the mend. A file that cannot be understood at all raises a `GeodataError`.
"""
