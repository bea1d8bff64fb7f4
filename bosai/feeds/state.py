"""What is in force on the coast, as a pure fold over telegrams that may come late, twice or in any order.

    (state, forecast) ─ apply ─▶ (state, events)

The state keeps the newest forecast and the 取消 newer than it. Each VTSE41 states the whole coast, so the
newest wins as a whole; because only "newest" matters, any order of arrival ends in the same state.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from bosai.feeds.jma.envelope import InfoType, TelegramSource
from bosai.feeds.jma.tsunami import TsunamiArea, TsunamiClass, TsunamiForecast
from bosai.feeds.realms import RealmName, is_accepted

MAX_RECALLS = 32  # far more than one coast ever saw; only bounds what a broken source can pile up


class TsunamiState(msgspec.Struct, frozen=True, kw_only=True):
    """What JMA has in force, on one side. Serialisable; start with `TsunamiState(realm=…)`."""

    realm: RealmName
    forecast: TsunamiForecast | None = None
    recalls: tuple[TelegramSource, ...] = ()

    @property
    def is_recalled(self) -> bool:
        """True when a 取消 withdrew the newest forecast."""
        return self.forecast is not None and any(_withdraws(r, self.forecast) for r in self.recalls)

    def area(self, area_code: str) -> TsunamiArea | None:
        """The entry in force or last stated; None when unnamed, withdrawn or never heard of."""
        if self.forecast is None or self.is_recalled:
            return None
        return self.forecast.area(area_code)

    def kind(self, area_code: str) -> TsunamiClass:
        """The class in force; absence is NONE."""
        area = self.area(area_code)
        return TsunamiClass.NONE if area is None else area.kind

    def in_force(self, area_code: str) -> bool:
        """True when 津波注意報 or more is in force there."""
        return self.kind(area_code).is_in_force


class _AreaEvent(msgspec.Struct, frozen=True, kw_only=True):
    area_code: str
    source: TelegramSource
    before: TsunamiArea | None
    after: TsunamiArea | None


class TsunamiRaised(_AreaEvent, frozen=True, kw_only=True, tag=True):
    """More danger than before; `before` below 津波注意報 means it is newly in force."""


class TsunamiLowered(_AreaEvent, frozen=True, kw_only=True, tag=True):
    """Less danger than before, and still in force."""


class TsunamiLifted(_AreaEvent, frozen=True, kw_only=True, tag=True):
    """解除 by JMA. `explicit` is False when the area is merely no longer named."""

    explicit: bool


class TsunamiRecalled(_AreaEvent, frozen=True, kw_only=True, tag=True):
    """Withdrawn as a mistake: by 取消, or by a 訂正 that leaves the area with nothing in force."""


class TsunamiUnchanged(_AreaEvent, frozen=True, kw_only=True, tag=True):
    """Same class; `changed` names what else is new: "arrival", "height", or nothing."""

    changed: tuple[str, ...] = ()


class TsunamiUnclear(_AreaEvent, frozen=True, kw_only=True, tag=True):
    """The kind of the area could not be told: a person has to look."""


class TelegramIgnored(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Changed nothing. `reason`: "status", "duplicate", "late", "nothing_to_recall"."""

    source: TelegramSource
    reason: str


TsunamiAreaEvent = (
    TsunamiRaised | TsunamiLowered | TsunamiLifted | TsunamiRecalled | TsunamiUnchanged | TsunamiUnclear
)
TsunamiEvent = TsunamiAreaEvent | TelegramIgnored


def apply(state: TsunamiState, forecast: TsunamiForecast) -> tuple[TsunamiState, tuple[TsunamiEvent, ...]]:
    """The state after a telegram, and what changed, one event per area in force before or after.

    Order is (ReportDateTime, Control/DateTime); a 訂正 replaces, a 取消 withdraws the forecast of its event.
    """
    ignored = _why_ignored(state, forecast)
    if ignored is not None:
        return state, (TelegramIgnored(source=forecast.source, reason=ignored),)
    if forecast.is_cancellation:
        recalls = tuple(sorted((*state.recalls, forecast.source), key=lambda r: r.order))[-MAX_RECALLS:]
        after = msgspec.structs.replace(state, recalls=recalls)
    else:
        recalls = tuple(r for r in state.recalls if r.order > forecast.source.order)
        after = msgspec.structs.replace(state, forecast=forecast, recalls=recalls)
    events: tuple[TsunamiEvent, ...] = tuple(_events(state, after, forecast))
    # Kept even so: the forecast it withdraws may still be under way.
    if forecast.is_cancellation and (state.is_recalled or not after.is_recalled):
        events = (TelegramIgnored(source=forecast.source, reason="nothing_to_recall"),)
    return after, events


def apply_all(
    state: TsunamiState, forecasts: Iterable[TsunamiForecast]
) -> tuple[TsunamiState, tuple[TsunamiEvent, ...]]:
    """`apply` for each in turn, events in order."""
    events: list[TsunamiEvent] = []
    for forecast in forecasts:
        state, more = apply(state, forecast)
        events.extend(more)
    return state, tuple(events)


def _why_ignored(state: TsunamiState, forecast: TsunamiForecast) -> str | None:
    source = forecast.source
    if not is_accepted(source.status, state.realm):
        return "status"
    known = (*state.recalls, *((state.forecast.source,) if state.forecast is not None else ()))
    if any(source.key == one.key for one in known):
        return "duplicate"
    if state.forecast is not None and source.order < state.forecast.source.order:
        return "late"
    return None


def _withdraws(recall: TelegramSource, forecast: TsunamiForecast) -> bool:
    # Merged tsunamis carry several ids; a 取消 without any can only mean the newest.
    return not recall.event_ids or bool(set(recall.event_ids) & set(forecast.source.event_ids))


def _events(
    before: TsunamiState, after: TsunamiState, forecast: TsunamiForecast
) -> Iterable[TsunamiAreaEvent]:
    named = [
        *(area.code for area in (before.forecast.areas if before.forecast is not None else ())),
        *(area.code for area in forecast.areas),
    ]
    for code in dict.fromkeys(named):
        recalled = after.is_recalled or forecast.source.info_type is InfoType.CORRECTED
        event = _event(code, before.area(code), after.area(code), forecast.source, recalled=recalled)
        if event is not None:
            yield event


def _event(
    code: str,
    before: TsunamiArea | None,
    after: TsunamiArea | None,
    source: TelegramSource,
    *,
    recalled: bool,
) -> TsunamiAreaEvent | None:
    was = TsunamiClass.NONE if before is None else before.kind
    now = TsunamiClass.NONE if after is None else after.kind
    lifted = after is not None and after.lifted
    if now is TsunamiClass.UNKNOWN:
        return TsunamiUnclear(area_code=code, source=source, before=before, after=after)
    if now.is_in_force:
        if was is TsunamiClass.UNKNOWN or now.rank > was.rank:
            return TsunamiRaised(area_code=code, source=source, before=before, after=after)
        if now.rank < was.rank:
            return TsunamiLowered(area_code=code, source=source, before=before, after=after)
        changed = _changed(before, after)
        return TsunamiUnchanged(area_code=code, source=source, before=before, after=after, changed=changed)
    if was.is_in_force and not lifted and recalled:
        return TsunamiRecalled(area_code=code, source=source, before=before, after=after)
    # A stated 解除 is told even when we never saw what it lifts: the service may have started meanwhile.
    told_before = before is not None and before.lifted
    if was.is_in_force or (lifted and not told_before):
        return TsunamiLifted(area_code=code, source=source, before=before, after=after, explicit=lifted)
    return None


def _changed(before: TsunamiArea | None, after: TsunamiArea | None) -> tuple[str, ...]:
    if before is None or after is None:
        return ()
    pairs = (
        ("arrival", before.first_height != after.first_height),
        ("height", before.max_height != after.max_height),
    )
    return tuple(name for name, differs in pairs if differs)
