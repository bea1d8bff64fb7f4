"""Web Push as values and bytes: who may be pushed to, under which keys, in which envelope. Pure.

    browser's endpoint ─▶ hosts.py     a known push service, https, no private address?
    its keys           ─▶ target.py    p256dh is a point on P-256, auth is 16 bytes?
                       ─▶ part.py      both as few bytes, the keys ready for use
    both, and places   ─▶ sealing.py   at rest only as AES-256-GCM, a subkey per kind of record
    instruction        ─▶ topics.py    one Topic and tag per realm and incident, keyed
                       ─▶ vapid.py     who we are, signed once per origin and hour (RFC 8292)
                       ─▶ contact.py   whom a push service may write to about us
    message, its keys  ─▶ encryption.py  RFC 8291: a pair for one message, and the bytes for the push service
                       ─▶ prekeys.py   such pairs made ahead, sealed, each for one message only
                       ─▶ payload_limits.py  how many bytes a message may have

Sending stands behind `ports.PushTransport`.
"""
