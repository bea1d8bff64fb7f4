"""One module per format: bytes in, records and rejected rows out.

    bytes ─▶ archives (out of a zip) ─▶ tables (decode, rows) ─▶ sites · capacities · towns · population
                                        recognise (which list is it?)
    bytes ─▶ areas (GeoJSON)

A bad row never stops the good ones: it is returned as `Rejected` with the row a person sees in a
spreadsheet, the field and the mend. A file that cannot be understood at all raises a `GeodataError`.
"""
