"""Importing sites and seats: good rows go in, bad ones are listed, the same list changes nothing."""

import asyncio
from datetime import UTC, datetime

import pytest

from bosai.errors import InvalidInput, NotAllowed, NotFound
from bosai.model.realm import Realm
from bosai.model.staff import Role, Session
from bosai.services.audit import AuditService
from bosai.services.sites import SiteService
from bosai.settings import load_settings
from bosai.stores.events import EventKind
from bosai.stores.keys import Keys
from geodata.hazards import HazardKind
from shelters.model import DesignationKind, FigureSource, Opening, SiteForm

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
HEAD = (
    "id,kind,name,address,ward,lon,lat,hazards,tsunami_floor,rain_floor,refuge_part,"
    "not_opened_first_in_rain,restricted_to,conditions,same_address,site_form,remarks\n"
)
SCHOOL = (
    "E1,emergency,荒浜学校,仙台市若林区荒浜1,若林区,140.97,38.22,flood tsunami,3,2,共用廊下,,,,1,"
    "elementary_school,\n"
)
SHELTER = "E2,shelter,荒浜学校,仙台市若林区荒浜1,若林区,140.97,38.22,,,,,,,,1,elementary_school,\n"
TOWER = (
    "E3,emergency,井土津波避難タワー,仙台市若林区井土1,若林区,140.96,38.20,tsunami,,,,,,,,tsunami_tower,\n"
)


class FixedClock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def sites(redis):
    settings = load_settings(None, {}, {})
    clock = FixedClock()
    return SiteService(redis, Realm.LIVE, clock, settings, AuditService(redis, Realm.LIVE, clock))


def table(*rows: str) -> bytes:
    return (HEAD + "".join(rows)).encode()


async def test_a_list_goes_in_and_the_same_list_again_changes_nothing(sites):
    first = await sites.import_sites(table(SCHOOL, SHELTER, TOWER), "cli")
    assert (first.added, first.changed, first.gone, first.rejected) == (3, 0, 0, ())
    version = await sites.version()
    again = await sites.import_sites(table(SCHOOL, SHELTER, TOWER), "cli")
    assert (again.added, again.changed, again.gone) == (0, 0, 0)
    assert await sites.version() == version


async def test_two_designations_of_one_school_are_one_site_with_floors_per_hazard(sites):
    await sites.import_sites(table(SCHOOL, SHELTER, TOWER), "cli")
    school, tower = await sites.all()
    assert [one.kind for one in school.designations] == [
        DesignationKind.EMERGENCY_SITE,
        DesignationKind.SHELTER,
    ]
    assert school.floor_limit(HazardKind.TSUNAMI).label == "3階以上の共用廊下"
    assert school.floor_limit(HazardKind.FLOOD).min_floor == 2
    assert school.capacity.source is FigureSource.ASSUMED and school.capacity.refuge_persons == 900
    assert tower.form is SiteForm.TSUNAMI_TOWER


async def test_changed_and_gone_rows_are_told_apart_and_a_broken_row_closes_no_site(sites):
    await sites.import_sites(table(SCHOOL, SHELTER, TOWER), "cli")
    report = await sites.import_sites(
        table(SCHOOL.replace("荒浜1,", "荒浜2,"), TOWER.replace("140.96", "999")), "cli"
    )
    assert (report.added, report.changed, report.gone) == (0, 1, 1)
    assert report.gone_names == ("荒浜学校",)
    assert [(one.row, one.field) for one in report.rejected] == [(3, "lon")]
    assert {one.site_id for one in await sites.all()} == {"E1", "E3"}


async def test_a_rejected_row_without_an_id_takes_nothing_away(sites):
    await sites.import_sites(table(SCHOOL, TOWER), "cli")
    report = await sites.import_sites(table(SCHOOL, TOWER.replace("E3", "")), "cli")
    assert (report.gone, len(report.rejected)) == (0, 1)
    assert len(await sites.all()) == 2


async def test_a_file_that_is_no_list_is_refused_and_nothing_changes(sites):
    await sites.import_sites(table(SCHOOL), "cli")
    for data in (b"hello,world\n1,2\n", b"\xff\xfe\x00", b"{}"):
        with pytest.raises(InvalidInput) as refused:
            await sites.import_sites(data, "cli")
        assert refused.value.field == "file" and refused.value.detail
    assert len(await sites.all()) == 1


async def test_imported_seats_replace_the_assumed_ones_and_stay_through_the_next_import(sites):
    await sites.import_sites(table(SCHOOL, SHELTER, TOWER), "cli")
    rows = ["E2,,500,120,published", ",井土津波避難タワー,80,,measured", "E9,,1,1,published", ""]
    csv = "\n".join(["id,name,refuge_persons,stay_persons,source", *rows])
    report = await sites.import_capacities(csv.encode(), "cli")
    assert (report.added, [(one.row, one.field) for one in report.rejected]) == (2, [(4, "id")])
    await sites.import_sites(table(SCHOOL, SHELTER.replace("荒浜1,", "荒浜2,"), TOWER), "cli")
    school, tower = await sites.all()
    assert (school.capacity.refuge_persons, school.capacity.source) == (500, FigureSource.PUBLISHED)
    assert (tower.capacity.refuge_persons, tower.capacity.stay_persons) == (80, 0)
    assert (await sites.import_capacities(csv.encode(), "cli")).added == 0


async def test_imports_at_the_same_time_lose_nothing(sites):
    one = "E{n},emergency,塔{n},仙台市若林区,若林区,140.9{n},38.20,tsunami,,,,,,,,tsunami_tower,\n"
    rows = [one.format(n=n) for n in range(4)]
    await asyncio.gather(*(sites.import_sites(table(*rows[: n + 1]), "cli") for n in range(4)))
    assert await sites.version() >= 1
    stored = {site.site_id for site in await sites.all()}
    final = await sites.import_sites(table(*rows), "cli")
    assert len(stored) + final.added == 4


async def test_the_sample_is_loaded_once_and_every_side_hears_of_it(sites, redis):
    loaded = await sites.load_sample("system")
    assert loaded == len(await sites.all()) > 40
    assert await sites.load_sample("system") == 0
    for realm in Realm:
        (_, fields), *_ = await redis.xrange(Keys(realm).events)
        assert fields[b"kind"] == EventKind.SITES_IMPORTED.encode()


@pytest.mark.real_data
async def test_every_record_of_sendai_goes_in_and_again_changes_nothing(sites, shared_data):
    emergency = (shared_data / "shelters/sendai_emergency_sites_gsi_layout.csv").read_bytes()
    shelter = (shared_data / "shelters/sendai_designated_shelters_gsi_layout.csv").read_bytes()
    both = (shared_data / "shelters/gsi_hinanbasho_20260727_04_miyagi.json").read_bytes()
    assert (await sites.import_sites(emergency, "cli")).added == 313
    assert (await sites.import_sites(shelter, "cli")).added == 221
    again = [await sites.import_sites(data, "cli") for data in (emergency, shelter)]
    assert all((one.added, one.changed, one.gone, one.rejected) == (0, 0, 0, ()) for one in again)
    as_json = await sites.import_sites(both, "cli")
    assert (as_json.added, as_json.gone) == (0, 0)
    stored = await sites.all()
    assert 313 <= len(stored) < 534
    assert sum(len(one.designations) for one in stored) == 534
    assert not any(one.open_to_public for one in stored if all(d.restricted_to for d in one.designations))


async def test_an_officer_reports_on_a_site_and_a_viewer_may_not(sites):
    await sites.import_sites(table(SCHOOL), "cli")

    def officer(role: Role, realm: Realm = Realm.LIVE) -> Session:
        return Session(session_id="x", realm=realm, name="sato", role=role, signed_in_at=NOW)

    status = await sites.report(officer(Role.WARD_OPERATOR), "E1", opening=Opening.OPEN)
    assert (status.opening, status.reporter) == (Opening.OPEN, "staff:sato")
    with pytest.raises(NotAllowed):
        await sites.report(officer(Role.VIEWER), "E1", opening=Opening.OPEN)
    with pytest.raises(NotAllowed):
        await sites.report(officer(Role.WARD_OPERATOR, Realm.DRILL), "E1", opening=Opening.OPEN)
    with pytest.raises(NotFound):
        await sites.report(officer(Role.WARD_OPERATOR), "E9", opening=Opening.OPEN)


def towers(*numbers: int) -> bytes:
    return table(*(TOWER.replace("E3", f"E{n}").replace("井土津波", f"第{n}津波") for n in numbers))


async def test_a_list_cut_off_in_the_middle_drops_nothing_unless_told_so(sites):
    await sites.import_sites(towers(*range(50)), "cli")
    version = await sites.version()
    with pytest.raises(InvalidInput) as refused:
        await sites.import_sites(towers(*range(39)), "cli")
    assert "50件のうち11件（第39津波避難タワー" in str(refused.value)
    assert (await sites.version(), len(await sites.all())) == (version, 50)
    # A tenth of the list may go, and all of it when somebody says so.
    assert (await sites.import_sites(towers(*range(45)), "cli")).gone == 5
    assert (await sites.import_sites(towers(1), "cli", many_may_go=True)).gone == 44


async def test_an_unreadable_row_of_a_list_never_counts_as_gone(sites):
    await sites.import_sites(table(SCHOOL, SHELTER, TOWER), "cli")
    broken = TOWER.replace("140.96", "somewhere")
    named = await sites.import_sites(table(SCHOOL, SHELTER, broken), "cli")
    nameless = await sites.import_sites(table(SCHOOL, SHELTER, broken.replace("E3", "")), "cli")
    for report in (named, nameless):
        assert (len(report.rejected), report.gone, report.changed) == (1, 0, 0)
    assert len(await sites.all()) == 2


async def test_a_table_of_temporary_stays_adds_sites_for_visitors_and_takes_none_away(sites):
    await sites.import_sites(table(SCHOOL), "cli")
    rows = "一時滞在施設,所在地,緯度,経度,受入人数\n駅前ホテル,仙台市青葉区中央1,38.26,140.88,300\n"
    report = await sites.import_sites(rows.encode(), "cli")
    assert (report.added, report.gone) == (1, 0)
    hotel = next(one for one in await sites.all() if one.name == "駅前ホテル")
    assert [one.kind for one in hotel.designations] == [DesignationKind.TEMPORARY_STAY]
    assert (hotel.capacity.stay_persons, hotel.capacity.source) == (300, FigureSource.PUBLISHED)
    assert "国土地理院" not in hotel.source
    again = await sites.import_sites(table(SCHOOL), "cli")
    assert (again.added, again.gone) == (0, 0)
