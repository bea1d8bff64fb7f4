"""What a ward may see of delivery, as a property: nothing small, and nothing that gives something small away."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from bosai.model.instruction import Stage
from bosai.services.delivery_report import NOT_REACHED, Town
from bosai.services.small_counts import SMALL
from bosai.stores.delivery_counts import Counted
from bosai.web.console.causes import _CAUSES, cause_words
from bosai.web.console.funnel import (
    COLUMNS,
    cause_rows,
    funnel,
    not_reached_of,
    persons_of,
    stage_rows,
    town_lines,
)

CELLS = st.dictionaries(
    st.tuples(st.sampled_from(Stage), st.sampled_from(["timeout", "reset", "stale"])),
    st.integers(1, 12),
    max_size=8,
)
TOWNS = st.lists(CELLS, max_size=5).map(
    lambda many: [Town(name=f"町{row}", counts=cells) for row, cells in enumerate(many)]
)


def tally_of(towns: list[Town]) -> dict[Stage, int]:
    return {stage: sum(town.at(stage) for town in towns) for stage in Stage}


def counted_of(towns: list[Town]) -> Counted:
    stages: dict[tuple[str, Stage, str], int] = {}
    for town in towns:
        for (stage, cause), count in town.counts.items():
            stages["a:1", stage, cause] = stages.get(("a:1", stage, cause), 0) + count
    return Counted(stages=stages)


@given(TOWNS)
def test_every_column_a_ward_sees_leaves_each_withheld_count_open(towns: list[Town]) -> None:
    tally = tally_of(towns)
    shown = [one.count for one in funnel(tally, exact=False)]
    lines = town_lines(towns, exact=False)
    everywhere = [*shown, *itertools.chain.from_iterable(line.counts for line in lines)]
    assert {line.bytes_sent for line in lines} <= {None}  # a message's length is known: bytes tell how many
    everywhere += [row.count for row in cause_rows(counted_of(towns), exact=False)]
    everywhere.append(persons_of(tally, exact=False))
    assert all(one is None or one == 0 or one >= SMALL for one in everywhere)
    if persons_of(tally, exact=False) is not None:
        assert shown.count(None) != 1
    for row, total in enumerate(shown[: len(COLUMNS)]):
        column = [line.counts[row] for line in lines]
        if total is None:
            assert None in column  # else the column adds up to what is withheld
        else:
            assert column.count(None) != 1


@given(TOWNS)
def test_two_pages_never_differ_for_a_ward(towns: list[Town]) -> None:
    tally = tally_of(towns)
    by_key = {one.key: one.count for one in funnel(tally, exact=False)}
    assert {key: count for key, _, count in stage_rows(tally, exact=False)}.items() <= by_key.items()
    assert not_reached_of(tally, exact=False) == by_key["not_reached"]


@given(TOWNS)
def test_the_headquarters_sees_everything_and_the_rows_make_up_the_whole(towns: list[Town]) -> None:
    tally = tally_of(towns)
    assert sum(one.count or 0 for one in funnel(tally, exact=True)) == persons_of(tally, exact=True)
    unreached = sum(tally[stage] for stage in NOT_REACHED)
    assert sum(row.count or 0 for row in cause_rows(counted_of(towns), exact=True)) == unreached
    lines = town_lines(towns, exact=True)
    assert sum(line.not_reached or 0 for line in lines) == unreached
    assert sum(count for line in lines for _, count in line.causes) == unreached
    assert [key for key, _, _ in stage_rows(tally, exact=True)] == [
        one.value for one in Stage if one is not Stage.REPLACED
    ]


def test_every_cause_reads_as_japanese_and_an_unknown_one_keeps_its_name() -> None:
    for cause in [*_CAUSES, "gave_up timeout", "gave_up http_503", "http_503", "http_418"]:
        assert cause not in cause_words(cause) and any("ぁ" <= char <= "鿿" for char in cause_words(cause))
    assert cause_words("new_thing") == "その他（new_thing）" and cause_words("") == "—"
    assert "503" in cause_words("gave_up http_503")
