"""One file inside gzip, bzip2 or zip, opened in memory; anything else is given back as it is."""

from __future__ import annotations

import bz2
import io
import zipfile
import zlib
from collections.abc import Callable

MAX_OPENED_BYTES = 1_500_000_000


def opened(data: bytes, endings: tuple[str, ...], *, limit_bytes: int = MAX_OPENED_BYTES) -> bytes:
    """The content. Of a zip, its only member whose name ends so.

    Raises ValueError with what is wrong: damaged, locked, larger than `limit_bytes`, none or several in a zip.
    """
    try:
        if data[:2] == b"\x1f\x8b":
            return _unpacked(data, lambda: zlib.decompressobj(wbits=31), limit_bytes)
        if data[:3] == b"BZh":
            return _unpacked(data, bz2.BZ2Decompressor, limit_bytes)
        if data[:4] == b"PK\x03\x04":
            return _member(data, endings, limit_bytes)
    except (zlib.error, OSError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"damaged or locked: {error}") from None
    return data


def _unpacked(
    data: bytes, begin: Callable[[], zlib._Decompress | bz2.BZ2Decompressor], limit_bytes: int
) -> bytes:
    parts, size = [], 0
    rest = data
    while rest:
        inflate = begin()
        content = inflate.decompress(rest, limit_bytes + 1 - size)
        size += len(content)
        _within(content, limit_bytes - size + len(content))
        if not inflate.eof:
            raise ValueError("cut off before its end")
        parts.append(content)
        # A file may be several, one after the other (parallel compressors write such).
        rest = inflate.unused_data.lstrip(b"\0")
    return b"".join(parts)


def _member(data: bytes, endings: tuple[str, ...], limit_bytes: int) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [
            one.filename
            for one in archive.infolist()
            if one.filename.lower().endswith(endings) and "__MACOSX" not in one.filename
        ]
        if len(names) != 1:
            held = ", ".join(names or archive.namelist())[:200]
            raise ValueError(f"the zip must hold one file {'/'.join(endings)}, it holds {held or 'none'}")
        with archive.open(names[0]) as member:
            return opened(
                _within(member.read(limit_bytes + 1), limit_bytes), endings, limit_bytes=limit_bytes
            )


def _within(content: bytes, limit_bytes: int) -> bytes:
    if len(content) > limit_bytes:
        raise ValueError(f"opens to more than {limit_bytes // 1_000_000} MB")
    return content
