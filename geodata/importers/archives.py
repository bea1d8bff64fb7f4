"""A list inside a zip file, read in memory: nothing is unpacked to disk, and no more than a limit is opened."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from pathlib import PurePosixPath

from geodata.errors import NotOneList, UnreadableArchive

LIST_ENDINGS = (".csv", ".geojson", ".json")
MAX_LIST_BYTES = 200_000_000
"""The largest real list, the national 指定緊急避難場所 as GeoJSON, is well under half of this."""

_EXPECTED = "CSV・GeoJSON・JSON"
_LOCKED = 0x1  # general purpose bit 0


def the_list(data: bytes, *, limit_bytes: int = MAX_LIST_BYTES) -> bytes:
    """The bytes of the only list in a zip; anything that is no zip is given back as it is.

    Raises UnreadableArchive (damaged, locked, over limit_bytes when opened) and NotOneList.
    """
    if data[:4] not in (b"PK\x03\x04", b"PK\x05\x06"):
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive, _only(archive.infolist()), limit_bytes)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError) as error:
        raise UnreadableArchive(why=f"it is damaged ({error})", why_ja="壊れていて読めません") from None
    except NotImplementedError as error:
        raise UnreadableArchive(
            why=f"its compression is not known here ({error})", why_ja="対応していない圧縮方式です"
        ) from None


def _only(members: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    files = [one for one in members if not one.is_dir() and not _is_litter(one.filename)]
    if any(one.filename == "xl/workbook.xml" for one in files):
        raise NotOneList(found="Excelブック", expected="CSV UTF-8で保存したもの")
    lists = [one for one in files if one.filename.lower().endswith(LIST_ENDINGS)]
    if len(lists) != 1:
        shown = "、".join(_shown(one) for one in (lists or files)[:5]) or "空"
        raise NotOneList(found=shown, expected=_EXPECTED)
    return lists[0]


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit_bytes: int) -> bytes:
    if member.flag_bits & _LOCKED:
        raise UnreadableArchive(
            why=f"{_shown(member)} is locked with a password", why_ja="パスワードで保護されています"
        )
    # The size a zip states can be a lie: what counts is what comes out.
    with archive.open(member) as opened:
        content = opened.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        megabytes = limit_bytes // 1_000_000
        raise UnreadableArchive(
            why=f"{_shown(member)} opens to more than {megabytes} MB",
            why_ja=f"展開すると{megabytes} MBを超えます",
        )
    return content


def _is_litter(name: str) -> bool:
    """What a Mac adds to every zip."""
    path = PurePosixPath(name)
    return "__MACOSX" in path.parts or path.name.startswith("._")


def _shown(member: zipfile.ZipInfo) -> str:
    """The name as its maker saw it: without the UTF-8 mark, Japanese Windows wrote cp932."""
    name = PurePosixPath(member.filename).name
    try:
        return name.encode("cp437").decode("cp932")
    except UnicodeError:
        return name
