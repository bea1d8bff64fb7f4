"""One libcurl handle, used for one message after the other, and what its end means.

Set once: TLS with the host's name verified, HTTP/2 where the server speaks it, no redirects, no cookies, no netrc, the
time-outs, and the sockets, which we open ourselves: an address that is not public is refused before anything is sent to
it, whatever the name resolved to. Set for each message: address, body, and the headers when they are others.
"""

import errno
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pycurl

from bosai.ports import Parcel, PushOutcome
from bosai.push.hosts import HostPolicy, is_public_address

LONGEST_RETRY_AFTER_S = 3600.0
LARGEST_ANSWER = 65_536
OUT_OF_FILES = "out_of_files"
REFUSED = PushOutcome(status=0, cause="host_refused", left=False)
ACCEPTED = 201

_KNOWN_ROOTS = (  # where systems keep one file with all roots: Debian, Fedora, Alpine, SUSE, the BSDs
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
)
_CAUSES = {
    pycurl.E_OPERATION_TIMEDOUT: "timeout",
    pycurl.E_COULDNT_RESOLVE_HOST: "name_not_found",
    pycurl.E_COULDNT_RESOLVE_PROXY: "proxy_not_found",
    pycurl.E_COULDNT_CONNECT: "no_connection",
    pycurl.E_SSL_CONNECT_ERROR: "tls_failed",
    pycurl.E_PEER_FAILED_VERIFICATION: "tls_not_trusted",
    pycurl.E_SSL_CACERT_BADFILE: "tls_roots_unreadable",
    pycurl.E_OUT_OF_MEMORY: "out_of_memory",
}


class RootsMissing(RuntimeError):
    """No file of certificate roots was found on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EasyOptions:
    """What all handles of a process share. `roots`: a PEM file; `proxy`: "" for none."""

    hosts: HostPolicy
    roots: str
    proxy: str
    connect_timeout_s: float
    total_timeout_s: float


class Easy:
    """One handle for one origin. `curl` is the pycurl handle."""

    __slots__ = (
        "_guards",
        "_headers",
        "_is_fresh",
        "_oldest_s",
        "_refused",
        "_trouble",
        "_user_timeout_ms",
        "curl",
        "origin",
    )

    def __init__(self, origin: str, options: EasyOptions) -> None:
        self.origin = origin
        self.curl: Any = pycurl.Curl()
        self._headers: tuple[str, ...] | None = None
        self._is_fresh = False
        self._oldest_s = 0
        self._refused = False
        self._trouble = ""
        parts = urlsplit(origin)
        is_test = options.hosts.is_test_host(
            parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        )
        self._guards = not (is_test or options.proxy)
        self._user_timeout_ms = round(options.connect_timeout_s * 1000)
        _set_up(self.curl, options, plain=is_test)
        # Wait for a connection that is being made, to share it. Over plain http nothing is shared, and a slow answer
        # would hold up the next.
        self.curl.setopt(pycurl.PIPEWAIT, int(parts.scheme == "https"))
        self.curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)

    def prepare(self, parcel: Parcel, *, fresh: bool, oldest_s: int) -> None:
        """Load one message. fresh: on a new connection; oldest_s: on one that is not older (0 = any)."""
        curl = self.curl
        curl.setopt(_URL, parcel.endpoint)
        curl.setopt(_POSTFIELDS, parcel.body)
        if parcel.headers is not self._headers:
            # The empty one takes away what curl adds by itself.
            curl.setopt(pycurl.HTTPHEADER, [*parcel.headers, "Accept:"])
            self._headers = parcel.headers
        if fresh is not self._is_fresh:
            curl.setopt(pycurl.FRESH_CONNECT, int(fresh))
            self._is_fresh = fresh
        if oldest_s != self._oldest_s:
            curl.setopt(pycurl.MAXLIFETIME_CONN, oldest_s)
            self._oldest_s = oldest_s
        self._refused, self._trouble = False, ""

    def has_left(self) -> bool:
        """Whether anything of the request may have left: curl counts its octets, over all its own repetitions."""
        return bool(self.curl.getinfo(pycurl.REQUEST_SIZE) > 0)

    def multiplexed(self) -> bool:
        """Whether the answer came by HTTP/2, where messages share a connection."""
        return bool(self.curl.getinfo(pycurl.INFO_HTTP_VERSION) >= pycurl.CURL_HTTP_VERSION_2_0)

    def connection(self) -> int:
        """The connection it was on, as a number of curl's; -1 = none."""
        return int(self.curl.getinfo(pycurl.CONN_ID))

    def trouble(self) -> str:
        """What kept its socket from being opened, if that was it: "host_refused", "out_of_files" or ""."""
        if self._trouble:
            return self._trouble
        if self.curl.getinfo(pycurl.OS_ERRNO) in _NO_FILES:
            return OUT_OF_FILES
        return "host_refused" if self._refused else ""

    def _open_socket(self, purpose: int, address: Any) -> "_Opened | Any":
        if self._guards and not is_public_address(str(address.addr[0])):
            self._refused = True
            return pycurl.SOCKET_BAD
        try:
            opened = socket.socket(address.family, address.socktype, address.protocol)
        except OSError as error:
            self._trouble = OUT_OF_FILES if error.errno in _NO_FILES else "no_connection"
            return pycurl.SOCKET_BAD
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # A connection whose other end is silently gone breaks after this, with all its messages, instead of
            # swallowing message after message until each one's time is up.
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, self._user_timeout_ms)
        return _Opened(opened)


class _Opened:
    """A socket on its way to curl, which takes a copy; ours is closed with this."""

    def __init__(self, opened: socket.socket) -> None:
        self._opened = opened

    def fileno(self) -> int:
        return self._opened.fileno()

    def __del__(self) -> None:
        self._opened.close()


def outcome_of(easy: Easy, code: int, size: int) -> PushOutcome:
    """The outcome of a message that ended with curl's `code` (0 = fine); size: octets of its body."""
    status = easy.curl.getinfo(_RESPONSE_CODE)
    if status >= 200:  # it answered, even if the rest of the answer was lost or too long
        told = easy.curl.getinfo(pycurl.RETRY_AFTER)  # 0 when there is none, or when it asks for no wait
        return PushOutcome(
            status=status,
            cause="" if status < 300 else f"http_{status}",
            retry_after_s=min(float(told), LONGEST_RETRY_AFTER_S) if told > 0 else None,
            bytes_sent=size,
        )
    left = easy.has_left()
    trouble = "" if left else easy.trouble()
    if trouble == REFUSED.cause:
        return REFUSED
    if not left and easy.curl.getinfo(pycurl.HTTP_CONNECTCODE) >= 300:
        trouble = "proxy_refused"
    cause = trouble or _CAUSES.get(code) or ("reset" if left else "no_connection")
    return PushOutcome(status=0, cause=cause, left=left, bytes_sent=size if left else 0)


def roots_file(ca_file: str, folder: Path) -> str:
    """A PEM file with the system's roots and those of `ca_file`, written into `folder` if need be.

    The system's come from where Python's own TLS looks (SSL_CERT_FILE included). Raises RootsMissing.
    """
    usual = ssl.get_default_verify_paths()
    candidates = [one for one in (usual.cafile, usual.openssl_cafile, *_KNOWN_ROOTS) if one]
    system = next((one for one in candidates if Path(one).is_file()), None)
    if not ca_file:
        if system is None:
            raise RootsMissing("no certificate roots found: install ca-certificates, or set push.ca_file")
        return system
    own = Path(ca_file).read_bytes()
    if system is None:
        return ca_file
    merged = folder / "roots.pem"
    merged.write_bytes(Path(system).read_bytes() + b"\n" + own)
    return str(merged)


def _set_up(curl: Any, options: EasyOptions, *, plain: bool) -> None:
    """The settings that never change. plain: also http, which only a test bed speaks."""
    curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTPS | (pycurl.PROTO_HTTP if plain else 0))
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
    curl.setopt(pycurl.POST, 1)
    curl.setopt(pycurl.FOLLOWLOCATION, 0)
    curl.setopt(pycurl.USERAGENT, "")  # pycurl's own: 150 octets in every request
    curl.setopt(pycurl.NETRC, pycurl.NETRC_IGNORED)
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.SSL_VERIFYPEER, 1)
    curl.setopt(pycurl.SSL_VERIFYHOST, 2)
    curl.setopt(pycurl.CAINFO, options.roots)
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, round(options.connect_timeout_s * 1000))
    curl.setopt(pycurl.TIMEOUT_MS, round(options.total_timeout_s * 1000))
    curl.setopt(pycurl.TCP_KEEPALIVE, 1)
    curl.setopt(pycurl.MAXFILESIZE, LARGEST_ANSWER)
    curl.setopt(pycurl.WRITEFUNCTION, _forget)
    curl.setopt(pycurl.PROXY, options.proxy)  # "" also keeps curl from looking into the environment
    if options.proxy:
        curl.setopt(pycurl.NOPROXY, "")
        curl.setopt(pycurl.HTTPPROXYTUNNEL, 1)
        curl.setopt(pycurl.PROXY_CAINFO, options.roots)


def _forget(data: bytes) -> None:
    """What a push service says besides its status is not used."""


def accepted(size: int) -> PushOutcome:
    """The outcome of a message of so many octets that was taken: 201."""
    found = _ACCEPTED.get(size)
    if found is None:
        if len(_ACCEPTED) > 8192:
            _ACCEPTED.clear()
        found = _ACCEPTED[size] = PushOutcome(status=ACCEPTED, bytes_sent=size)
    return found


_ACCEPTED: dict[
    int, PushOutcome
] = {}  # one for each size of body: an outcome cannot be changed, so it is shared
_NO_FILES = frozenset({errno.EMFILE, errno.ENFILE})
_URL, _POSTFIELDS, _RESPONSE_CODE = pycurl.URL, pycurl.POSTFIELDS, pycurl.RESPONSE_CODE
