"""Orders and instructions of every kind, built from values, for the tests of words."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bosai.messages.orders import OrderTexts
from bosai.model.alert import ALERT_TYPES, Act, AlertArea, AlertRecord, AlertState, OrderKind, TsunamiClass
from bosai.model.instruction import Destination, Instruction, MessageKind
from bosai.model.realm import Realm
from geodata.hazards import HazardKind
from shelters.model import Action, ReasonCode

NOW = datetime(2026, 11, 23, 5, 6, tzinfo=UTC)  # 14:06 JST
SCHOOL = Destination(
    site_id="s1",
    name="七郷小学校",
    lon=140.93,
    lat=38.23,
    walk_m=1240,
    walk_s=1500,
    floor_label="3階以上",
    unconfirmed=True,
)
OTHER = Destination(site_id="s2", name="荒井小学校", lon=140.93, lat=38.24, walk_m=2240, walk_s=2500)
EDGE = Destination(site_id=None, name="区域の外", lon=140.95, lat=38.22, walk_m=800, walk_s=1000)

LEVELLED = (HazardKind.FLOOD, HazardKind.LANDSLIDE, HazardKind.STORM_SURGE, HazardKind.INLAND_FLOOD)
ORDERS: tuple[tuple[HazardKind, OrderKind, TsunamiClass | None], ...] = (
    *((HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION, one) for one in TsunamiClass),
    *(
        (hazard, kind, None)
        for hazard in LEVELLED
        for kind in (OrderKind.ELDERLY_ETC, OrderKind.EVACUATE, OrderKind.EMERGENCY_SAFETY)
    ),
    (HazardKind.LARGE_FIRE, OrderKind.EVACUATE, None),
    (HazardKind.EARTHQUAKE, OrderKind.NOTICE, None),
    *((HazardKind.TSUNAMI, OrderKind.NOTICE, one) for one in TsunamiClass),
)


def record(  # noqa: PLR0917
    realm: Realm = Realm.LIVE,
    order: tuple[HazardKind, OrderKind, TsunamiClass | None] = ORDERS[2],
    act: Act = Act.ISSUE,
    names: tuple[str, ...] = ("若林区荒浜", "若林区井土"),
    arrival: datetime | None = NOW + timedelta(minutes=40),
    free: dict[str, str] | None = None,
) -> AlertRecord:
    hazard, kind, tsunami_class = order
    texts = OrderTexts().for_order(realm, act, hazard, kind, tsunami_class, names, free=free or {}, at=NOW)
    alert = ALERT_TYPES[realm](
        alert_id="a1",
        version=2,
        act=act,
        hazard=hazard,
        kind=kind,
        tsunami_class=tsunami_class,
        area=AlertArea(names=names, polygons_e7_lonlat=()),
        texts=texts,
        reason="理由",
        expected_arrival_at=arrival if hazard is HazardKind.TSUNAMI else None,
        review_after_min=60,
        drafter="sato",
        drafted_at=NOW,
    )
    return AlertRecord(alert=alert, state=AlertState.ISSUED, decision_hash="h", released_at=NOW)


def instruction(  # noqa: PLR0917
    message: MessageKind = MessageKind.ORDER,
    action: Action | None = Action.GO,
    destination: Destination | None = SCHOOL,
    alternate: Destination | None = OTHER,
    reasons: tuple[str, ...] = (),
    incident: str = "inc1",
) -> Instruction:
    return Instruction(
        subscription_id="ab" * 16,
        incident=incident,
        seq=3,
        place_id="p1",
        message=message,
        action=action,
        alert_key="a1:2",
        danger_class=0,
        destination=destination,
        alternate=alternate,
        reasons=reasons,
        plan_id="plan",
        decided_at=NOW,
        stale_at=NOW + timedelta(hours=1),
        meaning="m",
    )


def situations(realm: Realm) -> Iterator[tuple[Instruction, AlertRecord]]:
    """Every message kind and action that may stand on each kind of order."""
    for order in ORDERS:
        issued = record(realm, order)
        for action in actions_of(order):
            no_place = action in (Action.STAY, Action.UP)
            destination = None if no_place else EDGE if action is Action.INLAND else SCHOOL
            for message in (MessageKind.ORDER, MessageKind.REDIRECT, MessageKind.PROVISIONAL):
                yield instruction(message, action, destination, None if no_place else OTHER), issued
            yield (
                instruction(MessageKind.PROVISIONAL, action, None, None),
                issued,
            )
            nowhere = (ReasonCode.NO_SITE.value, ReasonCode.TIME_UNKNOWN.value)
            yield instruction(MessageKind.ORDER, action, None, None, nowhere), issued
        yield instruction(MessageKind.OUT_OF_AREA, None, None, None), record(realm, order, Act.UPDATE)
        yield instruction(MessageKind.LIFTED, None, None, None), record(realm, order, Act.LIFT)
        yield instruction(MessageKind.RECALLED, None, None, None), record(realm, order, Act.RECALL)
        yield instruction(MessageKind.RECALLED, None, None, None), issued


def actions_of(order: tuple[HazardKind, OrderKind, TsunamiClass | None]) -> tuple[Action, ...]:
    if order[0] is HazardKind.TSUNAMI:
        return (Action.GO, Action.INLAND, Action.REFUGE)
    if order[0] is HazardKind.LARGE_FIRE:
        return (Action.GO,)  # nobody stays in, or goes up, in a fire
    match order[1]:
        case OrderKind.EMERGENCY_SAFETY:
            return (Action.UP, Action.STAY)
        case OrderKind.ELDERLY_ETC:
            return (Action.GO, Action.PREPARE, Action.STAY)
        case _:
            return (Action.GO, Action.STAY)
