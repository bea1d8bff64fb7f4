"""What every import of the ground's facts needs: what was stored before, and refusing what can not be meant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from bosai.errors import InvalidInput
from bosai.stores.geo_files import GeoFileDamaged, GeoImport
from geodata.errors import GeodataError

MANY_GONE = 10
MANY_GONE_SHARE = 0.2
"""A file that is so much smaller than what is stored may be cut off, or another city's."""

T = TypeVar("T")
Note = str | int | float | bool | None


async def readable(parse: Callable[[], T]) -> T:
    """What `parse` makes of a file, in a thread. Raises InvalidInput when the file as a whole can not be used."""
    try:
        return await asyncio.to_thread(parse)
    except GeodataError as error:
        raise InvalidInput("file", "unreadable", error.ja) from error


def stored(work: GeoImport, key: str, read: Callable[[Path], T]) -> T | None:
    """What is stored, read from its folder; None where nothing is, or nothing that can be used."""
    fact = work.facts.get(key)
    if fact is None:
        return None
    try:
        return read(work.files.path(key, fact))
    except (GeoFileDamaged, GeodataError, OSError, ValueError):
        return None


def stored_file(work: GeoImport, key: str, name: str, read: Callable[[bytes], T]) -> T | None:
    """What is stored in one file; None where nothing is, or nothing that can be used."""
    fact = work.facts.get(key)
    if fact is None:
        return None
    try:
        return read(work.files.read(key, fact, name))
    except (GeoFileDamaged, GeodataError, ValueError):
        return None


def stands(work: GeoImport, key: str, made_of: Mapping[str, Note]) -> bool:
    """Whether a fact is stored whole and was made of just this."""
    known = work.facts.get(key)
    return known is not None and dict(known.notes) == dict(made_of) and not work.files.damage_of(key, known)


def refuse_a_part(before: int, after: int, *, many_may_go: bool) -> None:
    """Raises InvalidInput for a file so much smaller than what is stored that it may be a part of it."""
    gone = before - after
    if not many_may_go and gone > MANY_GONE and gone > MANY_GONE_SHARE * before:
        raise InvalidInput(
            "file",
            "other",
            f"登録済みの{before:,}件に対して、このファイルには{after:,}件しかありません。途中で切れたファイルか、"
            "ほかの地域のファイルかもしれません。何も変えていません。"
            "本当に減らすときは --many-may-go を付けてください。",
        )


def chosen(tables: Mapping[str, T], name: str, section: str) -> T | None:
    """The table of the settings with this name; None for no name. Raises InvalidInput naming those there are."""
    if not name:
        return None
    if name not in tables:
        known = "、".join(sorted(tables)) or "なし"
        raise InvalidInput(
            "layer", "other", f"--layer {name} は [{section}] にありません（あるもの：{known}）。"
        )
    return tables[name]
