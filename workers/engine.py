"""The inside of the sending thread: lanes, handles and sockets, one turn after the other.

    turn: posted ─▶ lanes ─▶ handles ─▶ curl multi ─▶ wait for sockets, the wake-up or a date ─▶ outcomes

Everything here belongs to one thread. What ended waits in one list until `ended` is asked for, so that an error in the
middle of a turn loses no outcome: a message is either posted, in a lane, under way, or in that list.
"""

import contextlib
import logging
import os
import re
import select
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import pycurl

from bosai.errors import InvalidInput, PushHostRefused
from bosai.ports import Parcel, PushOutcome
from bosai.push.hosts import HostPolicy, origin_of
from workers.easy import ACCEPTED, REFUSED, Easy, EasyOptions, accepted, outcome_of
from workers.lanes import Flight, Lanes, Returned

log = logging.getLogger(__name__)

NOT_SENDABLE = PushOutcome(status=0, cause="not_sendable", left=False)
TOO_MANY = 429
"""Said to one, it may be meant for that person; said to several in a row, it is meant for us, and the lane rests."""
LOOK_EVERY_S = 0.25
FORGOTTEN_S = 150.0
"""After so long curl has closed a connection that nothing used (118 s)."""
MOST_ORIGINS = 10_000
"""So many checked origins are remembered; names below an allowed one can be made up by anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportTuning:
    """Figures of the transport.

    in_flight: messages under way at once; in_flight_per_origin: to one push service (two thirds of all at most).
    lane_length: messages that may wait for one. connections_per_origin: for HTTP/1.1 also the messages under way.
    """

    in_flight: int = 600
    in_flight_per_origin: int = 400
    lane_length: int = 4000
    connections_per_origin: int = 16
    connect_timeout_s: float = 5.0
    total_timeout_s: float = 15.0


class Engine:
    """The multi handle, its handles and its sockets; made, used and closed in the sending thread."""

    def __init__(
        self,
        lanes: Lanes,
        hosts: HostPolicy,
        tuning: TransportTuning,
        options: EasyOptions,
        *,
        posted: deque[Parcel],
        wake_fd: int,
    ) -> None:
        self._lanes = lanes
        self._hosts = hosts
        self._options = options
        self._most_idle = tuning.in_flight
        self._posted = posted
        self._back: list[Returned] = []  # what ended and was not handed over yet
        self._good_origins: set[str] = set()
        self._idle: dict[str, list[Easy]] = {}
        self._idle_count = 0
        self._flights: dict[Any, tuple[Easy, Flight]] = {}  # by pycurl handle
        self._curl_due_s: float | None = None
        self._look_due_s = 0.0
        self._sockets: set[int] = set()
        self._wake_fd = wake_fd
        self._poll = select.epoll()
        self._poll.register(wake_fd, select.EPOLLIN)
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, tuning.connections_per_origin)
        self._multi.setopt(pycurl.M_MAX_CONCURRENT_STREAMS, max(100, tuning.in_flight_per_origin))
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)

    def turn(self, *, takes: bool) -> None:
        """Take in what was posted, let leave what may, wait for news or for the next date."""
        back, lanes, now_s = self._back, self._lanes, monotonic_s()
        if takes:
            self._take_in(now_s)
            self._launch(now_s)
        if now_s >= self._look_due_s:
            self._look_due_s = now_s + LOOK_EVERY_S
            lanes.look(now_s, back)
            self._recall()
        self._wait(now_s, at_once=bool(back))
        self._collect()
        if takes:
            self._launch(monotonic_s())

    def ended(self) -> list[Returned]:
        """What ended since this was asked last."""
        back, self._back = self._back, []
        return back

    def break_off(self, cause: str, back: list[Returned]) -> None:
        """Put into `back` what ended, and what is under way as it stands."""
        back += self.ended()
        easies = {flight: easy for easy, flight in self._flights.values()}
        for flight in self._lanes.flights():
            easy = easies.get(flight)  # None: curl never got it
            left = easy is not None and easy.has_left()
            size = len(flight.parcel.body) if left else 0
            back.append((flight.parcel, PushOutcome(status=0, cause=cause, left=left, bytes_sent=size)))
            self._lanes.released(flight)

    def close(self) -> None:
        """Close every handle, connection and file."""
        under_way = [easy for easy, _ in self._flights.values()]
        for easy in under_way:
            with contextlib.suppress(pycurl.error):
                self._multi.remove_handle(easy.curl)
        for easy in [*under_way, *(one for some in self._idle.values() for one in some)]:
            easy.curl.close()
        self._flights.clear()
        self._idle.clear()
        self._multi.close()
        self._poll.close()

    # ---- steps of a turn -----------------------------------------------------------------------------

    def _allows(self, parcel: Parcel) -> bool:
        origin, endpoint = parcel.origin, parcel.endpoint
        size = len(origin)
        if origin in self._good_origins and endpoint.startswith(origin) and _PATH.fullmatch(endpoint, size):
            return True
        try:
            self._hosts.check(endpoint)
        except (InvalidInput, PushHostRefused):
            return False
        if origin_of(endpoint) != origin:
            return False
        if len(self._good_origins) >= MOST_ORIGINS:
            self._good_origins.clear()
        self._good_origins.add(origin)
        return True

    def _take_in(self, now_s: float) -> None:
        posted, lanes = self._posted, self._lanes
        for _ in range(len(posted)):
            parcel = posted[0]
            returned = lanes.put(parcel, now_s) if self._allows(parcel) else (parcel, REFUSED)
            if returned is not None:
                self._back.append(returned)
            posted.popleft()

    def _launch(self, now_s: float) -> None:
        multi, flights, every_idle = self._multi, self._flights, self._idle
        for flight in self._lanes.take(now_s, self._back):
            parcel = flight.parcel
            idle = every_idle.get(parcel.origin)
            if idle:
                easy = idle.pop()
                self._idle_count -= 1
                if not idle:
                    del every_idle[parcel.origin]
            else:
                easy = Easy(parcel.origin, self._options)
            since_s = now_s - flight.lane.broke_s
            try:
                # Connections from before the rest may be mute for good: the try makes a new one, the others use that.
                easy.prepare(
                    parcel, fresh=flight.is_try, oldest_s=int(since_s) if since_s < FORGOTTEN_S else 0
                )
            except _UNFIT:  # one message curl can't take must not stop the others
                log.exception("a message that can not be sent to %s", parcel.origin)
                self._back.append((parcel, NOT_SENDABLE))
                self._lanes.released(flight)
                easy.curl.close()
                continue
            flights[easy.curl] = (easy, flight)
            multi.add_handle(easy.curl)

    def _wait(self, now_s: float, *, at_once: bool) -> None:
        due_s = self._curl_due_s
        if self._flights or self._lanes.waiting:
            due_s = self._look_due_s if due_s is None else min(due_s, self._look_due_s)
        wait_s = 0.0 if at_once else None if due_s is None else max(0.0, due_s - now_s)
        multi = self._multi
        for fd, events in self._poll.poll(-1 if wait_s is None else wait_s):
            if fd == self._wake_fd:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(fd)
                continue
            what = pycurl.CSELECT_IN if events & select.EPOLLIN else 0
            if events & select.EPOLLOUT:
                what |= pycurl.CSELECT_OUT
            if events & (select.EPOLLERR | select.EPOLLHUP):
                what |= pycurl.CSELECT_ERR
            multi.socket_action(fd, what)
        if self._curl_due_s is not None and self._curl_due_s <= monotonic_s():
            self._curl_due_s = None
            multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def _collect(self) -> None:
        flights, lanes, multi, more = self._flights, self._lanes, self._multi, 1
        while more:
            more, good, bad = multi.info_read(1000)
            for curl in good:
                easy, flight = flights[curl]
                if curl.getinfo(_RESPONSE_CODE) != ACCEPTED:
                    self._ended(curl, 0)
                    continue
                parcel = flight.parcel
                self._back.append((parcel, accepted(len(parcel.body))))
                del flights[curl]
                lanes.accepted(flight)
                if not flight.lane.is_known:
                    lanes.learn(flight.lane, multiplexes=easy.multiplexed())
                multi.remove_handle(curl)
                self._put_by(easy)
            for curl, code, _ in bad:
                self._ended(curl, code)

    def _ended(self, curl: Any, code: int) -> None:
        """It ended otherwise than by being accepted."""
        easy, flight = self._flights[curl]
        lanes, back = self._lanes, self._back
        outcome = outcome_of(easy, code, len(flight.parcel.body))
        back.append((flight.parcel, outcome))
        del self._flights[curl]
        if outcome is REFUSED:
            lanes.released(flight)
        elif 0 < outcome.status < 500 and outcome.status != TOO_MANY:
            lanes.answered(flight)
            lanes.learn(flight.lane, multiplexes=easy.multiplexed())
        else:
            broken = easy.connection() if outcome.cause == "reset" else -1
            told_s = outcome.retry_after_s
            lanes.failed(flight, outcome.cause, monotonic_s(), back, connection=broken, told_s=told_s)
        self._multi.remove_handle(curl)
        self._put_by(easy)

    def _recall(self) -> None:
        """What was handed to curl but did not begin to leave, and may not any more."""
        for curl, (easy, flight) in list(self._flights.items()):
            cause = flight.parcel.permit.withdrawn
            if cause and not easy.has_left():
                self._back.append((flight.parcel, PushOutcome(status=0, cause=cause, left=False)))
                del self._flights[curl]
                self._lanes.released(flight)
                self._multi.remove_handle(curl)
                self._put_by(easy)

    def _put_by(self, easy: Easy) -> None:
        """Keep it for the next message there; when there are many, those of another origin make room."""
        if self._idle_count >= self._most_idle:
            other = next((one for one, some in self._idle.items() if some and one != easy.origin), None)
            dropped = self._idle.pop(other) if other is not None else [easy]
            for one in dropped:
                one.curl.close()
            if other is None:
                return
            self._idle_count -= len(dropped)
        self._idle.setdefault(easy.origin, []).append(easy)
        self._idle_count += 1

    # ---- what curl asks for --------------------------------------------------------------------------

    def _on_socket(self, what: int, fd: int, multi: object, data: object) -> None:
        if what == pycurl.POLL_REMOVE:
            if fd in self._sockets:
                self._sockets.discard(fd)
                with contextlib.suppress(OSError, ValueError):  # closed already
                    self._poll.unregister(fd)
            return
        events = _EVENTS[what]
        if fd in self._sockets:
            try:
                self._poll.modify(fd, events)
            except FileNotFoundError:  # closed and opened again under the same number
                self._poll.register(fd, events)
            return
        self._sockets.add(fd)
        self._poll.register(fd, events)

    def _on_timer(self, wait_ms: int) -> None:
        self._curl_due_s = None if wait_ms < 0 else monotonic_s() + wait_ms / 1000


_EVENTS = {
    pycurl.POLL_NONE: 0,
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}
_UNFIT = (pycurl.error, ValueError, TypeError)
_RESPONSE_CODE = pycurl.RESPONSE_CODE
# A path as push services write them: visible ASCII without a fragment or a backslash.
_PATH = re.compile(r"/[!$-\[\]-~\"]{0,2000}")


def monotonic_s() -> float:
    """A clock that only rises."""
    return time.monotonic()
