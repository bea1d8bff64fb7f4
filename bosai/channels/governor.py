"""The report to the governor: 災害対策基本法 60条4項 (避難指示, 緊急安全確保) and 5項 (when the need has passed). Pure.

高齢者等避難 is advice under 56条: reported for information. An お知らせ is no act of the mayor's and is not reported.
The same fields as a page, text, CSV and JSON, so that nobody types them a second time.
"""

import csv
import io
import json
from collections.abc import Callable

import msgspec

from bosai.channels.figures import AreaFigures, WardFigures, figures_text, ward_lines
from bosai.channels.sentences import UNRELEASED
from bosai.messages.marks import marked
from bosai.messages.measures import JST
from bosai.messages.orders import is_newly_issued
from bosai.messages.terms import issued_name, term
from bosai.messages.wording import DRILL_END, DRILL_START
from bosai.model.alert import Act, AlertRecord, OrderKind
from bosai.model.realm import Realm
from bosai.settings_channels import Governor

_ACTS = {
    Act.ISSUE: "発令",
    Act.UPDATE: "発令の内容の更新",
    Act.LIFT: "解除",
    Act.RECALL: "取消（誤りの訂正）",
}
_BASES = {
    OrderKind.EVACUATE: "災害対策基本法第60条第1項（避難のための立退きの指示）",
    OrderKind.TSUNAMI_EVACUATION: "災害対策基本法第60条第1項（避難のための立退きの指示）",
    OrderKind.EMERGENCY_SAFETY: "災害対策基本法第60条第3項（緊急安全確保措置の指示）",
    OrderKind.ELDERLY_ETC: "災害対策基本法第56条（高齢者等避難）",
}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One report, field by field. persons, households: None = 集計中. decided_by: who released it, for the record."""

    realm: str
    to: str
    sender: str
    number: str
    previous: str
    law: str
    basis: str
    act: str
    kind: str
    hazard: str
    level: int | None
    at: str
    areas: tuple[str, ...]
    area_approximate: bool
    persons: int | None
    households: int | None
    estimated: bool
    wards: tuple[WardFigures, ...]
    figures_source: str
    reason: str
    instructed: str
    decided_by: str
    released_at_iso: str


def report_of(
    record: AlertRecord,
    settings: Governor,
    figures: AreaFigures | None,
    *,
    actor: Callable[[str], str] = str,
) -> Report | None:
    """The report of one version; None for an お知らせ, which is not the mayor's order.

    actor: what an actor of the record is called (an officer, or what went out from texts approved beforehand).
    """
    alert = record.alert
    if alert.kind is OrderKind.NOTICE:
        return None
    if alert.kind is OrderKind.ELDERLY_ETC:
        law = "参考として報告（法第60条第4項の対象外）"
    elif alert.directs_people:
        law = "災害対策基本法第60条第4項"
    else:
        law = "災害対策基本法第60条第5項（同条第4項の準用）"
    at = record.released_at
    officers = f"起案 {actor(alert.drafter)}"
    if record.approver:
        officers += f"、承認 {actor(record.approver)}"
    return Report(
        realm=alert.realm_of.value,
        to=settings.to,
        sender=settings.sender,
        number=alert.key,
        previous="、".join(alert.references),
        law=law,
        basis=_BASES[alert.kind],
        act=_ACTS[Act.ISSUE if is_newly_issued(alert) else alert.act],
        kind=issued_name("ja", alert.hazard, alert.kind, alert.tsunami_class),
        hazard=term("ja", f"hazard.{alert.hazard}"),
        level=int(alert.level) if alert.level else None,
        at=f"{at.astimezone(JST):%Y年%m月%d日%H時%M分}" if at else UNRELEASED,
        areas=alert.area.names,
        area_approximate=alert.area.approximate,
        persons=figures.persons if figures else None,
        households=figures.households if figures else None,
        estimated=figures.estimated if figures else False,
        wards=figures.wards if figures else (),
        figures_source=figures.source if figures else "",
        reason=alert.reason,
        instructed=alert.texts["ja"].body,
        decided_by=f"{settings.sender}（{officers}）",
        released_at_iso=at.astimezone(JST).isoformat(timespec="seconds") if at else "",
    )


def report_rows(report: Report) -> list[tuple[str, str]]:
    """The fields with their names, in the order of the form; long ones have several lines."""
    areas = list(report.areas)
    if report.area_approximate:
        areas.append("（町の代表点からのおよその区域、または見本の区域を含む）")
    figures = _figures(report)
    return [
        ("報告先", report.to),
        ("報告者", report.sender),
        ("根拠", report.law),
        ("識別番号", report.number),
        ("前の記録", report.previous or "なし"),
        ("日時", report.at),
        ("区分", report.act),
        ("種類", report.kind),
        ("指示の根拠", report.basis),
        ("災害の種類", report.hazard),
        ("警戒レベル", str(report.level) if report.level else "なし"),
        ("対象の区域", "\n".join(areas)),
        ("対象の世帯・人数", "\n".join(figures)),
        ("理由", report.reason),
        ("住民に伝えた文", report.instructed),
        ("決定した者", report.decided_by),
    ]


def title_of(report: Report) -> str:
    """The title of the document."""
    return f"避難情報に関する報告（{report.act}）"


def as_text(report: Report) -> str:
    """Plain text, marked at both ends on the drill side."""
    lines = [title_of(report), ""]
    for name, value in report_rows(report):
        lines += (
            [f"{name}：{value}"]
            if "\n" not in value
            else [f"{name}：", *(f"　{one}" for one in value.split("\n"))]
        )
    realm = Realm(report.realm)
    return marked("\n".join(lines), realm, "ja") + "\n"


def as_csv(report: Report) -> str:
    """項目,内容; UTF-8 with a byte order mark, as offices' spreadsheets expect, CRLF."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["項目", "内容"])
    if Realm(report.realm).is_drill:
        writer.writerow(["訓練", f"{DRILL_START}{DRILL_END}"])
    writer.writerows((name, _no_formula(value)) for name, value in report_rows(report))
    return "\ufeff" + out.getvalue()


def as_json(report: Report) -> str:
    """The fields as they are, sorted, for another system; `realm` says drill."""
    return json.dumps(msgspec.to_builtins(report), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _figures(report: Report) -> list[str]:
    if report.persons is None:
        return [figures_text(None)]
    found = AreaFigures(
        persons=report.persons,
        households=report.households,
        wards=report.wards,
        estimated=report.estimated,
        source=report.figures_source,
    )
    return [figures_text(found), *ward_lines(found), report.figures_source]


def _no_formula(value: str) -> str:
    """A cell that a spreadsheet would compute is kept as text."""
    return f"'{value}" if value[:1] in {"=", "+", "-", "@", "\t"} else value
