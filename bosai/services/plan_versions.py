"""What a plan was made with: the installed versions that matter, our own code, and the imported ground.

A plan replays byte for byte on the same lock; on another one the first difference may be theirs.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec
import pyproj
import shapely

from bosai.services.geo_facts import NETWORK, GeoFacts

PACKAGES = ("numpy", "ortools", "pyproj", "scipy", "shapely")
"""Those that reckon. The others only carry."""
CODE = ("geodata", "shelters")
"""Rooms of ours that reckon, and the module between them and the store."""
_CODE_BESIDE = (("bosai.services", "walking.py"),)


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """versions: name → version. lock: one digest of them all. network: the folder of the ground's ways, "" = none."""

    versions: dict[str, str]
    lock: str
    ground: str = ""
    network: str = ""

    def others(self, now: Made) -> dict[str, tuple[str, str]]:
        """Name → (then, now) of what differs, the ground left out."""
        names = sorted({*self.versions, *now.versions})
        pairs = {name: (self.versions.get(name, "-"), now.versions.get(name, "-")) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def made_with(facts: GeoFacts | None) -> Made:
    """This program on this machine, over this ground. Blocking the first time: reads the code's own files."""
    versions = dict(_versions())
    stored = facts.stored.get(NETWORK) if facts is not None and facts.network is not None else None
    return Made(
        versions=versions,
        lock=lock_digest(versions),
        ground=facts.version if facts is not None else "",
        network=stored.folder if stored is not None else "",
    )


def lock_digest(versions: Mapping[str, str]) -> str:
    """One name for a set of versions."""
    lines = "\n".join(f"{name}={version}" for name, version in sorted(versions.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    found = {name: metadata.version(name) for name in PACKAGES}
    found["python"] = platform.python_version()
    found["machine"] = platform.machine()  # other processors round in another order
    found["geos"] = shapely.geos_version_string
    found["proj"] = pyproj.proj_version_str
    found["code"] = _code_digest()
    return tuple(sorted(found.items()))


def _code_digest() -> str:
    """The same for the same source text of what reckons."""
    told = hashlib.sha256()
    parts = [(room, one) for room in CODE for one in _modules(files(room))]
    parts += [(room, (name, files(room) / name)) for room, name in _CODE_BESIDE]
    for room, (name, file) in parts:
        text = file.read_bytes()
        told.update(f"{room}/{name}\0{len(text)}\0".encode() + text)
    return told.hexdigest()[:16]


def _modules(folder: Traversable, before: str = "") -> list[tuple[str, Traversable]]:
    found = []
    for one in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if one.is_dir() and one.name != "__pycache__":
            found += _modules(one, f"{before}{one.name}/")
        elif one.name.endswith(".py"):
            found.append((f"{before}{one.name}", one))
    return found
