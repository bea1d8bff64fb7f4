"""The rooms import one way, and the pure ones stay pure: read from the imports themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("geodata", "shelters", "bosai", "workers")  # each may import those before it

# What a pure room may never touch: sockets, clocks, other processes, the store, the web.
IMPURE = {
    "aiohttp",
    "apscheduler",
    "asyncio",
    "http",
    "logging.handlers",
    "multiprocessing",
    "pycurl",
    "pywebpush",
    "redis",
    "requests",
    "sched",
    "select",
    "selectors",
    "socket",
    "socketserver",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "urllib.request",
}
PURE_ROOMS = ("geodata", "shelters", "bosai/feeds", "bosai/push", "bosai/model")
# Inside bosai, what is pure does not lean on what acts.
ACTING = (
    "services",
    "stores",
    "web",
    "wiring",
    "embedded",
    "settings",
    "secrets",
    "supervise",
    "cli",
    "ports",
)
# Reading the clock needs no import of `time`; these calls do the same.
CLOCK_CALLS = {"now", "utcnow", "today", "time", "time_ns", "monotonic"}


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def package_of(path: Path) -> list[str]:
    return list(path.relative_to(ROOT).parent.parts)


def imports(source: str, package: list[str]) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything imported, at the top or inside a function; relative names made absolute."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                yield node.lineno, ".".join([*base, alias.name])


def clock_reads(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in CLOCK_CALLS
        ):
            owner = node.func.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if name in {"datetime", "date", "time"}:
                yield node.lineno, f"{name}.{node.func.attr}()"


def wrong_way(source: str, package: list[str]) -> list[str]:
    later = ROOMS[ROOMS.index(package[0]) + 1 :]
    return [
        f"line {line}: imports {name}"
        for line, name in imports(source, package)
        if name.split(".")[0] in later
    ]


def impurities(source: str, package: list[str]) -> list[str]:
    found = []
    for line, name in imports(source, package):
        parts = name.split(".")
        prefixes = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
        if prefixes & IMPURE or (parts[0] == "bosai" and len(parts) > 1 and parts[1] in ACTING):
            found.append(f"line {line}: imports {name}")
    return found + [f"line {line}: reads the clock with {call}" for line, call in clock_reads(source)]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_never_imports_a_later_room(room):
    paths = modules(room)
    assert paths, f"{room}/ holds no module"
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in paths
        if (found := wrong_way(path.read_text("utf-8"), package_of(path)))
    }
    assert not wrong


@pytest.mark.parametrize("room", PURE_ROOMS)
def test_a_pure_room_meets_no_socket_no_clock_and_no_store(room):
    impure = {
        str(path.relative_to(ROOT)): found
        for path in modules(room)
        if (found := impurities(path.read_text("utf-8"), package_of(path)))
    }
    assert not impure


@pytest.mark.parametrize(
    ("source", "package", "finds"),
    [
        ("import workers.planner", ["bosai"], "workers.planner"),
        ("def f():\n    from bosai.stores import keys", ["shelters"], "bosai.stores.keys"),
        ("from ..geodata import crs", ["shelters", "deep"], None),
        ("from geodata import crs\nfrom bosai import ports", ["bosai", "web"], None),
    ],
)
def test_the_reader_of_imports_sees_a_wrong_direction(source, package, finds):
    found = wrong_way(source, package)
    assert (finds in found[0]) if finds else not found


@pytest.mark.parametrize(
    "source",
    [
        "import redis.asyncio",
        "from asyncio import sleep",
        "from urllib.request import urlopen",
        "from bosai.stores import keys",
        "from .. import services",
        "from datetime import datetime\nnow = datetime.now()",
        "import datetime\ntoday = datetime.date.today()",
    ],
)
def test_the_reader_of_imports_sees_an_impurity(source):
    assert impurities(source, ["bosai", "feeds"])


def test_the_reader_of_imports_lets_pure_work_pass():
    source = "import math\nfrom datetime import datetime\nimport numpy as np\nfrom bosai.model import alert\n"
    assert not impurities(source, ["bosai", "feeds"])
