"""The folder of the big facts: hazard maps, roads, elevation, towns. Blocking; called in threads.

    importing(): lock ─▶ put(key, files) ─▶ <key>-<digest>/ written aside, synced, renamed
                      └▶ commit() ─▶ manifest.json replaced in one step ─▶ what no kept manifest names is removed

    geo/manifest.json                      which folder holds what now, with sizes and checksums
    geo/roads-1f0c…/…                      never changed once it has its name; named by its content

A killed import leaves nothing half done: the manifest names only folders that are complete. Processes that still
read an older folder keep their files; the last KEPT manifests' folders stay.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

FORMAT = 1
KEPT = 3
MANIFEST = "manifest.json"
_ASIDE = ".new-"


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a fact."""

    name: str
    size: int
    sha256: str


class StoredFact(msgspec.Struct, frozen=True, kw_only=True):
    """One fact as stored. `notes`: what its importer must know again (units, options, counts), plain JSON values."""

    folder: str
    files: tuple[StoredFile, ...]
    imported_at: str
    notes: dict[str, str | int | float | bool | None] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored now. `version` names the content: the same facts have the same version on every machine."""

    format: int = FORMAT
    version: str = ""
    facts: dict[str, StoredFact] = {}
    before: tuple[tuple[str, ...], ...] = ()  # folders of the manifests before this one, newest first


@dataclass(eq=False)
class GeoFileDamaged(Exception):
    """A stored fact can not be used: `key` must be imported again. `detail` says what is wrong, in English."""

    key: str
    path: Path
    detail: str

    def __str__(self) -> str:
        return f"{self.path}: {self.detail}"


class GeoFiles:
    """The folder `geo/` of one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "geo"

    def manifest(self) -> Manifest:
        """What is stored; an empty manifest where nothing was ever imported. Raises GeoFileDamaged (key "")."""
        path = self.folder / MANIFEST
        try:
            found = msgspec.json.decode(path.read_bytes(), type=Manifest)
        except FileNotFoundError:
            return Manifest()
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise GeoFileDamaged("", path, str(error)[:200]) from error
        if found.format != FORMAT:
            raise GeoFileDamaged("", path, f"is of format {found.format}, this program reads {FORMAT}")
        return found

    def stamp(self) -> tuple[int, int]:
        """Changes whenever the manifest is replaced; cheap to ask. (0, 0): there is none, (-1, …): barred."""
        try:
            found = (self.folder / MANIFEST).stat()
        except FileNotFoundError:
            return 0, 0
        except OSError as error:  # a folder of another user: `manifest` says so, and nothing stops for it
            return -1, error.errno or 0
        return found.st_mtime_ns, found.st_ino

    def path(self, key: str, fact: StoredFact) -> Path:
        """The folder of a fact, for those who map its files into memory. Sizes are checked. Raises GeoFileDamaged."""
        folder = self.folder / fact.folder
        for one in fact.files:
            path = folder / one.name
            try:
                size = path.stat().st_size
            except OSError as error:
                raise GeoFileDamaged(key, path, error.strerror or "can not be read") from error
            if size != one.size:
                raise GeoFileDamaged(key, path, f"has {size} bytes instead of {one.size}")
        return folder

    def read(self, key: str, fact: StoredFact, name: str) -> bytes:
        """The bytes of one file, checked against its checksum. Raises GeoFileDamaged."""
        path = self.folder / fact.folder / name
        stored = next((one for one in fact.files if one.name == name), None)
        if stored is None:
            raise GeoFileDamaged(key, path, "is not among the files of the manifest")
        try:
            data = path.read_bytes()
        except OSError as error:
            raise GeoFileDamaged(key, path, error.strerror or "can not be read") from error
        if hashlib.sha256(data).hexdigest() != stored.sha256:
            raise GeoFileDamaged(key, path, "does not match its checksum")
        return data

    def damaged(self) -> list[GeoFileDamaged]:
        """Every stored file read and compared with its checksum: what is wrong."""
        try:
            facts = self.manifest().facts
        except GeoFileDamaged as error:
            return [error]
        return [damage for key, fact in facts.items() for damage in self.damage_of(key, fact)]

    def damage_of(self, key: str, fact: StoredFact) -> list[GeoFileDamaged]:
        """Every file of one fact read and compared with its checksum."""
        found = []
        for one in fact.files:
            try:
                self.read(key, fact, one.name)
            except GeoFileDamaged as error:
                found.append(error)
        return found

    @contextmanager
    def importing(self) -> Iterator[GeoImport]:
        """Change what is stored; one import at a time on this machine. Nothing is stored without `commit`."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._sweep()
            try:
                manifest = self.manifest()
            except GeoFileDamaged:
                manifest = Manifest()  # whatever it named must be imported again, and can be
            try:
                yield GeoImport(self, manifest)
            finally:
                self._sweep()  # on a full disk what is left of an import would leave Redis no room either

    def _sweep(self) -> None:
        for left in self.folder.glob(f"{_ASIDE}*"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


class GeoImport:
    """What one import is going to store, on top of what is there."""

    def __init__(self, files: GeoFiles, manifest: Manifest) -> None:
        self.files = files
        self.before = manifest
        self._facts = dict(manifest.facts)

    @property
    def facts(self) -> Mapping[str, StoredFact]:
        """Key → fact, with what was put so far."""
        return self._facts

    def put(
        self,
        key: str,
        contents: Mapping[str, bytes],
        at: str,
        notes: Mapping[str, str | int | float | bool | None] | None = None,
    ) -> None:
        """Store the files of a fact under a name made of their content. The same content again is not written."""
        stored = tuple(
            StoredFile(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
            for name, data in sorted(contents.items())
        )
        digest = hashlib.sha256(msgspec.json.encode([[one.name, one.sha256] for one in stored])).hexdigest()
        folder = f"{key.replace(':', '-').replace('/', '-')}-{digest[:20]}"
        known = self._facts.get(key)
        same = known is not None and known.folder == folder and known.notes == dict(notes or {})
        if same and known is not None and not self.files.damage_of(key, known):
            return
        self._write(folder, contents)
        self._facts[key] = StoredFact(folder=folder, files=stored, imported_at=at, notes=dict(notes or {}))

    def drop(self, key: str) -> None:
        """Forget a fact."""
        self._facts.pop(key, None)

    def commit(self) -> Manifest:
        """Make what was put the stored facts, in one step. The manifest as it is then."""
        if self._facts == self.before.facts:
            return self.before
        folders = tuple(sorted(one.folder for one in self.before.facts.values()))
        before = (folders, *self.before.before) if folders else self.before.before
        made = Manifest(
            version=version_of(self._facts),
            facts=dict(sorted(self._facts.items())),
            before=tuple(dict.fromkeys(before))[: KEPT - 1],
        )
        aside = self.files.folder / f"{_ASIDE}manifest"
        _write_synced(aside, msgspec.json.format(msgspec.json.encode(made), indent=1))
        aside.replace(self.files.folder / MANIFEST)
        _sync_folder(self.files.folder)
        self._prune(made)
        return made

    def _write(self, name: str, contents: Mapping[str, bytes]) -> None:
        folder, aside = self.files.folder / name, self.files.folder / f"{_ASIDE}{name}"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700)
        for file, data in contents.items():
            _write_synced(aside / file, data)
        _sync_folder(aside)
        # A folder of this name holds the same bytes unless it was damaged since; either way this one is right.
        if folder.exists():
            old = self.files.folder / f"{_ASIDE}old-{name}"
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
        aside.rename(folder)
        _sync_folder(self.files.folder)

    def _prune(self, made: Manifest) -> None:
        kept = {one.folder for one in made.facts.values()} | {name for names in made.before for name in names}
        for path in self.files.folder.iterdir():
            if path.is_dir() and path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)


def version_of(facts: Mapping[str, StoredFact]) -> str:
    """A short name for the stored content; "" for nothing."""
    if not facts:
        return ""
    rows = [[key, one.folder, sorted(one.notes.items(), key=str)] for key, one in sorted(facts.items())]
    return hashlib.sha256(msgspec.json.encode(rows)).hexdigest()[:16]


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
