"""The embedded Redis: durable through every kill, private, and never opened by an older server."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis.asyncio

from bosai.embedded import DataDirInUse, RedisDidNotStart, SocketDirRefused, embedded_redis, socket_path
from bosai.redis_program import (
    NoRedisServer,
    RedisProgram,
    ServerTooOld,
    ServerVersion,
    VersionFileUnreadable,
    choose_program,
    find_programs,
    program_version,
    read_writer,
    record_writer,
)

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = {one.server.version[0]: one for one in reversed(find_programs())}
EACH_MAJOR = pytest.mark.parametrize("program", PROGRAMS.values(), ids=lambda one: str(one.server))


async def until(condition, within_s: float = 20.0):
    """Poll a condition (plain or awaitable) until it is true; returns what it gave."""
    async with asyncio.timeout(within_s):
        while True:
            answer = condition()
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer:
                return answer
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


@EACH_MAJOR
async def test_what_was_written_is_there_after_an_orderly_stop_and_start(tmp_path, program):
    async with embedded_redis(tmp_path, programs=[program]) as server:
        async with redis.asyncio.Redis.from_url(server.url) as client:
            await client.set("place", "荒浜")
        first = server.pid
    assert not alive(first)
    async with (
        embedded_redis(tmp_path, programs=[program]) as server,
        redis.asyncio.Redis.from_url(server.url) as client,
    ):
        assert await client.get("place") == "荒浜".encode()


@EACH_MAJOR
async def test_it_is_durable_and_reachable_only_through_a_private_socket(tmp_path, program):
    async with (
        embedded_redis(tmp_path, programs=[program]) as server,
        redis.asyncio.Redis.from_url(server.url) as client,
    ):
        assert (await client.config_get("appendonly"))["appendonly"] == "yes"
        assert (await client.config_get("appendfsync"))["appendfsync"] == "always"
        assert (await client.config_get("port"))["port"] == "0"
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700


@EACH_MAJOR
async def test_a_killed_redis_comes_back_with_every_acknowledged_write(tmp_path, program):
    async with embedded_redis(tmp_path, programs=[program]) as server:
        acknowledged = 0

        async def write_until_it_dies() -> None:
            nonlocal acknowledged
            async with redis.asyncio.Redis.from_url(server.url) as client:
                while True:
                    await client.rpush("writes", acknowledged)
                    acknowledged += 1

        writing = asyncio.create_task(write_until_it_dies())
        await until(lambda: acknowledged > 50)
        before = server.pid
        os.kill(before, signal.SIGKILL)
        with pytest.raises(redis.exceptions.RedisError):
            await writing
        await until(lambda: server.restarts == 1)
        assert server.pid != before
        async with redis.asyncio.Redis.from_url(server.url) as client:
            kept = [int(one) for one in await client.lrange("writes", 0, -1)]
        # One write may have reached the disk without its answer reaching us.
        assert kept[:acknowledged] == list(range(acknowledged))
        assert len(kept) <= acknowledged + 1


SERVICE = """
    import asyncio, sys
    from pathlib import Path
    import redis.asyncio
    from bosai.embedded import embedded_redis

    async def main():
        async with embedded_redis(Path(sys.argv[1])) as server:
            async with redis.asyncio.Redis.from_url(server.url) as client:
                await client.set("subscription", "acknowledged")
            print(server.pid, flush=True)
            await asyncio.Event().wait()

    asyncio.run(main())
"""


async def start_service(data_dir: Path) -> tuple[asyncio.subprocess.Process, int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        textwrap.dedent(SERVICE),
        str(data_dir),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        return process, int(await process.stdout.readline())


async def test_a_killed_service_leaves_a_redis_that_the_next_start_replaces_without_loss(tmp_path):
    process, left_pid = await start_service(tmp_path)
    process.kill()
    await process.wait()
    assert alive(left_pid)
    async with embedded_redis(tmp_path) as server:
        assert not alive(left_pid)
        assert server.pid != left_pid
        async with redis.asyncio.Redis.from_url(server.url) as client:
            assert await client.get("subscription") == b"acknowledged"


async def test_service_and_redis_killed_together_lose_nothing(tmp_path):
    process, redis_pid = await start_service(tmp_path)
    os.kill(redis_pid, signal.SIGKILL)
    process.kill()
    await process.wait()
    async with (
        embedded_redis(tmp_path) as server,
        redis.asyncio.Redis.from_url(server.url) as client,
    ):
        assert await client.get("subscription") == b"acknowledged"


async def test_a_left_redis_that_hangs_is_ended_too(tmp_path, monkeypatch):
    monkeypatch.setattr("bosai.embedded.STOP_WITHIN_S", 0.5)
    process, left_pid = await start_service(tmp_path)
    process.kill()
    await process.wait()
    os.kill(left_pid, signal.SIGSTOP)
    async with (
        embedded_redis(tmp_path) as server,
        redis.asyncio.Redis.from_url(server.url) as client,
    ):
        assert not alive(left_pid)
        assert await client.get("subscription") == b"acknowledged"


async def test_the_data_folder_serves_one_process_at_a_time(tmp_path):
    async with embedded_redis(tmp_path):
        with pytest.raises(DataDirInUse, match=rf"in use by process {os.getpid()}: stop that one first"):
            async with embedded_redis(tmp_path):
                pass


async def test_a_redis_that_keeps_dying_ends_the_service_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr("bosai.embedded.RESTART_DELAYS_S", (0.0, 0.0))
    with pytest.raises(RedisDidNotStart, match=r"redis\.log"):
        async with embedded_redis(tmp_path) as server:
            for deaths in range(3):
                await until(lambda: server.restarts == deaths)  # noqa: B023
                os.kill(server.pid, signal.SIGKILL)
            await asyncio.Event().wait()


async def test_damaged_data_is_reported_and_not_silently_replaced(tmp_path):
    async with (
        embedded_redis(tmp_path) as server,
        redis.asyncio.Redis.from_url(server.url) as client,
    ):
        for number in range(100):
            await client.set(f"key:{number}", "value")
    files = [one for one in (tmp_path / "redis").rglob("*.aof") if one.stat().st_size > 1000]
    assert files
    for one in files:
        whole = one.read_bytes()
        one.write_bytes(whole[:200] + b"\xff\xfe damaged " + whole[220:])
    with pytest.raises(RedisDidNotStart, match=r"Redis did not start: .*\S.* \(the whole log: "):
        async with embedded_redis(tmp_path):
            pass


@pytest.mark.skipif(len(PROGRAMS) < 2, reason="needs two majors of Redis on this machine")
async def test_an_older_server_is_refused_a_newer_folder_and_the_newer_one_takes_over_an_old_folder(tmp_path):
    old, new = (PROGRAMS[major] for major in (min(PROGRAMS), max(PROGRAMS)))
    for program in (old, new):
        async with (
            embedded_redis(tmp_path, programs=[program]) as server,
            redis.asyncio.Redis.from_url(server.url) as client,
        ):
            await client.rpush("ran", str(program.server))
    with pytest.raises(
        ServerTooOld, match=rf"last written by {new.server} and cannot be opened by {old.server}"
    ):
        async with embedded_redis(tmp_path, programs=[old]):
            pass
    async with (
        embedded_redis(tmp_path, programs=[old, new]) as server,  # preferred, but too old: passed over
        redis.asyncio.Redis.from_url(server.url) as client,
    ):
        assert server.version == new.server
        assert await client.lrange("ran", 0, -1) == [str(old.server).encode(), str(new.server).encode()]


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name, however deep the folders of the tests lie."""
    with TemporaryDirectory(prefix="b-") as name:
        yield Path(name)


async def test_a_long_data_path_gets_a_short_private_socket(tmp_path, short, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    deep = tmp_path / ("長い道" * 12)
    async with (
        embedded_redis(deep) as server,
        redis.asyncio.Redis.from_url(server.url) as client,
    ):
        assert server.socket.parent.parent == short
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
        await client.set("reached", 1)


def test_somebody_elses_folder_is_not_used_for_the_socket(tmp_path, short, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    home = socket_path(deep).parent
    home.rmdir()
    home.symlink_to(tmp_path)
    with pytest.raises(SocketDirRefused, match="is not a folder: remove it"):
        socket_path(deep)


@pytest.mark.parametrize(
    ("server", "writer", "opens"),
    [
        ("redis 7.0.15", "redis 6.2.14", True),
        ("redis 6.2.14", "redis 7.0.15", False),
        ("redis 7.0.4", "redis 7.0.15", True),
        ("redis 7.2.0", "redis 7.4.0", False),
        ("valkey 8.0.1", "redis 7.2.5", True),
        ("valkey 8.0.1", "redis 7.4.0", False),
        ("redis 8.0.0", "valkey 8.0.1", False),
    ],
)
def test_a_server_opens_what_it_or_an_older_one_wrote(server, writer, opens):
    def parse(text: str) -> ServerVersion:
        product, version = text.split()
        return ServerVersion(product, tuple(int(part) for part in version.split(".")))

    assert parse(server).opens_folder_of(parse(writer)) is opens


def test_a_folder_whose_record_is_lost_is_still_known_by_its_layout(tmp_path):
    assert read_writer(tmp_path) is None
    (tmp_path / "appendonlydir").mkdir()
    old = RedisProgram(Path("/old/redis-server"), ServerVersion("redis", (6, 2, 14)))
    with pytest.raises(ServerTooOld, match=r"install Redis 7\.0\.0 or newer"):
        choose_program([old], tmp_path)


def test_a_damaged_record_of_the_writer_names_the_file_and_the_mend(tmp_path):
    record_writer(tmp_path, ServerVersion("redis", (7, 0, 15)))
    assert read_writer(tmp_path) == ServerVersion("redis", (7, 0, 15))
    (tmp_path / "server-version").write_text("seven")
    with pytest.raises(VersionFileUnreadable, match="server-version does not say which server wrote"):
        read_writer(tmp_path)


def test_a_machine_without_a_server_is_told_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    pretender = tmp_path / "redis-server"
    pretender.write_text("#!/bin/sh\necho 'Redis server v=5.0.1 sha=0'\n")
    pretender.chmod(0o755)
    assert program_version(pretender) == ServerVersion("redis", (5, 0, 1))
    with pytest.raises(
        NoRedisServer, match=r"is Redis 5\.0\.1\): install one with 'apt-get install redis-server'"
    ):
        find_programs({"PATH": str(tmp_path)})
    with pytest.raises(NoRedisServer, match="No redis-server or valkey-server"):
        find_programs({"PATH": str(tmp_path / "nothing")})
