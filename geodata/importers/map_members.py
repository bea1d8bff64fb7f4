"""The files a map comes in: zips, loose files, or one file; read in memory, never unpacked to disk.

bytes or {name: bytes} ─▶ MapMembers ─▶ MapSource (one shapefile, GeoJSON or GML each, with its path in the zip)
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import PurePosixPath

from geodata.errors import MissingPart, NotVector, TooLarge, UnreadableZip

MAX_BYTES = 1_500_000_000
"""Unpacked, all that is read together. The largest prefecture of A31a is well below."""
MAX_MEMBERS = 20_000
_SNIFF = 100_000
_ENCRYPTED = 0x1
_UTF8_NAME = 0x800
_SHAPE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")


class MapFormat(IntEnum):
    """Where one map comes in several formats, the smaller is read: whole names first, least room for doubt."""

    GEOJSON = 0
    SHAPEFILE = 1
    GML = 2


@dataclass(frozen=True, slots=True)
class MapSource:
    """One file of shapes. path: its name with folders, "/" between; parts: ending → name of the member."""

    path: str
    format: MapFormat
    parts: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name without folders."""
        return PurePosixPath(self.path).name


class MapMembers:
    """The members of a map file by name. data: a zip, one file (then `name` tells its kind), or files by name.

    Zips among the files, or within the zip, are opened too, one level deep; their names become folders.
    Raises UnreadableZip, TooLarge.
    """

    def __init__(
        self, data: bytes | Mapping[str, bytes], *, name: str = "", limit_bytes: int = MAX_BYTES
    ) -> None:
        self._loose: dict[str, bytes] = {}
        self._zipped: dict[str, tuple[zipfile.ZipFile, zipfile.ZipInfo]] = {}
        self._left = self._limit = limit_bytes
        loose = data if isinstance(data, Mapping) else {name or "map": data}
        for one, content in loose.items():
            if content[:2] == b"PK":
                # Of one zip the name says nothing; of several it tells their members apart.
                self._open(content, "" if len(loose) == 1 else _stem(one))
            else:
                self._loose[_posix(one)] = content
                self._spend(len(content))

    def _open(self, data: bytes, folder: str, depth: int = 0) -> None:
        """Enter the members of a zip, and those of the zips in it: a data set of several zips may come in one."""
        with _readable():
            archive = zipfile.ZipFile(io.BytesIO(data))
        for info in self._checked(archive.infolist()):
            name = f"{folder}/{_zip_name(info)}".lstrip("/")
            self._zipped[name] = archive, info
            if depth == 0 and name.lower().endswith(".zip") and not _is_litter(name):
                inner = self.read(name)
                del self._zipped[name]
                self._open(inner, _stem(name), depth + 1)

    @property
    def names(self) -> list[str]:
        """Every member that may be part of a map, sorted."""
        return sorted(one for one in {*self._loose, *self._zipped} if not _is_litter(one))

    def read(self, name: str) -> bytes:
        """The bytes of a member; what a zip says of its size is not believed."""
        if name in self._loose:
            return self._loose[name]
        archive, info = self._zipped[name]
        with _readable(), archive.open(info) as stream:
            content = stream.read(self._left + 1)
        self._spend(len(content))
        return content

    def sources(self) -> list[MapSource]:
        """The shapefiles, GeoJSON and GML files, by path. Raises NotVector where there is none, MissingPart."""
        found = [*self._shapefiles(), *self._single_files()]
        if not found:
            listed = "、".join(self.names[:5])
            inner = [one for one in self.names if one.lower().endswith(".zip")]
            detail = "zipの中のzipの中に、さらにzipがあります。中のzipを取り込んでください。" if inner else ""
            raise NotVector(name=listed or "zip", detail=detail)
        return sorted(found, key=lambda one: (one.path, one.format))

    def _shapefiles(self) -> Iterator[MapSource]:
        by_stem: dict[str, dict[str, str]] = {}
        for name in self.names:
            stem, ending = _split(name)
            if ending in _SHAPE_PARTS:
                by_stem.setdefault(stem.lower(), {})[ending] = name
        for parts in by_stem.values():
            if ".shp" not in parts:
                if ".dbf" in parts or ".shx" in parts:
                    raise MissingPart(name=next(iter(parts.values())), missing=".shp")
                continue
            missing = [ending for ending in (".shx", ".dbf") if ending not in parts]
            if missing:
                raise MissingPart(name=parts[".shp"], missing="・".join(missing))
            yield MapSource(parts[".shp"], MapFormat.SHAPEFILE, parts)

    def _single_files(self) -> Iterator[MapSource]:
        for name in self.names:
            ending = _split(name)[1]
            if ending == ".geojson" or (ending == ".json" and self._is_geojson(name)):
                yield MapSource(name, MapFormat.GEOJSON, {ending: name})
            elif ending in (".xml", ".gml") and not PurePosixPath(name).name.upper().startswith("KS-META"):
                yield MapSource(name, MapFormat.GML, {ending: name})
            elif not ending and len(self.names) == 1:
                kind = _kind_of(self.read(name))
                if kind is not None:
                    yield MapSource(name, kind, {"": name})

    def _is_geojson(self, name: str) -> bool:
        """Whether a .json starts as a FeatureCollection; others are descriptions that travel along."""
        if name in self._loose:
            return b'"FeatureCollection"' in self._loose[name][:_SNIFF]
        archive, info = self._zipped[name]
        with _readable(), archive.open(info) as stream:
            return b'"FeatureCollection"' in stream.read(_SNIFF)

    def _checked(self, infos: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
        if len(infos) > MAX_MEMBERS:
            detail = f"{len(infos):,} members"
            raise UnreadableZip(detail=detail, detail_ja=f"ファイルが{len(infos):,}個あります")
        files = [one for one in infos if not one.is_dir()]
        if any(one.flag_bits & _ENCRYPTED for one in files):
            raise UnreadableZip(detail="it is encrypted", detail_ja="パスワードがかかっています")
        return files

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            used = (self._limit - self._left) // 1_000_000
            raise TooLarge(megabytes=used, limit_megabytes=self._limit // 1_000_000)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise UnreadableZip(
            detail=str(error)[:100], detail_ja="壊れているか、対応していない圧縮です"
        ) from None


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The member's name; Japanese zips without the UTF-8 mark are cp932."""
    name = info.orig_filename
    if not info.flag_bits & _UTF8_NAME:
        try:
            name = name.encode("cp437").decode("cp932")
        except UnicodeError:
            name = info.orig_filename
    return _posix(name)


def _posix(name: str) -> str:
    """Slashes between folders; names only label what was read, they never open anything."""
    return name.replace("\\", "/").lstrip("/")


def _stem(name: str) -> str:
    """The name of a zip as a folder."""
    return _split(_posix(name))[0]


def _split(name: str) -> tuple[str, str]:
    ending = PurePosixPath(name).suffix
    return name.removesuffix(ending), ending.lower()


def _is_litter(name: str) -> bool:
    path = PurePosixPath(name)
    return path.name.startswith(".") or "__MACOSX" in path.parts


def _kind_of(data: bytes) -> MapFormat | None:
    """The format of a file without a name."""
    start = data[:200].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"{", b"[")):
        return MapFormat.GEOJSON
    return MapFormat.GML if start.startswith(b"<") else None
