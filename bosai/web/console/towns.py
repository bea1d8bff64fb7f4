"""Which town an officer means: its name with the ward, or without where only one ward has it."""

from collections.abc import Iterable

from bosai.errors import InvalidInput
from geodata.places import Town


def full_name(town: Town) -> str:
    """「若林区荒浜」: the name the plan knows it by."""
    return f"{town.ward}{town.name}"


def town_meant(towns: Iterable[Town], typed: str, field: str) -> Town:
    """The town of `typed`. Raises InvalidInput for `field`, with what could be meant."""
    if not typed:
        raise InvalidInput(field, "missing")
    known = [one for one in towns if not one.outside_city]
    for one in known:
        if full_name(one) == typed:
            return one
    same = [one for one in known if one.name == typed]
    if len({full_name(one) for one in same}) == 1:
        return same[0]
    near = same or [one for one in known if typed in full_name(one)]
    listed = sorted({full_name(one) for one in near})[:3]
    hint = f"{'、'.join(listed)} など" if len(near) > len(listed) else "、".join(listed)
    raise InvalidInput(
        field,
        "unknown_town",
        f"「{typed}」ではなく、区から町名を入れてください。{f'例：{hint}' if hint else ''}",
    )
