"""気象庁防災情報XML: the envelope every telegram shares, and one module for each family that is read in depth.

bytes ─ envelope.parse_telegram ─▶ Telegram ─ reading.read ─┬▶ tsunami, tsunami_observed, seismic ─▶ Reading, …
          titles: which type it is                          ├▶ river ─▶ Reading
                                                            ├▶ weather_warnings, …_collection, …_series, …_bulletins
                                                            ├▶ weather_legacy (kept until about 2028)
                                                            └▶ None: any other type is kept and listed by its head

body and weather_xml hold what the readers do alike; readings (one room up) are the values they all give.
"""
