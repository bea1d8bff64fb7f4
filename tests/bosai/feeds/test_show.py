"""`bosai feed show` in value form: what a telegram means, with every area in its own code system."""

from __future__ import annotations

import json

from bosai.feeds.show import show_json, show_telegram
from tests.bosai.feeds.telegrams import SEQUENCE_2011, item, jma_folder, report


def test_a_tsunami_forecast_is_shown_in_full():
    name = SEQUENCE_2011[3]
    data = (jma_folder() / "official_samples" / name).read_bytes()
    shown = json.loads(json.dumps(show_json(show_telegram(data, name=name)), ensure_ascii=False))
    assert shown["file"] == name
    assert shown["read"] == "body"
    assert (shown["type_code"], shown["status"], shown["info_type"]) == ("VTSE41", "通常", "発表")
    assert shown["event_ids"] == ["20110311144640"]
    assert shown["report_at"] == "2011-03-11T15:12:00+09:00"
    assert len(shown["areas"]) == 51
    (miyagi,) = [a for a in shown["areas"] if (a["system"], a["code"]) == ("tsunami", "220")]
    assert miyagi["name"] == "宮城県"
    assert miyagi["kinds"] == [
        {
            "name": "大津波警報",
            "code": "52",
            "kind": "major_warning",
            "last_code": "52",
            "last_name": "大津波警報",
            "lifted": False,
            "arrival": "第１波の到達を確認",
            "height": "１０ｍ超",
            "height_m": 10.0,
            "conditions": ["重要"],
        }
    ]


def test_220_of_an_earthquake_is_another_place():
    data = (jma_folder() / "official_samples" / "32-39_11_01_120615_VXSE51.xml").read_bytes()
    shown = show_json(show_telegram(data, name="32-39_11_01_120615_VXSE51.xml"))
    assert shown["read"] == "envelope"
    (area,) = [a for a in shown["areas"] if a["code"] == "220"]
    assert (area["system"], area["name"]) == ("seismic", "宮城県北部")
    assert [dict(k) for k in area["kinds"]] == [{"name": "震度６強"}]


def test_warnings_and_rivers_keep_their_systems_apart():
    folder = jma_folder() / "official_samples"
    rain = show_telegram((folder / "15_16_01_241031_VPWW56.xml").read_bytes(), name="VPWW56.xml")
    assert {a.system for a in rain.areas or ()} == {"weather"}
    (wakkanai,) = [a for a in rain.areas or () if a.code == "0121400"]
    assert [(k.code, k.name) for k in wakkanai.kinds] == [("49", "レベル４土砂災害危険警報")]
    river = show_telegram((folder / "16_09_01_251222_VXKOii.xml").read_bytes(), name="VXKOii.xml")
    assert {(a.system, a.code) for a in river.areas or ()} == {
        ("river", "890904000300"),
        ("river", "8909040003"),
        ("weather", "410000"),
    }


def test_every_real_telegram_can_be_shown_as_json():
    folder = jma_folder()
    for file in [*(folder / "official_samples").glob("*.xml"), *(folder / "real_2026").glob("*.xml")]:
        shown = show_json(show_telegram(file.read_bytes(), name=file.name))
        assert shown["read"] in {"body", "envelope"}, file.name
        assert not any(area["system"] == "unknown" for area in shown.get("areas", ())), file.name
        json.dumps(shown)


def test_a_drill_and_a_cancellation_are_shown_as_what_they_are():
    shown = show_telegram(report(status="訓練", info_type="取消"), name="x.xml")
    assert (shown.status, shown.info_type, shown.read) == ("訓練", "取消", "body")
    assert shown.text == "先ほどの発表を取り消します。"
    assert shown.areas == ()


def test_what_is_no_telegram_is_shown_as_refused_with_the_reason():
    shown = show_json(show_telegram(b"<html/>", name="page.xml"))
    assert shown["read"] == "refused"
    assert shown["reason"] == "wrong_root"
    assert "電文を受け付けません" in shown["error"]
    broken = show_telegram(report(body=""), name="x_VTSE41.xml")
    assert (broken.read, broken.reason) == ("refused", "field_missing")


def test_details_that_could_not_be_read_are_shown_beside_the_rest():
    shown = show_telegram(report(item(arrival="まもなく")), name="x.xml")
    assert shown.problems is not None
    assert "到達予想時刻" in shown.problems[0]
