from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.model.subscription import Need, PaceClass, Place, Structure
from bosai.stores.compact import (
    META_BYTES,
    Meta,
    pack_meta,
    pack_places,
    unpack_meta,
    unpack_places,
)

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)

PLACES = st.builds(
    Place,
    place_id=st.from_regex(r"[A-Za-z0-9_-]{1,32}", fullmatch=True),
    label=st.text(max_size=40),
    lon=st.integers(-180_0000, 180_0000).map(lambda e4: e4 / 1e4)
    | st.integers(-1800_000_000, 1800_000_000).map(lambda e7: e7 / 1e7),
    lat=st.integers(-900_000_000, 900_000_000).map(lambda e7: e7 / 1e7),
    is_cell=st.booleans(),
    floor=st.none() | st.integers(-2, 60),
    structure=st.sampled_from(Structure),
    persons=st.integers(1, 20),
    pace=st.sampled_from(PaceClass),
    needs=st.sets(st.sampled_from(Need)).map(lambda some: tuple(one for one in Need if one in some)),
    relative=st.booleans(),
    until=st.none()
    | st.integers(1_700_000_000, 4_000_000_000).map(lambda at: datetime.fromtimestamp(at, UTC)),
    welfare_site=st.just("") | st.text(min_size=1, max_size=20),
)


@given(st.lists(PLACES, max_size=5).map(tuple))
def test_places_are_the_same_again_to_the_last_digit_they_are_kept_with(places):
    assert unpack_places(pack_places(places)) == places


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_a_point_that_was_never_rounded_moves_by_less_than_a_centimetre(lon, lat):
    (kept,) = unpack_places(pack_places((Place(place_id="home", lon=lon, lat=lat),)))
    assert abs(kept.lon - lon) <= 0.51e-7
    assert abs(kept.lat - lat) <= 0.51e-7


def test_a_usual_place_takes_few_bytes():
    home = Place(
        place_id="home", label="若林区荒浜", lon=140.9877, lat=38.2212, floor=2, needs=(Need.STEP_FREE,)
    )
    assert len(pack_places((home,))) < 50


def test_places_kept_years_ago_still_unpack():
    raw = msgspec.msgpack.encode([["home", "荒浜", 1409877000, 382212000, None, 2, 3, 1, 0b101, 0b11]])
    assert unpack_places(raw) == (
        Place(
            place_id="home",
            label="荒浜",
            lon=140.9877,
            lat=38.2212,
            is_cell=True,
            structure=Structure.SOLID,
            persons=3,
            pace=PaceClass.STANDARD,
            needs=(Need.STEP_FREE, Need.PETS),
            relative=True,
        ),
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode({"a": 1}),
        msgspec.msgpack.encode([["home"]]),
        msgspec.msgpack.encode([["home", "", 0, 0, None, 9, 1, 0, 0, 0]]),
        msgspec.msgpack.encode([["home", "", 0, 0, None, 0, 1, 0, 64, 0]]),
    ],
)
def test_what_are_no_places_or_those_of_a_newer_version_is_refused_and_not_an_accident(raw):
    with pytest.raises(ValueError, match="not of a known format"):
        unpack_places(raw)


@given(
    secret_hash=st.binary(min_size=32, max_size=32),
    created_s=st.integers(0, 2**32 - 1),
    seen_s=st.integers(0, 2**32 - 1),
)
def test_meta_is_the_same_again_to_the_second(secret_hash, created_s, seen_s):
    created, seen = (datetime.fromtimestamp(one, UTC) for one in (created_s, seen_s))
    meta = Meta(secret_hash=secret_hash, created_at=created, seen_at=seen)
    raw = pack_meta(meta)
    assert len(raw) == META_BYTES == 44
    assert unpack_meta(raw) == meta
    assert unpack_meta(raw + b"sealed places") == meta


def test_no_two_writings_of_the_same_meta_look_alike():
    meta = Meta(secret_hash=b"h" * 32, created_at=NOW, seen_at=NOW)
    assert len({pack_meta(meta) for _ in range(50)}) == 50


def test_a_secret_nobody_has_is_kept_as_one_that_opens_nothing():
    assert unpack_meta(pack_meta(Meta(secret_hash=b"", created_at=NOW, seen_at=NOW))).secret_hash == bytes(32)
    with pytest.raises(ValueError, match="32 bytes"):
        pack_meta(Meta(secret_hash=b"short", created_at=NOW, seen_at=NOW))
    with pytest.raises(ValueError, match="44 bytes"):
        unpack_meta(b"short")
