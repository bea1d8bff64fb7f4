"""A message of the Common Alerting Protocol (OASIS CAP 1.2), as values: what we write, and what we read of others.

Polygons are (lon, lat) in 1e-7 degrees like every area of ours; only the text of a CAP message has lat, lon.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from bosai.model.alert import Ring

NS_CAP_11 = "urn:oasis:names:tc:emergency:cap:1.1"
NS_CAP_12 = "urn:oasis:names:tc:emergency:cap:1.2"
E7_DIGITS = 7
E7 = 10**E7_DIGITS


class CapStatus(StrEnum):
    """How a message is to be handled. 通常 → Actual, 訓練 → Exercise, 試験 → Test."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class CapMsgType(StrEnum):
    """What a message does to the ones it names. 解除 and 訂正 are an Update, 取消 is a Cancel."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class CapScope(StrEnum):
    """Whom a message is meant for."""

    PUBLIC = "Public"
    RESTRICTED = "Restricted"
    PRIVATE = "Private"


class CapCategory(StrEnum):
    """What kind of event."""

    GEO = "Geo"
    MET = "Met"
    SAFETY = "Safety"
    SECURITY = "Security"
    RESCUE = "Rescue"
    FIRE = "Fire"
    HEALTH = "Health"
    ENV = "Env"
    TRANSPORT = "Transport"
    INFRA = "Infra"
    CBRNE = "CBRNE"
    OTHER = "Other"


class CapResponse(StrEnum):
    """What to do. AVOID and ALL_CLEAR came with 1.2."""

    SHELTER = "Shelter"
    EVACUATE = "Evacuate"
    PREPARE = "Prepare"
    EXECUTE = "Execute"
    AVOID = "Avoid"
    MONITOR = "Monitor"
    ASSESS = "Assess"
    ALL_CLEAR = "AllClear"
    NONE = "None"


class CapUrgency(StrEnum):
    """How soon to act."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class CapSeverity(StrEnum):
    """How grave. UNKNOWN is never taken for little."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class CapCertainty(StrEnum):
    """How sure."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


class CapValue(msgspec.Struct, frozen=True, kw_only=True):
    """A value with the name of its table: an eventCode, a parameter, a geocode."""

    name: str
    value: str


class CapCircle(msgspec.Struct, frozen=True, kw_only=True):
    """A point (degrees) and a radius in kilometres; 0 where only the point is known."""

    lon: float
    lat: float
    radius_km: float


class CapArea(msgspec.Struct, frozen=True, kw_only=True):
    """One area; its shapes and codes add up. `polygons_e7_lonlat`: closed rings; CAP has no holes."""

    desc: str
    polygons_e7_lonlat: tuple[Ring, ...] = ()
    circles: tuple[CapCircle, ...] = ()
    geocodes: tuple[CapValue, ...] = ()


class CapInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is said in one language. `language` as it stands in the message (ja-JP, en …)."""

    language: str
    categories: tuple[CapCategory, ...]
    event: str
    urgency: CapUrgency
    severity: CapSeverity
    certainty: CapCertainty
    responses: tuple[CapResponse, ...] = ()
    audience: str = ""
    event_codes: tuple[CapValue, ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[CapValue, ...] = ()
    areas: tuple[CapArea, ...] = ()


class CapReference(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier message. Times are compared as moments: senders write the same one in several offsets."""

    sender: str
    identifier: str
    sent: datetime


class CapMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message. Sender, identifier and sent together name it in the whole world."""

    identifier: str
    sender: str
    sent: datetime
    status: CapStatus
    msg_type: CapMsgType
    scope: CapScope
    source: str = ""
    restriction: str = ""
    addresses: str = ""
    codes: tuple[str, ...] = ()
    note: str = ""
    references: tuple[CapReference, ...] = ()
    incidents: tuple[str, ...] = ()
    infos: tuple[CapInfo, ...] = ()

    @property
    def reference(self) -> CapReference:
        """How a later message names this one."""
        return CapReference(sender=self.sender, identifier=self.identifier, sent=self.sent)
