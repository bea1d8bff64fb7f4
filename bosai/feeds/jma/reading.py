"""From a telegram to what it says: one reader for each type that is read in depth.

    Telegram ─ type_code ─▶ READERS ─▶ (Reading, …)
                    └ not in the table ─▶ None: kept and listed with what its head says, its body left alone

A collection (VPWS50) gives several readings. One title covers VXKO50–89, so rivers are found by their first letters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import Telegram
from bosai.feeds.jma.river import read_river
from bosai.feeds.jma.seismic import read_later_quake, read_shaking
from bosai.feeds.jma.titles import FLOOD_FAMILY, VTSE41
from bosai.feeds.jma.tsunami import read_tsunami
from bosai.feeds.jma.tsunami_observed import read_tsunami_observations
from bosai.feeds.jma.weather_bulletins import read_bulletin, read_emergency_notice, read_tornado_watch
from bosai.feeds.jma.weather_collection import COLLECTION, read_collection
from bosai.feeds.jma.weather_kinds import FAMILIES
from bosai.feeds.jma.weather_legacy import LEGACY, read_legacy
from bosai.feeds.jma.weather_series import read_series
from bosai.feeds.jma.weather_warnings import read_warnings
from bosai.feeds.readings import Reading

MAX_ENTRIES = 200_000
"""Areas, happenings and forecasts of one telegram. The national collection has some ten thousand areas for each of its
types; a document made to fill the state of everybody who keeps it would have more."""

Reader = Callable[[Telegram], tuple[Reading, ...]]
"""Raises TelegramRefused only where nothing in the telegram can be trusted."""

READERS: Mapping[str, Reader] = {
    VTSE41: read_tsunami,
    "VTSE51": read_tsunami_observations,
    "VTSE52": read_tsunami_observations,
    "VXSE51": read_shaking,
    "VXSE52": read_shaking,
    "VXSE53": read_shaking,
    "VYSE60": read_later_quake,
    FLOOD_FAMILY: read_river,
    **dict.fromkeys(FAMILIES, read_warnings),
    COLLECTION: read_collection,
    "VPWP50": read_series,
    "VPBS50": read_bulletin,
    "VPHW50": read_tornado_watch,
    "VPNO50": read_emergency_notice,
    **dict.fromkeys(sorted(LEGACY), read_legacy),
}


def reader_of(type_code: str | None) -> Reader | None:
    """The reader for a type code ("VTSE41", "VXKO52", "VXKOii"), or None for a type not read in depth."""
    if type_code is None:
        return None
    family = FLOOD_FAMILY if type_code.startswith(FLOOD_FAMILY) else type_code
    return READERS.get(family)


def read(telegram: Telegram) -> tuple[Reading, ...] | None:
    """All that the telegram says; None for a type that is kept and listed without reading its body.

    Raises TelegramRefused where nothing can be trusted; a detail nobody can read is in `problems` of the reading.
    """
    reader = reader_of(telegram.type_code)
    if reader is None:
        return None
    readings = reader(telegram)
    entries = sum(len(one.areas) + len(one.happenings) + len(one.forecasts) for one in readings)
    if entries > MAX_ENTRIES:
        raise TelegramRefused(RefusalReason.TOO_MANY_ELEMENTS, "Body", f"{entries} > {MAX_ENTRIES}")
    return readings
