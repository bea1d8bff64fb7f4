"""The service: who is told what, when, and by whose decision.

    feeds/ (JMA, CAP: pure) ─▶ proposals ─┐
    web/ console ─▶ services/ ─▶ drafts ─▶ released alerts ─┐
    web/ desk ─▶ services/ ─▶ occupancy ────────────────────┼─▶ stores/ (Redis) ─▶ [workers: planner, delivery]
    web/ resident ─▶ services/ ─▶ subscriptions ────────────┘         │
                                  messages/ (wording), push/ (RFC 8291/8292: pure), model/ (pure)

Beside the rooms: settings (typed once at start), ports (what lies outside), wiring (where adapters are opened),
embedded (a Redis of our own), secrets (key files), supervise (the parts as child processes), cli. Importing opens
nothing.
"""
