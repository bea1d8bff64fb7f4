"""Values of the subscribers' hashes in few bytes: at a million of them each byte is a megabyte.

    places value = meta (44 bytes, in the clear) ‖ sealed places
    meta         = SHA-256 of the owner's secret (32) ‖ created, seen (unix s, 4 each) ‖ mark (4, of each writing)
    places       = msgpack array of one array per place, points in 1e-7 degrees; where any of them ends or has a
                   welfare site, every array is two longer: end (unix s, 0 = none), site id

Orders of enum members are stored by position: append to these tables, never change them.
"""

import os
import struct
from datetime import UTC, datetime
from typing import cast

import msgspec

from bosai.model.subscription import Need, PaceClass, Place, Structure

_META = struct.Struct(">32sII4s")
META_BYTES = _META.size
_MARK_BYTES = 4
_NOBODYS = bytes(32)  # no secret has this hash

_E7 = 10_000_000
_STRUCTURES = (Structure.UNKNOWN, Structure.WOODEN, Structure.SOLID)
_PACES = (PaceClass.UNKNOWN, PaceClass.STANDARD, PaceClass.SLOW)
_NEEDS = (Need.STEP_FREE, Need.POWER, Need.PETS)
_IS_CELL, _RELATIVE = 1, 2
_LANG_AT, _LANG_MASK = 2, 0b1111
_LANGS = ("", "ja", "ja-x-easy", "en", "zh-Hans", "zh-Hant", "ko", "vi", "ne", "id")

_Row = tuple[str, str, int, int, int | None, int, int, int, int, int]
_LongRow = tuple[str, str, int, int, int | None, int, int, int, int, int, int, str]
_rows = msgspec.msgpack.Decoder(list[_Row]).decode
_long_rows = msgspec.msgpack.Decoder(list[_LongRow]).decode
_encode = msgspec.msgpack.Encoder().encode
_BY_STRUCTURE = {one: at for at, one in enumerate(_STRUCTURES)}
_BY_LANG = {one: at for at, one in enumerate(_LANGS)}
_BY_PACE = {one: at for at, one in enumerate(_PACES)}
_NEEDS_BY_BITS = tuple(
    tuple(need for at, need in enumerate(_NEEDS) if bits >> at & 1) for bits in range(1 << len(_NEEDS))
)


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the clear beside the sealed parts. `secret_hash`: SHA-256 of the owner's secret.

    Times are kept to the second. A `secret_hash` of b"" is kept as one that no secret opens.
    """

    secret_hash: bytes
    created_at: datetime
    seen_at: datetime


def pack_meta(meta: Meta) -> bytes:
    """44 bytes that no other writing shares, so that a change in between is noticed even within one second."""
    if len(meta.secret_hash) not in (0, 32):
        raise ValueError(f"secret_hash: expected 32 bytes, got {len(meta.secret_hash)}")
    times = int(meta.created_at.timestamp()), int(meta.seen_at.timestamp())
    return _META.pack(meta.secret_hash or _NOBODYS, *times, os.urandom(_MARK_BYTES))


def unpack_meta(raw: bytes) -> Meta:
    """The meta at the beginning of a places value. Raises ValueError when there is none."""
    if len(raw) < META_BYTES:
        raise ValueError(f"meta: expected {META_BYTES} bytes, got {len(raw)}")
    secret_hash, created_s, seen_s, _mark = _META.unpack_from(raw)
    return Meta(
        secret_hash=secret_hash,
        created_at=datetime.fromtimestamp(created_s, UTC),
        seen_at=datetime.fromtimestamp(seen_s, UTC),
    )


def pack_places(places: tuple[Place, ...]) -> bytes:
    """The places as bytes, about 30 each."""
    rows = [_row_of(one) for one in places]
    if not any(one.until or one.welfare_site for one in places):
        return _encode(rows)
    more = [(int(one.until.timestamp()) if one.until else 0, one.welfare_site) for one in places]
    return _encode([(*row, *extra) for row, extra in zip(rows, more, strict=True)])


def unpack_places(raw: bytes) -> tuple[Place, ...]:
    """The places again; their needs in the order of `Need`. Raises ValueError for what `pack_places` did not make."""
    try:
        return tuple([_place_of(row) for row in _rows(raw)])
    except msgspec.ValidationError:
        return _long_places(raw)
    except (IndexError, msgspec.DecodeError) as error:
        raise ValueError("places: not of a known format") from error


def _long_places(raw: bytes) -> tuple[Place, ...]:
    try:
        return tuple([_ending_place(row) for row in _long_rows(raw)])
    except (IndexError, OverflowError, OSError, msgspec.DecodeError) as error:
        raise ValueError("places: not of a known format") from error


def _ending_place(row: _LongRow) -> Place:
    *short, until_s, welfare_site = row
    until = datetime.fromtimestamp(until_s, UTC) if until_s else None
    return msgspec.structs.replace(
        _place_of(cast("_Row", tuple(short))), until=until, welfare_site=welfare_site
    )


def _row_of(one: Place) -> _Row:
    flags = (_IS_CELL if one.is_cell else 0) | (_RELATIVE if one.relative else 0)
    flags |= _BY_LANG[one.lang] << _LANG_AT
    needs = sum(1 << at for at, need in enumerate(_NEEDS) if need in one.needs)
    point = round(one.lon * _E7), round(one.lat * _E7)
    kinds = _BY_STRUCTURE[one.structure], one.persons, _BY_PACE[one.pace]
    return (one.place_id, one.label, *point, one.floor, *kinds, needs, flags)


def _place_of(row: _Row) -> Place:
    place_id, label, lon_e7, lat_e7, floor, structure, persons, pace, needs, flags = row
    return Place(
        place_id=place_id,
        label=label,
        lon=lon_e7 / _E7,
        lat=lat_e7 / _E7,
        is_cell=flags & _IS_CELL != 0,
        floor=floor,
        structure=_STRUCTURES[structure],
        persons=persons,
        pace=_PACES[pace],
        needs=_NEEDS_BY_BITS[needs],
        relative=flags & _RELATIVE != 0,
        lang=_LANGS[flags >> _LANG_AT & _LANG_MASK],
    )
