"""The values that `bosai feed show --json` prints: one ShownTelegram for each file."""

from __future__ import annotations

import msgspec


class ShownExpected(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When JMA expects a grade, as given; `ends_at` only where the telegram gives an end."""

    grade: str
    starts_at: str
    as_given: str
    level: int | None = None
    ends_at: str | None = None
    place: str | None = None


class ShownKind(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One kind for an area. `level` is 警戒レベル相当; `kind` the class of a tsunami, which has no level.

    `code` is None where the telegram gives only a name; of 震度 it is JMA's short form ("6+").
    """

    name: str
    code: str | None = None
    danger: str | None = None
    grade: str | None = None
    level: int | None = None
    kind: str | None = None
    status: str | None = None
    last_code: str | None = None
    last_name: str | None = None
    lifted: bool | None = None
    arrival: str | None = None
    arrival_at: str | None = None
    height: str | None = None
    height_m: float | None = None
    observed_at: str | None = None
    conditions: tuple[str, ...] = ()
    expected: tuple[ShownExpected, ...] = ()


class ShownArea(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One area in its code system; no kinds where the telegram says that nothing is in force."""

    system: str
    code: str
    name: str
    kinds: tuple[ShownKind, ...]
    layer: str | None = None


class ShownHappening(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something observed or announced once."""

    danger: str
    system: str
    code: str
    name: str
    value: str
    layer: str | None = None
    at: str | None = None
    conditions: tuple[str, ...] = ()
    text: str | None = None


class ShownForecast(msgspec.Struct, frozen=True, kw_only=True):
    """What JMA expects for one area and danger; not in force."""

    danger: str
    system: str
    code: str
    name: str
    expected: tuple[ShownExpected, ...]


class ShownEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of an Atom feed."""

    title: str
    updated_at: str
    href: str
    type_code: str | None = None
    office: str | None = None


class ShownTelegram(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file. `read`: "body" where its family is read in depth, "envelope" where only Control and Head are, "feed"
    for an Atom feed, "cap" for a CAP message, "refused" with `error` where it is nothing we trust."""

    file: str
    read: str
    type_code: str | None = None
    title: str | None = None
    head_title: str | None = None
    status: str | None = None
    info_type: str | None = None
    event_ids: tuple[str, ...] | None = None
    serial: str | None = None
    report_at: str | None = None
    sent_at: str | None = None
    valid_until: str | None = None
    editorial_office: str | None = None
    publishing_offices: tuple[str, ...] | None = None
    headline: str | None = None
    text: str | None = None
    legacy: bool | None = None
    scopes: tuple[str, ...] = ()
    areas: tuple[ShownArea, ...] | None = None
    happenings: tuple[ShownHappening, ...] = ()
    forecasts: tuple[ShownForecast, ...] = ()
    entries: tuple[ShownEntry, ...] = ()
    problems: tuple[str, ...] | None = None
    error: str | None = None
    reason: str | None = None
