"""The table of readers: which type is read by what, and what it means that a type is not in it."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.feeds import readings as values
from bosai.feeds.errors import FeedError, RefusalReason, TelegramRefused
from bosai.feeds.jma import reading
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.jma.reading import READERS, read, reader_of
from bosai.feeds.jma.titles import TYPE_BY_TITLE
from bosai.feeds.readings import Grade, Reading
from tests.bosai.feeds.telegrams import JST, item, jma_folder, report

IN_DEPTH = {
    *(f"VPWW{n}" for n in range(53, 62)),
    *("VPWS50", "VPWP50", "VPBS50", "VPHW50", "VPNO50", "VXWW50", "VPOA50"),
    *("VTSE41", "VTSE51", "VTSE52", "VXSE51", "VXSE52", "VXSE53", "VYSE60", "VXKO"),
}


def test_the_table_has_every_type_the_service_reads_and_no_other():
    assert set(READERS) == IN_DEPTH


def test_every_type_that_is_read_is_known_by_its_title_too():
    assert IN_DEPTH - {"VXKO"} <= set(TYPE_BY_TITLE.values())


@pytest.mark.parametrize("type_code", ["VXKO50", "VXKO89", "VXKOii", "VXKO"])
def test_rivers_are_found_by_the_first_letters_of_their_type(type_code: str):
    assert reader_of(type_code) is READERS["VXKO"]


@pytest.mark.parametrize("type_code", [None, "", "VXSE43", "VFVO50", "VPTW60", "VTSE4", "VXSE5"])
def test_another_type_has_no_reader(type_code: str | None):
    assert reader_of(type_code) is None


def test_a_type_without_a_reader_keeps_its_body_unread():
    assert read(parse_telegram(report(title="まだ知らない情報", body="<Anything/>"))) is None


def test_a_telegram_that_names_more_than_any_real_one_is_refused(monkeypatch: pytest.MonkeyPatch):
    telegram = parse_telegram(report(*(item(code=str(n)) for n in range(200, 211))))
    monkeypatch.setattr(reading, "MAX_ENTRIES", 10)
    with pytest.raises(TelegramRefused) as caught:
        read(telegram)
    assert caught.value.reason is RefusalReason.TOO_MANY_ELEMENTS
    monkeypatch.setattr(reading, "MAX_ENTRIES", 11)
    assert read(telegram) is not None


def samples() -> list[tuple[str, bytes]]:
    folder = jma_folder()
    files = [*(folder / "official_samples").glob("*.xml"), *(folder / "real_2026").glob("*.xml")]
    return [(file.name, file.read_bytes()) for file in sorted(files)]


def test_every_reading_survives_being_stored():
    for name, data in samples():
        found = read(parse_telegram(data, name=name))
        for one in found or ():
            assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Reading) == one, name


def test_what_is_replaced_whole_has_areas_and_what_is_withdrawn_has_only_its_text():
    for name, data in samples():
        for one in read(parse_telegram(data, name=name)) or ():
            if one.scope:
                assert one.areas or one.forecasts or name.startswith("81"), name
            assert not one.is_cancellation or not (one.scope or one.areas or one.happenings), name


def test_a_level_is_only_ever_given_to_a_danger_that_has_levels():
    for name, data in samples():
        for one in read(parse_telegram(data, name=name)) or ():
            for area in one.areas:
                for kind in area.kinds:
                    assert (kind.level is None) or kind.danger in values.LEVELLED, name
                    assert not kind.lifted or not kind.grade.is_in_force, name
                    assert kind.grade is not Grade.UNKNOWN, name


@given(data=st.data())
def test_any_damage_to_a_real_telegram_is_refused_or_read_and_never_raises_anything_else(data: st.DataObject):
    name, whole = data.draw(st.sampled_from(samples()), label="file")
    start = data.draw(st.integers(0, len(whole) - 1), label="from")
    length = data.draw(st.integers(0, 400), label="length")
    put = data.draw(st.sampled_from([b"", b"x", b"<a/>", "訓練".encode(), b"\x00", b"NaN"]), label="put")
    try:
        found = read(parse_telegram(whole[:start] + put + whole[start + length :], name=name))
    except FeedError:
        return
    assert found is None or all(isinstance(one, Reading) for one in found)


@given(data=st.data())
def test_any_element_may_be_missing_without_anything_but_a_refusal(data: st.DataObject):
    name, whole = data.draw(st.sampled_from(samples()), label="file")
    telegram = parse_telegram(whole, name=name)
    elements = list(telegram.body.iter())[1:]
    if not elements:
        return
    gone = data.draw(st.sampled_from(range(len(elements))), label="element")
    parent = elements[gone].getparent()
    assert parent is not None
    parent.remove(elements[gone])
    try:
        read(telegram)
    except FeedError as error:
        assert str(error)


def test_an_arrival_reads_in_japans_time_also_when_it_was_stored_meanwhile() -> None:
    at = datetime(2011, 3, 11, 15, 0, tzinfo=JST)
    first = values.FirstHeight(arrival_at=at)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(first), type=values.FirstHeight)
    assert stored.arrival_at == at
    assert first.as_given == stored.as_given == "11日15時00分 到達予想"
