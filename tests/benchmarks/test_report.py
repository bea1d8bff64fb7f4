"""The rows of a benchmark: their fields, ratios and verdicts, and one whole run of the delivery benchmark, tiny."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.delivery import FULL, QUICK, main, parse, rate_rows, release_rows, size_of
from benchmarks.peers.process import PeerUnavailable, web_push_command
from benchmarks.report import interleaved, row, spread, table, write_json
from benchmarks.runs import Release
from benchmarks.sink import SinkUnavailable, nginx_program
from benchmarks.usage import Times, main_and_busiest

ROOT = Path(__file__).resolve().parents[2]
FIELDS = ["what", "ours", "peer", "peer_name", "ratio", "unit", "budget", "met"]

figures = st.floats(min_value=1e-3, max_value=1e6)


@given(ours=figures, peer=figures)
def test_a_ratio_above_one_always_means_that_ours_is_better(ours, peer):
    rate = row("rate", ours, "messages/s", peer=peer, peer_name="theirs")
    time = row("time", ours, "s", peer=peer, peer_name="theirs", less_is_better=True)
    assert (rate.ratio > 1) == (ours > peer) or rate.ratio == 1
    assert (time.ratio > 1) == (ours < peer) or time.ratio == 1


@given(ours=figures, at_least=figures, peer=figures, times=st.floats(min_value=0.1, max_value=20))
def test_a_budget_is_met_only_when_every_part_of_it_is(ours, at_least, peer, times):
    found = row("x", ours, "1/s", peer=peer, peer_name="theirs", at_least=at_least, ratio_at_least=times)
    assert found.met == (ours >= at_least and ours / peer >= times)
    assert "≥" in found.budget
    assert "× theirs" in found.budget


def test_an_upper_limit_is_met_up_to_the_limit_itself():
    assert row("memory", 150.0, "B", at_most=150).met is True
    assert row("memory", 150.1, "B", at_most=150).met is False


def test_without_a_budget_or_at_a_size_that_cannot_judge_it_there_is_no_verdict():
    assert row("x", 5.0, "s").met is None
    unjudged = row("x", 5.0, "s", at_most=1, judged=False)
    assert (unjudged.met, unjudged.budget) == (None, "≤ 1 s")


def test_a_ratio_without_a_peer_or_to_nothing_is_refused():
    with pytest.raises(ValueError, match="needs a peer"):
        row("x", 5.0, "s", ratio_at_least=2)
    with pytest.raises(ValueError, match="makes no ratio"):
        row("x", 5.0, "s", peer=0.0, peer_name="theirs")


async def test_contestants_take_turns_so_that_a_disturbance_hits_all_of_them():
    order: list[str] = []

    def contestant(name: str):
        async def measure() -> float:
            order.append(name)
            return float(len(order))

        return measure

    found = await interleaved(3, {"ours": contestant("ours"), "theirs": contestant("theirs")})
    assert order == ["ours", "theirs"] * 3
    assert found == {"ours": [1.0, 3.0, 5.0], "theirs": [2.0, 4.0, 6.0]}
    with pytest.raises(ValueError, match="repeats"):
        await interleaved(0, {})


@pytest.mark.parametrize(("until_s", "rounds"), [(0.0, 1), (25.0, 2), (29.9, 2), (30.0, 3), (999.0, 4)])
async def test_a_round_that_would_end_too_late_is_not_begun(until_s, rounds):
    now_s = 0.0

    async def ten_seconds() -> float:
        nonlocal now_s
        now_s += 10.0
        return 1.0

    found = await interleaved(4, {"ours": ten_seconds}, until_s=until_s, clock_s=lambda: now_s)
    assert found == {"ours": [1.0] * rounds}


def test_the_rows_are_written_as_a_list_of_objects_with_the_agreed_fields(tmp_path):
    rows = [
        row(
            "速さ",
            30_000.0,
            "messages/s",
            peer=3_000.0,
            peer_name="theirs",
            at_least=20_000,
            ratio_at_least=6,
        )
    ]
    write_json(rows, tmp_path / "rows.json")
    (found,) = json.loads((tmp_path / "rows.json").read_text("utf-8"))
    assert list(found) == FIELDS
    assert (found["ratio"], found["met"]) == (10.0, True)
    assert found["budget"] == "≥ 20,000 messages/s, ≥ 6 × theirs"


def test_the_table_names_the_verdict_and_keeps_its_columns_below_japanese_words():
    lines = table([row("速さ", 1.0, "s", at_most=2), row("speed", 3.0, "s", at_most=2)]).splitlines()
    assert "yes" in lines[2]
    assert "NO" in lines[3]
    assert lines[2].index("1") + len("速さ") == lines[3].index("3")  # each of the two takes two columns


def test_a_spread_says_median_and_range():
    assert spread([3.0, 1.0, 2.0]) == "2 (1 to 3, of 3)"


RATES = {
    "with prekeys": 24_000.0,
    "without prekeys": 9_000.0,
    "two processes": 25_000.0,
    "pywebpush async": 3_000.0,
    "npm web-push": 1_500.0,
}


def test_the_budget_of_speed_is_judged_at_full_size_only():
    full, quick = rate_rows(RATES, FULL), rate_rows(RATES, QUICK)
    assert [one.met for one in full] == [True, None, None, True]
    assert [one.met for one in quick] == [None] * 4
    assert full[0].ratio == 8.0
    assert f"{QUICK.messages:,} messages" in quick[0].what


def test_two_processes_that_are_slower_together_than_one_miss_their_budget():
    assert rate_rows({**RATES, "two processes": 23_000.0}, FULL)[3].met is False


def test_a_release_is_judged_as_a_whole_only_for_all_the_people_it_is_promised_for():
    assert [one.met for one in release_rows(Release(0.4, 30.0), 300_000)] == [True, False]
    assert [one.met for one in release_rows(Release(1.4, 3.0), 30_000)] == [False, None]


def test_a_smaller_run_can_be_asked_for_and_a_senseless_one_is_refused(capsys):
    size = size_of(parse(["--messages", "80", "--repeats", "1"]))
    assert (size.messages, size.peer_messages, size.release, size.repeats) == (80, 80, 80, 1)
    assert main(["--messages", "0"]) == 2
    assert "--messages: expected at least 1" in capsys.readouterr().err


def test_the_busiest_thread_beside_the_main_one_is_the_one_that_sends():
    before = {7: Times(1.0, 0.5), 8: Times(2.0, 0.0)}
    after = {7: Times(1.5, 0.75), 8: Times(2.25, 0.5), 9: Times(0.125, 0.0)}
    assert main_and_busiest(7, before, after) == (Times(0.5, 0.25), Times(0.25, 0.5))
    assert main_and_busiest(7, {}, {}) == (Times(), Times())


def run_the_benchmark(*flags: str) -> subprocess.CompletedProcess[str]:
    try:
        nginx_program()
        web_push_command()
    except (SinkUnavailable, PeerUnavailable) as why:
        pytest.skip(str(why))
    command = [sys.executable, "-m", "benchmarks.delivery", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=230, check=False)


@pytest.mark.timeout(240)
def test_a_tiny_run_sends_everything_through_ours_and_both_peers_and_writes_every_row(tmp_path):
    path = tmp_path / "rows.json"
    answer = run_the_benchmark("--quick", "--messages", "120", "--repeats", "1", "--json", str(path))
    assert answer.returncode == 0, answer.stderr
    rows = json.loads(path.read_text("utf-8"))
    assert all(list(one) == FIELDS for one in rows)
    assert {one["peer_name"] for one in rows} == {"pywebpush async", "npm web-push", "one process", ""}
    assert all(one["ours"] > 0 for one in rows)
    assert {one["unit"] for one in rows} == {"messages/s", "s", "B"}
    assert answer.stdout.count("\n") >= len(rows) + 2


@pytest.mark.timeout(240)
def test_the_profile_names_python_curl_redis_and_each_step():
    answer = run_the_benchmark("--profile", "--messages", "600")
    assert answer.returncode == 0, answer.stderr
    for name in ("main thread (Python)", "sending thread (curl", "Redis", "nginx", "encrypt with a pair"):
        assert name in answer.stdout
