"""Keys filed once and asked many times: exactly, from the start, in the middle, and with one letter wrong.

sorted keys ─▶ exact, prefixed        (bisection)
keys in one string ─▶ holding         (one search through it)
keys less one letter ─▶ nearly        (two keys that differ by one letter share such a form)
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator

_END = "\U0010ffff"
_SHORTEST_TYPO = 5


class KeyIndex:
    """Row numbers by text keys. Blank keys are left out. typos: whether `nearly` will be asked."""

    def __init__(self, keys: Iterable[tuple[str, int]], *, typos: bool = False) -> None:
        rows: defaultdict[str, list[int]] = defaultdict(list)
        for key, row in keys:
            if key and row not in rows[key]:
                rows[key].append(row)
        self._keys = sorted(rows)
        self._rows = [tuple(rows[key]) for key in self._keys]
        self._of = dict(zip(self._keys, self._rows, strict=True))
        self._longest = max(map(len, self._keys), default=0)
        self._joined = "\n".join(self._keys)
        self._starts: list[int] = []
        start = 0
        for key in self._keys:
            self._starts.append(start)
            start += len(key) + 1
        self._shortened: dict[str, list[str]] = _shortened(self._keys) if typos else {}

    def exact(self, query: str) -> tuple[int, ...]:
        """Rows of the key itself."""
        return self._of.get(query, ())

    def prefixed(self, query: str) -> Iterator[int]:
        """Rows of keys that start with the query."""
        for place in range(bisect_left(self._keys, query), bisect_left(self._keys, query + _END)):
            yield from self._rows[place]

    def holding(self, query: str) -> Iterator[int]:
        """Rows of keys that have the query anywhere in them."""
        at = self._joined.find(query)
        while at >= 0:
            place = bisect_right(self._starts, at) - 1
            yield from self._rows[place]
            # On from the next key: a key counts once however often it holds the query.
            if place + 1 == len(self._starts):
                return
            at = self._joined.find(query, self._starts[place + 1])

    def beginning(self, query: str) -> Iterator[tuple[int, int]]:
        """(length of the key, row) of keys of two letters and more that the query starts with."""
        for length in range(min(len(query) - 1, self._longest), 1, -1):
            for row in self._of.get(query[:length], ()):
                yield length, row

    def nearly(self, query: str) -> Iterator[int]:
        """Rows of keys one letter away from the query (added, left out or another); both of five and more."""
        if len(query) < _SHORTEST_TYPO:
            return
        forms = [query, *_without_one(query)]
        for key in {key for form in forms for key in self._shortened.get(form, ())}:
            if _one_apart(query, key):
                yield from self._of[key]


def _shortened(keys: Iterable[str]) -> dict[str, list[str]]:
    forms: defaultdict[str, list[str]] = defaultdict(list)
    for key in keys:
        if len(key) >= _SHORTEST_TYPO:
            for form in {key, *_without_one(key)}:
                forms[form].append(key)
    return dict(forms)


def _without_one(text: str) -> list[str]:
    return [text[:n] + text[n + 1 :] for n in range(len(text))]


def _one_apart(one: str, other: str) -> bool:
    """Whether one letter added, left out or changed makes one of the other."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    if len(one) > len(other):
        one, other = other, one
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    return one[at + (len(one) == len(other)) :] == other[at + 1 :]
