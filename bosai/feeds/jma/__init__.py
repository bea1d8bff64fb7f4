"""気象庁防災情報XML: the envelope every telegram shares, and one module per family read in depth.

bytes ─ envelope.parse_telegram ─▶ Telegram ─ type_code ─▶ tsunami.parse_tsunami ─▶ TsunamiForecast
                                            └▶ (other families join here; until then the envelope is all)
"""
