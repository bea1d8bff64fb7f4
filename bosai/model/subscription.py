"""A subscriber: where to push, and the places to guide from. No name, no phone number, no account."""

from datetime import datetime
from enum import StrEnum

import msgspec


class PaceClass(StrEnum):
    """How fast the household walks together, by its slowest member. Unknown counts as careful."""

    UNKNOWN = "unknown"
    STANDARD = "standard"
    SLOW = "slow"


class Structure(StrEnum):
    """What the building is made of, as far as the person knows."""

    UNKNOWN = "unknown"
    WOODEN = "wooden"
    SOLID = "solid"  # 鉄筋・鉄骨コンクリート造など


class Need(StrEnum):
    """Facilities a household needs (never diagnoses: the reason stays on the device)."""

    STEP_FREE = "step_free"
    POWER = "power"
    PETS = "pets"


class PushTarget(msgspec.Struct, frozen=True, kw_only=True):
    """The *push* part (RFC 8030, 8291). Sealed under its own key; read by delivery only."""

    endpoint: str
    p256dh: str  # base64url
    auth: str  # base64url


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One place of the *places* part. Sealed under its own key; read by the planner only."""

    place_id: str
    label: str = ""  # town name shown back to its owner
    lon: float  # rounded to 4 decimals, or the centre of a 250 m cell by choice
    lat: float
    is_cell: bool = False
    floor: int | None = None  # floor one sleeps or works on, 1 = ground; None = unknown
    structure: Structure = Structure.UNKNOWN
    persons: int = 1
    pace: PaceClass = PaceClass.UNKNOWN
    needs: tuple[Need, ...] = ()
    relative: bool = False  # a relative's place: advice for the call, never a seat
    until: datetime | None = None  # a visitor's place: 「今日だけ」 ends at the local midnight; None = no end
    welfare_site: str = ""  # the welfare shelter a ward's code opened for this household
    lang: str = ""  # the subscriber's language, set with the subscription, so that HQ sees how many read what

    @property
    def is_visitors(self) -> bool:
        """True for somebody who is here for the day: 帰宅困難者 when trains stop."""
        return self.until is not None


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """Both parts together, as the page sends them and as its owner sees them."""

    subscription_id: str
    lang: str
    push: PushTarget
    places: tuple[Place, ...]
    created_at: datetime
