"""What some say of their places besides: here for today only, and a code of the ward. Asked before they are kept.

places as sent ─▶ rounded ▸ ends (place_rules) ─▶ code ─▶ welfare.take ─▶ the shelter stands in the places
"""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from bosai.model.subscription import Place
from bosai.ports import Clock
from bosai.services.place_rules import Bbox, settled_places, with_ends, with_welfare_site
from bosai.services.welfare import WelfareCodes


class Extras(msgspec.Struct, frozen=True, kw_only=True):
    """What is said besides the places. `client`: who asks, to count wrong codes."""

    today_only: bool = False
    welfare_code: str = ""
    client: str = ""


NO_EXTRAS = Extras()


class PlaceExtras:
    """Places as one side keeps them. timezone: of the city, whose midnight ends a visitor's day."""

    def __init__(self, clock: Clock, welfare: WelfareCodes, *, timezone: str, bbox_lonlat: Bbox) -> None:
        self._clock = clock
        self._welfare = welfare
        self._zone = ZoneInfo(timezone)
        self._bbox = bbox_lonlat

    def settled(self, places: tuple[Place, ...], extras: Extras) -> tuple[Place, ...]:
        """The places rounded, with their ends. Raises InvalidInput."""
        now = self._clock.now()
        local = now.astimezone(self._zone)
        midnight = datetime.combine(local.date() + timedelta(days=1), time(), self._zone)
        settled = settled_places(places, self._bbox)
        return with_ends(settled, now=now, midnight=midnight, today_only=extras.today_only)

    async def opened(
        self,
        places: tuple[Place, ...],
        subscription_id: str,
        known: Callable[[], tuple[Place, ...]],
        extras: Extras,
    ) -> tuple[Place, ...]:
        """The places with the welfare shelter the code opens. `known`: those held before, opened when needed.

        Raises InvalidInput, TooManyTries.
        """
        before: set[str] = set()
        if any(one.welfare_site for one in places):
            before = {one.welfare_site for one in known()} - {""}
        opened = ""
        if extras.welfare_code.strip():
            opened = await self._welfare.take(extras.welfare_code, subscription_id, extras.client)
        return with_welfare_site(places, opened=opened, held=before)
