"""Which push endpoints are ever written to: a closed list of push services, by https, at the usual port.

The endpoint comes from the browser, so from anybody: without this the service could be made to post into private
networks. The address check at connect time (`workers/easy.py`) stands behind it.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from bosai.errors import InvalidInput, PushHostRefused

LONGEST_ENDPOINT = 2048
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_PORTS = {"https": 443, "http": 80}


def origin_of(endpoint: str) -> str:
    """`scheme://host[:port]` of an endpoint, as the `aud` of RFC 8292 wants it."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}".lower()


class HostPolicy:
    """The allow-list. `allowed_hosts`: names, or `*.name` for every name below it.

    `test_hosts`: `host:port` entries of a test bed, reachable by http and at a loopback address as well.
    """

    def __init__(self, allowed_hosts: Iterable[str], test_hosts: Iterable[str] = ()) -> None:
        names = [one.strip().lower().rstrip(".") for one in allowed_hosts]
        self._exact = frozenset(one for one in names if one and not one.startswith("*."))
        self._below = tuple(one[1:] for one in names if one.startswith("*.") and len(one) > 2)
        self._test = frozenset(one.strip().lower() for one in test_hosts)

    def check(self, endpoint: str) -> None:
        """Nothing when the endpoint may be pushed to. Raises InvalidInput (no URL) or PushHostRefused."""
        if not endpoint:
            raise InvalidInput("push.endpoint", "missing")
        if len(endpoint) > LONGEST_ENDPOINT:
            raise InvalidInput("push.endpoint", "too_long", str(LONGEST_ENDPOINT))
        # Blanks, control characters, non-ASCII and backslashes are read differently by different parsers.
        if any(not "!" <= char <= "~" or char == "\\" for char in endpoint):
            raise InvalidInput("push.endpoint", "not_a_url")
        try:
            parts = urlsplit(endpoint)
            port = parts.port
        except ValueError as error:
            raise InvalidInput("push.endpoint", "not_a_url") from error
        host = parts.hostname or ""
        if not self._allows(parts, host, port):
            raise PushHostRefused(host or parts.scheme)

    def is_test_host(self, host: str, port: int | None) -> bool:
        """True for an entry of `test_hosts`."""
        return f"{host}:{port}".lower() in self._test

    def _allows(self, parts: SplitResult, host: str, port: int | None) -> bool:
        if "@" in parts.netloc or parts.fragment or parts.scheme not in _PORTS:
            return False
        if self.is_test_host(host, port or _PORTS[parts.scheme]):
            return True
        if parts.scheme != "https" or port not in (None, 443) or parts.netloc.endswith(":"):
            return False
        if (
            _is_address(host)
            or not _HOST.fullmatch(host)
            or any(one.startswith("xn--") for one in host.split("."))
        ):
            return False
        return host in self._exact or host.endswith(self._below)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_public_address(address: str) -> bool:
    """True for an address of the public internet; False for private, loopback, link-local, multicast and reserved."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is not None:
            return is_public_address(str(inner))
        if found in _NAT64:
            return is_public_address(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
        if found not in _ASSIGNED:
            return False
    return found.is_global and not found.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ASSIGNED = ipaddress.IPv6Network(
    "2000::/3"
)  # all that IANA has given out; a network's own NAT64 lies outside
