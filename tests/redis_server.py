"""A private Redis for the tests: one node that believes itself a cluster, so a script across two slots fails here."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

import redis

from bosai.leash import on_leash
from bosai.redis_program import RedisProgram, find_programs

START_WITHIN_S = 20.0
SLOTS = 16384
BUS_OFFSET = 10_000  # a cluster node also listens at its port + 10000


@dataclass(frozen=True)
class PrivateRedis:
    """A running server of this test run. `url` is its unix socket."""

    url: str
    pid: int
    program: RedisProgram

    def flush(self) -> None:
        """Forget everything, scripts too."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()
            client.script_flush()


@contextmanager
def private_redis_server() -> Iterator[PrivateRedis]:
    """A server in a folder of its own, nothing kept. The oldest found runs: what works there works on the newer."""
    program = min(find_programs(), key=lambda one: one.server.version)
    with tempfile.TemporaryDirectory(prefix="bosai-redis-") as name:
        folder = Path(name)
        process = None
        try:
            process = _start(program, folder)
            url = f"unix://{quote(str(folder / 'redis.sock'))}"
            with redis.Redis.from_url(url) as client:
                client.execute_command("CLUSTER", "ADDSLOTS", *range(SLOTS))
                _until(lambda: client.cluster("INFO")["cluster_state"] == "ok", "the cluster's slots")
            yield PrivateRedis(url, process.pid, program)
        finally:
            if process is not None:
                process.kill()
                process.wait()


def _start(program: RedisProgram, folder: Path) -> subprocess.Popen[bytes]:
    for _ in range(20):
        port = _free_port()
        shutil.rmtree(folder / "data", ignore_errors=True)
        (folder / "data").mkdir()
        command = [str(program.path), "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--cluster-enabled", "yes", "--unixsocket", str(folder / "redis.sock")]
        command += [
            "--unixsocketperm",
            "700",
            "--dir",
            str(folder / "data"),
            "--logfile",
            str(folder / "log"),
        ]
        command += ["--save", "", "--appendonly", "no", "--daemonize", "no"]
        process = subprocess.Popen(
            on_leash(command, signal.SIGKILL), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        with contextlib.suppress(_Ended):
            _until(partial(_answers, process, folder / "redis.sock"), "the private Redis")
            return process
    raise AssertionError(f"the private Redis does not start: {(folder / 'log').read_text()[-2000:]}")


class _Ended(Exception):
    """The server ended at once: most likely somebody took the port in between."""


def _answers(process: subprocess.Popen[bytes], path: Path) -> bool:
    if process.poll() is not None:
        raise _Ended
    try:
        with redis.Redis(unix_socket_path=str(path)) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _free_port() -> int:
    """A loopback port that is free together with the cluster bus port above it."""
    rng = random.Random(os.urandom(8))
    while True:
        port = rng.randrange(20_000, 50_000)
        with socket.socket() as one, socket.socket() as bus, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            bus.bind(("127.0.0.1", port + BUS_OFFSET))
            return port


def _until(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + START_WITHIN_S
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"{what} did not come within {START_WITHIN_S} s")
        time.sleep(0.01)
