"""A plan beside the same plan made again: identical to the last byte, or the first thing that differs."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from shelters.plan import Plan
from shelters.records import Get, Put, Stands, Tree, pack, straight_ways, unpack

NOT_SAID = ("problem", "workings")
"""What a plan was made from, and what the next one may use again: no part of what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first difference. `n`: which decision, -1 = the whole field; `row`: of the people, -1 = none."""

    field: str
    n: int
    row: int
    recorded: str
    replayed: str
    rows_differing: int = 0  # decisions that differ in this field


def answers(made: Plan, put: Put, stands: Stands = straight_ways) -> Tree:
    """What a plan says, without what it was made from. Raises CannotRecord."""
    return [
        [one.name, pack(getattr(made, one.name), put, stands, f"plan.{one.name}")]
        for one in fields(made)
        if one.name not in NOT_SAID
    ]


def answers_again(tree: Tree, get: Get) -> dict[str, object]:
    """Field → value, as recorded. Raises RecordUnreadable."""
    return {name: unpack(one, get, f"plan.{name}") for name, one in tree}


def first_difference(recorded: dict[str, object], made: Plan) -> Difference | None:
    """None when every field of the plan made again has the bytes of the recorded one."""
    names = [one.name for one in fields(made) if one.name not in NOT_SAID]
    for name in [*names, *(one for one in recorded if one not in names)]:
        if name not in recorded or name not in names:
            there = "missing"
            return Difference(
                field=name,
                n=-1,
                row=-1,
                recorded="present" if name in recorded else there,
                replayed=there if name in recorded else "present",
            )
        found = _difference(name, recorded[name], getattr(made, name), made)
        if found is not None:
            return found
    return None


def _difference(name: str, before: object, after: object, made: Plan) -> Difference | None:
    if isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
        return _of_arrays(name, before, after, made)
    if _bytes_of(before) == _bytes_of(after):
        return None
    return Difference(field=name, n=-1, row=-1, recorded=repr(before)[:200], replayed=repr(after)[:200])


def _of_arrays(
    name: str,
    before: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
    after: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
    made: Plan,
) -> Difference | None:
    if before.dtype != after.dtype or before.shape != after.shape:
        words = [f"{one.dtype} {'×'.join(map(str, one.shape))}" for one in (before, after)]
        return Difference(field=name, n=-1, row=-1, recorded=words[0], replayed=words[1])
    if before.tobytes() == after.tobytes():
        return None
    rows = len(before)
    as_bytes = [np.frombuffer(one.tobytes(), dtype=np.uint8).reshape(rows, -1) for one in (before, after)]
    unlike = np.flatnonzero((as_bytes[0] != as_bytes[1]).any(axis=1))
    n = int(unlike[0])
    return Difference(
        field=name,
        n=n,
        row=int(made.row[n]) if n < len(made.row) and rows == len(made.row) else -1,
        recorded=str(before[n].tolist()),
        replayed=str(after[n].tolist()),
        rows_differing=len(unlike),
    )


def _bytes_of(value: object) -> object:
    blocks: list[bytes] = []

    def put(raw: bytes, width: int) -> str:
        blocks.append(raw)
        return str(len(blocks))

    tree = pack(value, put)
    return repr(tree), blocks
