"""From published records to `Site`: designations joined, floor limits per hazard, seats given or assumed. Pure."""

from collections.abc import Callable, Iterable, Mapping

from bosai.settings_schema import CapacityDefaults
from geodata.facilities import Facility, distinct_names, join_facilities
from geodata.hazards import HazardKind
from geodata.importers.capacities import CapacityRecord, CapacitySource
from geodata.sites import FLOOR_GROUP_OF, LISTED_KINDS, SiteForm, SiteKind, SiteRecord
from shelters.model import (
    Capacity,
    Designation,
    DesignationKind,
    FigureSource,
    FloorLimit,
    Site,
)

SOURCE = "国土地理院『指定緊急避難場所・指定避難所データ』を加工して作成"
OWN_SOURCE = "市が取り込んだ一時滞在施設の表"


def catalogue_of(
    records: Iterable[SiteRecord], capacities: Mapping[str, Capacity], defaults: CapacityDefaults, epsg: int
) -> dict[str, Site]:
    """Site id → site: records of one facility joined, names told apart, seats given or assumed."""
    facilities = join_facilities(records, epsg=epsg)
    names = distinct_names(facilities)
    return {
        one.facility_id: _site(one, names[one.facility_id], capacities.get(one.facility_id), defaults)
        for one in facilities
    }


def capacity_of(record: CapacityRecord, form: SiteForm, defaults: CapacityDefaults) -> Capacity:
    """The figures of one row of a capacities file.

    Without a refuge figure as many may stand as may stay. Without a stay figure the assumed one is taken, at most
    the refuge figure, and the whole is marked as assumed: a guess must not pass as published.
    """
    if record.stay_persons is None:
        refuge = record.refuge_persons or 0
        return Capacity(
            refuge_persons=refuge,
            stay_persons=min(defaults.of(form.value).stay_persons, refuge),
            source=FigureSource.ASSUMED,
        )
    refuge = record.stay_persons if record.refuge_persons is None else record.refuge_persons
    return Capacity(
        refuge_persons=refuge, stay_persons=record.stay_persons, source=FigureSource(record.source.value)
    )


def published_capacity(facility: Facility, form: SiteForm, defaults: CapacityDefaults) -> Capacity | None:
    """The figures that the list of sites itself gives (想定収容人数); None where it gives none.

    Of a 指定避難所 or 一時滞在施設 it is who may stay; of a 指定緊急避難場所 only who may be out of danger there.
    """
    found = {
        one.kind: one.capacity_persons for one in facility.designations if one.capacity_persons is not None
    }
    if not found:
        return None
    record = CapacityRecord(
        refuge_persons=found.get(SiteKind.EMERGENCY),
        stay_persons=found.get(SiteKind.SHELTER, found.get(SiteKind.TEMPORARY_STAY)),
        source=CapacitySource.PUBLISHED,
        row=0,
    )
    return capacity_of(record, form, defaults)


def find_site(record: CapacityRecord, sites: Mapping[str, Site]) -> tuple[str, str]:
    """(site id, "") for the site a row means, or ("", why not) in Japanese."""
    same: Callable[[Site], bool]
    if record.site_id:
        same = lambda one: record.site_id in {d.designation_id for d in one.designations}  # noqa: E731
    else:
        same = lambda one: one.name == record.name  # noqa: E731
    found = [site_id for site_id, one in sites.items() if same(one)]
    if len(found) == 1:
        return found[0], ""
    called = record.site_id or record.name
    if not found:
        return "", f"「{called}」という施設がありません。先に施設を取り込むか、共通IDを確かめてください。"
    return "", f"「{called}」という施設が{len(found)}件あります。共通IDで指定してください。"


def _site(facility: Facility, name: str, given: Capacity | None, defaults: CapacityDefaults) -> Site:
    first, form = facility.designations[0], facility.site_form
    assumed = defaults.of(form.value)
    return Site(
        site_id=facility.facility_id,
        name=name,
        address=first.address,
        ward=first.ward,
        lon=first.lon,
        lat=first.lat,
        form=form,
        designations=tuple(_designation(one) for one in facility.designations),
        capacity=given
        or published_capacity(facility, form, defaults)
        or Capacity(
            refuge_persons=assumed.refuge_persons,
            stay_persons=assumed.stay_persons,
            source=FigureSource.ASSUMED,
        ),
        source=SOURCE if first.kind in LISTED_KINDS else OWN_SOURCE,
    )


def _designation(record: SiteRecord) -> Designation:
    return Designation(
        designation_id=record.site_id,
        kind=_kind(record),
        hazards=record.hazards,
        floor_limits=_floor_limits(record),
        restricted_to=record.restricted_to,
        conditions=record.conditions,
        not_first_in_rain=record.not_opened_first_in_rain,
        remarks=record.remarks,
    )


def _kind(record: SiteRecord) -> DesignationKind:
    """A shelter in a care home is a welfare shelter, whether or not the list says for whom."""
    if record.kind is SiteKind.EMERGENCY:
        return DesignationKind.EMERGENCY_SITE
    if record.kind is SiteKind.TEMPORARY_STAY:
        return DesignationKind.TEMPORARY_STAY
    if record.site_form is SiteForm.WELFARE:
        return DesignationKind.WELFARE_SHELTER
    return DesignationKind.SHELTER


def _floor_limits(record: SiteRecord) -> dict[HazardKind, FloorLimit]:
    limits = {}
    for flag in HazardKind:
        limit = record.floor_limits.get(FLOOR_GROUP_OF[flag]) if flag in FLOOR_GROUP_OF else None
        if limit is not None:
            floor = "屋上" if limit == "roof" else f"{limit}階以上"
            limits[flag] = FloorLimit(
                min_floor=None if limit == "roof" else limit,
                roof=limit == "roof",
                label=f"{floor}の{record.refuge_part}" if record.refuge_part and limit != "roof" else floor,
            )
    return limits
