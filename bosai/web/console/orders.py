"""One version of one order: what would go out, who is inside, and the two persons' steps until it is released.

draft ─▶ [承認を求める] ─▶ the other officer: same page, typed words, the hash of what was shown ─▶ released
"""

import asyncio
from datetime import timedelta
from typing import Any

from aiohttp import web

from bosai.errors import BosaiError, NotFound
from bosai.messages.advice import AdviceText, render_advice
from bosai.messages.catalogue import LANGS, is_draft
from bosai.model.alert import Act, AlertRecord, AlertState, OrderKind
from bosai.model.instruction import Instruction, MessageKind
from bosai.model.staff import Permission, Session
from bosai.services.delivery_report import sees_exact
from bosai.services.previews import Preview
from bosai.web.base import LANG_NAMES, html_lang, realm_of, services
from bosai.web.console.funnel import not_reached_of, stage_rows
from bosai.web.console.page import moved, refused, show
from bosai.web.console.preview_view import view_of
from bosai.web.console.session import signed_in
from bosai.web.geojson import area_feature
from bosai.web.map_pages import map_texts
from shelters.model import Action, ReasonCode

ORDER = r"/hq/alerts/{id}/{version:\d+}"


def routes() -> list[web.RouteDef]:
    """The page of a version and its steps."""
    return [
        web.get(r"/hq/alerts/{id:(?!new$)[^/]+}", signed_in(newest)),
        web.get(ORDER, signed_in(order_page)),
        web.get(ORDER + "/preview", signed_in(preview_part)),
        web.get(ORDER + "/area.geojson", signed_in(area_geojson)),
        web.post(ORDER + "/submit", signed_in(submit)),
        web.post(ORDER + "/approve", signed_in(approve)),
        web.post(ORDER + "/send-back", signed_in(send_back)),
        web.post(ORDER + "/withdraw", signed_in(withdraw)),
    ]


async def newest(request: web.Request, _officer: Session) -> web.StreamResponse:
    """The newest version of an order."""
    history = await services(request).alerts.history(request.match_info["id"])
    raise moved(request, f"/hq/alerts/{request.match_info['id']}/{history[-1].alert.version}")


async def order_page(request: web.Request, officer: Session) -> web.Response:
    """The version; with `?preview=1` the figures too, for browsers without script."""
    context = await _context(request, officer)
    shown: dict[str, Any] = {}
    if "preview" in request.query:
        preview = await services(request).alerts.preview(officer, key_of(request))
        shown = _shown(request, officer, preview)
    return show(request, "order.html", officer, **context | shown)


async def preview_part(request: web.Request, officer: Session) -> web.Response:
    """The figures alone: persons inside, what they would be told, seats. Never longer than the planner's 5 s."""
    preview = await services(request).alerts.preview(officer, key_of(request))
    return show(request, "_preview.html", officer, **_shown(request, officer, preview))


async def area_geojson(request: web.Request, _officer: Session) -> web.Response:
    """The area of this version, draft or not, for the page's map."""
    record = await services(request).alerts.get(key_of(request))
    feature = await asyncio.to_thread(area_feature, record.alert.key, record.alert.area)
    return web.json_response(
        {"type": "FeatureCollection", "features": [feature]},
        content_type="application/geo+json",
        headers={"Cache-Control": "no-store"},
    )


async def submit(request: web.Request, officer: Session) -> web.StreamResponse:
    """Ask for approval of exactly what was shown."""
    form = await request.post()
    try:
        await services(request).alerts.submit(officer, key_of(request), str(form.get("decision_hash", "")))
    except BosaiError as error:
        return await _refused(request, officer, error)
    raise moved(request, path_of(request), "submitted")


async def approve(request: web.Request, officer: Session) -> web.StreamResponse:
    """Release what was shown, with the words typed. Everything is checked in the service, once more."""
    form = await request.post()
    typed = str(form.get("typed", ""))
    try:
        record = await services(request).alerts.approve(
            officer, key_of(request), str(form.get("decision_hash", "")), typed
        )
    except BosaiError as error:
        return await _refused(request, officer, error, typed=typed)
    raise moved(request, path_of(request), _done(record))


async def send_back(request: web.Request, officer: Session) -> web.StreamResponse:
    """Back to the drafter, with the reason."""
    form = await request.post()
    note = str(form.get("note", ""))
    try:
        await services(request).alerts.send_back(officer, key_of(request), note)
    except BosaiError as error:
        return await _refused(request, officer, error, note=note)
    raise moved(request, path_of(request), "sent_back")


async def withdraw(request: web.Request, officer: Session) -> web.StreamResponse:
    """Give a draft up."""
    try:
        await services(request).alerts.withdraw(officer, key_of(request))
    except BosaiError as error:
        return await _refused(request, officer, error)
    raise moved(request, path_of(request), "withdrawn")


def _done(record: AlertRecord) -> str:
    """The sentence for what a release did; an お知らせ is no order."""
    is_notice = record.alert.kind is OrderKind.NOTICE
    if record.alert.act is Act.LIFT:
        return "ended" if is_notice else "lifted"
    return "noticed" if is_notice else "released"


def key_of(request: web.Request) -> str:
    """`alert_id:version` of the address. Raises NotFound for a number that cannot be a version."""
    version = request.match_info["version"]
    if len(version) > 6:
        raise NotFound("alert", request.match_info["id"])
    return f"{request.match_info['id']}:{int(version)}"


def path_of(request: web.Request) -> str:
    """The page of the version."""
    return f"/hq/alerts/{request.match_info['id']}/{request.match_info['version']}"


async def _refused(
    request: web.Request, officer: Session, error: BosaiError, *, typed: str = "", note: str = ""
) -> web.Response:
    context = await _context(request, officer)
    return refused(request, "order.html", officer, error, **context | {"typed": typed, "note": note})


async def _context(request: web.Request, officer: Session) -> dict[str, Any]:
    here = services(request)
    record = await here.alerts.get(key_of(request))
    alert = record.alert
    history = await here.alerts.history(alert.alert_id)
    released = record.released_at is not None and record.incident is not None
    travel = await _delivery(request, officer, record.incident) if released and record.incident else {}
    hands = tuple(dict.fromkeys((alert.drafter, *record.editors)))
    return {
        "record": record,
        "alert": alert,
        "path": path_of(request),
        "history": history,
        "base": next((one for one in history if one.alert.key in alert.references), None),
        "is_open": record.state in (AlertState.DRAFT, AlertState.PENDING_APPROVAL),
        "in_force": record.state is AlertState.ISSUED and alert.directs_people,
        "hands": hands,
        "has_hand": officer.name in hands,
        "may_approve": officer.may(Permission.APPROVE) and officer.name not in hands,
        "confirmation": here.alerts.confirmation_words(record),
        "texts": [
            (lang, LANG_NAMES[lang], html_lang(lang), alert.texts[lang], is_draft(lang))
            for lang in LANGS
            if lang in alert.texts
        ],
        "lock_screens": _lock_screens(request, record),
        "planned": await here.alert_store.planned(alert.key) if released else False,
        **(_NO_TRAVEL | travel),
        "preview": None,
        "typed": "",
        "note": "",
        "Act": Act,
        "AlertState": AlertState,
        "OrderKind": OrderKind,
        "script_data": {
            "prefix": realm_of(request).path_prefix,
            "area": f"{realm_of(request).path_prefix}{path_of(request)}/area.geojson",
            "bbox": list(here.settings.city.bbox_lonlat),
            "tiles": bool(here.settings.map.tile_url),
            "maps": map_texts("ja"),
        },
    }


_NO_TRAVEL: dict[str, Any] = {"tally": [], "not_reached": 0, "exact": True}


async def _delivery(request: web.Request, officer: Session, incident: str) -> dict[str, Any]:
    """How far messages have come, and how many none will reach; who and why stands on the page of delivery."""
    tally, exact = await services(request).instructions.tally(incident), sees_exact(officer)
    return {
        "tally": stage_rows(tally, exact=exact),
        "not_reached": not_reached_of(tally, exact=exact),
        "exact": exact,
    }


def _shown(request: web.Request, officer: Session, preview: Preview) -> dict[str, Any]:
    """A preview for this officer's eyes; the source of the residents' figures beside them where there are any."""
    return {
        "preview": preview,
        "view": view_of(preview, exact=sees_exact(officer)),
        "sources": services(request).settings.sources.population if preview.knows_residents else "",
    }


def _lock_screens(request: web.Request, record: AlertRecord) -> list[tuple[str, AdviceText]]:
    """The notification a phone would show before its own destination is known, in Japanese and English."""
    here = services(request)
    now = here.clock.now()
    sample = Instruction(
        subscription_id="",
        incident=record.incident or "",
        seq=1,
        place_id=None,
        message=_MESSAGES.get(record.alert.act, MessageKind.PROVISIONAL),
        action=None if not record.alert.directs_people else _first_action(record),
        alert_key=record.alert.key,
        danger_class=0,
        reasons=(ReasonCode.PROVISIONAL.value,) if record.alert.directs_people else (),
        plan_id="",
        decided_at=now,
        stale_at=now + timedelta(hours=1),
        meaning="",
    )
    return [
        (lang, render_advice(sample, record, here.realm, lang, now=now)) for lang in ("ja", "ja-x-easy", "en")
    ]


_MESSAGES = {Act.LIFT: MessageKind.LIFTED, Act.RECALL: MessageKind.RECALLED}


def _first_action(record: AlertRecord) -> Action:
    if record.alert.is_tsunami_call:
        return Action.INLAND
    match record.alert.kind:
        case OrderKind.EMERGENCY_SAFETY:
            return Action.UP
        case OrderKind.ELDERLY_ETC | OrderKind.NOTICE:
            return Action.PREPARE
        case _:
            return Action.GO
