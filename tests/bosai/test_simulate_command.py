"""`bosai simulate`: a scenario file in, the same figures each time, one page that needs nothing else."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

from bosai.cli import main
from bosai.simulation.files import ScenarioInvalid, read_scenario
from bosai.simulation.page import _headline, _placed, _settled

SCENARIOS = sorted((Path(__file__).resolve().parents[2] / "docs" / "scenarios").glob("*.toml"))
SMALL = """
name = "小さな模擬 <b>"
begins = 2026-07-13T21:00:00+09:00
minutes = 60
[city]
residents = "made"
households = 120
made_sites = 9
made_towns = 5
[[orders]]
id = "slope"
hazard = "landslide"
level = 4
circle = { lonlat = [140.90, 38.26], radius_m = 1500 }
[[doors]]
site = "S002"
opens_min = 20
[[failures]]
site = "見本5小学校"
at_min = 30
"""
NOTICE = "これは模擬計算です。実際の予測ではありません"


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL, "utf-8")
    return path


def simulated(path: Path, *flags: str) -> int:
    return main(["simulate", str(path), "--data-dir", str(path.parent / "data"), *flags])


def test_the_same_file_and_seed_give_the_same_bytes_and_another_seed_others(small, tmp_path, capsys):
    files = [tmp_path / f"{n}.json" for n in range(3)]
    for path, seed in zip(files, ("7", "7", "8"), strict=True):
        assert simulated(small, "--json", str(path), "--seed", seed, "--quiet") == 0
    assert files[0].read_bytes() == files[1].read_bytes() != files[2].read_bytes()
    found = json.loads(files[0].read_text("utf-8"))
    assert found["schema"] == "bosai.simulation/1" and found["notice"] == NOTICE
    assert found["scenario"]["seed"] == 7
    assert found["ours"]["in_area"] == found["baseline"]["in_area"] > 0
    assert set(found) == {"schema", "notice", "notice_en", "scenario", "city", "ours", "baseline", "ratios"}
    assert capsys.readouterr() == ("", "")


def test_the_page_stands_alone_and_says_first_that_it_is_no_forecast(small, tmp_path):
    page = tmp_path / "page.html"
    assert simulated(small, "--html", str(page), "--quiet") == 0
    text = page.read_text("utf-8")
    body = text.partition("<body>")[2]
    assert body.index(NOTICE) < body.index("<h1>")
    assert "<script" not in text and not re.search(r"\b(src|href)\s*=|url\(|@import|https?:", text)
    assert "小さな模擬 &lt;b&gt;" in text and "<b>" not in text
    read = Reader()
    read.feed(text)
    assert read.open_tags == []
    assert len(read.ids) == len(set(read.ids))
    assert read.svgs and all(one.get("aria-labelledby") or one.get("aria-label") for one in read.svgs)
    named = {name for one in read.svgs for name in one.get("aria-labelledby", "").split()}
    assert named <= set(read.ids)
    assert "S002" in text or "見本2小学校" in text


def test_progress_and_a_summary_are_said_unless_it_is_to_be_quiet(small, capsys):
    assert simulated(small) == 0
    said = capsys.readouterr()
    assert NOTICE in said.out and "満員で断られた人" in said.out
    assert said.out.index("避難を終えた人") < said.out.index("うち施設に入れた人")
    assert "予想時刻" not in said.out  # no wave, no word of one
    lines = said.err.splitlines()
    assert any("この案内" in one and "100%" in one for one in lines)
    assert len(lines) <= 24 and "\x1b" not in said.err


def test_no_part_is_shown_larger_than_its_whole_and_a_wave_is_spoken_of_first():
    outcome = SimpleNamespace(
        placed=864, walked_out=0, movers=950, refused=9, refused_share=0.01, guided_refused_share=0.0
    )
    assert f"{_placed(outcome):.1%}" == f"{_settled(outcome):.1%}" == "90.9%"  # not 0.9095 rounded once more
    quiet = SimpleNamespace(**vars(outcome), out_in_time_share=None)
    wave = SimpleNamespace(**vars(outcome), out_in_time_share=0.62)
    assert _headline(quiet, quiet).startswith("満員で入れなかった人")
    assert _headline(wave, wave).startswith("第1波の予想時刻までに危険を離れた人は、最寄りの案内では 62.0%")


def test_figures_go_to_the_screen_as_json_when_no_file_is_named(small, capsys):
    assert simulated(small, "--quiet", "--json") == 0
    assert json.loads(capsys.readouterr().out)["ours"]["guide"] == "ours"


@pytest.mark.parametrize(
    "wrong",
    [
        ("level = 4", "level = 6", "orders[0].level", "6"),
        ("level = 4", "", "orders[0] (slope)", "level に 3・4・5"),
        ("minutes = 60", "minuts = 60", "bad.toml", "minuts"),
        ('site = "S002"', 'site = "S999"', "doors", "施設の一覧"),
        ("+09:00", "", "begins", "時差"),
        ("radius_m = 1500 }", "radius_m = 1500 }\narea_file = 'x.geojson'", "orders[0]", "どれか1つ"),
        ("lonlat = [140.90, 38.26]", "lonlat = [141.90, 38.26]", "orders", "住民がいません"),
        ('hazard = "landslide"', 'hazard = "tsunami"', "orders[0]", "津波に警戒レベルはありません"),
        ("name =", "name", "bad.toml", "TOML"),
    ],
)
def test_a_wrong_scenario_is_refused_with_its_key_and_the_mend(tmp_path, capsys, wrong):
    old, new, key, mend = wrong
    assert old in SMALL
    path = tmp_path / "bad.toml"
    path.write_text(SMALL.replace(old, new, 1), "utf-8")
    assert simulated(path, "--quiet") == 2
    said = capsys.readouterr().err
    assert key in said and mend in said and "Traceback" not in said


def test_a_missing_scenario_and_a_missing_folder_are_said(tmp_path, small, capsys):
    assert simulated(tmp_path / "no.toml") == 1
    assert "no.toml" in capsys.readouterr().err
    assert simulated(small, "--html", str(tmp_path / "no" / "page.html")) == 2
    assert "no such folder" in capsys.readouterr().err


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_scenarios_that_come_along_can_be_read(path):
    assert read_scenario(path).orders


def test_own_ways_must_make_one(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(SMALL + "[people.own_way]\nnearest = 0.9\nelsewhere = 0.3\nstay = 0.2\n", "utf-8")
    with pytest.raises(ScenarioInvalid, match=r"people\.own_way"):
        read_scenario(path)


class Reader(HTMLParser):
    """Which elements were left open, which ids there are, and the pictures."""

    VOID = frozenset({"meta", "br", "circle", "path", "rect", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open_tags: list[str] = []
        self.ids: list[str] = []
        self.svgs: list[dict[str, str]] = []

    def handle_starttag(self, tag, attrs):
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "svg" and "aria-hidden" not in found:
            self.svgs.append(found)
        if tag not in self.VOID:
            self.open_tags.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open_tags.pop() == tag
