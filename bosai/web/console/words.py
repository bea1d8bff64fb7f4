"""The Japanese words of the console and the desk, one for each value. 発令 is the mayor's, 発表 JMA's."""

from datetime import datetime, timedelta

from bosai.messages.measures import JST
from bosai.messages.terms import head, term
from bosai.model.alert import Act, Alert, AlertRecord, AlertState, OrderKind, TsunamiClass
from bosai.model.instruction import Stage
from bosai.model.staff import Role
from bosai.services.at_once_rules import AT_ONCE
from bosai.web.console.causes import cause_words
from geodata.hazards import HazardKind
from shelters.model import Action, Crowding, Facet, FigureSource, Opening

HAZARDS = {one: term("ja", f"hazard.{one}") for one in HazardKind}
KINDS = {
    OrderKind.ELDERLY_ETC: "高齢者等避難",
    OrderKind.EVACUATE: "避難指示",
    OrderKind.EMERGENCY_SAFETY: "緊急安全確保",
    OrderKind.TSUNAMI_EVACUATION: "避難指示（津波・警戒レベルなし）",
    OrderKind.NOTICE: "お知らせ",
}
KIND_NOTES = {
    OrderKind.ELDERLY_ETC: "洪水・土砂災害・高潮・浸水では警戒レベル3",
    OrderKind.EVACUATE: "洪水・土砂災害・高潮・浸水では警戒レベル4。地震・火事・火山ではレベルなし",
    OrderKind.EMERGENCY_SAFETY: "洪水・土砂災害・高潮・浸水だけ。警戒レベル5",
    OrderKind.TSUNAMI_EVACUATION: "津波だけ。レベルの数字はつきません",
    OrderKind.NOTICE: "市からのお知らせ。避難情報の発令ではありません。津波の区分を選ぶと、行き先も案内します",
}
TSUNAMI = {one: term("ja", f"tsunami.{one}") for one in reversed(TsunamiClass)}
STAGES = {
    Stage.QUEUED: "送信待ち",
    Stage.ACCEPTED: "プッシュサービス受理",
    Stage.DISPLAYED: "端末に表示",
    Stage.OPENED: "開封",
    Stage.ANSWERED: "回答",
    Stage.ARRIVED: "到着",
    Stage.RETIRED: "登録の失効",
    Stage.EXPIRED: "期限切れ",
    Stage.FAILED: "送信失敗",
    Stage.REPLACED: "新しい案内に置換",
}
ROLES = {
    Role.VIEWER: "閲覧",
    Role.SHELTER_REPORTER: "避難所報告",
    Role.WARD_OPERATOR: "区本部",
    Role.HQ_DRAFTER: "起案者",
    Role.HQ_APPROVER: "承認者",
    Role.ADMIN: "管理者",
    Role.AUDITOR: "監査",
}
ACTIONS = {
    Action.STAY: "屋内安全確保",
    Action.UP: "今いる所で高い階へ",
    Action.GO: "避難場所へ移動",
    Action.INLAND: "区域の外（内陸）へ移動",
    Action.REFUGE: "区域内の高い所へ",
    Action.PREPARE: "避難の準備",
}
OPENINGS = {
    Opening.ALWAYS: "常時開放",
    Opening.OPEN: "開設",
    Opening.EXPECTED: "開設準備中・未確認",
    Opening.CLOSED: "閉鎖",
    Opening.UNUSABLE: "使用不可",
}
CROWDINGS = {
    Crowding.ROOM: "空きあり",
    Crowding.SOME: "やや混雑",
    Crowding.CROWDED: "混雑",
    Crowding.FULL: "満員",
}
FIGURE_SOURCES = {
    FigureSource.PUBLISHED: "公表値",
    FigureSource.MEASURED: "実測値",
    FigureSource.ASSUMED: "想定（仮）",
}
OUTAGES = {"power": "停電", "step_free": "エレベーター停止・段差あり", "pets": "ペット不可"}
LANG_NOTES = {"ja": "日本語", "ja-x-easy": "やさしい日本語"}
STEPS = {
    "drafted": "起案",
    "redrafted": "書き直し",
    "submitted": "承認を求めた",
    "sent_back": "差し戻し",
    "withdrawn": "取り下げ",
    "approved": "承認",
    "released": "発令",
    "lifted": "解除",
    "recalled": "取消",
    "renewed": "見直し期限が過ぎ、そのまま継続",
    "review_answered": "見直し（継続を確認）",
    "previewed": "プレビューを確認",
    "proposed": "気象庁発表からの提案",
    "dismissed": "提案を採用しない",
    "asked_pre_approval": "津波の文の事前承認を求めた",
    "pre_approved": "津波の文を事前承認",
    "withdrew_pre_approval": "津波の文の事前承認を取りやめ",
    "sent_at_once": "事前承認の文を自動発信",
    "started_at_once": "事前承認の文を発信（2タップ）",
    "held_at_once": "自動では出さず、本部の判断を待つ",
    "stopped_at_once": "津波の自動発信を停止",
    "resumed_at_once": "津波の自動発信を再開",
    "adopted": "提案から下書きを作成",
    "superseded": "新しい提案に置き換え",
    "linked": "避難所担当用リンクを発行",
    "unlinked": "避難所担当用リンクを失効",
    "locked": "暗証番号の間違いが続き、受け付けを停止",
    "imported_sites": "避難所の取り込み",
    "imported_roads": "道路の取り込み",
    "imported_elevation": "標高の取り込み",
    "imported_hazards": "ハザードマップの取り込み",
    "imported_places": "町名・人口の取り込み",
    "imported_jma_areas": "気象庁の区域の取り込み",
    "imported_capacities": "収容人数の取り込み",
    "added": "職員の登録",
    "disabled": "職員の登録を停止",
    "signed_in": "サインイン",
    "signed_out": "サインアウト",
    "reported": "避難所からの報告",
    "excluded_site": "避難所を案内から外した",
    "readmitted_site": "避難所を案内に戻した",
    "pinned_town": "町の行き先を指定",
    "unpinned_town": "町の行き先の指定をやめた",
    "paused_redirects": "行き先の変更を停止",
    "resumed_redirects": "行き先の変更を再開",
    "recorded_shaking": "強い揺れを記録",
    "withdrew_shaking": "強い揺れの記録を取り消し",
    "decision_lag_nagged": "発令がないことを本部に確認",
    "decision_lag_escalated": "発令がないことを全画面で警告",
    "decision_lag_answered": "いまは発令しないと判断",
    "decision_lag_ended": "判断待ちの終わり",
    "opened_by_code": "福祉避難所の利用コードを発行",
    "closed_code": "福祉避難所の利用コードを失効",
    "explained": "案内の理由を確認（一人分）",
    "planned": "計画を記録",
    "trial_sent": "自分の端末へ試験送信",
    "telegram_seen": "読めない電文を確認",
}
FACTS = {
    "act": "区分",
    "grade": "段階",
    "areas": "対象の予報区",
    "hazard": "災害",
    "kind": "種類",
    "tsunami_class": "津波",
    "area": "区域",
    "reason": "理由",
    "decision_hash": "決定のハッシュ",
    "proposal": "提案",
    "previewed_people": "プレビュー人数",
    "typed": "入力した確認の言葉",
    "hands": "起案に関わった職員",
    "incident": "事案",
    "references": "対象の版",
    "note": "差し戻しの理由",
    "telegram": "電文",
    "pre_approval": "事前承認のハッシュ",
    "standing_rule": "避難指示とする根拠",
    "pre_drafter": "事前承認の起案",
    "pre_approver": "事前承認の承認",
    "pre_approved_at": "事前承認の時刻",
    "heard_from": "何で知ったか",
    "reaction": "扱い",
    "report_at": "発表時刻",
    "alert": "版",
    "by": "置き換えた版",
    "was_due": "見直し期限",
    "review_at": "次の見直し",
    "role": "役割",
    "name": "名前",
    "site": "避難所",
    "people": "人数",
    "client": "接続元",
    "since": "いつから",
    "rule": "市の提案の表の行",
    "announced": "気象庁の発表",
    "waited_s": "待った時間（秒）",
    "shaken_at": "揺れた時刻",
    "households": "世帯数",
    "code": "コードの番号",
    "status": "プッシュサービスの返事",
    "cause": "原因",
    "took_ms": "かかった時間（ミリ秒）",
}
SUBJECTS = {
    "alert": "避難情報",
    "proposal": "提案",
    "site": "避難所",
    "staff": "職員",
    "desk": "避難所担当",
    "sites": "避難所の一覧",
    "push": "プッシュサービス",
    "town": "町",
    "plan": "計画",
    "at_once": "津波の自動発信",
    "lag": "判断待ち",
    "telegram": "電文",
}
PARTS = {
    "planner": "計画（行き先の決定）",
    "delivery": "配信",
    "feeds": "気象庁フィード",
    "feed": "気象庁フィード",
    "schedules": "定期処理",
    "telegram": "電文の読み取り",
    "cap": "CAP の発信",
    "monthly_check": "月例の受信確認",
    "at_once": "津波の自動発信",
    "ground": "地理データ",
    "plan-records": "計画の記録",
}
ORIGIN_STATES = {"open": "通常", "resting": "停止中", "trying": "確認中"}
CHECK_STATES = {
    "waiting": "発令中のため待機",
    "running": "送信中",
    "done": "全員分を手配済み",
    "given_up": "中止（発令が続いたため）",
}
WITHHELD = "非表示"
"""Not 「少数」: a large count is withheld too where a small one could be worked out from it."""
_ACTS = {Act.ISSUE: "発令", Act.UPDATE: "更新", Act.LIFT: "解除", Act.RECALL: "取消"}
_NOTICE_ACTS = {Act.ISSUE: "お知らせ", Act.UPDATE: "更新", Act.LIFT: "終了", Act.RECALL: "取消"}
_STATES = {
    AlertState.DRAFT: "下書き",
    AlertState.PENDING_APPROVAL: "承認待ち",
    AlertState.WITHDRAWN: "取り下げ",
    AlertState.SUPERSEDED: "更新済み（後の版が有効）",
    AlertState.LIFTED: "解除済み",
    AlertState.RECALLED: "取消済み",
}


def chip_class(alert: Alert) -> str:
    """CSS class of the chip: the level's or the tsunami kind's colour, never one for the other."""
    if alert.is_tsunami_call and alert.tsunami_class is not None:
        return f"tsunami-{alert.tsunami_class}"
    return f"level-{int(alert.level)}" if alert.level else "level-none"


def chip(alert: Alert) -> str:
    """「警戒レベル4 避難指示」, 「大津波警報 避難指示」, 「大津波警報 お知らせ」: number or kind and word.

    No number for a tsunami."""
    named = head("ja", alert.hazard, alert.kind, alert.tsunami_class)
    if not alert.is_tsunami_call or not alert.tsunami_class:
        return named
    return f"{named} {term('ja', f'kind.{alert.kind}')}"


def act(alert: Alert) -> str:
    """発令, 更新, 解除 or 取消; an お知らせ is sent and ended, for nothing was ordered."""
    if alert.kind is OrderKind.NOTICE:
        return _NOTICE_ACTS[alert.act]
    return _ACTS[alert.act]


def state(record: AlertRecord) -> str:
    """Where a version stands. A released lift or recall is done, not "in force"."""
    if record.state is AlertState.LIFTED and record.alert.kind is OrderKind.NOTICE:
        return "終了"
    if record.state is not AlertState.ISSUED:
        return _STATES[record.state]
    if record.alert.directs_people:
        return "お知らせ中" if record.alert.kind is OrderKind.NOTICE else "発令中"
    return f"{act(record.alert)}を実施"


def areas(alert: Alert) -> str:
    """The names of the area as one phrase."""
    return "、".join(alert.area.names)


def jst(at: datetime | None, now: datetime | None = None) -> str:
    """11/23 14:05 in Japan's time; with `now` 14:05 on the same day, 2011/3/11 14:49 in another year; 「—」: none."""
    if at is None:
        return "—"
    local = at.astimezone(JST)
    if now is not None and local.date() == now.astimezone(JST).date():
        return f"{local:%H:%M}"
    year = "" if now is None or local.year == now.astimezone(JST).year else f"{local.year}/"
    return f"{year}{local.month}/{local.day} {local:%H:%M}"


def iso(at: datetime) -> str:
    """For <time datetime>, Japan's time with its offset."""
    return at.astimezone(JST).isoformat(timespec="seconds")


def age(at: datetime, now: datetime) -> str:
    """「たった今」, 「5分前」, 「2時間前」, 「3日前」."""
    passed = max(now - at, timedelta(0))
    minutes = int(passed.total_seconds() // 60)
    if minutes < 1:
        return "たった今"
    if minutes < 60:
        return f"{minutes}分前"
    return f"{minutes // 60}時間前" if minutes < 48 * 60 else f"{minutes // 1440}日前"


def number(value: int | None) -> str:
    """1,234; 「—」 for unknown."""
    return "—" if value is None else f"{value:,}"


def figure(value: int | None) -> str:
    """1,234; 「非表示」 for a count that is withheld so that nothing below five can be known."""
    return WITHHELD if value is None else f"{value:,}"


def cause(code: str) -> str:
    """Why a message did not arrive."""
    return cause_words(code)


def size(count: int) -> str:
    """Bytes as a person reads them: 850バイト, 12.3キロバイト, 1.2メガバイト."""
    if count < 1000:
        return f"{count}バイト"
    return f"{count / 1000:,.1f}キロバイト" if count < 1_000_000 else f"{count / 1_000_000:,.1f}メガバイト"


def outages(lost: Facet) -> str:
    """What does not work at a site now: 「停電・ペット不可」; "" for nothing."""
    named = (("power", Facet.POWER), ("step_free", Facet.STEP_FREE), ("pets", Facet.PETS))
    return "・".join(OUTAGES[name] for name, one in named if one in lost)


def actor(name: str) -> str:
    """Who did it: an officer by name, or what goes out from pre-approved texts."""
    return "自動発信" if name == AT_ONCE else name


def reporter(name: str) -> str:
    """Who reported on a site: its own desk, or an officer by name."""
    return "この避難所の担当" if name.startswith("desk:") else f"本部 {name.removeprefix('staff:')}"
