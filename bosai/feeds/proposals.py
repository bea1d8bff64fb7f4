"""A proposal to HQ: what JMA (or a CAP sender) said, and what the city's table makes of it. Only people decide.

The table is `proposal_rules`, the way from changes to proposals is `proposing`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from bosai.feeds.readings import LEVELLED, Danger, Expected, Grade, Happening
from bosai.feeds.realms import RealmName
from bosai.model.alert import OrderKind, TsunamiClass
from geodata.hazards import HazardKind

TSUNAMI_CLASS_BY_GRADE: dict[Grade, TsunamiClass] = {
    Grade.ADVISORY: TsunamiClass.ADVISORY,
    Grade.WARNING: TsunamiClass.WARNING,
    Grade.EMERGENCY: TsunamiClass.MAJOR_WARNING,
}


class ProposedAct(StrEnum):
    """What HQ is asked to consider. REVIEW asks for eyes only: there is nothing to draft from it."""

    ISSUE = "issue"
    UPDATE = "update"
    LIFT = "lift"
    RECALL = "recall"
    REVIEW = "review"


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """One suggestion to HQ, with what was announced word for word. Serialisable by msgspec.

    `id` depends only on the announcement, the rule, the areas and the realm: the same one proposes once.
    `subject`: of one subject, where `area_codes` overlap, only the newest waits. `restated`: the rest of a wider one
    whose other areas changed; it waits only where that wider one still waited. `yields_to`: subjects whose calls make
    this one superfluous while they stand. `needs_earlier`: waits only where one of the same event waits or was adopted.
    `zones` are keys of the ZoneCatalogue: the target of an issue or update; for lift and recall what was concerned;
    () where HQ has to choose. `geometry`: GeoJSON text (lon, lat) of a CAP area beside or instead of zones, "" if none.
    `kind` is None where nothing is to be drafted. `texts` names the prepared text (`messages.notices`), "" if none.
    `expected_arrival_at`: a tsunami's arrival, or when 気象庁 expects 警戒レベル4相当 to begin, as given; None is
    unknown, or with `arrival_is_now` no time left. `expected` is all that was given. Nothing is extrapolated.
    `basis`: what stands and was announced by another telegram than this one (a forecast for an area under warning).
    """

    id: str
    realm: RealmName
    act: ProposedAct
    hazard: HazardKind
    danger: Danger
    kind: OrderKind | None
    subject: str
    area_codes: tuple[str, ...]
    area_names: tuple[str, ...]
    zones: tuple[str, ...]
    telegram_key: str
    telegram_title: str
    editorial_office: str
    report_at: datetime
    rule: str = ""
    origin: Literal["jma", "cap"] = "jma"
    issuer: str = "気象庁"
    grade: Grade = Grade.NONE
    previous_grade: Grade = Grade.NONE
    kind_name: str = ""
    previous_zones: tuple[str, ...] = ()
    geometry: str = ""
    geometry_name: str = ""
    texts: str = ""
    expected_arrival_at: datetime | None = None
    arrival_is_now: bool = False
    arrival_as_given: str | None = None
    height_as_given: str | None = None
    expected: tuple[Expected, ...] = ()
    happening: Happening | None = None
    shaken_at: datetime | None = None  # strong shaking in the city: HQ's hand can record it
    event_ids: tuple[str, ...] = ()
    headline: str = ""
    basis: str = ""
    review_hint: str = ""
    restated: bool = False
    replayed: bool = False  # of a file that somebody played, not of a feed
    yields_to: tuple[str, ...] = ()
    needs_earlier: bool = False

    @property
    def level(self) -> int | None:
        """警戒レベル相当 now; None where the danger has none, or nothing is in force."""
        return _level(self.danger, self.grade)

    @property
    def previous_level(self) -> int | None:
        """警戒レベル相当 before."""
        return _level(self.danger, self.previous_grade)

    @property
    def tsunami_class(self) -> TsunamiClass | None:
        """The class of a tsunami in force now; None where nothing is, and for every other danger."""
        return TSUNAMI_CLASS_BY_GRADE.get(self.grade) if self.danger is Danger.TSUNAMI else None

    @property
    def previous_class(self) -> TsunamiClass | None:
        """The class before."""
        return TSUNAMI_CLASS_BY_GRADE.get(self.previous_grade) if self.danger is Danger.TSUNAMI else None


def _level(danger: Danger, grade: Grade) -> int | None:
    in_force = danger in LEVELLED and Grade.ADVISORY <= grade <= Grade.EMERGENCY
    return int(grade) if in_force else None
