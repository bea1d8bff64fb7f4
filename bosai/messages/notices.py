"""Sentences that HQ's table proposes: prepared texts by name, and when 気象庁 expects level 4, as its own word.

A time is only ever repeated as given. One that has passed is said to have passed; what to do stands in the order.
"""

from collections.abc import Mapping
from datetime import datetime

from bosai.messages.catalogue import LANGS, has_text, text, texts
from bosai.messages.measures import JST, time_text
from bosai.model.alert import LEVELLED_HAZARDS, OrderKind
from geodata.hazards import HazardKind

FORETOLD_KINDS = frozenset({OrderKind.ELDERLY_ETC, OrderKind.EVACUATE})
"""At level 5 there is nothing left to be foretold."""


def prepared(name: str) -> Mapping[str, str]:
    """Language tag → the prepared sentence of this name, for all LANGS; empty for "" and for a name nobody wrote."""
    key = f"notices.{name}"
    if not name or not has_text(key, "ja"):
        return {}
    return {lang: text(key, lang) for lang in LANGS}


def prepared_in_japanese() -> frozenset[str]:
    """Every Japanese sentence there is: a sentence that is none of these is somebody's own."""
    return frozenset(said for key, said in texts("ja").items() if key.startswith("notices."))


def is_foretold(hazard: HazardKind, kind: OrderKind) -> bool:
    """Whether an order of this kind may name when 気象庁 expects level 4."""
    return hazard in LEVELLED_HAZARDS and kind in FORETOLD_KINDS


def foretold(
    lang: str, expected_at: datetime, announced_at: datetime | None, *, written_at: datetime | None = None
) -> list[str]:
    """For the order itself, which is read at any hour: dates are always named. A time that lies before `written_at`
    is said to have passed; None: it is not known when this is written."""
    if written_at is not None and expected_at <= written_at:
        return [text("notices.level4_passed", lang, time=_dated(expected_at))]
    announced = None if announced_at is None else _dated(announced_at)
    return [_from(lang, _dated(expected_at), announced), text("notices.leave_by", lang)]


def foretold_now(
    lang: str, expected_at: datetime, announced_at: datetime | None, now: datetime, *, prepares: bool | None
) -> list[str]:
    """For one person, now. prepares: who only gets ready; None: who does not set out at all."""
    if expected_at <= now:
        return [text("notices.level4_passed", lang, time=time_text(expected_at, now))]
    announced = None if announced_at is None else time_text(announced_at, now)
    said = [_from(lang, time_text(expected_at, now), announced)]
    if prepares is not None:
        said.append(text("notices.ready_by" if prepares else "notices.leave_by", lang))
    return said


def _from(lang: str, time: str, announced: str | None) -> str:
    if announced is None:
        return text("notices.level4_from_bare", lang, time=time)
    return text("notices.level4_from", lang, time=time, announced=announced)


def _dated(at: datetime) -> str:
    local = at.astimezone(JST)
    return f"{local.month}/{local.day} {local:%H:%M}"
