"""The values everybody speaks in, and the tables of what may happen to them. Pure.

    realm.py         live or drill: decided by the path, never by a field in a form
    alert.py         an order of the mayor, versioned; its states and legal moves
    subscription.py  where to push, and the places to guide from (two separate parts)
    instruction.py   what one subscriber is told, and how far it has travelled
    staff.py         officers, roles, what a role may do
    audit.py         one link of the hash-chained record of decisions
    canonical.py     the bytes an approval is taken over
    gravity.py       which order comes first wherever orders are listed
    geometry.py      areas between approved integers and computed geometries

Everything here is a frozen msgspec Struct: parsed once at the edge, trusted from there on.
"""
