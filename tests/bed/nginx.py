"""A push service that speaks HTTP/2: Debian's nginx on loopback, with a certificate that lives as long as the test.

POST /push/<token>        ─▶ 201
POST /status/<n>/<token>  ─▶ that status, with the Retry-After the bed was opened with
GET  /answered            ─▶ how many requests it has answered

It reads and forgets what it gets; whoever needs the message itself takes `tests.bed.push_service`.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bosai.leash import on_leash
from tests.bed.tls import LoopbackAuthority
from tests.browsers import in_ci

START_WITHIN_S = 20.0
STATUSES = (400, 401, 403, 404, 410, 413, 429, 500, 502, 503)


@dataclass(frozen=True)
class Nginx:
    """A running nginx. `url`: its https origin; `endpoint_host`: host:port for allow-lists; `ca_file`: PEM."""

    url: str
    endpoint_host: str
    ca_file: str
    plain_url: str
    log: Path
    pid: int

    def answered(self) -> int:
        """Requests it has answered since it started, this question included. Blocks: call it in a thread."""
        with urllib.request.urlopen(f"{self.plain_url}/answered", timeout=5) as answer:
            # "Active connections: 1 \nserver accepts handled requests\n 3 3 41 \n…"
            return int(answer.read().split()[9])


def require_nginx() -> str:
    """The program's path. Without it the test is skipped with the reason; with CI=true it fails."""
    found = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if found is not None:
        return found
    why = "nginx is not installed here: apt-get install nginx"
    if in_ci():
        pytest.fail(f"{why} (with CI=true a missing server is a failure)")
    pytest.skip(why)


@contextmanager
def open_nginx(
    *,
    http2: bool = True,
    max_streams: int = 1000,
    requests_per_connection: int = 1_000_000_000,
    retry_after: str = "7",
) -> Iterator[Nginx]:
    """nginx in a folder of its own, one process. Reads files and waits: open it outside the event loop.

    max_streams: what it lets one connection have open at once; requests_per_connection: then it says goodbye.
    """
    program, authority = require_nginx(), LoopbackAuthority()
    with tempfile.TemporaryDirectory(prefix="bed-nginx-") as name, contextlib.closing(authority):
        folder = Path(name)
        options = _Options(http2, max_streams, requests_per_connection, retry_after)
        process, ports = _start(program, folder, authority, options)
        try:
            yield Nginx(
                url=f"https://127.0.0.1:{ports[0]}",
                endpoint_host=f"127.0.0.1:{ports[0]}",
                ca_file=str(authority.ca_file),
                plain_url=f"http://127.0.0.1:{ports[1]}",
                log=folder / "error.log",
                pid=process.pid,
            )
        finally:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class _Options:
    http2: bool
    max_streams: int
    requests_per_connection: int
    retry_after: str


def _start(
    program: str, folder: Path, authority: LoopbackAuthority, options: _Options
) -> tuple[subprocess.Popen[bytes], tuple[int, int]]:
    for _ in range(20):  # somebody may take a port between finding it free and using it
        ports = _free_port(), _free_port()
        (folder / "nginx.conf").write_text(_configuration(folder, authority, ports, options))
        command = [
            program,
            "-p",
            str(folder),
            "-c",
            str(folder / "nginx.conf"),
            "-e",
            str(folder / "error.log"),
        ]
        process = subprocess.Popen(
            on_leash(command, signal.SIGKILL),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + START_WITHIN_S
        while process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", ports[0]), timeout=1):
                return process, ports
            if time.monotonic() > until:
                process.kill()
                process.wait()
                break
            time.sleep(0.01)
    log = folder / "error.log"
    raise AssertionError(f"nginx does not start: {log.read_text()[-2000:] if log.exists() else 'no log'}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _configuration(
    folder: Path, authority: LoopbackAuthority, ports: tuple[int, int], options: _Options
) -> str:
    statuses = "\n".join(
        f'location /status/{one}/ {{ add_header Retry-After "{options.retry_after}" always; return {one}; }}'
        for one in STATUSES
    )
    temporary = "\n".join(
        f"{one}_temp_path {folder}/{one};" for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
daemon off;
master_process off;
pid {folder}/nginx.pid;
worker_rlimit_nofile 4096;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    {temporary}
    default_type application/octet-stream;
    client_max_body_size 1m;
    keepalive_timeout 60s;
    keepalive_requests {options.requests_per_connection};
    server {{
        listen 127.0.0.1:{ports[0]} ssl{" http2" if options.http2 else ""};
        http2_max_concurrent_streams {options.max_streams};
        ssl_certificate {authority.certificate_file};
        ssl_certificate_key {authority.key_file};
        location /push/ {{ return 201; }}
        {statuses}
    }}
    server {{
        listen 127.0.0.1:{ports[1]};
        location /answered {{ stub_status; }}
    }}
}}
"""
