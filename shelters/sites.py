"""Sites as parallel arrays, sorted by id, with what is known of each right now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from geodata.hazards import HAZARD_ORDER, HazardKind
from geodata.sites import SiteForm
from shelters.errors import LengthsDiffer, SitesNotSorted
from shelters.model import (
    DesignationKind,
    Facet,
    FigureSource,
    FloorLimit,
    Opening,
    Site,
    SiteStatus,
)
from shelters.occupancy import persons_known

OPENINGS: tuple[Opening, ...] = tuple(Opening)
HAZARD_COLUMN: dict[HazardKind, int] = {kind: n for n, kind in enumerate(HAZARD_ORDER)}
ROOF = 99
"""Floor rank of 「屋上」: above every numbered floor."""

RAISED_FORMS = frozenset({SiteForm.TSUNAMI_TOWER, SiteForm.EVACUATION_HILL, SiteForm.EVACUATION_STAIRS})
"""Built for its height: a refuge from tsunami inside the area without a floor being published."""

FACETS: tuple[Facet, ...] = (Facet.STEP_FREE, Facet.POWER, Facet.PETS)
"""The columns of `SiteTable.facets`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SiteTable:
    """(m,) sites joined by row. `present_*` is -1 where nobody has reported."""

    sites: tuple[Site, ...]
    xy_m: NDArray[np.float64]  # (m, 2)
    public: NDArray[np.bool_]
    flags: NDArray[np.bool_]  # (m, 8) designated, in HAZARD_ORDER; blank is not "OK"
    floor: NDArray[np.int16]  # (m, 8) refuge floor: 0 = none published, ROOF = roof only
    raised: NDArray[np.bool_]
    opening: NDArray[np.int8]  # row of OPENINGS
    not_first_in_rain: NDArray[np.bool_]
    refuge_seats: NDArray[np.int64]
    stay_seats: NDArray[np.int64]  # falls back to refuge seats where none are given
    present_refuge: NDArray[np.int64]  # heads counted against refuge seats
    present_stay: NDArray[np.int64]
    seats_assumed: NDArray[np.bool_]
    facets: NDArray[np.int8]  # (m, 3) in the order of FACETS: 1 has, 0 lacks or lost, -1 unknown
    outdoor: NDArray[np.bool_]  # no hall: open ground, hill, stairs, tower
    checked_at_s: NDArray[np.float64]  # when the building check said it may be used, nan = never
    welfare: NDArray[np.bool_]  # 福祉避難所
    temporary_stay: NDArray[np.bool_]  # 一時滞在施設
    shelter: NDArray[np.bool_]  # 指定避難所: what the city's opening rules speak of
    opened_by_staff: NDArray[np.bool_]  # staff said so, and have not said otherwise

    def __len__(self) -> int:
        return len(self.sites)

    def rows(self) -> dict[str, int]:
        """Site id → row."""
        return {one.site_id: n for n, one in enumerate(self.sites)}


def site_table(
    sites: Sequence[Site],
    statuses: Mapping[str, SiteStatus],
    xy_m: NDArray[np.float64],
    *,
    margin_fraction: float,
) -> SiteTable:
    """Sites in ascending id order with (m, 2) plane positions → the table. Raises SitesNotSorted, LengthsDiffer."""
    _refuse_disorder(sites, xy_m)
    count = len(sites)
    now = [statuses.get(one.site_id, SiteStatus(site_id=one.site_id)) for one in sites]
    refuge = [one.capacity.refuge_persons for one in sites]
    stay = [one.capacity.stay_persons or one.capacity.refuge_persons for one in sites]
    return SiteTable(
        sites=tuple(sites),
        xy_m=np.asarray(xy_m, dtype=np.float64).reshape(-1, 2),
        public=np.array([one.open_to_public for one in sites], dtype=np.bool_),
        flags=np.array(
            [[one.fit_for(kind) for kind in HAZARD_ORDER] for one in sites], dtype=np.bool_
        ).reshape(count, len(HAZARD_ORDER)),
        floor=np.array(
            [[_floor_rank(one.floor_limit(kind)) for kind in HAZARD_ORDER] for one in sites], dtype=np.int16
        ).reshape(count, len(HAZARD_ORDER)),
        raised=np.array([one.form in RAISED_FORMS for one in sites], dtype=np.bool_),
        opening=np.array(
            [OPENINGS.index(opening_of(site, status)) for site, status in zip(sites, now, strict=True)],
            dtype=np.int8,
        ),
        not_first_in_rain=np.array(
            [any(d.not_first_in_rain for d in one.designations) for one in sites], dtype=np.bool_
        ),
        refuge_seats=np.array(refuge, dtype=np.int64),
        stay_seats=np.array(stay, dtype=np.int64),
        present_refuge=_present(now, refuge, margin_fraction),
        present_stay=_present(now, stay, margin_fraction),
        seats_assumed=np.array(
            [one.capacity.source is FigureSource.ASSUMED for one in sites], dtype=np.bool_
        ),
        facets=np.array(
            [_facets(site, status) for site, status in zip(sites, now, strict=True)], dtype=np.int8
        ).reshape(count, len(FACETS)),
        outdoor=np.array([one.form.always_open for one in sites], dtype=np.bool_),
        checked_at_s=np.array(
            [one.checked_at.timestamp() if one.checked_at else np.nan for one in now], dtype=np.float64
        ),
        welfare=_designated(sites, DesignationKind.WELFARE_SHELTER),
        temporary_stay=_designated(sites, DesignationKind.TEMPORARY_STAY),
        shelter=_designated(sites, DesignationKind.SHELTER),
        opened_by_staff=np.array([one.opening is Opening.OPEN for one in now], dtype=np.bool_),
    )


def opening_of(site: Site, status: SiteStatus | None) -> Opening:
    """Whether one can get in: staff's word first, then the form, then "expected" until somebody says more.

    Only 閉鎖 and 使用不可 exclude (design: "Opening"), so an unreported hall counts, and the advice says 未確認.
    """
    if status and status.opening is not None and (status.opening.excludes or status.opening is Opening.OPEN):
        return status.opening
    return Opening.ALWAYS if site.form.always_open else Opening.EXPECTED


def floor_label(site: Site, hazard: HazardKind) -> str:
    """The refuge floor as published, or built from its number; "" where none is published."""
    limit = site.floor_limit(hazard)
    if limit is None:
        return ""
    if limit.label:
        return limit.label
    if limit.roof:
        return "屋上"
    return f"{limit.min_floor}階以上" if limit.is_upstairs else ""


def _facets(site: Site, status: SiteStatus) -> tuple[int, ...]:
    """What the list says of step-free ways, power and pets, less what staff say is out for now."""
    has = {Facet.STEP_FREE: site.step_free, Facet.POWER: site.power, Facet.PETS: site.pets}
    known = (-1 if has[one] is None else int(bool(has[one])) for one in FACETS)
    return tuple(0 if one in status.outages else value for one, value in zip(FACETS, known, strict=True))


def _designated(sites: Sequence[Site], kind: DesignationKind) -> NDArray[np.bool_]:
    return np.array([any(d.kind is kind for d in one.designations) for one in sites], dtype=np.bool_)


def _floor_rank(limit: FloorLimit | None) -> int:
    if limit is None:
        return 0
    return ROOF if limit.roof else (limit.min_floor or 0)


def _present(statuses: Sequence[SiteStatus], seats: Sequence[int], margin: float) -> NDArray[np.int64]:
    known = [persons_known(status, count, margin) for status, count in zip(statuses, seats, strict=True)]
    return np.array([-1 if one is None else one for one in known], dtype=np.int64)


def _refuse_disorder(sites: Sequence[Site], xy_m: NDArray[np.float64]) -> None:
    if len(np.asarray(xy_m).reshape(-1, 2)) != len(sites):
        raise LengthsDiffer("xy_m", len(sites), len(np.asarray(xy_m).reshape(-1, 2)))
    for before, after in pairwise(sites):
        if before.site_id >= after.site_id:
            raise SitesNotSorted(after.site_id)
