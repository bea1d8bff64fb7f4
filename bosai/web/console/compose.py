"""Writing an order: a new one, the next version of one in force, or other contents for a draft. One form for all."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from aiohttp import web

from bosai.errors import BosaiError, InvalidInput, NotFound
from bosai.messages.catalogue import LANGS
from bosai.messages.notices import is_foretold
from bosai.model.alert import Act, AlertRecord, OrderKind, TsunamiClass
from bosai.model.staff import Permission, Session
from bosai.services.alerts import DraftForm
from bosai.services.order_rules import LEGAL_KINDS, MAX_FREE_TEXT_LENGTH, MAX_REASON_LENGTH
from bosai.services.zones import CELL_MARK, SAMPLE_MARK, ZoneCatalogue
from bosai.web.base import LANG_NAMES, realm_of, services
from bosai.web.console import prefill, words
from bosai.web.console.forms import FIELD_ORDER, FormInvalid, Typed, invalid, parsed
from bosai.web.console.page import moved, refused, show, wants_page
from bosai.web.console.refusals import Trouble
from bosai.web.console.session import signed_in
from bosai.web.geojson import area_feature
from bosai.web.map_pages import map_texts
from geodata.hazards import HazardKind

Save = Callable[[DraftForm], Awaitable[AlertRecord]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """One named area of the lists. `mark` says where it is no real border."""

    key: str
    label: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the form is for: where it posts to, what it changes, and who is told of it in its heading."""

    title: str
    action: str  # path, from /hq on
    base: AlertRecord | None = None  # the order in force an update replaces
    draft: AlertRecord | None = None  # the draft that is written anew


def routes() -> list[web.RouteDef]:
    """The form for new orders and updates, and for drafts."""
    new, edit = "/hq/alerts/new", r"/hq/alerts/{id}/{version:\d+}/edit"
    return [
        web.get(new, signed_in(new_page, Permission.DRAFT)),
        web.post(new, signed_in(new_post, Permission.DRAFT)),
        web.get(edit, signed_in(edit_page, Permission.DRAFT)),
        web.post(edit, signed_in(edit_post, Permission.DRAFT)),
        web.get("/hq/area.geojson", signed_in(chosen_geojson, Permission.DRAFT)),
    ]


async def new_page(request: web.Request, officer: Session) -> web.Response:
    """An empty form, or one filled from `?proposal=` and `?update=`."""
    work = await _work_of_new(request)
    zones = services(request).zones
    typed = Typed()
    missing: tuple[str, ...] = ()
    if work.base is not None:
        typed = await asyncio.to_thread(prefill.from_alert, work.base.alert, zones, keep_reason=False)
    if wanted := request.query.get("proposal"):
        record = await services(request).proposals.get(wanted)
        base = typed if work.base is not None else None
        typed = await asyncio.to_thread(prefill.from_proposal, record.proposal, zones, base)
        missing = prefill.missing_zones(record.proposal, zones)
    context = _context(request, work, typed, {}) | {"missing_zones": missing}
    return show(request, "compose.html", officer, **context)


async def new_post(request: web.Request, officer: Session) -> web.StreamResponse:
    """A new draft, or a draft of the next version."""
    work = await _work_of_new(request)
    alerts = services(request).alerts
    base = work.base

    async def save(form: DraftForm) -> AlertRecord:
        if base is not None:
            return await alerts.draft_update(officer, base.alert.alert_id, form)
        return await alerts.draft(officer, form)

    return await _save(request, officer, work, save)


async def edit_page(request: web.Request, officer: Session) -> web.StreamResponse:
    """The form that made a draft, as it was filled in."""
    work = await _work_of_edit(request)
    assert work.draft is not None
    typed = await asyncio.to_thread(
        prefill.from_alert, work.draft.alert, services(request).zones, keep_reason=True
    )
    return show(request, "compose.html", officer, **_context(request, work, typed, {}))


async def edit_post(request: web.Request, officer: Session) -> web.StreamResponse:
    """Other contents for a draft; an approval that was asked for is void."""
    work = await _work_of_edit(request)
    draft = work.draft
    assert draft is not None

    async def save(form: DraftForm) -> AlertRecord:
        return await services(request).alerts.redraft(officer, draft.alert.key, form)

    return await _save(request, officer, work, save)


async def chosen_geojson(request: web.Request, _officer: Session) -> web.Response:
    """The union of the areas `?zone=…&zone=…`, for the form's map: what is ticked is seen before it is saved."""
    keys = request.query.getall("zone", [])
    area = await asyncio.to_thread(services(request).zones.area, keys)
    feature = await asyncio.to_thread(area_feature, "chosen", area)
    return web.json_response(
        {"type": "FeatureCollection", "features": [feature]},
        content_type="application/geo+json",
        headers={"Cache-Control": "no-store"},
    )


async def _save(request: web.Request, officer: Session, work: Work, save: Save) -> web.StreamResponse:
    typed = Typed.of(await request.post())
    try:
        form = await asyncio.to_thread(parsed, typed, services(request).zones)
        record = await save(form)
    except FormInvalid as error:
        if not wants_page(request):
            raise next(iter(error.problems.values())) from None
        return show(
            request, "compose.html", officer, status=400, **_context(request, work, typed, error.problems)
        )
    except InvalidInput as error:
        if not wants_page(request):
            raise
        return show(
            request, "compose.html", officer, status=400, **_context(request, work, typed, invalid(error))
        )
    except BosaiError as error:
        return refused(request, "compose.html", officer, error, **_context(request, work, typed, {}))
    raise moved(request, f"/hq/alerts/{record.alert.alert_id}/{record.alert.version}", "drafted")


async def _work_of_new(request: web.Request) -> Work:
    alert_id = request.query.get("update")
    if not alert_id:
        return Work(title="新しい避難情報・お知らせの下書き", action="/hq/alerts/new")
    base = next(
        (one for one in await services(request).alerts.in_force() if one.alert.alert_id == alert_id), None
    )
    if base is None:
        raise NotFound("alert", alert_id)
    return Work(title="発令中の避難情報の更新", action=f"/hq/alerts/new?update={alert_id}", base=base)


async def _work_of_edit(request: web.Request) -> Work:
    alert_id, version = request.match_info["id"], request.match_info["version"]
    draft = await services(request).alerts.get(f"{alert_id}:{version}")
    if draft.alert.act is Act.LIFT:
        raise moved(request, f"/hq/alerts/{alert_id}/{version}/edit-lift")
    return Work(title="下書きの書き直し", action=f"/hq/alerts/{alert_id}/{version}/edit", draft=draft)


def _context(
    request: web.Request, work: Work, typed: Typed, problems: dict[str, InvalidInput]
) -> dict[str, Any]:
    zones = services(request).zones
    fixed_hazard = work.base.alert.hazard if work.base else None
    if work.draft is not None and work.draft.alert.act is Act.UPDATE:
        fixed_hazard = work.draft.alert.hazard
    return {
        "work": work,
        "missing_zones": (),
        "typed": replace(typed, hazard=fixed_hazard.value) if fixed_hazard else typed,
        "fixed_hazard": fixed_hazard,
        "problems": {name: Trouble.of(problems[name]) for name in FIELD_ORDER if name in problems}
        | {name: Trouble.of(one) for name, one in problems.items() if name not in FIELD_ORDER},
        "hazards": list(HazardKind),
        "kinds": list(OrderKind),
        "tsunami_classes": list(words.TSUNAMI),
        "tsunami_hint": _tsunami_hint(request),
        "groups": zone_groups(zones),
        "wards": _wards(zones),
        "has_translations": any(typed.free.get(lang, "").strip() for lang in LANGS if lang != "ja"),
        "langs": [(lang, LANG_NAMES[lang]) for lang in LANGS],
        "limits": {"reason": MAX_REASON_LENGTH, "free": MAX_FREE_TEXT_LENGTH},
        "bbox": services(request).settings.city.bbox_lonlat,
        "script_data": _script_data(request, zones),
        "CELL_MARK": CELL_MARK,
        "SAMPLE_MARK": SAMPLE_MARK,
    }


def zone_groups(zones: ZoneCatalogue) -> list[tuple[str, list[Zone]]]:
    """The short lists: tsunami evacuation areas, wards, JMA areas."""

    def fixed(key: str, approximate: bool) -> Zone:
        return Zone(key=key, label=zones.label(key), mark=SAMPLE_MARK if approximate else "")

    return [
        ("津波避難エリア", [fixed(key, area.approximate) for key, area in zones.tsunami().items()]),
        ("区", [Zone(key=f"ward:{ward}", label=ward, mark=CELL_MARK) for ward in zones.wards]),
        ("気象庁の警報の区域", [fixed(key, area.approximate) for key, area in zones.jma().items()]),
    ]


def _wards(zones: ZoneCatalogue) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Towns by ward: (key, name, words to filter by)."""
    rows = sorted(zones.towns.items(), key=lambda item: zones.wards.index(item[1].ward))
    return [
        (ward, [(key, town.name, f"{town.name} {town.kana} {town.romaji}".lower()) for key, town in items])
        for ward, items in groupby(rows, key=lambda item: item[1].ward)
    ]


def _script_data(request: web.Request, zones: ZoneCatalogue) -> dict[str, Any]:
    """What the page's script needs: which kinds go with which hazard, towns for orientation, the way to our data."""
    return {
        "prefix": realm_of(request).path_prefix,
        "legal": {
            hazard.value: sorted(kind.value for kind in kinds) for hazard, kinds in LEGAL_KINDS.items()
        },
        "foretold": {
            hazard.value: sorted(kind.value for kind in kinds if is_foretold(hazard, kind))
            for hazard, kinds in LEGAL_KINDS.items()
        },
        "bbox": list(services(request).settings.city.bbox_lonlat),
        "tiles": bool(services(request).settings.map.tile_url),
        "maps": map_texts("ja"),
        "towns": [[one.name, round(one.lon, 4), round(one.lat, 4)] for one in zones.towns.values()],
    }


def _tsunami_hint(request: web.Request) -> dict[TsunamiClass, str]:
    """Whom each class concerns by the city's rule, in the words of the lists."""
    rule, zones = services(request).settings.tsunami, services(request).zones
    named = {
        TsunamiClass.MAJOR_WARNING: rule.zones_major_warning,
        TsunamiClass.WARNING: rule.zones_warning,
        TsunamiClass.ADVISORY: rule.zones_advisory,
    }
    return {one: "、".join(zones.label(f"tsunami:{name}") for name in names) for one, names in named.items()}
