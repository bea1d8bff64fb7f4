"""The calls HQ still has to make: sites that should be open, or checked, by the city's own rules, and are not yet.

settings [opening] ─▶ rules_of_city ─▶ shelters.openings ─▶ OpeningCalls: please open · please check
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bosai.settings_schema import OpeningRuleFigures, Settings
from geodata.hazards import HazardKind
from shelters.dangers import Danger
from shelters.hand import Hand
from shelters.model import DesignationKind, Site
from shelters.openings import OpeningRule, OpeningRules, Where, please_check, please_open
from shelters.sites import SiteTable


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningCalls:
    """Sites by id order. to_open: expected, fit for people in danger now, and nobody has said whether it is open."""

    to_open: tuple[Site, ...]
    to_check: tuple[Site, ...]  # halls that wait for the building check after strong shaking


def rules_of_city(settings: Settings) -> OpeningRules:
    """The city's opening rules as the planner's rooms take them."""
    opening = settings.opening
    return {
        HazardKind.EARTHQUAKE: _rule(opening.earthquake),
        HazardKind.TSUNAMI: _rule(opening.tsunami),
        HazardKind.FLOOD: _rule(opening.flood),
        HazardKind.INLAND_FLOOD: _rule(opening.inland_flood),
        HazardKind.STORM_SURGE: _rule(opening.storm_surge),
        HazardKind.LANDSLIDE: _rule(opening.landslide),
    }


def opening_calls(
    table: SiteTable, dangers: Sequence[Danger], hand: Hand, settings: Settings
) -> OpeningCalls:
    """What is still to be opened and checked for the orders in force."""
    rules = rules_of_city(settings)
    return OpeningCalls(
        to_open=tuple(table.sites[row] for row in please_open(table, dangers, rules, hand)),
        to_check=tuple(table.sites[row] for row in please_check(table, hand)),
    )


def _rule(figures: OpeningRuleFigures) -> OpeningRule:
    return OpeningRule(
        kinds=frozenset(DesignationKind(one) for one in figures.kinds),
        where=Where(figures.where),
        near_m=figures.near_m,
    )
