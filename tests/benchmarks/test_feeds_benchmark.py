"""The benchmark of telegrams compares the same work, at a small size."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from benchmarks import feeds as benchmark
from benchmarks.memory_peak import peak_growth_mb
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.jma.reading import read
from tests.bosai.feeds.telegrams import item, report

FILES = [("x_VTSE41.xml", report(item(code="210", kind="51"), item(kind="52")))]


def quick_run() -> tuple[benchmark.Run, list[str]]:
    said: list[str] = []
    return benchmark.Run(rounds=1, until_s=time.monotonic() + 30, say=said.append), said


def test_both_ways_find_the_same_areas_and_kinds():
    assert benchmark.plain(FILES) == 2
    assert benchmark.ours(FILES) == 1 + 2  # the reading itself, and its two areas
    assert benchmark._pairs(FILES[0][1]) == [("210", "51"), ("220", "52")]


def test_the_made_up_collection_is_read_without_a_problem_and_has_the_size_asked_for():
    data = benchmark.collection(200_000)
    assert 200_000 < len(data) < 300_000
    readings = read(parse_telegram(data, name="x_VPWS50.xml"))
    assert readings is not None
    assert {problem for one in readings for problem in one.problems} == set()
    assert sum(len(one.areas) for one in readings) > 100


def test_nothing_read_is_no_figure():
    run, _ = quick_run()
    with pytest.raises(ValueError, match="nothing was read"):
        benchmark.turns([], run)


def test_a_row_for_time_and_one_for_memory_come_of_one_file():
    run, said = quick_run()
    made = ("x_VPWS50.xml", benchmark.collection(100_000))
    rows = benchmark._one("small", made, run, benchmark.Reach(seconds=60.0, grown_mb=1_000))
    assert [one.unit for one in rows] == ["ms", "MB"]
    assert all(one.met for one in rows)
    assert "small" in said[0]


def test_growth_is_that_of_the_peak_and_not_of_what_is_left():
    assert peak_growth_mb(lambda: bytearray(b"x") * 60_000_000) > 40
    assert peak_growth_mb(lambda: None) < 20


def test_without_real_telegrams_only_the_made_up_collection_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("BOSAI_SHARED_DATA", str(tmp_path))
    monkeypatch.setattr(benchmark, "QUICK_COLLECTION_BYTES", 100_000)
    monkeypatch.setattr(benchmark, "QUICK_ROUNDS", 1)
    assert benchmark.main(["--quick", "--json", str(tmp_path / "rows.json")]) == 0
    rows = json.loads((tmp_path / "rows.json").read_bytes())
    assert [one["unit"] for one in rows] == ["ms", "MB"]
    assert set(rows[0]) == {"what", "ours", "peer", "peer_name", "ratio", "unit", "budget", "met"}
    assert "no real telegrams" in capsys.readouterr().err
