"""The console of the disaster headquarters, under `/hq/` and again under `/drill/hq/`. Japanese; works without script.

    sign-in ─▶ board ─▶ compose ─▶ one version: preview ▸ 承認を求める ▸ typed words by another officer ─▶ 発令
                  ▲                     └─▶ 更新 │ 解除 │ 取消: three pages, three buttons
                  └── proposals of JMA's (気象庁発表), orders in force, delivery, sites, health

    session.py   cookie, sign-in, the guard of every page         page.py      show, refuse, move on
    board.py     the situation                                     words.py, causes.py   Japanese for each value
    delivery.py  how far messages have come ─ funnel.py (counts)
    compose.py   the form ─ forms.py (parse) ─ prefill.py          orders.py    one version and its steps
    endings.py   解除, 取消, 見直し                                  refusals.py  what stopped it, in Japanese
    hand.py      行き先の調整: what HQ asks of the plan             explain.py  案内の理由
    channels.py  one version on every other channel: mail, loudspeaker, press, governor, L-Alert's shape
    telegrams.py 電文: what came, what it changed                   source_rows.py, telegram_words.py
    lag.py       判断待ち: danger that no order answers             banners.py  what every page says first
                                                                    audit.py, sites.py, officers.py, qr.py

Handlers parse, call one service and render; who may do what is decided in the services.
"""

from aiohttp import web

from bosai.web.console import (
    at_once,
    audit,
    board,
    channels,
    compose,
    delivery,
    endings,
    explain,
    hand,
    lag,
    officers,
    orders,
    session,
    sites,
    telegrams,
)


def routes() -> list[web.RouteDef]:
    """Every route of the console, for one side. Fixed paths stand before those with a name in them."""
    parts = (
        session,
        board,
        delivery,
        compose,
        endings,
        audit,
        sites,
        hand,
        at_once,
        lag,
        telegrams,
        explain,
        officers,
        channels,
        orders,
    )
    return [route for part in parts for route in part.routes()]
