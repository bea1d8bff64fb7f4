"""What is kept in Redis, one module per thing. Nothing here decides: services do; scripts check and change.

keys.py       every key, with its type, tag and lifetime
scripts.py    the Lua files of lua/, sent by hash        lua/*.lua   KEYS, ARGV and result in words at the head
    replies.py    values on their way to and from Redis

HQ, all under one tag of one side (so one script moves an order, its audit entry and the incident together):

    read audit head ─▶ read state ─▶ decide (services) ─▶ alert_commit.lua: head still the same? then write all
          ▲                                                        │ moved
          └────────────────────── look again ◀─────────────────────┘
    audit.py      the hash-chained record; its head is the lock of every change of HQ
    alerts.py     versions of orders, what is in force, what was released, what has been planned
    proposals.py  what feeds suggest to HQ
    hand.py       what HQ asks of the plan (field_commit.lua: with its entry of the log)

sites.py      the imported list (both sides), reports and what is current       site_failures.py  by the last plan

subscribers and what they are told, in 256 buckets by id, each under one tag (keys.py):

    subscriptions.py ─ compact.py   push part and places, sealed apart        prekeys.py   one-time pairs for sending
    instructions.py  what each was told last ─▶ outbox.py   claims and results ─▶ deliveries.py   how far it came
                                                                             delivery_counts.py   how many came how far

staff.py      accounts and lock-outs (the city's, both sides)       sessions.py  signed-in browsers (one side)
events.py     nudges to the planner, on a tag of their own: lost ones do not matter, state is polled as well
"""
