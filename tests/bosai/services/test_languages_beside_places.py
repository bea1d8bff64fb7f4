"""The language stands beside the sealed places, so that the planner may count by it and still opens no push part."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from bosai.messages.catalogue import LANGS
from bosai.model.subscription import Place
from bosai.services.people import joined, rows_of
from bosai.stores.compact import pack_places, unpack_places
from tests.bosai.services.test_subscriptions import HOME, all_places, service, target

EPSG = 6678


@given(st.sampled_from(["", *LANGS]), st.booleans(), st.booleans())
def test_the_language_survives_packing_beside_the_other_marks(
    lang: str, is_cell: bool, relative: bool
) -> None:
    place = Place(place_id="home", lon=140.98, lat=38.22, is_cell=is_cell, relative=relative, lang=lang)
    assert unpack_places(pack_places((place,))) == (place,)


def test_a_language_costs_no_byte() -> None:
    plain = Place(place_id="home", lon=140.98, lat=38.22)
    assert len(pack_places((plain,))) == len(pack_places((msgspec.structs.replace(plain, lang="id"),)))


@pytest.mark.parametrize("said", ["", "xx"])
async def test_the_subscribers_language_counts_whatever_a_place_says(redis: Redis, said: str) -> None:
    made = await service(redis).register(target(), "ne", (msgspec.structs.replace(HOME, lang=said),))
    assert [one.lang for one in (await all_places(redis))[made.subscription_id]] == ["ne"]
    assert [one.lang for one in (await service(redis).read(made.subscription_id, made.secret)).places] == [""]


async def test_another_language_is_beside_the_places_at_once_and_the_places_stay(redis: Redis) -> None:
    made = await service(redis).register(target(), "ja", (HOME,))
    (before,) = (await all_places(redis))[made.subscription_id]
    await service(redis).replace(made.subscription_id, made.secret, lang="vi")
    (after,) = (await all_places(redis))[made.subscription_id]
    assert after == msgspec.structs.replace(before, lang="vi")
    await service(redis).replace(made.subscription_id, made.secret, places=(HOME,))
    assert [one.lang for one in (await all_places(redis))[made.subscription_id]] == ["vi"]


def test_people_are_numbered_by_language_and_the_unknown_is_minus_one() -> None:
    def household(lang: str) -> tuple[Place, ...]:
        return (msgspec.structs.replace(HOME, lang=lang),)

    first = rows_of([("a", household("ja")), ("b", household("")), ("c", ())], EPSG)
    second = rows_of([("d", household("id"))], EPSG)
    assert joined([first, second]).lang.tolist() == [0, -1, -1, LANGS.index("id")]
