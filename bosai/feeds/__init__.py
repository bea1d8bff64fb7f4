"""What arrives from 気象庁 and others, turned into values. Pure: bytes and `now` come in, nothing is fetched.

    Atom bytes ─ atom ─▶ FeedEntry ── (downloaded by workers) ──▶ telegram bytes
                                                                      │ safe_xml: no DTD, capped
    telegram bytes ─ jma.envelope ─▶ Telegram ─ jma.reading ─▶ Reading, … (types not in its table are only listed)
                          │ freshness: is it of now?               │
                          │ realms: 通常 → live, 訓練・試験 → drill    │
                          ▼                                        ▼
                     show (`bosai feed show`)     in_force: what stands ─▶ changes ─ proposing, by the table ─▶ Proposal

A Proposal goes to HQ, and this room ends: people decide. 発表 is 気象庁's word, 発令 the mayor's.
"""
