"""`bosai import`: what belongs together is read together, and an option that means nothing is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bosai.cli import main
from bosai.commands.imports import KINDS, PLACE_FILES, grouped
from bosai.commands.output import Stopped, print_report
from bosai.services.geo_places import PlaceFile
from bosai.services.import_reports import ImportReport, RejectedRow, RepairedRow
from bosai.stores.geo_files import GeoFiles
from tests.bosai.test_cli import Shell, refused


def test_the_members_of_a_shapefile_are_one_map_and_other_files_stand_alone():
    files = [Path(one) for one in ("a/x.shp", "a/x.dbf", "a/x.shx", "a/x.prj", "b/x.geojson", "y.zip")]
    assert grouped(files, "hazards") == [
        ("x.shp", tuple(files[:4])),
        ("x.geojson", (files[4],)),
        ("y.zip", (files[5],)),
    ]
    assert len(grouped(files, "roads")) == len(files)


def test_a_shapefile_without_all_its_members_names_those_that_are_missing():
    with pytest.raises(Stopped, match=r"\.dbf・\.shx"):
        grouped([Path("x.shp"), Path("x.prj")], "hazards")


@pytest.mark.parametrize(
    "words",
    [
        ["roads", "--epsg", "6668"],
        ["sites", "--layer", "flood_max"],
        ["hazards", "--municipality", "仙台市"],
        ["elevation", "--as", "points"],
        ["jma-areas", "--many-may-go"],
    ],
)
def test_an_option_of_another_kind_is_refused_before_anything_is_opened(tmp_path, capsys, words):
    kind, *options = words
    status = main(
        ["import", kind, str(tmp_path / "nothing.zip"), *options, "--data-dir", str(tmp_path / "data")]
    )
    said = capsys.readouterr().err
    assert status == 2
    assert options[0] in said
    assert said.count("\n") == 1
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("kind", ["roads", "elevation"])
def test_a_second_file_of_what_one_file_is_the_whole_of_is_refused(tmp_path, capsys, kind):
    files = [str(tmp_path / one) for one in ("west.asc", "east.asc")]
    assert main(["import", kind, *files, "--data-dir", str(tmp_path / "data")]) == 2
    assert "一つのファイル" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_an_unknown_kind_is_refused_with_those_there_are(capsys):
    with pytest.raises(SystemExit):
        main(["import", "weather", "file"])
    assert all(kind in capsys.readouterr().err for kind in KINDS[-1:])


def test_a_file_that_can_not_be_read_is_refused_in_the_words_of_a_command_not_of_a_form(tmp_path):
    grid = tmp_path / "heights.asc"
    grid.write_text("ncols 1\nnrows 1\nxllcorner 0\nyllcorner 0\ncellsize 1\n0\n")
    said = refused(Shell(tmp_path / "data")("import", "elevation", grid))
    assert "--epsg" in said
    assert "もう一度実行してください" in said
    assert "送って" not in said


def test_doctor_names_what_is_damaged_and_how_to_mend_it(tmp_path):
    files = GeoFiles(tmp_path)
    with files.importing() as work:
        work.put("roads", {"one.npy": b"lines"}, "2026-04-01T03:00:00+00:00")
        work.commit()
    doctor = Shell(tmp_path)
    whole = doctor("doctor", "--json").json()
    assert (whole["ground"], whole["ground_damaged"]) == ({"roads": "2026-04-01T03:00:00+00:00"}, [])
    (stored,) = files.manifest().facts.values()
    (files.folder / stored.folder / "one.npy").write_bytes(b"LINES")
    said = doctor("doctor", "--json")
    assert said.status == 1
    (mend,) = said.json()["ground_damaged"]
    assert "bosai import roads" in mend


def test_what_the_command_calls_files_of_places_is_what_the_service_calls_them():
    assert tuple(one.value for one in PlaceFile) == PLACE_FILES


def test_a_report_for_people_says_everything_that_one_for_programs_holds(capsys):
    report = ImportReport(
        added=39_760,
        changed=1,
        gone=2,
        passed_over=87,
        remarks=("標高が取り込まれていないため、坂は考えに入っていません。",),
        repaired=(RepairedRow(row=3, what="線の交差", area_before_m2=1200.4, area_after_m2=1180.0),),
        rejected=(RejectedRow(row=5, field="緯度", reason="空欄です。"),),
    )
    print_report(report, as_json=False)
    said = capsys.readouterr().out
    for words in ("39,760", "87", "坂は考えに入っていません", "1,200m² → 1,180m²", "5行目 緯度: 空欄です。"):
        assert words in said
    print_report(report, as_json=True)
    assert '"passed_over": 87' in capsys.readouterr().out


def test_help_says_which_files_each_kind_takes(capsys):
    with pytest.raises(SystemExit):
        main(["import", "hazards", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert all(f"{kind}: " in said for kind in KINDS)
    assert "A31a" in said and ".osm.pbf" in said
