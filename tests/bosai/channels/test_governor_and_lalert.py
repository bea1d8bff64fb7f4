"""The report to the governor, and the file in the shape of L-Alert: fields, revisions, and what tells them apart."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from lxml import etree

from bosai.channels.figures import AreaFigures
from bosai.channels.governor import Report, as_csv, as_json, as_text, report_of, report_rows
from bosai.channels.lalert import EDXL, OWN, UNVERIFIED, NotYet, lalert_file
from bosai.model.alert import Act, AlertRecord, OrderKind, TsunamiClass
from bosai.model.realm import Realm
from bosai.settings import load_settings
from geodata.hazards import HazardKind
from tests.bosai.messages.examples import ORDERS, record

CHANNELS = load_settings().channels
FLOOD_4 = (HazardKind.FLOOD, OrderKind.EVACUATE, None)
FLOOD_3 = (HazardKind.FLOOD, OrderKind.ELDERLY_ETC, None)
FLOOD_5 = (HazardKind.FLOOD, OrderKind.EMERGENCY_SAFETY, None)
WARNING = (HazardKind.TSUNAMI, OrderKind.TSUNAMI_EVACUATION, TsunamiClass.WARNING)
NOTICE = (HazardKind.EARTHQUAKE, OrderKind.NOTICE, None)
FIGURES = AreaFigures(persons=307_397, households=152_858, estimated=False, source="出典：仙台市")


def reported(made: AlertRecord, figures: AreaFigures | None = FIGURES) -> Report:
    found = report_of(made, CHANNELS.governor, figures)
    assert found is not None
    return found


def test_the_report_has_every_field_of_the_record() -> None:
    made = record(order=FLOOD_4)
    alert = msgspec.structs.replace(made.alert, references=("a1:1",))
    rows = dict(report_rows(reported(msgspec.structs.replace(made, alert=alert, approver="suzuki"))))
    assert rows == {
        "報告先": "宮城県知事",
        "報告者": "仙台市長",
        "根拠": "災害対策基本法第60条第4項",
        "識別番号": "a1:2",
        "前の記録": "a1:1",
        "日時": "2026年11月23日14時06分",
        "区分": "発令",
        "種類": "警戒レベル4 避難指示（洪水）",
        "指示の根拠": "災害対策基本法第60条第1項（避難のための立退きの指示）",
        "災害の種類": "洪水",
        "警戒レベル": "4",
        "対象の区域": "若林区荒浜\n若林区井土",
        "対象の世帯・人数": "152,858世帯・307,397人\n出典：仙台市",
        "理由": "理由",
        "住民に伝えた文": made.alert.texts["ja"].body,
        "決定した者": "仙台市長（起案 sato、承認 suzuki）",
    }


@pytest.mark.parametrize(
    ("order", "act", "law"),
    [
        (FLOOD_4, Act.ISSUE, "災害対策基本法第60条第4項"),
        (FLOOD_5, Act.ISSUE, "災害対策基本法第60条第4項"),
        (WARNING, Act.UPDATE, "災害対策基本法第60条第4項"),
        (FLOOD_4, Act.LIFT, "災害対策基本法第60条第5項（同条第4項の準用）"),
        (FLOOD_3, Act.ISSUE, "参考として報告（法第60条第4項の対象外）"),
    ],
)
def test_each_act_is_reported_under_its_paragraph(order, act: Act, law: str) -> None:  # type: ignore[no-untyped-def]
    assert reported(record(order=order, act=act)).law == law


def test_what_went_out_from_texts_approved_beforehand_says_so() -> None:
    made = record(order=WARNING)
    alert = msgspec.structs.replace(made.alert, drafter="at_once")
    found = report_of(
        msgspec.structs.replace(made, alert=alert, approver="at_once"),
        CHANNELS.governor,
        None,
        actor={"at_once": "自動発信"}.__getitem__,
    )
    assert found is not None
    assert found.decided_by == "仙台市長（起案 自動発信、承認 自動発信）"


def test_a_tsunami_has_no_level_and_a_notice_no_report() -> None:
    assert dict(report_rows(reported(record(order=WARNING))))["警戒レベル"] == "なし"
    assert report_of(record(order=NOTICE), CHANNELS.governor, None) is None


def test_text_csv_and_json_say_the_same() -> None:
    made = reported(record(order=FLOOD_4))
    rows = report_rows(made)
    text = as_text(made)
    assert all(line in text for _, value in rows for line in value.split("\n"))
    read = list(csv.reader(io.StringIO(as_csv(made).removeprefix("\ufeff"), newline="")))
    assert read == [["項目", "内容"], *([name, value] for name, value in rows)]
    assert msgspec.convert(json.loads(as_json(made)), Report) == made
    assert as_csv(made) == as_csv(reported(record(order=FLOOD_4)))


def test_figures_that_nobody_knows_are_being_counted() -> None:
    assert dict(report_rows(reported(record(order=FLOOD_4), None)))["対象の世帯・人数"] == "集計中"


def test_a_reason_is_no_formula_in_a_spreadsheet() -> None:
    made = record(order=FLOOD_4)
    alert = msgspec.structs.replace(made.alert, reason='=HYPERLINK("http://evil.example")')
    assert "理由,\"'=HYPERLINK" in as_csv(reported(msgspec.structs.replace(made, alert=alert)))


def test_a_drills_report_is_marked_in_every_form() -> None:
    made = reported(record(Realm.DRILL, FLOOD_4))
    assert as_text(made).startswith("【訓練】") and as_text(made).rstrip().endswith("これは訓練です")
    assert "訓練,【訓練】これは訓練です" in as_csv(made)
    assert json.loads(as_json(made))["realm"] == "drill"


def filed(made: AlertRecord) -> etree._Element:
    return etree.fromstring(lalert_file(made, CHANNELS.lalert))


def field(root: etree._Element, name: str) -> str:
    return root.findtext(f".//{{{OWN}}}{name}") or ""


def versioned(made: AlertRecord, version: int) -> AlertRecord:
    return msgspec.structs.replace(made, alert=msgspec.structs.replace(made.alert, version=version))


def test_the_document_is_the_same_for_every_version_and_its_revision_rises() -> None:
    first, second = (
        filed(versioned(record(order=FLOOD_4), 1)),
        filed(versioned(record(order=FLOOD_4, act=Act.UPDATE), 2)),
    )
    assert UUID(field(first, "documentID")) == UUID(field(second, "documentID"))
    assert [field(one, "documentRevision") for one in (first, second)] == ["1", "2"]
    sent = [one.findtext(f"{{{EDXL}}}distributionID") for one in (first, second)]
    assert len(set(sent)) == 2
    assert field(filed(record(Realm.DRILL, FLOOD_4)), "documentID") != field(first, "documentID")


@pytest.mark.parametrize(
    ("act", "kind", "update", "what"),
    [
        (Act.ISSUE, "Report", "新規", "発令"),
        (Act.UPDATE, "Update", "更新", "発令"),
        (Act.LIFT, "Update", "解除", "解除"),
        (Act.RECALL, "Cancel", "取消", "取消"),
    ],
)
def test_update_lift_and_recall_are_told_apart(act: Act, kind: str, update: str, what: str) -> None:
    root = filed(record(order=FLOOD_4, act=act))
    assert root.findtext(f"{{{EDXL}}}distributionType") == kind
    assert (field(root, "updateType"), field(root, "issueOrLift")) == (update, what)
    assert bool(field(root, "correctionReason")) is (act is Act.RECALL)


def test_it_names_the_city_the_side_and_that_it_is_unverified() -> None:
    live, drill = filed(record(order=FLOOD_4)), filed(record(Realm.DRILL, FLOOD_4))
    assert (field(live, "country"), field(live, "jisX0402")) == ("JP", "041009")
    assert [one.findtext(f"{{{EDXL}}}distributionStatus") for one in (live, drill)] == ["Actual", "Test"]
    assert [field(one, "operationType") for one in (live, drill)] == ["通常", "訓練"]
    assert field(live, "verification") == UNVERIFIED
    assert UNVERIFIED in lalert_file(record(order=FLOOD_4), CHANNELS.lalert).decode()
    assert [one.text for one in live.iter(f"{{{OWN}}}areaName")] == ["若林区荒浜", "若林区井土"]


def test_a_tsunami_has_no_level_and_a_notice_is_neither_issued_nor_lifted() -> None:
    assert field(filed(record(order=WARNING)), "level") == ""
    assert field(filed(record(order=NOTICE)), "issueOrLift") == "お知らせ"
    assert field(filed(record(order=NOTICE, act=Act.LIFT)), "issueOrLift") == "終了"


def test_a_draft_has_no_file() -> None:
    with pytest.raises(NotYet):
        lalert_file(msgspec.structs.replace(record(), released_at=None), CHANNELS.lalert)


def test_the_same_record_gives_the_same_bytes() -> None:
    for order in ORDERS:
        made = record(order=order)
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=AlertRecord)
        assert lalert_file(made, CHANNELS.lalert) == lalert_file(again, CHANNELS.lalert)


def test_the_envelope_is_that_of_edxl_de(shared_data: Path) -> None:
    schema = etree.XMLSchema(etree.parse(shared_data / "cap" / "schema" / "edxlde-1_0.xsd"))
    for act in Act:
        root = filed(record(order=FLOOD_4, act=act))
        assert schema.validate(root), schema.error_log
