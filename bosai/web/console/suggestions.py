"""Open proposals as HQ reads them on the board: what was announced by whom, and the page where it is taken up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bosai.feeds.proposals import Proposal, ProposedAct
from bosai.feeds.readings import Danger, Grade
from bosai.model.alert import AlertRecord, OrderKind, TsunamiClass
from bosai.services.proposals import ProposalRecord

DANGERS: dict[Danger, str] = {
    Danger.HEAVY_RAIN: "大雨",
    Danger.LANDSLIDE: "土砂災害",
    Danger.STORM_SURGE: "高潮",
    Danger.RIVER_FLOOD: "氾濫",
    Danger.TSUNAMI: "津波",
    Danger.SHAKING: "揺れ",
    Danger.RAINBAND: "線状降水帯",
    Danger.RECORD_RAIN: "記録的短時間大雨",
    Danger.LATER_QUAKE: "後発地震",
}
KINDS = {
    OrderKind.ELDERLY_ETC: "高齢者等避難",
    OrderKind.EVACUATE: "避難指示",
    OrderKind.EMERGENCY_SAFETY: "緊急安全確保",
    OrderKind.TSUNAMI_EVACUATION: "避難指示（警戒レベルの数字はつけません）",
    OrderKind.NOTICE: "お知らせ",
}
_TSUNAMI = {
    TsunamiClass.ADVISORY: "津波注意報",
    TsunamiClass.WARNING: "津波警報",
    TsunamiClass.MAJOR_WARNING: "大津波警報",
}
_TSUNAMI_BELOW = {
    Grade.NONE: "津波なし・解除",
    Grade.BELOW: "津波予報（若干の海面変動）",
    Grade.UNKNOWN: "読めない種別",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """An open proposal with the page where it is taken up ("" where there is nothing to draft).

    `heading`: what was announced, where; `before`: what was in force until then, "" where that is the same.
    """

    record: ProposalRecord
    path: str
    label: str
    heading: str
    before: str
    asked: str


def suggestions(open_ones: Sequence[ProposalRecord], in_force: Sequence[AlertRecord]) -> list[Suggestion]:
    """Where each proposal leads: a new draft, or the order in force that it is about."""
    return [_suggestion(one, in_force) for one in open_ones]


def announced(proposal: Proposal) -> str:
    """What was announced, in the announcer's own word, with 警戒レベル○相当 where it has one."""
    if proposal.happening is not None:
        return f"{DANGERS.get(proposal.danger, '')} {_value(proposal)}".strip()
    word = _word(proposal, proposal.grade) or proposal.kind_name
    level = f"（警戒レベル{proposal.level}相当）" if proposal.level is not None else ""
    return f"{word}{level}"


def asked_of_hq(proposal: Proposal) -> str:
    """What HQ is asked to consider, one phrase."""
    kind = KINDS[proposal.kind] if proposal.kind is not None else "避難情報"
    match proposal.act:
        case ProposedAct.ISSUE if proposal.kind is OrderKind.NOTICE:
            return "お知らせを検討"
        case ProposedAct.ISSUE:
            return f"{kind}の発令を検討"
        case ProposedAct.UPDATE:
            return f"発令中の避難情報の更新を検討：{kind}"
        case ProposedAct.LIFT:
            return f"解除を検討（{proposal.issuer}の解除は市の解除ではありません）"
        case ProposedAct.RECALL:
            return "取消・訂正を確認"
        case ProposedAct.REVIEW:
            return "発表を直接確認"


def _suggestion(record: ProposalRecord, in_force: Sequence[AlertRecord]) -> Suggestion:
    proposal = record.proposal
    path, label = _way(proposal, in_force)
    before = _word(proposal, proposal.previous_grade)
    changed = proposal.grade != proposal.previous_grade and proposal.happening is None
    return Suggestion(
        record=record,
        path=path,
        label=label,
        heading=f"{'・'.join(proposal.area_names)} {announced(proposal)}".strip(),
        before=before if changed else "",
        asked=asked_of_hq(proposal),
    )


def _way(proposal: Proposal, in_force: Sequence[AlertRecord]) -> tuple[str, str]:
    order = next((one.alert for one in in_force if one.alert.hazard is proposal.hazard), None)
    query = f"proposal={proposal.id}"
    match proposal.act:
        case ProposedAct.ISSUE | ProposedAct.UPDATE if order is not None:
            return f"/hq/alerts/new?update={order.alert_id}&{query}", "更新の下書きを作る"
        case ProposedAct.ISSUE | ProposedAct.UPDATE:
            return f"/hq/alerts/new?{query}", "下書きを作る"
        case ProposedAct.LIFT if order is not None:
            return f"/hq/alerts/{order.alert_id}/lift?{query}", "解除の下書きを作る"
        case ProposedAct.RECALL if order is not None:
            return f"/hq/alerts/{order.alert_id}/{order.version}", "発令中の避難情報を確かめる"
        case _:
            return "", ""


def _word(proposal: Proposal, grade: Grade) -> str:
    """The grade in words: a tsunami's own; the levels of others as 相当; "" where there is none to say."""
    if proposal.danger is Danger.TSUNAMI:
        found = {
            Grade.ADVISORY: TsunamiClass.ADVISORY,
            Grade.WARNING: TsunamiClass.WARNING,
            Grade.EMERGENCY: TsunamiClass.MAJOR_WARNING,
        }.get(grade)
        return _TSUNAMI[found] if found is not None else _TSUNAMI_BELOW.get(grade, "")
    if grade is Grade.NONE:
        return "発表なし・解除"
    if grade is Grade.UNKNOWN:
        return "読めない種別"
    if grade is proposal.grade and proposal.kind_name:
        return proposal.kind_name
    return f"警戒レベル{int(grade)}相当" if proposal.level or proposal.previous_level else ""


def _value(proposal: Proposal) -> str:
    happening = proposal.happening
    assert happening is not None
    if proposal.danger is Danger.SHAKING:
        shown = happening.value.replace("-", "弱").replace("+", "強")
        return f"震度{shown}" if shown[:1].isdigit() else f"震度5弱以上と考えられる（{shown}）"
    return happening.value
