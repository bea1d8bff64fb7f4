"""The rules that lists hide in free text: floor limits in 備考, opening rules in names.

    「大雨：2階以上 津波：3階以上」「津波、大雨：2階以上」「2階以上の共用廊下等」「屋上」
    「（大雨時に初動で開設しません）」

What is understood becomes fields; what is not stays in `rest`, word for word. Nothing is dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from geodata.hazards import HazardKind
from geodata.sites import FLOOR_GROUP_OF, FloorGroup, FloorLimit

_GROUP_OF_WORD = {
    "大雨": FloorGroup.HEAVY_RAIN,
    "洪水": FloorGroup.HEAVY_RAIN,
    "内水": FloorGroup.HEAVY_RAIN,
    "内水氾濫": FloorGroup.HEAVY_RAIN,
    "土砂災害": FloorGroup.HEAVY_RAIN,
    "高潮": FloorGroup.STORM_SURGE,
    "津波": FloorGroup.TSUNAMI,
}
_WORD = "|".join(sorted(_GROUP_OF_WORD, key=len, reverse=True))
_FLOOR = r"(?:(?P<floor>\d{1,2})(?:階)?(?:[~〜～\-]\d{1,2})?階(?:以上)?|(?P<roof>屋上))"
_CLAUSE = re.compile(
    rf"(?:(?P<words>(?:{_WORD})(?:[、,・](?:{_WORD}))*):)?{_FLOOR}(?P<part>(?!.*(?:除く|使用しない))[^\d:、,。]*)"
)
_FLOOR_ANYWHERE = re.compile(_FLOOR)
_EXCLUDED = re.compile(r"(?P<floor>\d{1,2})階(?:以下)?[^\d]*?(?:除く|使用しない)")
_BRACKETED = re.compile(r"[（(]([^（()）]*)[）)]")


@dataclass(frozen=True, slots=True)
class FloorText:
    """What a text says about floors, and what of it was not understood."""

    floor_limits: Mapping[FloorGroup, FloorLimit] = field(default_factory=dict)
    refuge_part: str = ""
    rest: str = ""


@dataclass(frozen=True, slots=True)
class NameText:
    """A name without its operating notes."""

    name: str
    not_opened_first_in_rain: bool = False
    floor_limits: Mapping[FloorGroup, FloorLimit] = field(default_factory=dict)


def read_floors(text: str, hazards: Collection[HazardKind]) -> FloorText:
    """The floor limits of a 備考. Clauses are set apart by blanks or line breaks.

    A clause that names no hazard holds for every water hazard the site is designated for; where a list
    has no flags at all (指定避難所), for all of them. Two limits for one hazard: the higher one holds.
    """
    limits: dict[FloorGroup, FloorLimit] = {}
    parts, rest = [], []
    for clause in text.split():
        hit = _CLAUSE.fullmatch(unicodedata.normalize("NFKC", clause))
        if hit is None:
            rest.append(clause)
            continue
        limit: FloorLimit = "roof" if hit["roof"] else int(hit["floor"])
        for group in _groups(hit["words"], hazards):
            limits[group] = _higher(limits.get(group), limit)
        if hit["part"]:
            parts.append(hit["part"].removeprefix("の"))
    return FloorText(floor_limits=limits, refuge_part="、".join(dict.fromkeys(parts)), rest=" ".join(rest))


def read_name(published: str, hazards: Collection[HazardKind]) -> NameText:
    """A published name without operating notes in brackets, and what those notes said.

    A floor inside a bracket that says more (「津波避難ビル（屋上駐車場）」) is read, but the name keeps it.
    """
    closed_in_rain = False
    limits: dict[FloorGroup, FloorLimit] = {}

    def read(hit: re.Match[str]) -> str:
        nonlocal closed_in_rain
        note = unicodedata.normalize("NFKC", hit[1])
        if "大雨" in note and re.search(r"開設し(ません|ない)", note):
            closed_in_rain = True
            return ""
        understood = read_floors(note, hazards)
        limits.update(
            {group: _higher(limits.get(group), one) for group, one in understood.floor_limits.items()}
        )
        if understood.floor_limits and not understood.rest and not understood.refuge_part:
            return ""
        if not understood.floor_limits:
            limits.update(merge_limits(limits, _loose_limits(note, hazards)))
        return hit[0]

    name = " ".join(_BRACKETED.sub(read, published).split())
    if not name:  # a name that is nothing but a note stays as it is
        return NameText(" ".join(published.split()), closed_in_rain, limits)
    return NameText(name, closed_in_rain, limits)


def merge_limits(
    first: Mapping[FloorGroup, FloorLimit], second: Mapping[FloorGroup, FloorLimit]
) -> dict[FloorGroup, FloorLimit]:
    """Both texts hold: per hazard group the higher floor."""
    merged = dict(first)
    for group, limit in second.items():
        merged[group] = _higher(merged.get(group), limit)
    return merged


def _loose_limits(note: str, hazards: Collection[HazardKind]) -> dict[FloorGroup, FloorLimit]:
    """Limits in running text: 「立体駐車場2〜4階」 begins at 2; 「1階を除く」「1階は使用しない」 begins at 2 too."""
    limits: dict[FloorGroup, FloorLimit] = {}
    for clause in re.split(r"[、・]", note):
        excluded, floor = _EXCLUDED.search(clause), _FLOOR_ANYWHERE.search(clause)
        if not excluded and not floor:
            continue
        limit: FloorLimit
        if excluded:
            limit = int(excluded["floor"]) + 1
        else:
            assert floor is not None
            limit = "roof" if floor["roof"] else int(floor["floor"])
        words = [word for word in _GROUP_OF_WORD if word in clause]
        for group in _groups("、".join(words) or None, hazards):
            limits[group] = _higher(limits.get(group), limit)
    return limits


def _groups(words: str | None, hazards: Collection[HazardKind]) -> list[FloorGroup]:
    if words:
        named = {_GROUP_OF_WORD[word] for word in re.split(r"[、,・]", words)}
    else:
        named = {FLOOR_GROUP_OF[one] for one in hazards if one in FLOOR_GROUP_OF}
        if not hazards:
            named = set(FloorGroup)
    return [group for group in FloorGroup if group in named]


def _higher(known: FloorLimit | None, new: FloorLimit) -> FloorLimit:
    if known == "roof" or new == "roof":
        return "roof"
    return new if known is None else max(known, new)
