"""Errors as people and programs read them: RFC 9457 problem documents, or a page in the reader's language."""

import msgspec
from aiohttp import web

from bosai.errors import BosaiError, Overloaded, TooManyTries, outcome_of
from bosai.messages.error_texts import error_text
from bosai.web.base import html_lang, lang_of, render

PROBLEM_JSON = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem document. `title`, `detail` and `mend` are in the reader's language; `code` is for programs."""

    type: str
    title: str
    status: int
    detail: str
    mend: str
    code: str
    # The facts that may be told, where the error has them.
    field: str | None = None
    problem: str | None = None
    state: str | None = None
    wanted: str | None = None
    expected: str | None = None
    retry_after_s: int | None = None
    limit_bytes: int | None = None
    host: str | None = None


_PUBLIC_FACTS = frozenset(Problem.__struct_fields__) - {"type", "title", "status", "detail", "mend", "code"}


def problem(request: web.Request, error: BosaiError, *, status: int | None = None) -> web.Response:
    """The answer for `error`: a page for a browser's navigation, a problem document for everything else.

    status: in place of the one in the table of errors.
    """
    status = status or outcome_of(error).status
    response = _page(request, error, status) if _wants_page(request) else _document(request, error, status)
    if isinstance(error, TooManyTries | Overloaded):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _wants_page(request: web.Request) -> bool:
    return "/api/" not in request.path and "text/html" in request.headers.get("Accept", "")


def _document(request: web.Request, error: BosaiError, status: int) -> web.Response:
    lang = lang_of(request)
    words = error_text(error, lang)
    body = Problem(
        type=f"urn:bosai:problem:{error.code}",
        title=words.title,
        status=status,
        detail=words.detail,
        mend=words.mend,
        code=error.code,
        **{name: value for name, value in error.facts.items() if name in _PUBLIC_FACTS},
    )
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type=PROBLEM_JSON,
        headers={"Content-Language": html_lang(lang), "Cache-Control": "no-store"},
    )


def _page(request: web.Request, error: BosaiError, status: int) -> web.Response:
    return render(request, "problem.html", status=status, words=error_text(error, lang_of(request)))
