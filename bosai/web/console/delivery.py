"""How far messages have come, for the headquarters: stages, causes, towns, persons, push services, and a trial message.

/hq/delivery ─ by version and stage, causes, recall, push services, processes, one-time pairs, monthly checks
     ├─ /parts      the same again for the script        ├─ /towns, /towns.csv   by town (read less often)
     └─ /persons    one page of single deliveries        └─ /test                one message to the officer's browser
"""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from bosai.errors import InvalidInput
from bosai.model.instruction import Stage
from bosai.model.realm import Realm
from bosai.model.staff import Session
from bosai.ports import SystemClock
from bosai.push.vapid import VapidSigner
from bosai.services.delivery_report import (
    NOT_REACHED,
    DeliveryReport,
    lists_persons,
    sees_exact,
)
from bosai.services.trial_message import TrialMessages, open_push_session
from bosai.web.api import BrowserSubscription
from bosai.web.base import OPENED, realm_of, services
from bosai.web.console import words
from bosai.web.console.board import DELIVERY, health_rows
from bosai.web.console.causes import trial_words
from bosai.web.console.delivery_lines import check_counts, endings, origin_line, versions
from bosai.web.console.funnel import COLUMNS, cause_rows, funnel, persons_of, town_lines
from bosai.web.console.page import show
from bosai.web.console.session import signed_in
from bosai.web.parsing import json_body
from bosai.web.resident import page_config
from bosai.wiring import host_policy, told_sealer

REPORTS: web.AppKey[dict[Realm, DeliveryReport]] = web.AppKey("REPORTS", dict)
TRIALS: web.AppKey[dict[Realm, TrialMessages]] = web.AppKey("TRIALS", dict)
CSV_NAME = "not-reached-by-town.csv"


def routes() -> list[web.RouteDef]:
    """The page, its parts, and what leads off it."""
    return [
        web.get("/hq/delivery", signed_in(page)),
        web.get("/hq/delivery/parts", signed_in(parts)),
        web.get("/hq/delivery/towns", signed_in(towns)),
        web.get("/hq/delivery/towns.csv", signed_in(towns_csv)),
        web.get("/hq/delivery/persons", signed_in(persons)),
        web.post("/hq/delivery/test", signed_in(send_trial)),
    ]


async def opened(app: web.Application) -> AsyncIterator[None]:
    """Reports and trial messages of both sides while the server runs (a cleanup context, after the services)."""
    wired = app[OPENED]
    push, hosts = wired.settings.push, host_policy(wired.settings)
    app[REPORTS] = {
        realm: DeliveryReport(wired.redis, realm, wired.clock, told_sealer(wired.secrets.realm(realm.value)))
        for realm in Realm
    }
    async with open_push_session(
        hosts,
        connect_timeout_s=push.connect_timeout_s,
        total_timeout_s=push.total_timeout_s,
        ca_file=push.ca_file,
        proxy=push.proxy,
    ) as session:
        app[TRIALS] = {
            realm: TrialMessages(
                realm,
                SystemClock(),
                session=session,
                vapid=VapidSigner(
                    wired.secrets.realm(realm.value).vapid_private_pem,
                    wired.settings.city.contact_vapid_sub,
                    push.vapid_token_min * 60,
                ),
                hosts=hosts,
                audit=wired.realms[realm].audit,
                proxy=push.proxy,
            )
            for realm in Realm
        }
        yield


def report_of(request: web.Request) -> DeliveryReport:
    """The reports of this request's side."""
    return request.config_dict[REPORTS][realm_of(request)]


async def page(request: web.Request, officer: Session) -> web.Response:
    """The page."""
    here = services(request)
    return show(
        request,
        "delivery.html",
        officer,
        **await _situation(request, officer),
        page_config=page_config(request, None),
        contact_missing=here.settings.city.contact_is_placeholder,
    )


async def parts(request: web.Request, officer: Session) -> web.Response:
    """The page's changing parts alone."""
    return show(request, "_delivery_parts.html", officer, **await _situation(request, officer))


async def towns(request: web.Request, officer: Session) -> web.Response:
    """Everybody by town."""
    report, exact = report_of(request), sees_exact(officer)
    incident = await report.incident()
    found = await report.by_town(incident)
    return show(
        request,
        "delivery_towns.html",
        officer,
        is_over=await _is_over(request, incident),
        exact=exact,
        columns=COLUMNS,
        lines=town_lines(found.towns, exact=exact),
        most_bytes=found.most_bytes if exact else None,
        read_at=found.at,
    )


async def towns_csv(request: web.Request, officer: Session) -> web.Response:
    """Not reached by town, as a table for other programs: for the headquarters one row per town and cause."""
    report, exact = report_of(request), sees_exact(officer)
    found = await report.by_town(await report.incident())
    lines = town_lines(found.towns, exact=exact)
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\r\n").writerow
    write(["町", "原因", "送れなかった人"] if exact else ["町", "送れなかった人"])
    for line in lines:
        if exact:
            for cause, count in line.causes:
                write([_cell(line.name), _cell(cause), count])
        elif line.not_reached != 0:
            write([_cell(line.name), words.figure(line.not_reached)])
    return web.Response(
        body=b"\xef\xbb\xbf" + text.getvalue().encode(),  # spreadsheets take it for UTF-8 only with this mark
        content_type="text/csv",
        charset="utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{CSV_NAME}"',
            "Cache-Control": "no-store",
        },
    )


async def persons(request: web.Request, officer: Session) -> web.Response:
    """One page of single deliveries, not reached unless a stage is asked for."""
    report, query = report_of(request), request.query
    asked = query.get("stage", "")
    incident = await report.incident()
    page = await report.persons(officer, incident, _stages(asked), query.get("after", "")[:80])
    return show(
        request,
        "delivery_persons.html",
        officer,
        is_over=await _is_over(request, incident),
        persons=page,
        asked=asked,
        stages=[*Stage],
        first="after" not in query,
    )


async def send_trial(request: web.Request, officer: Session) -> web.Response:
    """One trial message to the browser that asks; what its push service said, in words."""
    wanted = await json_body(request, BrowserSubscription)
    answer = await request.config_dict[TRIALS][realm_of(request)].send(officer, wanted.target())
    return web.json_response(
        {
            "status": answer.status,
            "cause": answer.cause,
            "took_ms": answer.took_ms,
            "text": trial_words(answer.status, answer.cause, answer.origin, answer.took_ms),
        },
        headers={"Cache-Control": "no-store"},
    )


async def _situation(request: web.Request, officer: Session) -> dict[str, Any]:
    here, report, exact = services(request), report_of(request), sees_exact(officer)
    now, incident = here.clock.now(), await report.incident()
    counted = await report.counted(incident)
    records = {one.alert.key: one for one in await here.alert_store.many(counted.alert_keys)}
    tally = counted.by_stage()
    people = persons_of(tally, exact=exact)
    sending = await report.sending()
    return {
        "incident": incident,
        "is_open": await here.alert_store.incident() == incident,
        "exact": exact,
        "may_list": lists_persons(officer),
        "columns": COLUMNS,
        "people": people,
        "funnel": funnel(tally, exact=exact),
        "versions": versions(counted, records) if exact else [],
        "causes": cause_rows(counted, exact=exact),
        "bytes_sent": counted.bytes_sent if people is not None else None,
        "endings": endings(counted, await here.alert_store.recent_ended(incident))
        if exact and incident
        else [],
        "origins": [origin_line(one, now) for one in sending.origins],
        "processes": [one for one in await health_rows(request) if one.part.startswith(f"{DELIVERY}:")],
        "pairs": sending.pairs,
        "checks": sending.checks[:3],
        "check_counts": check_counts,
    }


async def _is_over(request: web.Request, incident: str) -> bool:
    """True when the numbers are those of an incident that has ended."""
    return incident not in ("", await services(request).alert_store.incident())


def _stages(asked: str) -> tuple[Stage, ...]:
    if not asked:
        return NOT_REACHED
    try:
        return (Stage(asked),)
    except ValueError:
        raise InvalidInput("stage", "unknown_value", asked[:40]) from None


def _cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
