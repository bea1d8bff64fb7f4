"""Between what is stored and what the planner computes: one moment in, drafts of instructions out. Pure.

orders in force · sites · statuses · people · what was told ─▶ Situation ─▶ PlanInput ─▶ Plan
Plan ─▶ drafts: order · redirect        told, and no longer inside ─▶ drafts: lifted · recalled · out of area
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from bosai.model.alert import Alert, AlertRecord
from bosai.model.instruction import Destination, MessageKind
from bosai.services.people import PeopleRows
from bosai.services.plan_ground import Ground, GroundCache, KnowsWater, area_of, danger_of, table_of, wet
from bosai.services.told import ToldOne, ToldTable, book_of
from bosai.services.who_hears import DIRECTED, Hearing, hearing, told_of_rows
from bosai.settings_schema import Settings
from bosai.stores.instructions import InstructionDraft
from geodata.crs import to_lonlat
from shelters.advice import Decision, meaning_of
from shelters.dangers import Danger
from shelters.hand import NO_HAND, Hand
from shelters.ledger import Told
from shelters.model import Action, Site, SiteStatus
from shelters.occupancy import Freshness
from shelters.pace import Pacing, StraightLine
from shelters.plan import Plan, PlanInput, PlanRules
from shelters.sites import SiteTable
from shelters.ways import Ways

if TYPE_CHECKING:  # loads SciPy, which a process without an imported network never needs
    from bosai.services.walking import Walking

__all__ = [
    "DIRECTED",
    "Ground",
    "ToldTable",
    "area_of",
    "danger_of",
    "table_of",
]  # as well: what a plan stands on

OUTSIDE = "区域の外"
"""The name of a destination that is only the edge of the area."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One moment of one side. `told`: subscription id → newest instruction of the incident."""

    now: datetime
    sites: Sequence[Site]
    statuses: Mapping[str, SiteStatus]
    in_force: Sequence[AlertRecord]
    incident: str
    told: ToldTable
    told_of: Mapping[str, AlertRecord]  # alert key → the version an instruction stands on
    walking: "Walking | None" = None  # over the imported network; None: straight lines
    hand: Hand = NO_HAND
    began: datetime | None = None  # when the first order of now was released; None: just now
    water_maps: KnowsWater | None = None  # None: depths are unknown
    grounds: GroundCache | None = None  # what was worked out for the last moment; None: all is made anew


def rules_of(settings: Settings) -> PlanRules:
    """The planner's figures."""
    planner = settings.planner
    return PlanRules(
        pacing=Pacing(
            standard_mps=planner.pace_m_s.standard,
            slow_mps=planner.pace_m_s.slow,
            unknown_mps=planner.pace_m_s.unknown,
            night_factor=planner.night_factor,
            start_delay_day_s=planner.start_delay_day_min * 60.0,
            start_delay_night_s=planner.start_delay_night_min * 60.0,
            arrival_margin_s=planner.arrival_margin_min * 60.0,
        ),
        walks=StraightLine(planner.detour_factor),
        seaward_bearing_deg=settings.city.seaward_bearing_deg,
        widen_m=planner.point_rounding_widen_m,
        seats_margin_fraction=planner.seats_margin_fraction,
        assumed_margin_fraction=planner.assumed_margin_fraction,
        inland_detour_factor=planner.detour_factor,
        redirect_free_m=planner.redirect_free_m,
        max_walk_s=planner.max_walk_min * 60.0,
        late_start_s=planner.late_start_min * 60.0,
        freshness=Freshness(
            fresh_s=planner.freshness.fresh_min * 60.0,
            stale_s=planner.freshness.stale_min * 60.0,
            stale_share=planner.freshness.stale_share,
            silent_share=planner.freshness.silent_share,
        ),
    )


def is_night(now: datetime, settings: Settings) -> bool:
    """Whether people walk in the dark."""
    hour = now.astimezone(ZoneInfo(settings.city.timezone)).hour
    start, end = settings.planner.night_from_hour, settings.planner.night_until_hour
    return start <= hour or hour < end if start > end else start <= hour < end


def ground_of(situation: Situation, settings: Settings) -> Ground:
    """Sites and areas on the plane: most of the work of planning for a single household."""
    grounds = situation.grounds or GroundCache(settings)
    return grounds.of(situation.sites, situation.statuses, situation.in_force)


def problem_of(
    situation: Situation, rows: PeopleRows, settings: Settings, ground: Ground | None = None
) -> PlanInput:
    """Everything a plan depends on, at this moment. `ground`: where it was worked out before."""
    ground = ground or ground_of(situation, settings)
    dangers = _dangers(situation, rows, ground)
    return PlanInput(
        now_s=situation.now.timestamp(),
        night=is_night(situation.now, settings),
        people=rows.people,
        owner=rows.owner,
        relative=rows.relative,
        sites=ground.table,
        dangers=dangers,
        told=_told(situation, rows, ground.table),
        counted_at_s=_counted_at(situation.statuses, situation.sites),
        rules=rules_of(settings),
        blur_m=rows.blur_m,
        ways=_ways(situation, rows, dangers, ground.table),
        visitor=rows.visitor,
        welfare=_welfare(rows, ground.table),
        town=rows.town,
        towns=rows.town_names,
        hand=situation.hand,
        event_began_s=situation.began.timestamp() if situation.began else float("nan"),
    )


def _ways(
    situation: Situation, rows: PeopleRows, dangers: tuple[Danger, ...], table: SiteTable
) -> Ways | None:
    """The walks over the network, where there is one."""
    walking, grounds = situation.walking, situation.grounds
    if walking is None:
        return None
    if grounds is None:
        return walking.ways(rows.people, dangers, table.xy_m, rows.places)
    return grounds.ways(walking, rows, dangers, table.xy_m)


def _dangers(situation: Situation, rows: PeopleRows, ground: Ground) -> tuple[Danger, ...]:
    """The orders that direct people, with the water these people would stand in where a map knows it."""
    maps, grounds = situation.water_maps, situation.grounds
    found = tuple(danger for _, danger in ground.dangers)
    if maps is None:
        return found
    if grounds is None:
        return tuple(wet(one, rows.people, maps) for one in found)
    return tuple(grounds.wet(one, rows.people, maps) for one in found)


def _welfare(rows: PeopleRows, table: SiteTable) -> NDArray[np.int64] | None:
    """(n,) row of the welfare shelter a ward opened to the household, -1 = none; None where nobody has one.

    One that is in no list any more opens nothing.
    """
    if not rows.welfare_sites:
        return None
    at, welfare = table.rows(), np.full(len(rows), -1, dtype=np.int64)
    for row, site_id in rows.welfare_sites.items():
        welfare[row] = at.get(site_id, -1)
    return welfare


def _counted_at(statuses: Mapping[str, SiteStatus], sites: Sequence[Site]) -> NDArray[np.float64]:
    found = [statuses.get(one.site_id) for one in sites]
    return np.array(
        [one.present_at.timestamp() if one and one.present_at else np.nan for one in found], dtype=np.float64
    )


def _told(situation: Situation, rows: PeopleRows, table: SiteTable) -> Told:
    """What each subscriber was told, on every row of his, as far as it binds a plan."""
    return told_of_rows(book_of(situation.told), rows, table, orders_of(situation), situation.told_of)


def orders_of(situation: Situation) -> dict[str, Alert]:
    """Order → its version in force."""
    return {one.alert.alert_id: one.alert for one in situation.in_force}


def hearing_of(made: Plan, rows: PeopleRows, situation: Situation, settings: Settings) -> Hearing:
    """Whom a plan gives something to hear."""
    told, in_force = book_of(situation.told), orders_of(situation)
    return hearing(made, rows, told, in_force, situation.told_of, settings.city.plane_epsg)


def alert_id_of(alert_key: str) -> str:
    """The order a version belongs to."""
    return alert_key.rpartition(":")[0]


# ---- what is sent ---------------------------------------------------------------------------------


def plan_id_of(made: Plan, situation: Situation) -> str:
    """A name for the plan by its content: the same orders and decisions have the same name."""
    digest = hashlib.sha256("|".join(sorted(one.alert.key for one in situation.in_force)).encode())
    for one in (made.row, made.action, made.site, made.alternate, made.reasons):
        digest.update(np.ascontiguousarray(one).tobytes())
    return digest.hexdigest()[:16]


def drafts_of(
    made: Plan,
    rows: PeopleRows,
    situation: Situation,
    settings: Settings,
    *,
    plan_id: str,
    only: Iterable[int] | None = None,
    also: Mapping[int, tuple[str, ...]] | None = None,
    full: Mapping[int, str] | None = None,
) -> Iterator[InstructionDraft]:
    """A draft for each of these decisions of the plan; None: for every subscriber's. also, full: see `Hearing`."""
    by_key = {one.alert.key: one for one in situation.in_force}
    stale_at = situation.now + timedelta(seconds=settings.push.ttl_order_s)
    book = book_of(situation.told)
    chosen = (
        np.flatnonzero(made.problem.owner[made.row] >= 0) if only is None else np.fromiter(only, np.int64)
    )
    about, alternate_about = _about(made, chosen, made.site), _about(made, chosen, made.alternate)
    for at, n in enumerate(chosen.tolist()):
        decision, others = made.decision(n), also.get(n, ()) if also else ()
        record = by_key[made.problem.dangers[decision.danger].key]
        subscription_id = rows.subscription_ids[decision.owner]
        destination = destination_of(made, decision, settings, about=about[at])
        yield InstructionDraft(
            subscription_id=subscription_id,
            incident=record.incident or situation.incident,
            place_id=rows.place_ids[decision.row],
            message=_message(book.get(subscription_id), decision, destination, record, situation),
            action=decision.action,
            alert_key=record.alert.key,
            danger_class=decision.danger_class,
            destination=destination,
            alternate=_alternate_of(made, decision, about=alternate_about[at]),
            reasons=tuple(one.value for one in decision.reasons),
            plan_id=plan_id,
            decided_at=situation.now,
            stale_at=stale_at,
            meaning=meaning(record.alert, "directed", decision.action, destination, others),
            left_s=seconds_left(record.alert, situation.now) - (destination.walk_s if destination else 0),
            town=rows.towns[decision.row],
            also=others,
            full_site=full.get(n, "") if full else "",
            from_m=_metre(made.problem.people.xy_m[decision.row]),
        )


def _metre(xy_m: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(xy_m[0])), round(float(xy_m[1]))


def seconds_left(alert: Alert, now: datetime) -> int:
    """Until the danger arrives; 0 where nobody foretold when, which is treated as now."""
    return int((alert.expected_arrival_at - now).total_seconds()) if alert.expected_arrival_at else 0


def meaning(
    alert: Alert,
    message_class: str,
    action: Action | None,
    to: Destination | None = None,
    also: tuple[str, ...] = (),
) -> str:
    """The hash of what somebody must know, of an instruction on this order. also: towns of further places inside."""
    of_worst = meaning_of(
        message_class=message_class,
        action=action,
        site_id=_place_meant(action, to) if to else None,
        floor_label=to.floor_label if to else "",
        hazard=alert.hazard.value,
        kind=alert.kind.value,
        level=int(alert.level) if alert.level else None,
        tsunami_class=alert.tsunami_class.value if alert.tsunami_class else None,
    )
    if not also:
        return of_worst
    return hashlib.sha256("\x1f".join((of_worst, *also)).encode()).hexdigest()[:32]


def _place_meant(action: Action | None, to: Destination) -> str | None:
    """Inland: where the area ends, to 10 m. When it grows, who was told the old edge must hear of the new one."""
    return f"{to.lon:.4f},{to.lat:.4f}" if action is Action.INLAND else to.site_id


def destination_of(
    made: Plan, decision: Decision, settings: Settings, *, about: bool | None = None
) -> Destination | None:
    """The site, or for "inland" the edge of the area; None where nothing is named.

    about: whether the walk is an estimate, where the caller has asked for many at once.
    """
    if decision.site >= 0:
        if about is None:
            n = np.searchsorted(made.row, [decision.row])  # rows of a plan ascend
            about = _about(made, n, made.site)[0]
        return _to_site(made, decision.site, decision, first=True, about=about)
    if decision.exit_xy_m is None:
        return None
    ((lon, lat),) = to_lonlat([decision.exit_xy_m], settings.city.plane_epsg)
    return Destination(
        site_id=None,
        name=OUTSIDE,
        lon=round(float(lon), 6),
        lat=round(float(lat), 6),
        walk_m=decision.walk_m,
        walk_s=decision.walk_s,
        about=True,  # any place past the edge will do, and where no roads are known it is a straight line
    )


def _alternate_of(made: Plan, decision: Decision, *, about: bool) -> Destination | None:
    """The second choice."""
    if decision.alternate < 0:
        return None
    return _to_site(made, decision.alternate, decision, first=False, about=about)


def _to_site(made: Plan, row: int, decision: Decision, *, first: bool, about: bool) -> Destination:
    site = made.problem.sites.sites[row]
    return Destination(
        site_id=site.site_id,
        name=site.name,
        lon=site.lon,
        lat=site.lat,
        walk_m=decision.walk_m if first else decision.alternate_walk_m,
        walk_s=decision.walk_s if first else decision.alternate_walk_s,
        about=about,
        floor_label=decision.floor_label if first else decision.alternate_floor_label,
        unconfirmed=made.unconfirmed(row),
        crowded=first and decision.crowded,
    )


def _about(made: Plan, chosen: NDArray[np.int64], site: NDArray[np.int64]) -> list[bool]:
    """For each chosen decision, whether its walk is an estimate, so that the words say "about"."""
    found = np.zeros(len(chosen), dtype=np.bool_)
    named = np.flatnonzero(site[chosen] >= 0)
    if len(named):
        rows = chosen[named]
        found[named] = made.ways.about(made.start[rows], site[rows])
    answer: list[bool] = found.tolist()
    return answer


def _message(
    before: ToldOne | None,
    decision: Decision,
    to: Destination | None,
    record: AlertRecord,
    situation: Situation,
) -> MessageKind:
    """A redirect is another destination under the same order; everything else is the order itself."""
    if before is None or before.message not in DIRECTED:
        return MessageKind.ORDER
    seen, alert = situation.told_of.get(before.alert_key), record.alert
    same_order = alert_id_of(before.alert_key) == alert.alert_id and (
        seen is None or (seen.alert.kind is alert.kind and seen.alert.tsunami_class is alert.tsunami_class)
    )
    moved = (to.site_id if to else None) != before.site_id or decision.action is not before.action
    # Repeated word for word, the store keeps what stands; the kind must not change then.
    return (
        MessageKind.REDIRECT
        if same_order and (moved or before.message is MessageKind.REDIRECT)
        else MessageKind.ORDER
    )
