"""`bosai feed show` in value form and in words: what a telegram means, with every area in its own code system."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bosai.commands.feed_show import feed_show
from bosai.feeds.show import intensity_name, show_json, show_telegram
from bosai.feeds.show_text import show_text
from tests.bosai.feeds.telegrams import REPO, SEQUENCE_2011, item, jma_folder, report


def official(name: str) -> bytes:
    return (jma_folder() / "official_samples" / name).read_bytes()


def test_a_tsunami_forecast_is_shown_in_full():
    name = SEQUENCE_2011[3]
    shown = json.loads(json.dumps(show_json(show_telegram(official(name), name=name)), ensure_ascii=False))
    assert shown["file"] == name
    assert shown["read"] == "body"
    assert (shown["type_code"], shown["status"], shown["info_type"]) == ("VTSE41", "通常", "発表")
    assert shown["event_ids"] == ["20110311144640"]
    assert shown["report_at"] == "2011-03-11T15:12:00+09:00"
    assert shown["scopes"] == ["VTSE41"]
    assert len(shown["areas"]) == 51
    (miyagi,) = [a for a in shown["areas"] if (a["system"], a["code"]) == ("tsunami", "220")]
    assert (miyagi["name"], miyagi["layer"]) == ("宮城県", "津波予報区")
    assert miyagi["kinds"] == [
        {
            "name": "大津波警報",
            "code": "52",
            "danger": "tsunami",
            "grade": "emergency",
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
    shown = show_json(show_telegram(official("32-39_11_01_120615_VXSE51.xml"), name="x_VXSE51.xml"))
    assert shown["read"] == "body"
    (area,) = [a for a in shown["areas"] if a["code"] == "220"]
    assert (area["system"], area["layer"], area["name"]) == ("seismic", "細分区域", "宮城県北部")
    assert [(k["name"], k["code"]) for k in area["kinds"]] == [("震度６強", "6+")]


def test_offshore_waves_are_areas_with_heights_and_no_kind_in_force():
    shown = show_telegram(official("61_11_03_250206_VTSE52.xml"), name="x_VTSE52.xml")
    (kamaishi,) = [a for a in shown.areas or () if a.code == "21090"]
    assert (kamaishi.system, kamaishi.layer) == ("tsunami", "潮位観測点（沖合）")
    (kind,) = kamaishi.kinds
    assert (kind.height, kind.grade, kind.kind) == ("4.1m", None, None)
    assert "上昇中" in kind.conditions


def test_a_river_is_shown_with_its_level_its_offices_and_the_hours_to_come():
    name = "16_10_02_251222_VXKOii.xml"
    shown = show_telegram(official(name), name=name)
    assert shown.publishing_offices == ("熊本河川国道事務所", "熊本地方気象台")
    standing = {(a.system, a.code): a.kinds[0] for a in shown.areas or () if a.kinds[0].grade is not None}
    assert set(standing) == {
        ("river", "890910000100"),
        ("river", "8909100001"),
        ("river", "8909100007"),
        ("river", "8909100051"),
        ("river", "8909100068"),
        ("weather", "430000"),
    }
    assert {(k.code, k.level, k.status) for k in standing.values()} == {("41", 4, "継続")}
    (mifune,) = [f for f in shown.forecasts if f.code == "89091000010000005"]
    assert [e.as_given for e in mifune.expected][:2] == [
        "11日5時20分 4.51m（レベル4）",
        "11日6時20分 4.35m（レベル4）",
    ]


def test_a_weather_warning_has_level_status_and_what_was_before():
    name = "15_16_01_241031_VPWW56.xml"
    shown = show_telegram(official(name), name=name)
    assert {a.system for a in shown.areas or ()} == {"weather"}
    (wakkanai,) = [a for a in shown.areas or () if a.code == "0121400"]
    assert [(k.code, k.name, k.level) for k in wakkanai.kinds] == [("49", "レベル４土砂災害危険警報", 4)]


def test_a_notice_that_has_only_a_head_is_shown_by_the_areas_of_its_head():
    shown = show_telegram(official("62_01_04_130412_VPNO50.xml"), name="x_VPNO50.xml")
    assert shown.read == "body"
    (nara,) = [area for area in shown.areas or () if area.code == "290000"]
    assert [(kind.code, kind.name) for kind in nara.kinds] == [("33", "大雨特別警報")]


def test_a_type_that_is_not_read_is_listed_with_what_its_head_says():
    shown = show_telegram(official("45_01_01_200522_VFVO50.xml"), name="x_VFVO50.xml")
    assert shown.read == "envelope"
    assert {a.system for a in shown.areas or ()} <= {"volcano", "weather"}
    assert shown.areas


def test_every_real_telegram_can_be_shown_as_json_and_as_text():
    folder = jma_folder()
    for file in [*(folder / "official_samples").glob("*.xml"), *(folder / "real_2026").glob("*.xml")]:
        value = show_telegram(file.read_bytes(), name=file.name)
        shown = show_json(value)
        assert shown["read"] in {"body", "envelope"}, file.name
        systems = {area["system"] for area in shown.get("areas", ())}
        assert systems <= {"weather", "seismic", "tsunami", "river", "volcano"}, file.name
        json.dumps(shown)
        text = show_text(value)
        assert text.startswith(f"■ {file.name}")
        assert value.title is not None
        assert value.title in text


def test_times_are_japans_whatever_zone_they_came_in():
    entry = "<entry><title>t</title><id>i</id><updated>2011-03-11T05:49:00Z</updated>" + (
        '<link href="https://www.data.jma.go.jp/a.xml"/></entry>'
    )
    feed = '<feed xmlns="http://www.w3.org/2005/Atom"><title>f</title><id>x</id>'
    data = f"{feed}<updated>2011-03-11T05:50:00Z</updated>{entry}</feed>".encode()
    shown = show_telegram(data, name="f.xml")
    assert "2011-03-11 14:49" in show_text(shown)


def test_feeds_of_telegrams_are_shown_by_their_entries():
    for file in (jma_folder() / "feeds").glob("*.xml"):
        shown = show_telegram(file.read_bytes(), name=file.name)
        assert shown.read == "feed"
        assert len(shown.entries) == (42 if file.name.startswith("eqvol") else 10)


# Read by eye in the files: how it is read, status, sender, number of areas.
CAP_FILES = {
    "canada.cap": ("cap", "Actual", "cap@ec.gc.ca", 2),
    "earthquake.cap": ("cap", "Actual", "http://earthquake.usgs.gov/research/monitoring/anss/neic/", 1),
    "invalid.cap": ("refused", None, None, None),
    "thunderstorm.cap": ("cap", "Actual", "KSTO@NWS.NOAA.GOV", 1),
    "wcatwc-warning.cap": ("cap", "Actual", "http://newwcatwc.arh.noaa.gov/tsuPortal/", 1),
    "weather.cap": ("cap", "Actual", "w-nws.webmaster@noaa.gov", 1),
    "earthquake_index.atom": ("feed", None, None, None),
    "weather_index.atom": ("feed", None, None, None),
}


@pytest.mark.parametrize("name", CAP_FILES)
def test_cap_messages_of_others_are_shown_or_refused_by_name(name: str):
    shown = show_telegram((jma_folder().parent / "cap" / "samples" / name).read_bytes(), name=name)
    read, status, sender, areas = CAP_FILES[name]
    assert (shown.read, shown.status, shown.editorial_office) == (read, status, sender)
    if areas is not None:
        assert len(shown.areas or ()) == areas
        assert {area.system for area in shown.areas or ()} == {"cap"}
    assert name in show_text(shown)


def test_a_drill_and_a_cancellation_are_shown_as_what_they_are():
    shown = show_telegram(report(status="訓練", info_type="取消"), name="x.xml")
    assert (shown.status, shown.info_type, shown.read) == ("訓練", "取消", "body")
    assert shown.text == "先ほどの発表を取り消します。"
    assert shown.areas == ()
    assert "訓練／取消" in show_text(shown)


def test_what_is_no_telegram_is_shown_as_refused_with_the_reason():
    shown = show_json(show_telegram(b"<html/>", name="page.xml"))
    assert shown["read"] == "refused"
    assert shown["reason"] == "wrong_root"
    assert "電文を受け付けません" in shown["error"]
    broken = show_telegram(report(body=""), name="x_VTSE41.xml")
    assert (broken.read, broken.reason) == ("refused", "field_missing")
    assert broken.title == "津波警報・注意報・予報a"
    assert "必要な項目がありません" in show_text(broken)


def test_details_that_could_not_be_read_are_shown_beside_the_rest():
    shown = show_telegram(report(item(arrival="まもなく")), name="x.xml")
    assert shown.problems is not None
    assert "到達予想時刻" in shown.problems[0]
    assert "※読めない点：" in show_text(shown)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("7", "震度７"),
        ("6+", "震度６強"),
        ("5-", "震度５弱"),
        ("3", "震度３"),
        ("未入電", "震度５弱以上未入電"),
    ],
)
def test_shaking_is_named_as_jma_names_it(value: str, name: str):
    assert intensity_name(value) == name


def test_tsunami_words_never_carry_an_alert_level():
    for kind in ("53", "51", "62"):
        assert "警戒レベル" not in show_text(show_telegram(report(item(kind=kind)), name="x.xml"))


async def test_one_bad_file_does_not_stop_the_rest_and_the_exit_status_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    good, bad, gone = tmp_path / "good.xml", tmp_path / "bad.xml", tmp_path / "gone.xml"
    good.write_bytes(report(item()))
    bad.write_bytes(b"\x00\x01")
    assert await feed_show([bad, gone, tmp_path, good], as_json=True) == 1
    shown = json.loads(capsys.readouterr().out)
    assert [one["read"] for one in shown] == ["refused", "refused", "refused", "body"]
    assert "ありません" in shown[1]["error"]
    assert "フォルダです" in shown[2]["error"]
    assert await feed_show([good], as_json=False) == 0
    assert "宮城県(220)" in capsys.readouterr().out


def test_flags_may_stand_before_or_behind_the_files(tmp_path: Path):
    file = tmp_path / "x_VTSE41.xml"
    file.write_bytes(report(item()))
    said = [
        subprocess.run(
            [sys.executable, "-m", "bosai.cli", "feed", *words],
            cwd=REPO,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for words in (["show", str(file), "--json"], ["show", "--json", str(file)])
    ]
    assert said[0] == said[1]
    assert json.loads(said[0])[0]["type_code"] == "VTSE41"
