"""Web Push by libcurl: one thread owns the multi handle, many messages share one HTTP/2 connection.

    event loop                     thread "push-transport"
    post(parcels) ─▶ deque ─wake─▶ lanes ─▶ permit? ─▶ easy handle ─▶ curl multi (epoll) ─▶ push service
    on_done(list) ◀─call_soon_threadsafe─ outcomes ◀──────────────────┘

The thread holds the interpreter for a few microseconds of a message; the rest is libcurl's, without it. Each outcome
says whether anything may have reached the push service (`left`): libcurl counts the octets of a request that left, and
keeps counting when it repeats one on a new connection by itself (the old one closed unanswered).
"""

import asyncio
import contextlib
import logging
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bosai.ports import OriginState, Parcel, PushOutcome
from bosai.push.hosts import HostPolicy
from workers.easy import EasyOptions, roots_file
from workers.engine import Engine, TransportTuning, monotonic_s
from workers.lanes import Lanes, Returned

__all__ = ["CurlTransport", "TransportDied", "TransportTuning", "open_transport"]

log = logging.getLogger(__name__)

STOPPED = "stopped"
DIED = "transport_died"
LAST_MOMENT_S = 1.0
"""What is under way at the end may still finish within this."""
CLOSING_S = 5.0
"""So long closing the connections may take."""

OnDone = Callable[[list[tuple[Parcel, PushOutcome]]], None]


class TransportDied(RuntimeError):
    """The sending thread ended by an error: this process can send nothing any more and should end."""


class CurlTransport:
    """`ports.PushTransport`, made by `open_transport`. All but `_run` and below belongs to the event loop's thread."""

    def __init__(
        self,
        hosts: HostPolicy,
        on_done: OnDone,
        loop: asyncio.AbstractEventLoop,
        tuning: TransportTuning,
        options: EasyOptions,
    ) -> None:
        self._on_done = on_done
        self._loop = loop
        self._posted: deque[Parcel] = deque()
        self._done: deque[list[Returned]] = deque()
        self._is_telling = False
        self._is_awake = False
        self._is_closing = False
        self._has_ended = False
        self._died: BaseException | None = None
        self._lanes = Lanes(
            in_flight=tuning.in_flight,
            in_flight_per_origin=tuning.in_flight_per_origin,
            lane_length=tuning.lane_length,
            first_limit=tuning.connections_per_origin,
        )
        self._hosts = hosts
        self._tuning = tuning
        self._options = options
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="push-transport", daemon=True)

    # ---- the event loop's side -----------------------------------------------------------------------

    def post(self, parcels: Sequence[Parcel]) -> None:
        """Hand over; outcomes come to `on_done`. Raises TransportDied; never for what a network can do."""
        if self._died is not None or self._is_closing:
            raise TransportDied("the sending thread has ended") from self._died
        self._posted.extend(parcels)
        if not self._is_awake:
            self._wake()

    def room(self) -> int:
        """How many parcels may be handed over now without holding anything up."""
        return max(0, self._lanes.room() - len(self._posted))

    def rest_s(self, origin: str) -> float:
        """Seconds this push service is to be left alone yet; 0 = send."""
        return self._lanes.rest_s(origin, monotonic_s())

    def origins(self) -> list[OriginState]:
        """Every push service met since the start."""
        return self._lanes.origins(monotonic_s())

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    async def close(self) -> None:
        """End the thread; every outcome still owed is told before this returns."""
        self._is_closing = True
        self._wake()
        await asyncio.to_thread(self._thread.join, LAST_MOMENT_S + CLOSING_S)
        self._tell()
        if self._thread.is_alive():
            log.warning("the sending thread still closes its connections: left behind")
        else:
            os.close(self._wake_fd)

    def _wake(self) -> None:
        self._is_awake = True
        os.eventfd_write(self._wake_fd, 1)

    def _tell(self) -> None:
        """In the loop's thread: everything done so far, in one list."""
        self._is_telling = False
        done = self._done
        told = [one for _ in range(len(done)) for one in done.popleft()]
        if self._has_ended:  # what was posted while the thread ended
            told += [(self._posted.popleft(), self._unsent()) for _ in range(len(self._posted))]
        if told:
            self._on_done(told)

    def _unsent(self) -> PushOutcome:
        return PushOutcome(status=0, cause=DIED if self._died else STOPPED, left=False)

    # ---- the thread's side ---------------------------------------------------------------------------

    def _run(self) -> None:
        engine = None
        try:
            engine = Engine(
                self._lanes,
                self._hosts,
                self._tuning,
                self._options,
                posted=self._posted,
                wake_fd=self._wake_fd,
            )
            self._send_until_closed(engine)
        except BaseException as error:
            log.critical("the sending thread ended by an error: nothing can be sent", exc_info=True)
            self._died = error
        left: list[Returned] = []
        cause = self._unsent().cause
        try:
            if engine is not None:
                engine.break_off(cause, left)
            self._lanes.give_up(cause, left)
        finally:
            self._has_ended = True
            self._hand_back(left)
            if engine is not None:
                engine.close()  # last: it may have to wait for a name being looked up

    def _send_until_closed(self, engine: Engine) -> None:
        until_s = 0.0
        while True:
            self._is_awake = False  # before looking: what is posted from here on wakes us again
            if self._is_closing:  # what is posted yet, or waits in a lane, comes back unsent
                now_s = monotonic_s()
                until_s = until_s or now_s + LAST_MOMENT_S
                if not self._lanes.flying or now_s >= until_s:
                    return
                engine.turn(takes=False)
            else:
                engine.turn(takes=True)
            self._hand_back(engine.ended())

    def _hand_back(self, results: list[Returned]) -> None:
        if not results and not self._has_ended:
            return
        self._done.append(results)
        if not self._is_telling:
            self._is_telling = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
                self._loop.call_soon_threadsafe(self._tell)


@asynccontextmanager
async def open_transport(
    hosts: HostPolicy,
    on_done: OnDone,
    *,
    tuning: TransportTuning,
    ca_file: str = "",
    proxy: str = "",
) -> AsyncIterator[CurlTransport]:
    """The transport with its thread, ended at the end. `on_done` is called in the event loop's thread, with lists.

    ca_file: PEM trusted besides the system's roots. Behind a proxy the proxy connects: there the allow-list and TLS
    stand in for the address check. Raises RootsMissing.
    """
    folder = await asyncio.to_thread(TemporaryDirectory, prefix="bosai-roots-")
    try:
        roots = await asyncio.to_thread(roots_file, ca_file, Path(folder.name))
        options = EasyOptions(
            hosts=hosts,
            roots=roots,
            proxy=proxy,
            connect_timeout_s=tuning.connect_timeout_s,
            total_timeout_s=tuning.total_timeout_s,
        )
        transport = CurlTransport(hosts, on_done, asyncio.get_running_loop(), tuning, options)
        transport.start()
        try:
            yield transport
        finally:
            await transport.close()
    finally:
        await asyncio.to_thread(folder.cleanup)
