"""津波の自動発信: the two taps while the feed is silent, the switch, and the pre-approvals of quiet times.

    [大津波警報] ─▶ what goes out, to whom ─▶ [送る]        two taps; the texts are those that two officers approved
    自動発信を止める／再開する │ 事前承認: 求める ─▶ 承認する（another officer, typed words）─▶ 取りやめる

Nothing here waits for the planner: how many are inside comes beside the text when it answers.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bosai.errors import BosaiError, InvalidInput, NotFound
from bosai.messages.catalogue import LANGS, is_draft
from bosai.model.alert import AlertRecord, OrderKind, TsunamiClass
from bosai.model.staff import Permission, Session
from bosai.services.at_once import AtOnceSituation
from bosai.services.at_once_content import RANKS, kind_word, ready_words
from bosai.services.at_once_release import HEARD, HeardFrom, Source, ready_version
from bosai.services.at_once_rules import AT_ONCE, gravest, split
from bosai.services.at_once_watch import held_words, readiness_words, troubles_of
from bosai.services.delivery_report import sees_exact
from bosai.services.pre_approvals import ClassState, Readiness
from bosai.services.previews import Preview
from bosai.services.small_counts import total_without_small
from bosai.stores.at_once import PreApproval
from bosai.web.base import LANG_NAMES, html_lang, services
from bosai.web.console.page import moved, refused, show
from bosai.web.console.session import signed_in

PATH = "/hq/at-once"
ONE = PATH + r"/{class:advisory|warning|major_warning}"
PEOPLE_WAIT_S = 3.0
REASON_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCard:
    """One class as the page shows it. `standing`: what makes a tap needless; `raises`: what a tap would replace."""

    state: ClassState
    problem: str
    words: str
    kind: str
    standing: AlertRecord | None
    raises: AlertRecord | None
    beside: bool
    texts: tuple[tuple[str, str, str, Any, bool], ...]

    @property
    def can_start(self) -> bool:
        """Whether the two taps lead anywhere."""
        return self.state.readiness is Readiness.READY and self.standing is None


def routes() -> list[web.RouteDef]:
    """The page, the confirming page of a class, and what the forms do."""
    return [
        web.get(PATH, signed_in(at_once_page)),
        web.post(PATH + "/stop", signed_in(stop)),
        web.post(PATH + "/resume", signed_in(resume)),
        web.get(ONE, signed_in(confirm_page)),
        web.get(ONE + "/people", signed_in(people_part)),
        web.post(ONE + "/start", signed_in(start)),
        web.post(ONE + "/ask", signed_in(ask)),
        web.post(ONE + "/approve", signed_in(approve)),
        web.post(ONE + "/withdraw", signed_in(withdraw)),
    ]


async def at_once_page(request: web.Request, officer: Session) -> web.Response:
    """Everything about it."""
    return show(request, "at_once.html", officer, **await _context(request))


async def confirm_page(request: web.Request, officer: Session) -> web.Response:
    """The second tap: what goes out and where; with `?people=1` the count too, for browsers without script."""
    context = await _one(request)
    if "people" in request.query:
        context |= await _people(request, officer)
    return show(request, "at_once_start.html", officer, **context)


async def people_part(request: web.Request, officer: Session) -> web.Response:
    """How many are inside, for the page's script; nobody waits for it."""
    return show(request, "_at_once_people.html", officer, **await _people(request, officer))


async def start(request: web.Request, officer: Session) -> web.StreamResponse:
    """Send it. A second tap finds what the first one sent."""
    form = await request.post()
    heard = str(form.get("heard", ""))
    try:
        if heard not in {one.value for one in HeardFrom}:
            raise InvalidInput("heard", "unknown_value" if heard else "missing", heard[:20])
        record = await services(request).at_once.start(
            officer, _class(request), HeardFrom(heard), str(form.get("hash", ""))
        )
    except BosaiError as error:
        return refused(
            request, "at_once_start.html", officer, error, **await _one(request) | {"heard": heard}
        )
    done = "noticed" if record.alert.kind is OrderKind.NOTICE else "released"
    if record.alert.drafter != AT_ONCE or record.approver != officer.name:
        done = "at_once_already"  # somebody, or the feed, was quicker: this tap sent nothing
    raise moved(request, f"/hq/alerts/{record.alert.alert_id}/{record.alert.version}", done)


async def stop(request: web.Request, officer: Session) -> web.StreamResponse:
    """Nothing goes out by itself any more."""
    return await _do(
        request,
        officer,
        "stop",
        lambda reason: services(request).at_once.stop(officer, reason),
        "at_once_stopped",
    )


async def resume(request: web.Request, officer: Session) -> web.StreamResponse:
    """It goes out by itself again."""
    return await _do(
        request,
        officer,
        "resume",
        lambda reason: services(request).at_once.resume(officer, reason),
        "at_once_resumed",
    )


async def ask(request: web.Request, officer: Session) -> web.StreamResponse:
    """Ask a second officer."""
    form = await request.post()
    kind, seen = _class(request), str(form.get("hash", ""))

    async def asked(_: str) -> object:
        return await services(request).at_once.pre_approvals.ask(officer, kind, seen)

    return await _do(request, officer, f"ask-{kind}", asked, "pre_asked")


async def approve(request: web.Request, officer: Session) -> web.StreamResponse:
    """The second officer's word."""
    form = await request.post()
    kind, seen, typed = _class(request), str(form.get("hash", "")), str(form.get("typed", ""))

    async def approved(_: str) -> object:
        return await services(request).at_once.pre_approvals.approve(officer, kind, seen, typed)

    return await _do(request, officer, f"approve-{kind}", approved, "pre_approved")


async def withdraw(request: web.Request, officer: Session) -> web.StreamResponse:
    """What was approved, or asked for, holds no more."""
    kind = _class(request)
    return await _do(
        request,
        officer,
        f"withdraw-{kind}",
        lambda reason: services(request).at_once.pre_approvals.withdraw(officer, kind, reason),
        "pre_withdrawn",
    )


async def taps(request: web.Request, officer: Session) -> list[ClassCard]:
    """The classes that this officer may send in two taps from the board, the gravest first."""
    if not officer.may(Permission.APPROVE):
        return []
    situation = await services(request).at_once.situation()
    cards = [card_of(one, situation) for one in situation.classes.values()]
    return [one for one in cards if one.can_start]


# ---- inside -----------------------------------------------------------------------------------------


async def _do(
    request: web.Request,
    officer: Session,
    which: str,
    act: Callable[[str], Awaitable[object]],
    done: str,
) -> web.StreamResponse:
    form = await request.post()
    try:
        await act(str(form.get("reason", "")))
    except BosaiError as error:
        given = {name: str(form.get(name, "")) for name in ("reason", "typed")}
        context = await _context(request)
        return refused(request, "at_once.html", officer, error, **context | {"which": which, "form": given})
    raise moved(request, PATH, done)


async def _context(request: web.Request) -> dict[str, Any]:
    situation = await services(request).at_once.situation()
    return {
        "situation": situation,
        "cards": [card_of(one, situation) for one in situation.classes.values()],
        "troubles": troubles_of(situation),
        "held": [(one, held_words(one)) for one in situation.held],
        "may_start": Permission.APPROVE,
        "reason_chars": REASON_CHARS,
        "which": "",
        "form": {},
        "Readiness": Readiness,
    }


async def _one(request: web.Request) -> dict[str, Any]:
    situation = await services(request).at_once.situation()
    return {
        "card": card_of(situation.classes[_class(request)], situation),
        "heard_words": HEARD,
        "heard": HeardFrom.J_ALERT.value,
        "people": None,
        "asked_people": False,
        "Readiness": Readiness,
    }


def card_of(state: ClassState, situation: AtOnceSituation) -> ClassCard:
    """One class, with what stands already."""
    graver = [one for one in situation.calls if _rank(one) >= RANKS[state.tsunami_class]]
    mine, theirs = split(situation.calls)
    standing = gravest(graver)
    shown = state.today
    return ClassCard(
        state=state,
        problem=readiness_words(state),
        words=ready_words(shown) if shown is not None else "",
        kind=kind_word(shown) if shown is not None else "",
        standing=standing,
        raises=mine if standing is None else None,
        beside=standing is None and bool(theirs),
        texts=tuple(
            (lang, LANG_NAMES[lang], html_lang(lang), shown.texts[lang], is_draft(lang)) for lang in LANGS
        )
        if shown is not None
        else (),
    )


def _rank(record: AlertRecord) -> int:
    kind = record.alert.tsunami_class
    return -1 if kind is None else RANKS[kind]


async def _people(request: web.Request, officer: Session) -> dict[str, Any]:
    """Who is inside, if the planner says so in time."""
    here, kind = services(request), _class(request)
    state = (await here.at_once.pre_approvals.states())[kind]
    if state.approved is None:
        raise NotFound("pre_approval", kind.value)
    sample = await asyncio.to_thread(_sample, state.approved, here.clock.now())
    preview: Preview = await here.previews.request(sample.alert, PEOPLE_WAIT_S, counts_only=True)
    exact = sees_exact(officer)
    return {
        "asked_people": True,
        "people": preview if preview.available else None,
        "persons": preview.people if exact else total_without_small(preview.people),
        "residents": preview.residents,
    }


def _sample(approved: PreApproval, now: Any) -> AlertRecord:
    """The version as it would be, for the question of who is inside."""
    return ready_version(
        approved, Source(), "", base=None, alert_id=f"question-{secrets.token_hex(4)}", version=1, now=now
    )


def _class(request: web.Request) -> TsunamiClass:
    return TsunamiClass(request.match_info["class"])
