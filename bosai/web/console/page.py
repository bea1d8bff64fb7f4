"""How the console shows a page and a refusal: always Japanese, the typed text kept, the field named."""

from typing import Any

from aiohttp import web

from bosai.errors import BosaiError, TooManyTries
from bosai.model.staff import Permission, Session
from bosai.web.base import realm_of, render, services
from bosai.web.console import words
from bosai.web.console.banners import BANNERS
from bosai.web.console.refusals import Trouble

DONE = {
    "drafted": "下書きを保存しました。",
    "submitted": "承認を求めました。起案に関わっていない承認者が確認します。",
    "sent_back": "下書きに差し戻しました。",
    "withdrawn": "取り下げました。何も送られていません。",
    "released": "発令しました。配信を始めています。",
    "noticed": "お知らせを送りました。配信を始めています。",
    "lifted": "解除しました。配信を始めています。",
    "ended": "お知らせを終了しました。配信を始めています。",
    "at_once_already": "すでに出ています。新しくは送っていません。",
    "at_once_stopped": "津波の自動発信を止めました。",
    "at_once_resumed": "津波の自動発信を再開しました。",
    "pre_asked": "事前承認を求めました。ほかの承認者が確認します。",
    "pre_approved": "事前承認しました。",
    "pre_withdrawn": "事前承認を取りやめました。",
    "recalled": "取消を実施しました。受け取った人へ取消を送っています。",
    "reviewed": "このまま継続することを記録しました。",
    "lag_answered": "判断を記録しました。発表が続けば、また確かめます。",
    "dismissed": "提案を採用しないことを記録しました。",
    "reported": "避難所の状態を記録しました。",
    "revoked": "避難所担当用リンクを失効させました。",
    "hand_set": "行き先の調整を加えました。計画に反映されます。",
    "hand_lifted": "行き先の調整を取りやめました。計画に反映されます。",
    "failed": "使用不可を記録しました。向かっている人へ、別の行き先を伝えます。",
    "code_revoked": "利用コードを失効させました。",
    "disabled": "登録を止めました。",
    "telegram_seen": "電文を確認したことを記録しました。",
    "signed_out": "サインアウトしました。",
}
"""Sentences a redirect may ask for by name (`?done=`); no text ever comes from an address."""


def wants_page(request: web.Request) -> bool:
    """True for a browser's navigation or form; others get problem documents from the middleware."""
    return "text/html" in request.headers.get("Accept", "")


def show(
    request: web.Request, template: str, officer: Session | None, *, status: int = 200, **context: Any
) -> web.Response:
    """The page `console/<template>` for this officer (None: nobody is signed in)."""
    response = render(
        request,
        f"console/{template}",
        status=status,
        officer=officer,
        w=words,
        P=Permission,
        now=services(request).clock.now(),
        done=DONE.get(request.query.get("done", ""), ""),
        banners=request.get(BANNERS, ()),
        **context,
    )
    response.headers["Content-Language"] = "ja"
    return response


def refused(
    request: web.Request, template: str, officer: Session | None, error: BosaiError, **context: Any
) -> web.Response:
    """The page again with what stopped it. Re-raised for a program, which gets a problem document."""
    if not wants_page(request):
        raise error
    trouble = Trouble.of(error)
    response = show(request, template, officer, status=trouble.status, trouble=trouble, **context)
    if isinstance(error, TooManyTries):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def moved(request: web.Request, path: str, done: str = "") -> web.HTTPSeeOther:
    """After a change: look at the result (so that a reload repeats nothing). `path` starts with /hq."""
    return web.HTTPSeeOther(f"{realm_of(request).path_prefix}{path}" + (f"?done={done}" if done else ""))
