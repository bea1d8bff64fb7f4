"""A push service that takes everything: nginx on loopback, HTTPS with HTTP/2, one worker process, 201 at once.

Its own counter of requests says how many messages really arrived, whatever a sender claims.
"""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bosai.leash import on_leash
from tests.bed.tls import LoopbackAuthority

START_WITHIN_S = 10.0
STREAMS = 512  # what a connection may carry at once; senders choose fewer
_TRIES = 5


class SinkUnavailable(Exception):
    """nginx is missing or does not start; the message names the mend."""


@dataclass(slots=True, eq=False)
class Sink:
    """A running one. `origin` is https://127.0.0.1:port, `host` the same as settings want it in [push] test_hosts."""

    origin: str
    host: str
    ca_file: Path
    pid: int
    worker_pid: int
    _counter: "_Counter"

    async def requests(self) -> int:
        """How many messages it has begun to answer since its start."""
        return await self._counter.read() or 0


class _Counter:
    """nginx's own count of requests, asked for at a socket beside the served port."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._asked = 0

    async def read(self) -> int | None:
        """Without the requests that asked; None while nobody answers."""
        try:
            reader, writer = await asyncio.open_unix_connection(self._path)
        except OSError:
            return None
        try:
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            answer = await reader.read()
        except OSError:
            return None
        finally:
            writer.close()
        # "server accepts handled requests\n 5 5 7 \n", this question included
        words = answer.decode().partition("requests")[2].split()
        if len(words) < 3:
            return None
        self._asked += 1
        return int(words[2]) - self._asked


def nginx_program() -> str:
    """Raises SinkUnavailable where there is no nginx."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SinkUnavailable("nginx is missing: install it (Debian: apt-get install nginx-light)")
    return found


@asynccontextmanager
async def open_sink() -> AsyncIterator[Sink]:
    """Run one while the block runs; it ends with this process too. Raises SinkUnavailable."""
    program = nginx_program()
    authority = await asyncio.to_thread(LoopbackAuthority)
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, "", "bosai-sink-"))
    try:
        for left in reversed(range(_TRIES)):
            try:
                async with _running(program, folder, authority, _free_port()) as sink:
                    yield sink
                break
            except _PortTaken:
                if not left:
                    raise SinkUnavailable(
                        f"nginx does not start: {_last_words(folder)}: run 'nginx -V' to see whether it has http_v2"
                    ) from None
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        authority.close()


class _PortTaken(Exception):
    """It ended at once, most likely because somebody took the port in between."""


@asynccontextmanager
async def _running(
    program: str, folder: Path, authority: LoopbackAuthority, port: int
) -> AsyncIterator[Sink]:
    settings, status = folder / "nginx.conf", folder / "status.sock"
    counter = _Counter(status)
    settings.write_text(_settings(folder, authority, port), "utf-8")
    status.unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        *on_leash(
            [program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(settings)], signal.SIGTERM
        ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        try:
            async with asyncio.timeout(START_WITHIN_S):
                while await counter.read() is None:
                    if process.returncode is not None:
                        raise _PortTaken
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise _PortTaken from None
        yield Sink(
            origin=f"https://127.0.0.1:{port}",
            host=f"127.0.0.1:{port}",
            ca_file=authority.ca_file,
            pid=process.pid,
            worker_pid=await asyncio.to_thread(_worker_of, process.pid),
            _counter=counter,
        )
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def _settings(folder: Path, authority: LoopbackAuthority, port: int) -> str:
    user = f"user {pwd.getpwuid(os.getuid()).pw_name};" if os.getuid() == 0 else ""
    return f"""{user}
daemon off;
master_process on;
worker_processes 1;
worker_rlimit_nofile 8192;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; multi_accept on; }}
http {{
    access_log off;
    error_log {folder}/error.log warn;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_body_buffer_size 16k;
    client_max_body_size 64k;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    http2_max_concurrent_streams {STREAMS};
    server {{
        listen 127.0.0.1:{port} ssl http2 backlog=1024;
        ssl_certificate {authority.certificate_file};
        ssl_certificate_key {authority.key_file};
        location / {{ return 201; }}
    }}
    server {{
        listen unix:{folder}/status.sock;
        location / {{ stub_status; }}
    }}
}}
"""


def _worker_of(master: int) -> int:
    """The process that does the work; 0 where the machine does not tell."""
    children = Path(f"/proc/{master}/task/{master}/children")
    found = children.read_text("ascii").split() if children.exists() else []
    return int(found[0]) if found else 0


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _last_words(folder: Path) -> str:
    try:
        return (folder / "error.log").read_text("utf-8", "replace").strip().splitlines()[-1]
    except (OSError, IndexError):
        return "it said nothing"
