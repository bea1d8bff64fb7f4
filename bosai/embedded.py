"""The service's own Redis, for one machine: durable, on a unix socket, nobody else's.

    lock the data folder ─▶ stop what a killed run left ─▶ start ─▶ ready ─▶ watch ─▶ stop (append-only file complete)
                                                             ▲                 │ died
                                                             └── same data ◀───┘

`appendfsync always`: whatever Redis acknowledged is on disk, so a killed Redis is simply started again. Redis runs in a
session of its own and outlives a killed service on purpose (a write in progress ends well); the next start finds it by
the lock it inherited, stops it in order and goes on with the same data.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import logging
import os
import signal
import stat
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bosai.redis_program import (
    RedisProgram,
    RedisServerError,
    ServerVersion,
    choose_program,
    find_programs,
    record_writer,
)

log = logging.getLogger(__name__)

SOCKET_PATH_MAX_BYTES = 107  # sun_path of unix(7) holds 108 with its closing zero
START_WITHIN_S = 120.0  # a large append-only file is read before the first answer
STOP_WITHIN_S = 20.0
HEALTHY_AFTER_S = 10.0
RESTART_DELAYS_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)  # deaths in a row before it counts as broken
LOG_KEEP_BYTES = 5_000_000


@dataclass(eq=False)
class DataDirInUse(RedisServerError):
    """Another process holds the data folder."""

    data_dir: Path
    holder: str

    def __str__(self) -> str:
        return (
            f"The data folder {self.data_dir} is in use by {self.holder}: stop that one first, "
            "or choose another folder with [data] dir."
        )


@dataclass(eq=False)
class SocketDirRefused(RedisServerError):
    """The folder for the socket cannot be trusted."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return (
            f"The folder {self.path} for the Redis socket {self.reason}: remove it, or set XDG_RUNTIME_DIR."
        )


@dataclass(eq=False)
class RedisDidNotStart(RedisServerError):
    """Redis ended, or never answered. `last_words` are the end of its log."""

    log_path: Path
    last_words: str

    def __str__(self) -> str:
        return (
            f"Redis did not start: {self.last_words or 'it said nothing'} (the whole log: {self.log_path})."
        )


class EmbeddedRedis:
    """A running server. `url` stays the same for life; `pid` changes when it had to be started again."""

    def __init__(self, program: RedisProgram, folder: Path, socket: Path) -> None:
        self.program = program
        self.folder = folder
        self.socket = socket
        self.restarts = 0
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The address for a Redis client, `unix:///…/redis.sock`."""
        return f"unix://{quote(str(self.socket))}"

    @property
    def pid(self) -> int:
        """Process id of the server now running."""
        assert self._process is not None
        return self._process.pid

    @property
    def version(self) -> ServerVersion:
        """Product and version of the server."""
        return self.program.server

    @property
    def log_path(self) -> Path:
        """Where the server writes what it does."""
        return self.folder / "redis.log"

    async def _start(self) -> None:
        """Start and wait for the first answer. Raises RedisDidNotStart."""
        lock_fd, log_fd = await asyncio.to_thread(_open_for_server, self.folder)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *_command(self.program, self.folder, self.socket),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log_fd,
                stderr=log_fd,
                start_new_session=True,  # the terminal's Ctrl-C is for us; Redis is stopped last
                pass_fds=(lock_fd,),
            )
        finally:
            os.close(lock_fd)
            os.close(log_fd)
        try:
            async with asyncio.timeout(START_WITHIN_S):
                while self._process.returncode is None and not await _answers(self.socket):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)  # another process tells by its socket alone
        except TimeoutError:
            await self._stop()
        if self._process.returncode is not None:
            raise RedisDidNotStart(
                self.log_path, await asyncio.to_thread(_last_words, self.log_path, self.pid)
            )

    async def _watch(self) -> None:
        """Start the server again whenever it dies, until cancelled. Raises RedisDidNotStart when it keeps dying."""
        deaths = 0
        while True:
            assert self._process is not None
            started = time.monotonic()
            code = await self._process.wait()
            deaths = 1 if time.monotonic() - started > HEALTHY_AFTER_S else deaths + 1
            if deaths > len(RESTART_DELAYS_S):
                raise RedisDidNotStart(
                    self.log_path, await asyncio.to_thread(_last_words, self.log_path, self.pid)
                )
            log.error("Redis ended unexpectedly (%s); starting it again on the same data", _ended_by(code))
            await asyncio.sleep(RESTART_DELAYS_S[deaths - 1])
            await self._start()
            self.restarts += 1

    async def _stop(self) -> None:
        """Ask the server to finish, as SHUTDOWN does: the append-only file is flushed before it ends."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await process.wait()
        except TimeoutError:
            # Hung, perhaps on its disk. What it acknowledged was written before, so nothing is lost.
            log.warning("Redis did not stop within %.0f s and is killed", STOP_WITHIN_S)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@asynccontextmanager
async def embedded_redis(
    data_dir: Path, *, programs: Sequence[RedisProgram] | None = None
) -> AsyncIterator[EmbeddedRedis]:
    """Run the private Redis of `data_dir` while the block runs; a Redis that cannot be kept alive cancels the block.

    programs: servers to choose from, best first; by default those this machine has.
    Raises RedisServerError (one sentence) when the folder, the program or the socket will not do.
    """
    folder, data_lock = await asyncio.to_thread(_claim, data_dir)
    try:
        if programs is None:
            programs = await asyncio.to_thread(find_programs)
        program = await asyncio.to_thread(choose_program, programs, folder)
        socket = await asyncio.to_thread(socket_path, folder)
        await asyncio.to_thread(_stop_leftover, folder)
        await asyncio.to_thread(record_writer, folder, program.server)
        server = EmbeddedRedis(program, folder, socket)
        try:
            await server._start()
            async with asyncio.TaskGroup() as group:
                watcher = group.create_task(server._watch())
                yield server
                watcher.cancel()
        except BaseExceptionGroup as errors:
            if len(errors.exceptions) == 1:
                raise errors.exceptions[0] from None
            raise
        finally:
            await server._stop()
    finally:
        os.close(data_lock)


def socket_path(folder: Path) -> Path:
    """Where the socket goes: in the data folder, or in a short private folder when that path is over 107 bytes.

    The folder is made, mode 0700. Raises SocketDirRefused when somebody else's folder stands in its place.
    """
    home = folder / "socket"
    if len(os.fsencode(home / "redis.sock")) > SOCKET_PATH_MAX_BYTES:
        base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
        home = base / f"bosai-{os.getuid()}-{name}"
        if len(os.fsencode(home / "redis.sock")) > SOCKET_PATH_MAX_BYTES:
            raise SocketDirRefused(home, f"makes a path over {SOCKET_PATH_MAX_BYTES} bytes")
    home.mkdir(mode=0o700, exist_ok=True)
    seen = home.lstat()
    if not stat.S_ISDIR(seen.st_mode):
        raise SocketDirRefused(home, "is not a folder")
    if seen.st_uid != os.getuid():
        raise SocketDirRefused(home, "belongs to another user")
    home.chmod(0o700)
    return home / "redis.sock"


def _claim(data_dir: Path) -> tuple[Path, int]:
    """Make the folders and take the lock of the whole data folder, held until the returned file is closed."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = data_dir.resolve() / "redis"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = data_dir / "lock"
    lock_fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock_fd, 20).decode("ascii", "replace").strip()
        os.close(lock_fd)
        raise DataDirInUse(data_dir, f"process {holder}" if holder else "another process") from None
    os.ftruncate(lock_fd, 0)
    os.pwrite(lock_fd, f"{os.getpid()}\n".encode(), 0)
    return folder, lock_fd


def _open_for_server(folder: Path) -> tuple[int, int]:
    """(lock, log) for the server to inherit: while it lives, its lock is held, whatever became of us."""
    lock_fd = os.open(folder / "server-lock", os.O_RDWR | os.O_CREAT, 0o600)
    # Shared: a background rewrite of a server just killed may hold it for a moment longer and does no harm.
    fcntl.flock(lock_fd, fcntl.LOCK_SH)
    log_path = folder / "redis.log"
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    if log_path.exists() and log_path.stat().st_size > LOG_KEEP_BYTES:
        flags |= os.O_TRUNC
    return lock_fd, os.open(log_path, flags, 0o600)


def _stop_leftover(folder: Path) -> None:
    """End the server that a killed run left behind; it flushes its file first. We hold the data folder's lock."""
    lock_fd = os.open(folder / "server-lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for sign, within_s in ((signal.SIGTERM, STOP_WITHIN_S), (signal.SIGKILL, STOP_WITHIN_S)):
            until = time.monotonic() + within_s
            signalled = False
            while time.monotonic() < until:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return  # nobody holds it: no server is left
                if not signalled:
                    # The lock says that a server lives; its own pid file says which. A pid file that is not
                    # written yet belongs to a server just starting: look again.
                    signalled = _signal_server(folder / "redis.pid", sign)
                time.sleep(0.02)  # in a thread of its own
    finally:
        os.close(lock_fd)
    raise DataDirInUse(folder, "a Redis of an earlier run that does not end")


def _signal_server(pid_file: Path, sign: signal.Signals) -> bool:
    try:
        pid = int(pid_file.read_text("ascii"))
        if Path("/proc/self").exists() and Path(f"/proc/{pid}/cwd").readlink() != pid_file.parent:
            return False  # an old number that now belongs to somebody else; Redis works in its own folder
        os.kill(pid, sign)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return False
    log.warning("Stopping the Redis (process %d) that an earlier run left behind", pid)
    return True


def _command(program: RedisProgram, folder: Path, socket: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "pidfile": str(folder / "redis.pid"),
        "daemonize": "no",
        "databases": "1",
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",  # the append-only file is the data; no second copy in passing
        "maxmemory-policy": "noeviction",
    }
    return [str(program.path), *(part for key, value in options.items() for part in (f"--{key}", value))]


async def _answers(socket: Path) -> bool:
    """True once the server at `socket` answers PING with PONG (while it loads its data it does not)."""
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(b"PING\r\n")
                return await reader.readline() == b"+PONG\r\n"
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _last_words(log_path: Path, pid: int) -> str:
    """The last telling line process `pid` wrote: Redis opens its lines with pid:role, its start-up errors do not."""
    lines = log_path.read_text("utf-8", "replace").splitlines()[-20:]
    own = [line for line in lines if line.startswith(f"{pid}:") or not line[:1].isdigit()]
    telling = [line for line in own if " # " in line or "***" in line] or own
    return " / ".join(line.split(" # ")[-1].strip() for line in telling[-3:])


def _ended_by(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
