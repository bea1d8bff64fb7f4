"""How often one client may write: a token bucket per address, in bounded memory.

Generous on purpose: a mobile carrier shows thousands of subscribers under one address, and all of them may
register in the same minute. It stops a script, not a crowd.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import wraps

from aiohttp import web

from bosai.errors import TooManyTries

PER_MIN = 600
BURST = 200
MAX_CLIENTS = 20_000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class TokenBuckets:
    """A bucket per client: `burst` at once, `per_min` in the long run. The longest unseen client is forgotten first.

    now_s: a clock that only rises, in seconds.
    """

    def __init__(
        self,
        *,
        per_min: float = PER_MIN,
        burst: int = BURST,
        max_clients: int = MAX_CLIENTS,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        if per_min <= 0 or burst < 1 or max_clients < 1:
            raise ValueError("per_min, burst and max_clients must be positive")
        self._per_s = per_min / 60
        self._burst = float(burst)
        self._max_clients = max_clients
        self._now_s = now_s
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # client → (tokens, at)

    def __len__(self) -> int:
        """Clients remembered now."""
        return len(self._left)

    def wait_s(self, client: str) -> int:
        """0 and one token less when the client may go on; else whole seconds until it may, and nothing changes."""
        now = self._now_s()
        tokens, at = self._left.get(client, (self._burst, now))
        tokens = min(self._burst, tokens + max(0.0, now - at) * self._per_s)
        admitted = tokens >= 1
        self._left[client] = (tokens - 1 if admitted else tokens, now)
        self._left.move_to_end(client)
        while len(self._left) > self._max_clients:
            self._left.popitem(last=False)
        return 0 if admitted else max(1, math.ceil((1 - tokens) / self._per_s))


BUCKETS: web.AppKey[TokenBuckets] = web.AppKey("BUCKETS", TokenBuckets)


def limited(handler: Handler) -> Handler:
    """`handler`, unless this client writes too often: then TooManyTries. Each route of each side counts by itself."""

    @wraps(handler)
    async def checked(request: web.Request) -> web.StreamResponse:
        admit(request)
        return await handler(request)

    return checked


def admit(request: web.Request) -> None:
    """Nothing while this client may go on with this route, whatever names its path holds. Raises TooManyTries."""
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else request.path
    wait_s = request.config_dict[BUCKETS].wait_s(f"{client_of(request)} {route}")
    if wait_s:
        raise TooManyTries(wait_s)


def client_of(request: web.Request) -> str:
    """Who asks: an IPv4 address, or the /64 of an IPv6 one (a household holds a whole /64).

    The reverse proxy in front is a peer of our own network; what it saw is the last of X-Forwarded-For. A peer from
    outside may write into that header what it likes, so there it is not read.
    """
    peer = _address(request.remote or "")  # None: a unix socket, so a proxy on this machine
    forwarded = _forwarded(request) if peer is None or peer.is_private else None
    named = forwarded or peer
    if named is None:
        return "local"
    if isinstance(named, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((named, 64), strict=False))
    return str(named)


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _forwarded(request: web.Request) -> Address | None:
    last = ",".join(request.headers.getall("X-Forwarded-For", [])).rpartition(",")[2]
    return _address(last.strip())


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found
