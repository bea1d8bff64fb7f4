"""Distances, minutes, times and directions as people read them. Times are Japan's, whatever the device says."""

import math
from datetime import datetime
from zoneinfo import ZoneInfo

JST = ZoneInfo("Asia/Tokyo")
COMPASS = ("north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest")


def distance_text(metres: int) -> str:
    """ "350 m" style without a blank: 350m below 1 km (rounded to 10 m), 1.2km above."""
    if metres < 995:
        return f"{max(10, round(metres / 10) * 10)}m"
    return f"{metres / 1000:.1f}km"


def minutes_of(seconds: int) -> int:
    """Whole minutes, rounded up, at least 1: nobody arrives late because of a rounding."""
    return max(1, math.ceil(seconds / 60))


def time_text(at: datetime, now: datetime) -> str:
    """14:05 today, 11/23 14:05 on another day, 2011/3/11 14:49 in another year (JST)."""
    local, today = at.astimezone(JST), now.astimezone(JST)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    year = "" if local.year == today.year else f"{local.year}/"
    return f"{year}{local.month}/{local.day} {local:%H:%M}"


def compass_of(from_lonlat: tuple[float, float], to_lonlat: tuple[float, float]) -> str:
    """One of COMPASS: where `to` lies seen from `from` (degrees; good for distances within a city)."""
    east = (to_lonlat[0] - from_lonlat[0]) * math.cos(math.radians(from_lonlat[1]))
    north = to_lonlat[1] - from_lonlat[1]
    bearing = math.degrees(math.atan2(east, north)) % 360
    return COMPASS[round(bearing / 45) % 8]
