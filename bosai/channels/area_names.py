"""The names of an area in less room, by the ward: from all of them to how many there are in each ward. Pure.

    若林区荒浜、若林区井土、若林区藤塚 ▸ 若林区（荒浜、井土、藤塚）▸ 若林区（荒浜等3区域）▸ 若林区内3区域

No ward is ever lost, and a name outside the wards (津波避難エリア1) stands in every form. 「等」 makes people look
whether they are meant: right where an order is put in force, and wrong where one ends, for there it would tell people
that an order of theirs ended which stands. Endings count instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How names are joined: written with brackets, or spoken without."""

    opening: str
    between: str
    closing: str
    others: str  # after the first few names

    def group(self, ward: str, names: Sequence[str], more: str = "") -> str:
        """One ward with names in it."""
        if len(names) == 1 and not more:
            return f"{ward}{names[0]}"
        return f"{ward}{self.opening}{self.between.join(names)}{more}{self.closing}"


WRITTEN = Manner(opening="（", between="、", closing="）", others="等")
SPOKEN = Manner(opening="の、", between="、", closing="", others="など")


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaForm:
    """One way to name an area. named: how many names stand in it; complete: all of them."""

    text: str
    complete: bool
    named: int


def area_forms(
    names: Sequence[str], wards: Sequence[str], *, ends: bool, manner: Manner = WRITTEN
) -> tuple[AreaForm, ...]:
    """Every form that may be used, the most precise first and never longer than the one before it.

    names: as approved. wards: the city's wards; a name that begins with one belongs to it. ends: the text ends an
    order (解除, 取消), so 「等」 is not used.
    """
    outside, inside = _by_ward(names, wards)
    grouped = _joined(outside, [manner.group(ward, own) if own else ward for ward, own in inside])
    every = len(outside) + sum(max(1, len(own)) for _, own in inside)
    forms = [AreaForm(text=one, complete=True, named=every) for one in ("、".join(names), grouped)]
    if not ends:
        most = max((len(own) for _, own in inside), default=0)
        for count in range(most - 1, 0, -1):
            shorter = _joined(outside, [_first(ward, own, count, manner) for ward, own in inside])
            named = len(outside) + sum(max(1, min(len(own), count)) for _, own in inside)
            forms.append(AreaForm(text=shorter, complete=False, named=named))
    counted = _joined(outside, [_counted(ward, own) for ward, own in inside])
    forms.append(AreaForm(text=counted, complete=False, named=len(outside) + len(inside)))
    return _shrinking(forms)


def _by_ward(names: Sequence[str], wards: Sequence[str]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Names in no ward, and (ward, names in it) in the order of first mention; [] = the whole ward is named."""
    outside: list[str] = []
    inside: dict[str, list[str]] = {}
    whole: set[str] = set()
    for name in dict.fromkeys(names):
        ward = next((one for one in wards if name.startswith(one)), None)
        if ward is None:
            outside.append(name)
            continue
        own = inside.setdefault(ward, [])
        rest = name.removeprefix(ward).strip()
        if rest:
            own.append(rest)
        else:
            whole.add(ward)
    return outside, [(ward, [] if ward in whole else own) for ward, own in inside.items()]


def _first(ward: str, own: Sequence[str], count: int, manner: Manner) -> str:
    if len(own) <= count:
        return manner.group(ward, own) if own else ward
    return manner.group(ward, own[:count], f"{manner.others}{len(own)}区域")


def _counted(ward: str, own: Sequence[str]) -> str:
    if not own:
        return ward
    return f"{ward}{own[0]}" if len(own) == 1 else f"{ward}内{len(own)}区域"


def _joined(outside: Sequence[str], groups: Sequence[str]) -> str:
    return "、".join([*outside, *groups])


def _shrinking(forms: Sequence[AreaForm]) -> tuple[AreaForm, ...]:
    kept = [forms[0]]
    for one in forms[1:]:
        if len(one.text) < len(kept[-1].text):
            kept.append(one)
    return tuple(kept)
