"""Records put together: one facility of several designations, and what an import changes.

One school is often two records, as 場所 and as 所, with different ids and sometimes different points.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from geodata.crs import PLANE_EPSG, to_plane
from geodata.sites import SiteForm, SiteKind, SiteRecord

JOIN_WITHIN_M = 150.0


@dataclass(frozen=True, slots=True)
class Facility:
    """One place with 1..n designations, 緊急避難場所 first; id, name and point are those of the first."""

    designations: tuple[SiteRecord, ...]

    @property
    def facility_id(self) -> str:
        """The 共通ID of the first designation, stable while that stays in the list."""
        return self.designations[0].site_id

    @property
    def name(self) -> str:
        """The name without operating notes."""
        return self.designations[0].name

    @property
    def lonlat(self) -> tuple[float, float]:
        """Degrees lon, lat."""
        return self.designations[0].lon, self.designations[0].lat

    @property
    def site_form(self) -> SiteForm:
        """What stands there, by the first designation."""
        return self.designations[0].site_form


@dataclass(frozen=True, slots=True)
class SiteChanges:
    """What a new list changes; ids sorted."""

    added: tuple[SiteRecord, ...] = ()
    changed: tuple[tuple[SiteRecord, SiteRecord], ...] = ()
    gone: tuple[SiteRecord, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True when the list says what is known already."""
        return not (self.added or self.changed or self.gone)


def diff_sites(
    old: Mapping[str, SiteRecord],
    new: Mapping[str, SiteRecord],
    *,
    kinds: Collection[SiteKind] = tuple(SiteKind),
    keep: Collection[str] = (),
) -> SiteChanges:
    """What changes from old to new, both by id.

    kinds: the kinds the new list covers; records of another kind are not gone. keep: ids that are in the
    new list but were rejected; a broken row must not close a site that is known to exist.
    """
    return SiteChanges(
        added=tuple(new[one] for one in sorted(new.keys() - old.keys())),
        changed=tuple(
            (old[one], new[one]) for one in sorted(new.keys() & old.keys()) if old[one] != new[one]
        ),
        gone=tuple(
            old[one] for one in sorted(old.keys() - new.keys()) if old[one].kind in kinds and one not in keep
        ),
    )


def join_facilities(
    records: Iterable[SiteRecord], *, within_m: float = JOIN_WITHIN_M, epsg: int = PLANE_EPSG
) -> tuple[Facility, ...]:
    """Pairs of one 場所 and one 所 of the same name become one facility; the rest stand alone.

    They belong together within `within_m` metres, or at any distance when both say 住所同一 and give the
    same address (some points are off by hundreds of metres). Two records of one kind are never joined:
    two hills may share a name. Nearest pairs first, ties by id; the result is sorted by facility id.
    """
    ordered = sorted(records, key=lambda one: one.site_id)
    points = to_plane([[one.lon, one.lat] for one in ordered], epsg)
    by_name: dict[str, list[int]] = {}
    for row, record in enumerate(ordered):
        by_name.setdefault(_plain(record.name), []).append(row)
    pairs = sorted(
        (float(np.hypot(*(points[a] - points[b]))), a, b)
        for rows in by_name.values()
        for a in rows
        if ordered[a].kind is SiteKind.EMERGENCY
        for b in rows
        if ordered[b].kind is SiteKind.SHELTER
    )
    partner: dict[int, int] = {}
    for gap_m, a, b in pairs:
        free = a not in partner and b not in partner
        if free and (gap_m <= within_m or _same_address(ordered[a], ordered[b])):
            partner[a], partner[b] = b, a
    facilities = [
        Facility((one, ordered[partner[row]]) if row in partner else (one,))
        for row, one in enumerate(ordered)
        if one.kind is SiteKind.EMERGENCY or row not in partner
    ]
    return tuple(sorted(facilities, key=lambda one: one.facility_id))


def distinct_names(facilities: Iterable[Facility]) -> dict[str, str]:
    """A name to show by facility id: where several share one (避難の丘), with the town from the address.

    Two of one name and town are told apart by the whole address after the ward.
    """
    listed = list(facilities)
    shown = {one.facility_id: one.name for one in listed}
    for part in (_town_in_address, _after_ward):
        counts = Counter(shown.values())
        for one in listed:
            if counts[shown[one.facility_id]] > 1 and part(one):
                shown[one.facility_id] = f"{one.name}（{part(one)}）"
    return shown


def _after_ward(facility: Facility) -> str:
    return re.sub(r"^.*?市(\S{1,4}?区)?", "", facility.designations[0].address)


def _town_in_address(facility: Facility) -> str:
    return re.split(r"[0-9０-９]", _after_ward(facility))[0].rstrip("-－")


def _plain(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).replace("ヶ", "ケ")


def _same_address(one: SiteRecord, other: SiteRecord) -> bool:
    flagged = one.same_address_as_other_kind and other.same_address_as_other_kind
    return flagged and one.address != "" and _plain(one.address) == _plain(other.address)
