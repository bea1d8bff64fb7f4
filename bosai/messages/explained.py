"""An explanation of one decision in Japanese lines, for officers: the answer first, then why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bosai.messages.catalogue import text
from bosai.messages.measures import JST, distance_text, minutes_of
from bosai.messages.terms import term
from shelters.explanation import Explanation, Seats, SiteSeen, Why
from shelters.model import Action, Opening, Pace, StructureRow
from shelters.refusals import Refusal

ACTIONS = {
    Action.STAY: "屋内安全確保",
    Action.UP: "今いる所で高い階へ",
    Action.GO: "避難場所へ",
    Action.INLAND: "区域の外（内陸）へ",
    Action.REFUGE: "区域の中の高い所へ",
    Action.PREPARE: "避難の準備",
}
OPENINGS = {
    Opening.ALWAYS: "常時開放",
    Opening.OPEN: "開設",
    Opening.EXPECTED: "開設は未確認",
    Opening.CLOSED: "閉鎖",
    Opening.UNUSABLE: "使用不可",
}
PACES = {Pace.UNKNOWN: "速さ不明", Pace.STANDARD: "ふつうの速さ", Pace.SLOW: "ゆっくり"}
STRUCTURES = {
    StructureRow.UNKNOWN: "建物の造り不明",
    StructureRow.WOODEN: "木造",
    StructureRow.SOLID: "鉄筋・鉄骨造",
}
FACILITIES = {"has": "必要な設備あり", "missing": "必要な設備なし", "unknown": "設備は未確認"}
WHYS = {
    Why.CHOSEN: "ここを案内しました。",
    Why.NOT_IN_RAIN: "大雨のときは初めに開設しない施設です。開設の報告があるまで案内しません。",
    Why.AT_HOME: "施設へ向かう指示ではありません。",
    Why.PINNED: "本部または区が、別の行き先を指定しています。",
    Why.OUT_FIRST: "区域の中の高い所です。区域の外へ出る時間があるうちは、外へ出ることを先にします。",
    Why.LATE: "津波の到達予想までに着けません。",
    Why.FAR: "区域の外へ歩いて出る道のりの2倍より遠い所です。",
    Why.TOO_FAR: "歩いて行く時間の上限を超えます。命の危険が差し迫っていないときは、ここまでは案内しません。",
    Why.UPSTAIRS: "区域の中の上の階です。区域の外の施設より2倍遠いものとして比べます。",
    Why.KEPT: "すでに案内した行き先へ向かっています。はっきり近くなる（2割を超える）ときだけ変えます。",
    Why.FARTHER: "案内した施設より遠い所です。",
    Why.OTHERS: "席は、ここまで来ると全体の歩く時間が短くなるほかの世帯に回りました。",
}
"""Those that `refusals` has no sentence for: they speak of the plan, and only officers ask."""


def why_words(seen: SiteSeen) -> str:
    """Why a site was not the one, one sentence; HQ's own words with it."""
    words = WHYS.get(seen.why) or text(f"refusals.{Refusal(seen.why.value)}", "ja")
    if seen.why is Why.UNFIT and seen.lacks:
        words += f"（{'・'.join(term('ja', f'hazard.{one}') for one in seen.lacks)}の指定がありません）"
    return f"{words}（本部：{seen.detail}）" if seen.detail else words


def explained_lines(case: Explanation, plan: str, at: datetime) -> Iterator[str]:
    """The whole explanation. plan: the record's name, "" = made just now, `at`."""
    plan = f"計画 {plan}" if plan else "いま作った計画"
    at = at.astimezone(JST)
    yield f"{plan}（{at:%Y-%m-%d %H:%M:%S}）"
    yield f"指示：{answer_line(case)}"
    yield f"危険：{danger_line(case)}"
    yield f"世帯：{household_line(case)}"
    if case.standing_at:
        yield f"出発点：到着済みの施設 {case.standing_at_name}（{case.standing_at}）から数えています"
    if case.told_before:
        yield f"前の案内：{case.told_before_name}（{case.told_before}）"
    if case.alternate is not None:
        yield f"次の候補：{site_line(case.alternate)}"
    for one in reason_lines(case):
        yield f"理由：{one}"
    if case.pinned:
        yield f"本部の指定：{case.pinned}"
    if case.redirects_paused:
        yield f"行き先の変更を停止中：{case.redirects_paused}"
    yield "近い順の施設："
    for rank, seen in enumerate(case.nearest, start=1):
        yield f"  {rank}. {site_line(seen)}"
        yield f"     {why_words(seen)}"
        yield f"     {seats_line(seen.seats)}、{state_line(seen)}"
    if not case.nearest:
        yield "  施設の登録がありません"
    yield f"最寄りの開いている施設だけを案内するなら：{baseline_line(case)}"


def answer_line(case: Explanation) -> str:
    """What to do, and where to."""
    return f"{ACTIONS[case.action]}{_to(case)}"


def reason_lines(case: Explanation) -> list[str]:
    """The reasons as the person reads them."""
    return [text(f"advice.reason.{code}", "ja") for code in case.reasons]


def _to(case: Explanation) -> str:
    if case.chosen is not None:
        return f" → {site_line(case.chosen)}"
    if case.inland_m >= 0:
        return f"（区域の外まで 約{distance_text(case.inland_m)}）"
    return "（行き先なし）" if case.action in (Action.GO, Action.REFUGE, Action.PREPARE) else ""


def site_line(seen: SiteSeen) -> str:
    """Name, id and walk."""
    return f"{seen.name}（{seen.site_id}）{walk_line(seen)}"


def walk_line(seen: SiteSeen) -> str:
    """「徒歩約590m・20分」"""
    if seen.walk_m < 0:
        return "道なし"
    about = "約" if seen.about else ""
    return f"徒歩{about}{distance_text(seen.walk_m)}・{minutes_of(seen.walk_s)}分"


def danger_line(case: Explanation) -> str:
    """The order that speaks to the place, and the others over it."""
    words = term("ja", f"hazard.{case.hazard}")
    if case.level is not None:
        words += f"・警戒レベル{case.level}"
    if case.advisory:
        words += f"・{term('ja', 'tsunami.advisory')}"
    if case.left_s >= 0:
        what = "予想到達" if case.level is None else "警戒レベル4相当の予想"
        words += f"・{what}まで{case.left_s // 60}分"
    also = f"。ほかに {'、'.join(case.also_in)} の区域の中" if case.also_in else ""
    return f"{words}（{case.danger}）{also}"


def household_line(case: Explanation) -> str:
    """Who walks how fast from where."""
    floor = f"{case.floor}階" if case.floor else "階は不明"
    night = "・夜" if case.night else ""
    return (
        f"{case.persons}人、{PACES[Pace(case.pace)]}（毎秒{case.speed_mps:.2f}m{night}）、{floor}、"
        f"{STRUCTURES[StructureRow(case.structure)]}、出発まで{case.start_delay_s // 60}分"
    )


def seats_line(seats: Seats) -> str:
    """Seats, heads, who is sent there, and what is left."""
    figure = f"席 {seats.seats:,}" + ("（想定）" if seats.assumed else "")
    present = "人数の報告なし" if seats.present < 0 else f"いま{seats.present:,}人"
    return f"{figure}、{present}、向かう人{seats.newly:,}人、新しく案内できる席 {max(0, seats.room):,}"


def state_line(seen: SiteSeen) -> str:
    """Opening and facilities."""
    words = [OPENINGS[Opening(seen.opening)]]
    if seen.facilities:
        words.append(FACILITIES[seen.facilities])
    if seen.is_alternate:
        words.append("次の候補として案内")
    return "、".join(words)


def baseline_line(case: Explanation) -> str:
    """What nearest-open-site guidance would have said."""
    if case.baseline is None:
        return "案内できる施設はありません"
    same = case.chosen is not None and case.baseline.site_id == case.chosen.site_id
    full = "" if same or case.baseline.seats.room >= case.persons else "（席は足りません）"
    return f"{site_line(case.baseline)}{'（同じ施設です）' if same else full}"
