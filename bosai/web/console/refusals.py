"""What stopped an officer or shelter staff, in Japanese: the fact, the field as the page names it, the mend."""

import re
from dataclasses import dataclass

from bosai.errors import (
    BosaiError,
    InvalidInput,
    NotAllowed,
    TooManyTries,
    WrongSecret,
    WrongState,
    outcome_of,
)
from bosai.messages.error_texts import error_text
from bosai.model.alert import AlertState
from bosai.web.base import LANG_NAMES

FIELDS = {
    "hazard": "災害の種類",
    "kind": "種類",
    "tsunami_class": "気象庁の発表（津波）",
    "area": "対象の区域",
    "area_name": "描いた区域の名前",
    "area.names": "区域の名前",
    "reason": "理由",
    "expected_arrival_at": "到達予想時刻",
    "review_after_min": "見直しまでの分",
    "texts_free": "市からの一文",
    "note": "差し戻しの理由",
    "heard": "何で知ったか",
    "name": "名前",
    "role": "役割",
    "password": "パスワード",
    "opening": "開設の状態",
    "present_persons": "人数",
    "crowding": "混み具合",
    "event_at": "報告の時刻",
    "site": "避難所",
    "town": "町名",
    "since": "揺れた時刻",
    "checked": "建物の点検",
    "outages": "使えない設備",
    "households": "使える端末の数",
    "code": "利用コード",
    "where": "場所",
    "pace": "歩く速さ",
    "floor": "階",
    "structure": "建物",
    "persons": "人数",
    "need": "必要な設備",
}
_GEOMETRY = "{japanese}"
PROBLEMS = {
    "missing": "「{field}」を入れてください。{japanese}",
    "too_long": "「{field}」は{detail}字までです。",
    "too_short": "「{field}」は{detail}字以上にしてください。",
    "too_many": "「{field}」は{detail}個までです。",
    "not_a_number": "「{field}」は数字で入れてください（入力：{detail}）。",
    "out_of_range": "「{field}」が使える範囲の外です（{detail}）。",
    "negative": "「{field}」は0以上にしてください。",
    "unknown_value": "「{field}」は選べる値ではありません（{detail}）。",
    "unknown_town": "「{field}」の町が分かりません。{japanese}",
    "unreadable": "「{field}」を読み取れません（{detail}）。",
    "no_time_zone": "「{field}」に時差（+09:00）を付けてください。",
    "not_for_this_hazard": "「{field}」は、この災害の種類では選べません。選び直してください。",
    "differs_from_order": "発令中のものと災害の種類が違います。別の災害は、新しい下書きにしてください。",
    "empty_area": "対象の区域がありません。一覧から選ぶか、3点以上で囲んでください。{japanese}",
    "unknown_zone": "選べない区域が入っています（{detail}）。一覧から選び直してください。",
    "bad_geometry": _GEOMETRY,
    "bad_position": _GEOMETRY,
    "self_crossing": _GEOMETRY,
    "outside_city": _GEOMETRY,
    "lat_lon_swapped": _GEOMETRY,
    "too_few_points": _GEOMETRY,
    "too_many_vertices": _GEOMETRY,
    "not_printable": "「{field}」に使えない文字が入っています。",
    "not_public": "「{detail}」は一般の人を案内しない施設です。",
    "not_welfare": "「{detail}」は福祉避難所ではありません。",
    "wording": "「{field}」の言い方を直してください。{japanese}",
    "bad_account_name": "「名前」は半角の英小文字・数字・「-」「_」「.」で、3〜32字にしてください。",
    "taken": "「{detail}」はもう使われています。別の名前にしてください。",
    "own_account": "自分の登録は止められません。ほかの管理者に頼んでください。",
    "needs_confirmation": "{detail}人は収容の2倍を超えます。間違いなければ、10分以内に同じ数をもう一度送ってください。",
}
STATES = {
    AlertState.DRAFT: "下書き",
    AlertState.PENDING_APPROVAL: "承認待ち",
    AlertState.WITHDRAWN: "取り下げ",
    AlertState.ISSUED: "発令中",
    AlertState.SUPERSEDED: "更新済み",
    AlertState.LIFTED: "解除済み",
    AlertState.RECALLED: "取消済み",
}
_STATE_WORDS = {one.value: word for one, word in STATES.items()} | {
    "lift": "解除を実施",
    "recall": "取消を実施",
    "open": "未処理",
    "adopted": "採用済み",
    "dismissed": "不採用",
    "never": "未承認",
    "void": "事前承認が無効",
    "unmade": "区域がなく作れない",
}
PERMISSIONS = {
    "see": "閲覧",
    "report_site": "避難所の報告",
    "draft": "起案",
    "approve": "承認",
    "recall": "取消",
    "steer": "行き先の調整（本部）",
    "exclude_site": "避難所を案内から外す",
    "welfare_codes": "福祉避難所の利用コード",
    "manage_desks": "避難所担当用リンクの管理",
    "manage_staff": "職員の管理",
    "read_audit": "記録の閲覧",
    "list_persons": "登録ごとの配信の閲覧（承認者・管理者・監査）",
}
_JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-鿿]")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A refusal as a page shows it. `field` is the service's name of the field, "" when it is about none."""

    title: str
    detail: str
    mend: str
    field: str
    status: int

    @classmethod
    def of(cls, error: BosaiError) -> "Trouble":
        """The sentences for `error`."""
        said = error_text(error, "ja")
        title, detail, mend, field = said.title, said.detail, said.mend, ""
        match error:
            case InvalidInput():
                field = error.field
                detail = _problem(error) or detail
                mend = "直して、もう一度送ってください。"
            case WrongState():
                detail = f"今の状態は「{_STATE_WORDS.get(error.state, error.state)}」です。"
            case NotAllowed():
                detail = f"必要な権限：{PERMISSIONS.get(error.permission, error.permission)}"
            case WrongSecret():
                title, mend = "リンクか暗証番号が違います", "災害対策本部に確かめてください。"
            case TooManyTries() if error.retry_after_s >= 120:
                mend = f"{-(-error.retry_after_s // 60)}分ほど待ってから、もう一度お試しください。"
        return cls(title, detail, mend, field, outcome_of(error).status)


def field_word(name: str) -> str:
    """The field as the page names it."""
    if name.startswith("texts_free."):
        lang = name.partition(".")[2]
        return f"{FIELDS['texts_free']}（{LANG_NAMES.get(lang, lang)}）"
    return FIELDS.get(name, name)


def _problem(error: InvalidInput) -> str:
    if (error.field, error.problem) == ("undo", "missing"):
        return "取り消せる報告がありません。"
    template = PROBLEMS.get(error.problem)
    if template is None:
        return ""
    # Details of services are words for officers, or bare facts that only some sentences have a place for.
    japanese = error.detail.removeprefix("geometry：") if _JAPANESE.search(error.detail) else ""
    return template.format(field=field_word(error.field), detail=error.detail, japanese=japanese).strip()
