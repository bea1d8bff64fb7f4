"""The envelope is read exactly, and anything doubtful is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import InfoType, TelegramStatus, marked_as_drill, parse_telegram
from bosai.feeds.jma.titles import type_in_name, type_of
from tests.bosai.feeds.telegrams import JST, SEQUENCE_2011, item, jma_folder, report


def refusal(data: bytes) -> TelegramRefused:
    with pytest.raises(TelegramRefused) as caught:
        parse_telegram(data)
    return caught.value


def test_the_first_telegram_of_2011_is_read_word_for_word():
    name = SEQUENCE_2011[0]
    telegram = parse_telegram((jma_folder() / "official_samples" / name).read_bytes(), name=name)
    assert telegram.type_code == "VTSE41"
    assert telegram.title == "津波警報・注意報・予報a"
    assert telegram.status is TelegramStatus.NORMAL
    assert telegram.editorial_office == "大阪管区気象台"
    assert telegram.publishing_offices == ("気象庁",)
    assert telegram.sent_at == datetime(2011, 3, 11, 5, 49, 59, tzinfo=UTC)
    assert telegram.report_at == datetime(2011, 3, 11, 14, 49, tzinfo=JST)
    assert telegram.target_at == telegram.report_at
    assert telegram.valid_until is None
    assert telegram.event_ids == ("20110311144640",)
    assert telegram.info_type is InfoType.ISSUED
    assert telegram.serial == ""
    assert telegram.headline == (
        "東日本大震災クラスの津波が来襲します。\n"
        "大津波警報・津波警報を発表しました。\n"
        "ただちに避難してください。"
    )


def test_every_real_telegram_has_an_envelope_and_the_type_its_file_says():
    folder = jma_folder()
    files = [*(folder / "official_samples").glob("*.xml"), *(folder / "real_2026").glob("*.xml")]
    assert len(files) == 71
    for file in files:
        telegram = parse_telegram(file.read_bytes(), name=file.name)
        control = ElementTree.parse(file).getroot()[0]  # an independent reader of the same file
        assert telegram.status == control.findtext("{*}Status"), file.name
        assert telegram.title == control.findtext("{*}Title"), file.name
        named = type_in_name(file.name)
        assert named is None or telegram.type_code == named, file.name


def test_a_joint_issue_names_both_publishing_offices():
    file = jma_folder() / "official_samples" / "16_08_01_251222_VXKOii.xml"
    telegram = parse_telegram(file.read_bytes(), name=file.name)
    assert telegram.publishing_offices == ("富山河川国道事務所", "富山地方気象台")
    assert telegram.event_ids == ("840410000100",)


def test_merged_tsunamis_carry_several_event_ids():
    telegram = parse_telegram(report(item(), event_id="20260401120000 20260401121500"))
    assert telegram.event_ids == ("20260401120000", "20260401121500")


def test_a_type_nobody_knows_is_an_envelope_and_no_error():
    telegram = parse_telegram(report(title="まだない情報", body="<New/>"), name="x_0_VZZZ99_010000.xml")
    assert telegram.type_code == "VZZZ99"
    assert parse_telegram(report(title="まだない情報", body="<New/>")).type_code is None


def test_the_title_inside_decides_over_the_name_outside():
    assert parse_telegram(report(item()), name="20260401_0_VXSE53_270000.xml").type_code == "VTSE41"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("https://www.data.jma.go.jp/developer/xml/data/20260831022641_0_VPCJ50_471000.xml", "VPCJ50"),
        ("32-39_11_02_250206_VTSE41.xml", "VTSE41"),
        ("16_08_01_251222_VXKOii.xml", "VXKOii"),
        ("20260831022641_0_VXKO57_040000.xml", "VXKO57"),
        ("vpww55_heavy-rain_lv2.xml", None),
        ("", None),
    ],
)
def test_file_names_tell_the_type(name: str, code: str | None):
    assert type_in_name(name) == code


def test_one_flood_title_stands_for_all_rivers():
    assert type_of("指定河川洪水予報", "a_VXKO57_040000.xml") == "VXKO57"
    assert type_of("指定河川洪水予報", "") == "VXKO"


def test_the_same_issue_has_the_same_key_however_it_was_spaced():
    spaced = report(item()).replace(b"<Control>", b"<!-- relayed -->\n<Control>\n  ")
    assert parse_telegram(spaced).key == parse_telegram(report(item())).key


def test_another_report_time_event_or_information_type_is_another_key():
    keys = {
        parse_telegram(data).key
        for data in (
            report(item()),
            report(item(), report_at=datetime(2026, 4, 1, 12, 4, tzinfo=JST)),
            report(item(), event_id="20260401130000"),
            report(item(), info_type="訂正"),
            report(item(), status="訓練"),
            report(item(), sent_after_s=11),
        )
    }
    assert len(keys) == 6


def test_a_recording_marked_as_drill_is_no_longer_ordinary():
    telegram = parse_telegram(report(item()))
    drill = marked_as_drill(telegram)
    assert drill.status is TelegramStatus.DRILL
    assert drill.source.status is TelegramStatus.DRILL
    assert drill.key != telegram.key


@pytest.mark.parametrize(
    ("old", "new", "reason", "field"),
    [
        ("</Status>", "</Status><Status>訓練</Status>", RefusalReason.FIELD_INVALID, "Control/Status"),
        ("<Status>通常</Status>", "<Status>AAA</Status>", RefusalReason.FIELD_INVALID, "Control/Status"),
        ("<Status>通常</Status>", "", RefusalReason.FIELD_MISSING, "Control/Status"),
        ("<InfoType>発表</InfoType>", "<InfoType>速報</InfoType>", RefusalReason.FIELD_INVALID, "InfoType"),
        ("12:03:00+09:00</Report", "12:03:00</Report", RefusalReason.FIELD_INVALID, "ReportDateTime"),
        ("<DateTime>2026-", "<DateTime>20x6-", RefusalReason.FIELD_INVALID, "Control/DateTime"),
        ("<Title>津波警報・注意報・予報a</Title>", "", RefusalReason.FIELD_MISSING, "Control/Title"),
    ],
)
def test_a_broken_field_is_refused_and_named(old: str, new: str, reason: RefusalReason, field: str):
    text = report(item()).decode()
    assert old in text
    error = refusal(text.replace(old, new).encode())
    assert error.reason is reason
    assert field in error.field
    assert field in str(error)
    assert str(error).startswith("電文を受け付けません")


@given(st.binary(max_size=400))
def test_noise_is_refused_and_never_anything_else(noise: bytes):
    with pytest.raises(TelegramRefused):
        parse_telegram(noise)


WHOLE = report(item(arrival="2026-04-01T12:30:00+09:00"))


@given(st.integers(min_value=0, max_value=len(WHOLE) - 1))
def test_a_telegram_cut_anywhere_is_refused(length: int):
    assert refusal(WHOLE[:length]).reason in {RefusalReason.NOT_WELL_FORMED, RefusalReason.NOT_UTF8}
