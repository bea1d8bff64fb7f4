"""One version on every other channel: the texts with their counters, to be copied or downloaded. Nothing is sent here.

Before the approval everything is a 下書き: to be read beside the decision, with no download. Figures of residents come
from the planner within a short wait; without them the texts say 集計中.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from bosai.channels.area_mail import AreaMail, area_mail
from bosai.channels.figures import AreaFigures, figures_of, figures_text
from bosai.channels.governor import Report, as_csv, as_json, as_text, report_of, report_rows, title_of
from bosai.channels.lalert import UNVERIFIED, lalert_file
from bosai.channels.loudspeaker import Broadcast, Reading, broadcast
from bosai.channels.press import Post, Release, japanese_post, release, translated_post
from bosai.errors import NotFound
from bosai.messages.catalogue import LANGS, is_draft
from bosai.model.alert import AlertRecord, AlertState, OrderKind
from bosai.model.staff import Session
from bosai.services.zones import ZoneCatalogue
from bosai.settings_channels import Channels
from bosai.web.base import LANG_NAMES, html_lang, realm_of, services
from bosai.web.console.orders import ORDER, key_of, path_of
from bosai.web.console.page import show
from bosai.web.console.session import signed_in
from bosai.web.console.words import actor
from geodata.places import PlaceIndex, ReadingStatus

_OPEN = (AlertState.DRAFT, AlertState.PENDING_APPROVAL, AlertState.WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class EveryChannel:
    """What one version says on each channel. report: None for an お知らせ."""

    mail: AreaMail
    spoken: Broadcast
    posts: tuple[Post, ...]
    release: Release
    report: Report | None
    figures: AreaFigures | None


def routes() -> list[web.RouteDef]:
    """The page, the printable report and the files."""
    return [
        web.get(ORDER + "/channels", signed_in(channels_page)),
        web.get(ORDER + "/channels/report", signed_in(report_page)),
        web.get(ORDER + r"/channels/{file:[a-z-]+\.[a-z]+}", signed_in(download)),
    ]


async def channels_page(request: web.Request, officer: Session) -> web.Response:
    """Every channel's text with its counter."""
    record = await services(request).alerts.get(key_of(request))
    said = await every_channel(request, record)
    return show(
        request,
        "channels.html",
        officer,
        record=record,
        alert=record.alert,
        path=path_of(request),
        is_open=record.state in _OPEN,
        is_released=record.released_at is not None,
        said=said,
        figures_text=figures_text(said.figures),
        wants_figures=_wants_figures(record),
        lang_names=LANG_NAMES,
        html_lang_of=html_lang,
        is_draft_lang=is_draft,
        unverified=UNVERIFIED,
        report_rows=report_rows(said.report) if said.report else [],
        AlertState=AlertState,
    )


async def report_page(request: web.Request, officer: Session) -> web.Response:
    """The report to the governor as a page to be printed. Raises NotFound for an お知らせ."""
    record = await services(request).alerts.get(key_of(request))
    said = await every_channel(request, record)
    if said.report is None:
        raise NotFound("report", record.alert.key)
    return show(
        request,
        "report.html",
        officer,
        record=record,
        alert=record.alert,
        path=path_of(request),
        is_open=record.state in _OPEN,
        title=title_of(said.report),
        rows=report_rows(said.report),
    )


async def download(request: web.Request, _officer: Session) -> web.Response:
    """One channel's file. Raises NotFound for a version that was never released, and for files that do not exist."""
    name = request.match_info["file"]
    record = await services(request).alerts.get(key_of(request))
    if record.released_at is None or name not in FILES:
        raise NotFound("file", name)
    content_type, make = FILES[name]
    said = await every_channel(request, record)
    body = await asyncio.to_thread(make, said, record, services(request).settings.channels)
    if body is None:
        raise NotFound("file", name)
    label = f"{realm_of(request).value}-{record.alert.alert_id}-{record.alert.version}-{name}"
    return web.Response(
        body=body,
        content_type=content_type,
        charset="utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{label}"',
            "Cache-Control": "no-store",
        },
    )


async def every_channel(request: web.Request, record: AlertRecord) -> EveryChannel:
    """All texts of a version, made off the event loop."""
    here = services(request)
    figures = None
    if _wants_figures(record):
        wait_s = here.settings.channels.figures_wait_s
        preview = await here.previews.request(record.alert, wait_s, counts_only=True)
        figures = figures_of(preview, here.settings.sources.population)
    return await asyncio.to_thread(render, record, here.settings.channels, here.zones, here.places, figures)


def render(
    record: AlertRecord,
    settings: Channels,
    zones: ZoneCatalogue,
    places: PlaceIndex,
    figures: AreaFigures | None,
) -> EveryChannel:
    """The same from values alone."""
    wards = zones.wards
    return EveryChannel(
        mail=area_mail(record, settings.area_mail, wards),
        spoken=broadcast(record, settings.loudspeaker, wards, readings_of(places, record.alert.area.names)),
        posts=(
            japanese_post(record, settings.press, wards, settings.page_url),
            *(translated_post(record, lang, settings.press) for lang in LANGS if lang != "ja"),
        ),
        release=release(record, settings.press, figures, settings.page_url),
        report=report_of(record, settings.governor, figures, actor=actor),
        figures=figures,
    )


def readings_of(places: PlaceIndex, names: tuple[str, ...]) -> Mapping[str, Reading]:
    """Readings of the towns that an area names, by the town's name within its ward."""
    wanted = set(names)
    return {
        town.name: Reading(kana=town.kana, checked=town.reading_status is ReadingStatus.CHECKED)
        for town in places.towns
        if town.kana and f"{town.ward}{town.name}" in wanted
    }


def _wants_figures(record: AlertRecord) -> bool:
    return record.alert.directs_people and record.alert.kind is not OrderKind.NOTICE


Make = Callable[[EveryChannel, AlertRecord, Channels], str | bytes | None]


def _posts(said: EveryChannel, _record: AlertRecord, _settings: Channels) -> str:
    blocks = [f"[{one.lang}]\n" + "\n\n".join(one.texts) for one in said.posts]
    return "\n\n----\n\n".join(blocks) + "\n"


def _of_report(write: Callable[[Report], str]) -> Make:
    return lambda said, _record, _settings: write(said.report) if said.report else None


FILES: dict[str, tuple[str, Make]] = {
    "area-mail.txt": ("text/plain", lambda said, *_: f"{said.mail.title}\n{said.mail.body}\n"),
    "loudspeaker.txt": ("text/plain", lambda said, *_: f"{said.spoken.text}\n"),
    "sns.txt": ("text/plain", _posts),
    "press.txt": ("text/plain", lambda said, *_: f"{said.release.text}\n"),
    "report.txt": ("text/plain", _of_report(as_text)),
    "report.csv": ("text/csv", _of_report(as_csv)),
    "report.json": ("application/json", _of_report(as_json)),
    "lalert-shaped.xml": (
        "application/xml",
        lambda _said, record, settings: lalert_file(record, settings.lalert),
    ),
}
"""File name → (type, what makes it); None: this version has none."""
