"""The sentence beside a proposal that tells an officer what it is and is not. Japanese only: HQ reads it."""

from __future__ import annotations

from bosai.feeds.proposal_rules import Rule, Step, shaking_rank
from bosai.feeds.proposals import ProposedAct
from bosai.feeds.readings import LEVELLED, Danger, Happening

_DECIDES_TSUNAMI = (
    "市の避難指示（警戒レベルの数字はつけません）として発令するか、対象区域と本文を確認してください。"
)
_DECIDES_LEVEL = (
    "警戒レベル○相当は気象庁の情報で、避難情報ではありません。発令するか、対象区域と本文を市が判断します。"
)
_DECIDES = "発令するか、対象区域と本文を市が判断します。"

HINT_OF_CORRECTION = (
    "気象庁の訂正です。市内の震度は、お知らせを提案した震度に届きません。お知らせを出していれば、取消を判断してください。"
    "自動では取り消しません。"
)


def hint_of_standing(
    rule: Rule,
    step: Step | None,
    act: ProposedAct,
    *,
    codes_unread: tuple[str, ...],
    is_correction: bool,
    is_stated: bool,
    is_lowered: bool,
    is_forecast: bool,
) -> str:
    """For what is in force, or no more. `codes_unread`: kinds nobody knows; `is_stated`: JMA says it is lifted."""
    if codes_unread:
        return (
            f"種別コード「{'・'.join(codes_unread)}」を読めません。気象庁の発表を直接確認してください。"
            "発令中の避難情報はそのままです。"
        )
    if act is ProposedAct.RECALL:
        way = "訂正" if is_correction else "取消"
        return (
            f"気象庁の{way}です（解除ではありません）。何が取り消されたかを気象庁の発表で確認し、"
            "避難情報の取消・継続を判断してください。自動では取り消しません。"
        )
    if act is ProposedAct.LIFT:
        return _of_lift(is_stated=is_stated, is_lowered=is_lowered)
    parts = []
    if is_lowered:
        parts.append("気象庁の切替（引下げ）です。対象区域を狭めるか、避難情報を変えるかは市が判断します。")
    elif act is ProposedAct.REVIEW and is_forecast:
        parts.append(
            "気象庁は警戒レベル4相当になると予想しています（いま発表されている警報ではありません）。"
            "夜や風雨が強まる前に早めに発令するかを市が判断します。"
        )
    elif act is ProposedAct.REVIEW:
        parts.append("本部への情報です。気象庁の発表を確認してください。")
    elif rule.danger is Danger.TSUNAMI:
        parts.append(_DECIDES_TSUNAMI)
    else:
        parts.append(_DECIDES_LEVEL if rule.danger in LEVELLED else _DECIDES)
    if is_forecast and act is not ProposedAct.REVIEW:
        parts.append(
            "気象庁の予想時刻が新しくなりました（予想は気象庁発表のままで、延長も推定もしていません）。"
        )
    parts += [rule.note, step.note if step is not None else ""]
    return "".join(parts)


def _of_lift(*, is_stated: bool, is_lowered: bool) -> str:
    if is_lowered:
        return (
            "気象庁が注意報などに切り替えました（引下げ）。これは避難情報の解除ではありません。"
            "安全を確認してから、解除・継続を市が判断します。"
        )
    why = "" if is_stated else "電文にこの区域の記載がなくなりました。気象庁の発表を確認してください。"
    return f"{why}気象庁の解除は避難指示などの避難情報の解除ではありません。安全を確認してから市が解除を判断します。"


def hint_of_happening(
    rule: Rule, step: Step, act: ProposedAct, happening: Happening, *, doubts: tuple[str, ...] = ()
) -> str:
    """For what was observed once. doubts: sentences of the telegram under which HQ shall think twice."""
    if act is ProposedAct.RECALL:
        return "気象庁の取消です。お知らせを出していれば、取消を判断してください。自動では取り消しません。"
    doubt = f"気象庁は「{'」「'.join(doubts)}」とも発表しています。採用しないことを検討してください。"
    parts = [
        doubt if doubts else "",
        "避難情報ではなく、お知らせです。"
        if act is ProposedAct.ISSUE
        else "本部への情報です。気象庁の発表を確認してください。",
        rule.note,
        step.note,
    ]
    if rule.note_from and shaking_rank(happening.value) >= shaking_rank(rule.note_from):
        parts.append(rule.strong_note)
    return "".join(parts)
