"""What everybody was told last, as columns: kept between plans, read again only where something changed.

buckets' versions ─moved?─▶ their lines ─another seq?─▶ open that instruction ─▶ columns ─▶ ToldBook (one moment)
what the planner wrote itself ─────────────────────────────────────────────────▶
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from bosai.model.instruction import Answer, Delivery, Instruction, MessageKind, Stage
from bosai.stores.instructions import InstructionDraft, InstructionStore
from bosai.stores.keys import BUCKETS, FORGOTTEN
from bosai.stores.told_lines import ToldLine
from shelters.model import Action

MESSAGES: tuple[MessageKind, ...] = tuple(MessageKind)
STAGES: tuple[Stage, ...] = tuple(Stage)
ANSWERS: tuple[Answer, ...] = tuple(Answer)
ACTIONS: tuple[Action, ...] = tuple(Action)
LOST = (Stage.EXPIRED, Stage.REPLACED, Stage.RETIRED)
"""What never reached anybody, and is told again while it is true (see emit.lua)."""

T = TypeVar("T")
ALSO = "\x1f"
NONE = -1
ANYWHERE = np.iinfo(np.int32).min
NOBODY = NONE

_ROW = np.dtype(
    [
        ("seq", np.int32),  # 0 = of nobody any more
        ("message", np.int8),
        ("action", np.int8),
        ("stage", np.int8),
        ("answer", np.int8),
        ("site", np.int32),  # words from here on
        ("floor", np.int32),
        ("alert", np.int32),
        ("place", np.int32),
        ("town", np.int32),
        ("also", np.int32),
        ("decided_s", np.float64),
        ("walk_s", np.float32),
        ("at_s", np.float64),
        ("from_m", np.int32, (2,)),  # the place it was made for; ANYWHERE = not known
        ("exit_lonlat", np.float64, (2,)),  # told to walk inland: where the area ended; nan otherwise
    ]
)


class ToldOne(NamedTuple):
    """What one person was told last. site_id None: no site was named."""

    seq: int
    message: MessageKind
    action: Action | None
    site_id: str | None
    floor_label: str
    alert_key: str
    place_id: str | None
    town: str
    also: tuple[str, ...]
    decided_at: datetime
    stage: Stage
    answer: Answer | None


@dataclass(slots=True)
class _Words:
    """Words as numbers; a number once given stays."""

    listed: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, word: str | None) -> int:
        """-1 for None."""
        if word is None:
            return NONE
        found = self.numbers.get(word)
        if found is None:
            found = self.numbers[word] = len(self.listed)
            self.listed.append(word)
        return found

    def word(self, number: int) -> str | None:
        return None if number < 0 else self.listed[number]


class ToldBook:
    """One moment of what (t,) people were told. Rows are given once; words are numbers, joined by `word_of`."""

    def __init__(
        self, rows: Mapping[str, int], names: Sequence[str], columns: NDArray[Any], words: _Words
    ) -> None:
        self._rows = rows  # both only grow: what came after this moment has rows beyond the columns
        self._names = names
        self._held: tuple[Any, ...] = ()
        self._asked: tuple[Sequence[str], int, NDArray[np.int64]] = ((), 0, np.empty(0, dtype=np.int64))
        self.columns = columns
        self._words = words

    @staticmethod
    def of(told: Mapping[str, tuple[Instruction, Delivery]]) -> "ToldBook":
        """From instructions as read from the store."""
        book = _Columns()
        for name, (instruction, delivery) in told.items():
            book.put_instruction(name, instruction)
            book.put_travel(
                name, delivery.stage, delivery.at.timestamp(), delivery.answer, instruction.alert_key
            )
        return book.taken()

    def bound(self, key: object, held: object, make: Callable[[], T]) -> T:
        """What `make` makes of this moment: the same object while it is asked for with an equal key. held: an object
        whose id is in the key."""
        if not self._held or self._held[0] != key:
            self._held = key, held, make()
        made: T = self._held[2]
        return made

    def remember(self, earlier: "ToldBook | None") -> None:
        """Who was asked for of an earlier moment is mostly asked for again."""
        if earlier is not None:
            self._asked = earlier._asked

    def __len__(self) -> int:
        return int((self.columns["seq"] > 0).sum())

    def rows_of(self, names: Sequence[str]) -> NDArray[np.int64]:
        """(s,) rows of these people, -1 = told nothing."""
        asked, many, rows = self._asked
        if asked is not names or many != len(self.columns):
            get = self._rows.get
            rows = np.fromiter((get(one, NOBODY) for one in names), dtype=np.int64, count=len(names))
            rows[rows >= len(self.columns)] = NOBODY  # told of after this moment
            self._asked = names, len(self.columns), rows
        rows = rows.copy()
        known = rows >= 0
        rows[known] = np.where(self.columns["seq"][rows[known]] > 0, rows[known], NOBODY)
        return rows

    def standing(self, kinds: Iterable[MessageKind]) -> NDArray[np.bool_]:
        """(t,) whose newest message is of these kinds."""
        of_kind = np.isin(self.columns["message"], [MESSAGES.index(one) for one in kinds])
        found: NDArray[np.bool_] = of_kind & (self.columns["seq"] > 0)
        return found

    def name(self, row: int) -> str:
        """Whose row it is."""
        return self._names[row]

    def get(self, subscription_id: str) -> ToldOne | None:
        """What one person was told, None = nothing."""
        row = self._rows.get(subscription_id, NOBODY)
        if not 0 <= row < len(self.columns) or self.columns["seq"][row] <= 0:
            return None
        return self.one(row)

    def one(self, row: int) -> ToldOne:
        """What stands at a row."""
        found, word = self.columns[row], self._words.word
        return ToldOne(
            seq=int(found["seq"]),
            message=MESSAGES[found["message"]],
            action=ACTIONS[found["action"]] if found["action"] >= 0 else None,
            site_id=word(found["site"]),
            floor_label=word(found["floor"]) or "",
            alert_key=word(found["alert"]) or "",
            place_id=word(found["place"]),
            town=word(found["town"]) or "",
            also=tuple(also.split(ALSO)) if (also := word(found["also"])) else (),
            decided_at=datetime.fromtimestamp(float(found["decided_s"]), UTC),
            stage=STAGES[found["stage"]],
            answer=ANSWERS[found["answer"]] if found["answer"] >= 0 else None,
        )

    def alert_keys(self) -> list[str]:
        """The versions somebody stands on."""
        numbers = np.unique(self.columns["alert"][self.columns["seq"] > 0])
        return sorted(self._words.listed[number] for number in numbers if number >= 0)

    def numbered(self, word: str) -> int | None:
        """The number of a word, None when nobody was told it."""
        return self._words.numbers.get(word)

    def word_table(self, values: Mapping[str, int], missing: int = NONE) -> NDArray[np.int64]:
        """(w + 1,) a value for each word, `missing` where none is given; the last is for "no word" (-1)."""
        table = np.full(len(self._words.listed) + 1, missing, dtype=np.int64)
        for word, value in values.items():
            number = self._words.numbers.get(word)
            if number is not None and number < len(table) - 1:
                table[number] = value
        return table


ToldTable = ToldBook | Mapping[str, tuple[Instruction, Delivery]]


def book_of(told: ToldTable) -> ToldBook:
    """The columns of whatever holds what was told."""
    return told if isinstance(told, ToldBook) else ToldBook.of(told)


class _Columns:
    """Columns that grow and change; what was taken of them does not."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self._names: list[str] = []
        self._words = _Words()
        self._columns = np.zeros(64, dtype=_ROW)
        self._taken: ToldBook | None = None
        self._last: ToldBook | None = None

    def taken(self) -> ToldBook:
        """The columns as they stand; the same object while nothing changes."""
        if self._taken is None:
            columns = self._columns[: len(self.rows)].copy()
            before, self._taken = self._last, ToldBook(self.rows, self._names, columns, self._words)
            self._taken.remember(before)
            self._last = self._taken
        return self._taken

    def seqs(self) -> dict[str, int]:
        """Subscription id → seq known."""
        seq = self._columns["seq"][: len(self.rows)].tolist()
        return dict(zip(self.rows, seq, strict=True))

    def put_instruction(self, name: str, one: Instruction | InstructionDraft, seq: int = 0) -> None:
        """Somebody was told this. seq: for a draft that has just been given one."""
        row, number = self._row(name), self._words.number
        to = one.destination
        self._columns[row] = (
            seq or getattr(one, "seq", 0),
            MESSAGES.index(one.message),
            ACTIONS.index(one.action) if one.action is not None else NONE,
            STAGES.index(Stage.QUEUED),
            NONE,
            number(to.site_id) if to is not None else NONE,
            number(to.floor_label if to is not None else ""),
            number(one.alert_key),
            number(one.place_id),
            number(one.town),
            number(ALSO.join(one.also)),
            one.decided_at.timestamp(),
            to.walk_s if to is not None else 0,
            one.decided_at.timestamp(),
            one.from_m if one.from_m is not None else (ANYWHERE, ANYWHERE),
            (to.lon, to.lat) if to is not None and one.action is Action.INLAND else (np.nan, np.nan),
        )
        self._taken = None

    def put_travel(self, name: str, stage: Stage, at_s: float, answer: Answer | None, alert_key: str) -> None:
        """How far it came. alert_key: the version it stands on now."""
        row = self._columns[self._row(name)]
        row["stage"], row["at_s"] = STAGES.index(stage), at_s
        row["answer"] = ANSWERS.index(answer) if answer is not None else NONE
        row["alert"] = self._words.number(alert_key)
        self._taken = None

    def put_alert(self, name: str, alert_key: str) -> None:
        """It stands on another version now."""
        self._columns[self._row(name)]["alert"] = self._words.number(alert_key)
        self._taken = None

    def forget(self, name: str) -> None:
        """Nothing stands there any more."""
        self._columns["seq"][self._row(name)] = 0
        self._taken = None

    def _row(self, name: str) -> int:
        row = self.rows.get(name)
        if row is None:
            row = self.rows[name] = len(self.rows)
            self._names.append(name)
            if row == len(self._columns):
                self._columns = np.concatenate([self._columns, np.zeros_like(self._columns)])
        return row


class ToldKeeper:
    """The book of one incident, kept by one process. Who begins reads everything, then only what changed."""

    def __init__(self, store: InstructionStore, incident: str) -> None:
        self.incident = incident
        self._store = store
        self._columns = _Columns()
        self._versions = [0] * BUCKETS
        self._names: list[set[str]] = [set() for _ in range(BUCKETS)]
        self._lock = asyncio.Lock()  # a preview reads beside the plan

    async def refresh(self) -> ToldBook:
        """Everybody, as of now. The versions are read first: what changes meanwhile is read again the next time."""
        async with self._lock:
            return await self._refresh()

    async def _refresh(self) -> ToldBook:
        versions = await self._store.told_versions()
        moved = [n for n, version in enumerate(versions) if version != self._versions[n]]
        if moved:
            known = self._columns.seqs()
            for number in moved:
                if versions[number] // FORGOTTEN != self._versions[number] // FORGOTTEN:
                    for name in self._names[number]:  # who comes back is counted from 1 again
                        known.pop(name, None)
            for number, lines in (await self._store.told_lines(self.incident, moved, known)).items():
                self._take(number, lines)
                self._versions[number] = versions[number]
        return self._columns.taken()

    def note_written(
        self, number: int, pairs: Sequence[tuple[InstructionDraft, int]], version: int | None
    ) -> None:
        """What this process has just written to a bucket need not be read and opened again."""
        for draft, seq in pairs:
            if draft.incident == self.incident:
                self._columns.put_instruction(draft.subscription_id, draft, seq)
                self._names[number].add(draft.subscription_id)
        self._raised(number, version)

    def note_moved(self, number: int, moves: Sequence[tuple[str, int, str]], version: int | None) -> None:
        """What this process has just moved to another version of its order."""
        for name, _, alert_key in moves:
            self._columns.put_alert(name, alert_key)
        self._raised(number, version)

    def _raised(self, number: int, version: int | None) -> None:
        """A bucket's version rose by our own doing alone; when somebody else wrote in between it is read again."""
        if version is not None and version == self._versions[number] + 1:
            self._versions[number] = version

    def _take(self, number: int, lines: Sequence[ToldLine]) -> None:
        before, now = self._names[number], {one.subscription_id for one in lines}
        for name in before - now:
            self._columns.forget(name)
        self._names[number] = now
        for one in lines:
            if one.instruction is not None:
                self._columns.put_instruction(one.subscription_id, one.instruction)
            self._columns.put_travel(one.subscription_id, one.stage, one.at_s, one.answer, one.alert_key)
