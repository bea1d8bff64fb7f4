"""[cap] and [cap_in]: the CAP messages we write, and those of others that may become proposals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from bosai.model.alert import OrderKind
from bosai.model.cap import CapCategory
from bosai.settings_base import AtLeastOne, Section, Text
from geodata.hazards import HazardKind

_NAME = r"^[^\s,<&]+$"  # CAP 1.2 §3.2.1: what stands in `references` has no blank, comma, < or &


class WardCode(Section, frozen=True):
    """A ward, as the town table names it, and its code."""

    name: Text
    code: Annotated[str, Meta(pattern=r"^\d{5}$")]


class CapOut(Section, frozen=True):
    """What our messages say of us, and how long they are believed."""

    enabled: bool
    sender: Annotated[str, Meta(pattern=_NAME)]
    contact: Text
    municipality_code: Annotated[str, Meta(pattern=r"^\d{5}$")]
    wards: tuple[WardCode, ...]
    is_trial: bool
    expires_min: Annotated[int, Meta(ge=10, le=1440)]
    renew_min: AtLeastOne
    ended_listed_h: AtLeastOne
    kept_days: AtLeastOne
    polygon_max_points: Annotated[int, Meta(ge=20, le=100_000)]

    @property
    def sender_is_placeholder(self) -> bool:
        """True while nobody has set in whose name the messages go out."""
        return self.sender.endswith(".invalid")

    def __post_init__(self) -> None:
        if 2 * self.renew_min > self.expires_min:
            raise ValueError(
                "renew_min must be half of expires_min at most: one renewal may fail and the order must not lapse"
            )
        if self.ended_listed_h > 24 * self.kept_days:
            raise ValueError("kept_days must cover ended_listed_h: what is listed must be there")


class CapFeedTrust(Section, frozen=True):
    """One source of CAP messages, by the name it has in [[feeds.cap]]: whom it speaks for, and what proves it."""

    name: Text
    issuer: str = ""
    certificates: tuple[str, ...] = ()
    allow_unsigned: bool = False

    def __post_init__(self) -> None:
        if not self.certificates and not self.allow_unsigned:
            raise ValueError(
                "certificates must name the sender's certificate (PEM file), or allow_unsigned must be true"
            )


class CapRule(Section, frozen=True):
    """Which messages mean which hazard. `events`: words of the event or an eventCode; empty: any.

    `kind`: what HQ is asked to consider; left out: for eyes only.
    """

    hazard: HazardKind
    events: tuple[Text, ...] = ()
    categories: tuple[CapCategory, ...] = ()
    kind: OrderKind | None = None

    def __post_init__(self) -> None:
        if not self.events and not self.categories:
            raise ValueError("events or categories must say what the rule is about")
        if (self.kind == OrderKind.TSUNAMI_EVACUATION) and self.hazard is not HazardKind.TSUNAMI:
            raise ValueError("kind tsunami_evacuation needs hazard tsunami")


class CapIn(Section, frozen=True):
    """CAP messages of others."""

    feeds: tuple[CapFeedTrust, ...]
    rules: tuple[CapRule, ...]
    class20_codes: tuple[Annotated[str, Meta(pattern=r"^\d{7}$")], ...]
    max_age_h: AtLeastOne

    def __post_init__(self) -> None:
        names = [one.name for one in self.feeds]
        if len(set(names)) != len(names):
            raise ValueError("feeds must name every source once")

    @property
    def by_name(self) -> Mapping[str, CapFeedTrust]:
        """The sources by name."""
        return {one.name: one for one in self.feeds}
