"""取消: which telegrams a withdrawal of a mistaken issue withdraws. It is no 解除."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bosai.feeds.jma.envelope import TelegramSource
from bosai.feeds.timeline import Order, slim

MAX_RECALLS = 32  # of one type; far more than one type ever saw: bounds what a broken source can pile up

Recalls = Mapping[str, tuple[TelegramSource, ...]]
"""Every 取消 we know by the type it withdraws, oldest first."""


def family_of(source: TelegramSource) -> str:
    """The type whose telegrams a 取消 withdraws: the river numbers VXKO50–89 are one."""
    return "VXKO" if (source.type_code or "").startswith("VXKO") else source.type_code or source.title


def with_recall(recalls: Recalls, source: TelegramSource) -> dict[str, tuple[TelegramSource, ...]]:
    """All of them and this one. It is kept where it withdraws nothing: what it means may still be under way."""
    family = family_of(source)
    known = sorted((*recalls.get(family, ()), slim(source)), key=lambda one: one.order)
    return {**recalls, family: tuple(known[-MAX_RECALLS:])}


def is_withdrawn(source: TelegramSource, recalls: Recalls) -> bool:
    """True when a later 取消 of its type names it.

    Where telegrams bear event ids those tell, whichever office speaks (大阪 stands in for Tokyo); merged tsunamis bear
    several, and a 取消 without any can only mean the newest. Warnings bear none: there the office tells.
    """
    return any(
        bool(set(one.event_ids) & set(source.event_ids))
        if one.event_ids
        else bool(source.event_ids) or one.editorial_office == source.editorial_office
        for one in recalls.get(family_of(source), ())
        if one.order > source.order
    )


def cuts(families: Iterable[str], recalls: Recalls) -> list[Order]:
    """When telegrams of these types were withdrawn: no spell runs across such a moment."""
    return [one.order for family in families for one in recalls.get(family, ())]
