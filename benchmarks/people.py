"""Subscribers and what they are to be told: made by a seed, written by the store's bulk path.

Key pairs of browsers are dear to make and all cost a sender the same, so 1,000 distinct ones serve in turn; endpoints
and secrets are everybody's own, and so are prekeys.
"""

import base64
import hashlib
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from heapq import nsmallest

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bosai.model.instruction import Destination, MessageKind
from bosai.model.subscription import Place, PushTarget
from bosai.stores.instructions import InstructionDraft
from bosai.stores.subscriptions import PushPart
from shelters.model import Action, ReasonCode

DISTINCT_KEYS = 1000
SITES = 20
LANGS = ("ja", "en", "zh-Hans")
ENDPOINT_TOKEN_CHARS = 152  # an FCM endpoint is 188 characters long: 36 of origin and path, then this
_LON_M, _LAT_M = 87_400.0, 111_000.0  # metres of one degree at 38.2° north
_DETOUR = 1.3
_PACE_M_S = 1.0


@dataclass(frozen=True, slots=True)
class Person:
    """One subscriber as registered."""

    subscription_id: str
    push: PushPart
    places: tuple[Place, ...]


def people(count: int, origin: str, *, seed: int = 220) -> Iterator[Person]:
    """So many subscribers, each with one place in the east of the city; always the same ones but for their keys."""
    rng, points = random.Random(seed), _points()
    for number in range(count):
        digest = hashlib.sha256(f"{seed}:{number}".encode()).digest()
        token = base64.urlsafe_b64encode(rng.randbytes(ENDPOINT_TOKEN_CHARS * 3 // 4)).decode()
        target = PushTarget(
            endpoint=f"{origin}/fcm/send/{token}",
            p256dh=points[number % DISTINCT_KEYS],
            auth=b64url(rng.randbytes(16)),
        )
        home = Place(
            place_id="home",
            label="荒浜",
            lon=_lon(rng),
            lat=_lat(rng),
            floor=rng.randint(1, 9),
            persons=rng.randint(1, 5),
        )
        yield Person(digest.hex()[:32], PushPart(target=target, lang=LANGS[number % len(LANGS)]), (home,))


def drafts(
    some: Sequence[Person], incident: str, alert_key: str, at: datetime, *, seed: int = 220
) -> list[InstructionDraft]:
    """GO for everybody: to the nearest of 20 sites, the next as second choice, each with a walk of their own."""
    sites = _sites(random.Random(seed))
    found = []
    for person in some:
        (first_m, first), (second_m, second) = nsmallest(2, _distances(person.places[0], sites))
        found.append(
            InstructionDraft(
                subscription_id=person.subscription_id,
                incident=incident,
                place_id="home",
                message=MessageKind.ORDER,
                action=Action.GO,
                alert_key=alert_key,
                danger_class=1,
                destination=_walk_to(sites[first], first_m),
                alternate=_walk_to(sites[second], second_m),
                reasons=(ReasonCode.NEAREST_FIT.value, ReasonCode.OPENING_UNCONFIRMED.value),
                plan_id="benchmark",
                decided_at=at,
                stale_at=at + timedelta(hours=2),
                meaning=f"go-{sites[first].site_id}",
                town="荒浜",
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class _Site:
    site_id: str
    name: str
    lon: float
    lat: float


def _distances(home: Place, sites: Sequence[_Site]) -> Iterator[tuple[float, int]]:
    """Metres to every site, straight; on a plane, which is near enough here."""
    for number, site in enumerate(sites):
        east_m, north_m = (site.lon - home.lon) * _LON_M, (site.lat - home.lat) * _LAT_M
        yield math.hypot(east_m, north_m), number


def _walk_to(site: _Site, straight_m: float) -> Destination:
    walk_m = straight_m * _DETOUR
    return Destination(
        site_id=site.site_id,
        name=site.name,
        lon=site.lon,
        lat=site.lat,
        walk_m=round(walk_m),
        walk_s=round(walk_m / _PACE_M_S),
        unconfirmed=True,
    )


def _sites(rng: random.Random) -> list[_Site]:
    names = ("七郷", "蒲町", "六郷", "沖野", "大和", "遠見塚", "荒井", "岡田", "高砂", "中野")
    kinds = ("小学校", "中学校")
    both = [f"{name}{kind}" for name in names for kind in kinds]
    return [_Site(f"s{at:02}", name, _lon(rng), _lat(rng)) for at, name in enumerate(both[:SITES])]


def _lon(rng: random.Random) -> float:
    return round(rng.uniform(140.90, 141.0), 4)


def _lat(rng: random.Random) -> float:
    return round(rng.uniform(38.20, 38.28), 4)


@cache
def _points() -> list[str]:
    """Public keys of browsers, base64url."""
    return [
        b64url(
            ec.generate_private_key(ec.SECP256R1())
            .public_key()
            .public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        )
        for _ in range(DISTINCT_KEYS)
    ]


def b64url(raw: bytes) -> str:
    """Without padding, as browsers give keys."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
