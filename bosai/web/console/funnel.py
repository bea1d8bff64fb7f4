"""How far messages have come, as rows of a page: all of it for the headquarters, no small counts for anybody else.

Where small counts are withheld, every page shows the same few columns, so that two pages give no difference to take.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bosai.model.instruction import Stage
from bosai.services.delivery_report import NOT_REACHED, Town
from bosai.services.small_counts import total_without_small, without_small
from bosai.stores.delivery_counts import Counted
from bosai.web.console import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Stages that are counted together. `arrives`: the message is known to be on the device."""

    key: str
    word: str
    stages: tuple[Stage, ...]


COLUMNS = (
    *(
        Column(key=one.value, word=words.STAGES[one], stages=(one,))
        for one in (
            Stage.QUEUED,
            Stage.ACCEPTED,
            Stage.DISPLAYED,
            Stage.OPENED,
            Stage.ANSWERED,
            Stage.ARRIVED,
        )
    ),
    Column(key="not_reached", word="送れなかった", stages=NOT_REACHED),
)
STOPPED = Column(key="replaced", word="送る前に止めた", stages=(Stage.REPLACED,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A count beside its word; None: withheld."""

    key: str
    word: str
    count: int | None


def stage_rows(tally: Mapping[Stage, int], *, exact: bool) -> list[tuple[str, str, int | None]]:
    """(key, word, count) in the order a message travels; replaced ones are history and left out."""
    if exact:
        return [
            (one.value, words.STAGES[one], tally.get(one, 0)) for one in Stage if one is not Stage.REPLACED
        ]
    return [(one.key, one.word, one.count) for one in funnel(tally, exact=False) if one.key != STOPPED.key]


def funnel(tally: Mapping[Stage, int], *, exact: bool) -> list[Figure]:
    """Every column of the incident. The sum of all persons stands beside them."""
    columns = (*COLUMNS, STOPPED)
    counts = [sum(tally.get(stage, 0) for stage in one.stages) for one in columns]
    shown: Sequence[int | None] = counts if exact else without_small(counts)
    return [
        Figure(key=one.key, word=one.word, count=count) for one, count in zip(columns, shown, strict=True)
    ]


def not_reached_of(tally: Mapping[Stage, int], *, exact: bool) -> int | None:
    """Everybody for whom nothing more will happen."""
    return next(one.count for one in funnel(tally, exact=exact) if one.key == "not_reached")


def persons_of(tally: Mapping[Stage, int], *, exact: bool) -> int | None:
    """Everybody who was told something."""
    total = sum(tally.values())
    return total if exact else total_without_small(total)


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRow:
    """Why people were not reached: the stage and the cause in words."""

    stage: str
    cause: str
    count: int | None


def cause_rows(counted: Counted, *, exact: bool) -> list[CauseRow]:
    """Not reached, by stage and cause, most persons first."""
    found = [
        (stage, cause, count)
        for (stage, cause), count in _not_reached(counted).items()
        if stage in NOT_REACHED and count
    ]
    found.sort(key=lambda one: (-one[2], one[0], one[1]))
    counts = [count for _, _, count in found]
    total = not_reached_of(counted.by_stage(), exact=exact)
    shown = counts if exact else without_small(counts, total_shown=total is not None)
    return [
        CauseRow(stage=words.STAGES[stage], cause=words.cause(cause), count=count)
        for (stage, cause, _), count in zip(found, shown, strict=True)
    ]


def _not_reached(counted: Counted) -> dict[tuple[Stage, str], int]:
    """Those without a cause of their own too, so that the rows make up the whole."""
    found: dict[tuple[Stage, str], int] = {}
    for (_, stage, cause), count in counted.stages.items():
        found[stage, cause] = found.get((stage, cause), 0) + count
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class TownLine:
    """One town: its counts under COLUMNS, and where those may be shown its not reached by cause and its bytes.

    Bytes are withheld with the causes: a message's length is known, so they would tell how many there were.
    """

    name: str
    counts: tuple[int | None, ...]
    causes: tuple[tuple[str, int], ...] = ()
    bytes_sent: int | None = None

    @property
    def not_reached(self) -> int | None:
        """The last column."""
        return self.counts[-1]


def town_lines(towns: Sequence[Town], *, exact: bool) -> list[TownLine]:
    """The towns under COLUMNS. Withheld counts are so by column: no sum over a row stands anywhere."""
    columns = [[town.at(*column.stages) for town in towns] for column in COLUMNS]
    names = [town.name or "（町名なし）" for town in towns]
    if exact:
        return [
            TownLine(
                name=name,
                counts=tuple(column[row] for column in columns),
                causes=_causes_of(town),
                bytes_sent=town.bytes_sent,
            )
            for row, (name, town) in enumerate(zip(names, towns, strict=True))
        ]
    stopped = sum(town.at(Stage.REPLACED) for town in towns)
    totals = without_small([*(sum(column) for column in columns), stopped])[:-1]
    shown = [
        without_small(column, total_shown=total is not None)
        for column, total in zip(columns, totals, strict=True)
    ]
    lines = [
        TownLine(name=name, counts=tuple(column[row] for column in shown)) for row, name in enumerate(names)
    ]
    # In the order of their not reached, withheld ones would betray themselves.
    return sorted(lines, key=lambda one: one.name)


def _causes_of(town: Town) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    for (stage, cause), count in town.counts.items():
        if stage in NOT_REACHED:
            word = words.cause(cause) if cause else words.STAGES[stage]
            found[word] = found.get(word, 0) + count
    return tuple(sorted(found.items(), key=lambda one: (-one[1], one[0])))
