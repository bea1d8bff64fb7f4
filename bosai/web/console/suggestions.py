"""Open proposals as HQ reads them on the board: what was announced by whom, and the page where it is taken up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bosai.feeds.proposals import Proposal, ProposedAct
from bosai.feeds.readings import Danger, Grade
from bosai.messages.measures import JST
from bosai.messages.notices import prepared
from bosai.model.alert import Alert, AlertRecord, OrderKind, TsunamiClass, level_of
from bosai.services.proposals import About, ProposalRecord
from geodata.hazards import HazardKind

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

    `announcer`: who said it; `heading`: what was announced, where; `before`: what was in force until then, "" where
    that is the same; `target`: the area that is proposed, "" where nothing is to be drafted.
    `shaken_since`, `shaken_reason`: strong shaking as HQ's hand records it in one click, "" where there was none.
    """

    record: ProposalRecord
    path: str
    label: str
    announcer: str
    heading: str
    before: str
    asked: str
    target: str
    shaken_since: str
    shaken_reason: str
    texts_ready: bool


def suggestions(
    open_ones: Sequence[ProposalRecord],
    in_force: Sequence[AlertRecord],
    about: Mapping[str, frozenset[About]] | None = None,
    label: Callable[[str], str] = lambda key: key.partition(":")[2],
) -> list[Suggestion]:
    """Where each proposal leads: a new draft, or the order in force that it is about. Calls to leave come first.

    about: alert id → what its versions were proposed for (`ProposalService.about_orders`); label: names a zone key.
    """
    found = [_suggestion(one, in_force, about or {}, label) for one in open_ones]
    return sorted(found, key=lambda one: _place(one.record.proposal))


def order_of(
    proposal: Proposal, in_force: Sequence[AlertRecord], about: Mapping[str, frozenset[About]]
) -> Alert | None:
    """The order in force that a proposal is about; None: it is about none, and a new one is to be drafted.

    An お知らせ never leads to an order being rewritten, nor an order to an お知らせ that only informs. Two rivers,
    or two parts of the city, have orders of their own: one is never replaced by what is said of the other.
    """
    wants_notice = proposal.kind is OrderKind.NOTICE
    alike = [
        one.alert
        for one in in_force
        if one.alert.hazard is proposal.hazard
        and wants_notice == (one.alert.kind is OrderKind.NOTICE and not one.alert.is_tsunami_call)
    ]
    if proposal.hazard is HazardKind.TSUNAMI and not wants_notice:
        return next(iter(alike), None)  # one coast, one order
    zones = {*proposal.zones, *proposal.previous_zones}
    mine = {(proposal.subject, code) for code in proposal.area_codes}
    there = [one for one in alike if zones & set(one.area.zone_keys)]
    return next(iter(there), None) or next(
        (one for one in alike if mine & about.get(one.alert_id, frozenset())), None
    )


def shaking_reason(proposal: Proposal) -> str:
    """Why strong shaking is recorded: 気象庁's word, ready to be sent."""
    at = proposal.report_at.astimezone(JST)
    return (
        f"気象庁 {at.month}/{at.day} {at:%H:%M}発表 {'・'.join(proposal.area_names)} {announced(proposal)}"[
            :200
        ]
    )


def announced(proposal: Proposal) -> str:
    """What was announced, in the announcer's own word, with 警戒レベル○相当 where it has one."""
    if proposal.origin == "cap":
        return proposal.kind_name  # the event as the sender names it: grades are JMA's
    if proposal.happening is not None:
        return _value(proposal)
    if proposal.danger is Danger.SHAKING:
        return "震度の訂正"
    word = _word(proposal, proposal.grade) or proposal.kind_name
    if proposal.level is None:
        return word
    level = f"警戒レベル{proposal.level}相当"
    return f"{DANGERS.get(proposal.danger, '')} {level}" if word == level else f"{word}（{level}）"


def announcer(proposal: Proposal) -> str:
    """Who said it: 発表 is 気象庁's word alone."""
    return f"{proposal.issuer}発表" if proposal.origin == "jma" else proposal.issuer


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


def _place(proposal: Proposal) -> tuple[int, int, float]:
    """The coast first, then the gravest, then the newest; what is only to be read comes last."""
    only_read = proposal.act is ProposedAct.REVIEW
    coast = proposal.hazard is not HazardKind.TSUNAMI
    # Grades are 気象庁's: what another sender says weighs as much as the order that is proposed for it.
    weight = int(proposal.grade)
    if proposal.origin == "cap":
        weight = (level_of(proposal.hazard, proposal.kind) or 0) if proposal.kind is not None else 0
    return (2 if only_read else int(coast), -weight, -proposal.report_at.timestamp())


def _suggestion(
    record: ProposalRecord,
    in_force: Sequence[AlertRecord],
    about: Mapping[str, frozenset[About]],
    label: Callable[[str], str],
) -> Suggestion:
    proposal = record.proposal
    path, what = _way(proposal, order_of(proposal, in_force, about))
    before = _word(proposal, proposal.previous_grade)
    changed = proposal.grade != proposal.previous_grade and proposal.happening is None
    changed = changed and proposal.origin == "jma"
    return Suggestion(
        record=record,
        path=path,
        label=what,
        announcer=announcer(proposal),
        heading=f"{'・'.join(proposal.area_names)} {announced(proposal)}".strip(),
        before=before if changed else "",
        asked=asked_of_hq(proposal),
        target=_target(proposal, label),
        shaken_since=f"{proposal.shaken_at.astimezone(JST):%Y-%m-%dT%H:%M}" if proposal.shaken_at else "",
        shaken_reason=shaking_reason(proposal) if proposal.shaken_at else "",
        texts_ready=bool(prepared(proposal.texts)),
    )


def _way(proposal: Proposal, order: Alert | None) -> tuple[str, str]:
    query = f"proposal={proposal.id}"
    match proposal.act:
        case ProposedAct.ISSUE | ProposedAct.UPDATE if order is not None:
            return f"/hq/alerts/new?update={order.alert_id}&{query}", "更新の下書きを作る"
        case ProposedAct.ISSUE | ProposedAct.UPDATE:
            return f"/hq/alerts/new?{query}", "下書きを作る"
        case ProposedAct.LIFT if order is not None:
            ended = (
                "終了" if order.kind is OrderKind.NOTICE else "解除"
            )  # nothing was ordered that could be lifted
            return f"/hq/alerts/{order.alert_id}/lift?{query}", f"{ended}の下書きを作る"
        case ProposedAct.RECALL if order is not None:
            what = "お知らせ" if order.kind is OrderKind.NOTICE else "発令中の避難情報"
            return f"/hq/alerts/{order.alert_id}/{order.version}", f"{what}を確かめる"
        case _:
            return "", ""


def _target(proposal: Proposal, label: Callable[[str], str]) -> str:
    if proposal.kind is None:
        return ""
    names = [label(key) for key in proposal.zones]
    if proposal.geometry:
        names.append(proposal.geometry_name or "発表された図形")
    return "、".join(names) or "本部で選びます"


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
