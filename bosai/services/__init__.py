"""Use cases, one module each: a handler or a worker calls one method, which reads, decides and writes.

    staff.py        accounts, sign-in (password + one-time code), sessions (with passwords.py)
    audit.py        the record of decisions, and its proof
    proposals.py    what feeds suggest ─┐
                                        ▼
    alerts.py       draft ▸ preview ▸ submit ▸ approve (another officer) ─▶ released ─▶ update │ lift 解除 │ recall 取消
      alert_desk.py    writes one decision whole, looks again when the log moved
      alert_moves.py   versions and their moves (pure)
      order_rules.py   which kinds a hazard may have; what a form must hold (pure)
      confirmation.py  the words an approver types, different on each side (pure)
      previews.py      asks the planner who is inside; answers "not available" when it is silent
        preview_answers.py   the planner's side, in steps: preview_plan.py (pure) ─▶ preview_report.py ─▶ figures
        resident_ground.py   who lives inside an area, by the city's table

    hand.py         what HQ asks of the plan: excluded sites, pinned towns, no redirects, strong shaking
      opening_calls.py  which sites are still to be opened, or checked after shaking
    welfare.py      a ward's codes for welfare shelters         site_reports.py   what desks and officers say
    subscriptions.py ─ place_extras.py (today only, codes) ─ ended_days.py (who is forgotten after the day)
    plan_ground.py  what a plan stands on, the same objects while nothing of it changed

    told.py          what everybody was told last, kept as columns
      who_hears.py     a plan against that: whom it gives something to hear (shelters/changes.py decides)
      reminders.py     at most once an hour, without a sound: what stands still stands

    plan_records.py  every plan that told somebody something, kept behind the planner (plan_versions.py: made with)
      plan_replay.py   the same plan again, byte by byte
      explaining.py    why this site, and none of the nearer ones

Every step of HQ is one entry of the audit log, written together with what it did.
"""
