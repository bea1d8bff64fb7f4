"""What an order means in CAP's own words: one table (domain reference §8.4). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bosai.model.alert import Act, Alert, OrderKind, TsunamiClass
from bosai.model.cap import CapCategory, CapCertainty, CapMsgType, CapResponse, CapSeverity, CapUrgency
from geodata.hazards import HazardKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CapMeaning:
    """One row of the table."""

    urgency: CapUrgency
    severity: CapSeverity
    certainty: CapCertainty
    responses: tuple[CapResponse, ...]


_EXPECTED_SEVERE = CapMeaning(
    urgency=CapUrgency.EXPECTED,
    severity=CapSeverity.SEVERE,
    certainty=CapCertainty.LIKELY,
    responses=(CapResponse.PREPARE, CapResponse.EVACUATE),  # who needs time leaves now: `audience` says who
)
_LEAVE = CapMeaning(
    urgency=CapUrgency.IMMEDIATE,
    severity=CapSeverity.SEVERE,
    certainty=CapCertainty.LIKELY,
    responses=(CapResponse.EVACUATE,),
)
# Level 5 may be given before anybody has seen the disaster; the record does not tell, so nothing is called observed.
_SAVE_LIFE = CapMeaning(
    urgency=CapUrgency.IMMEDIATE,
    severity=CapSeverity.EXTREME,
    certainty=CapCertainty.LIKELY,
    responses=(CapResponse.SHELTER,),
)
ORDERS: dict[OrderKind, CapMeaning] = {
    OrderKind.ELDERLY_ETC: _EXPECTED_SEVERE,
    OrderKind.EVACUATE: _LEAVE,
    OrderKind.EMERGENCY_SAFETY: _SAVE_LIFE,
}


def _tsunami(severity: CapSeverity, response: CapResponse) -> CapMeaning:
    return CapMeaning(
        urgency=CapUrgency.IMMEDIATE,
        severity=severity,
        certainty=CapCertainty.LIKELY,
        responses=(response,),
    )


TSUNAMIS: dict[TsunamiClass | None, CapMeaning] = {
    TsunamiClass.MAJOR_WARNING: _tsunami(CapSeverity.EXTREME, CapResponse.EVACUATE),
    TsunamiClass.WARNING: _tsunami(CapSeverity.SEVERE, CapResponse.EVACUATE),
    TsunamiClass.ADVISORY: _tsunami(CapSeverity.MODERATE, CapResponse.AVOID),
    # Ordered before a class is known (strong shaking at the coast): taken for the gravest.
    None: _tsunami(CapSeverity.EXTREME, CapResponse.EVACUATE),
}
NOTICE = CapMeaning(
    urgency=CapUrgency.UNKNOWN,
    severity=CapSeverity.UNKNOWN,
    certainty=CapCertainty.UNKNOWN,
    responses=(),
)
"""An お知らせ of no class: its own text says what it is about, and "unknown" passes for neither grave nor slight."""
LIFTED = CapMeaning(
    urgency=CapUrgency.PAST,
    severity=CapSeverity.MINOR,
    certainty=CapCertainty.OBSERVED,
    responses=(CapResponse.ALL_CLEAR,),
)
NOTICE_ENDED = CapMeaning(
    urgency=CapUrgency.UNKNOWN,
    severity=CapSeverity.UNKNOWN,
    certainty=CapCertainty.UNKNOWN,
    responses=(CapResponse.MONITOR,),
)
"""We end our own notice. Whether the danger it passed on is over is not ours to say."""
RECALLED = CapMeaning(
    urgency=CapUrgency.UNKNOWN,
    severity=CapSeverity.UNKNOWN,
    certainty=CapCertainty.UNKNOWN,
    responses=(CapResponse.NONE,),
)
"""取消: nothing is claimed of a danger that was announced by mistake."""
CATEGORIES: dict[HazardKind, CapCategory] = {
    HazardKind.FLOOD: CapCategory.MET,
    HazardKind.INLAND_FLOOD: CapCategory.MET,
    HazardKind.STORM_SURGE: CapCategory.MET,
    HazardKind.LANDSLIDE: CapCategory.GEO,
    HazardKind.EARTHQUAKE: CapCategory.GEO,
    HazardKind.TSUNAMI: CapCategory.GEO,
    HazardKind.VOLCANO: CapCategory.GEO,
    HazardKind.LARGE_FIRE: CapCategory.FIRE,
}


def meaning_of(alert: Alert) -> CapMeaning:
    """The row of this version."""
    if alert.act is Act.LIFT:
        return NOTICE_ENDED if alert.kind is OrderKind.NOTICE else LIFTED
    if alert.act is Act.RECALL:
        return RECALLED
    if alert.kind is OrderKind.TSUNAMI_EVACUATION:
        return TSUNAMIS[alert.tsunami_class]
    if alert.kind is OrderKind.NOTICE:
        # With a class it passes on 気象庁's warning and asks for the same.
        return TSUNAMIS[alert.tsunami_class] if alert.tsunami_class else NOTICE
    return ORDERS[alert.kind]


def msg_type_of(alert: Alert, *, has_predecessor: bool) -> CapMsgType:
    """取消 is a Cancel; 更新, 訂正 and 解除 are Updates of what was sent; an Update of nothing is an Alert."""
    if alert.act is Act.RECALL:
        return CapMsgType.CANCEL
    if alert.act is Act.LIFT or has_predecessor:
        return CapMsgType.UPDATE
    return CapMsgType.ALERT
