"""The long loops; everything they decide is decided in the other rooms.

    planner    inputs that changed ─▶ plan ─▶ instructions to those whose answer changed, most endangered first;
               quiet reminders, an hour later                                          (holds a lease)
    delivery   instruction chunks ─▶ push services ─▶ outcomes                          (as many as needed)
    feeds      JMA's Atom feeds ─▶ telegrams ─▶ proposals for the console               (holds a lease)
    schedules  reviews that nobody answered, one-time pairs, the monthly check         (holds a lease)
               orders the planner has not planned in time: cautious advice at once     (in every one)

Each is started by `python -m workers NAME` against the Redis of the settings, and may be killed at any moment: what
was not acknowledged is claimed by the next one.
"""
