"""The record of decisions, newest first, and the check that nobody changed it."""

from typing import Any

from aiohttp import web

from bosai.model.staff import Permission, Session
from bosai.web.base import services
from bosai.web.console.page import show
from bosai.web.console.session import signed_in

PAGE = 100


def routes() -> list[web.RouteDef]:
    """Reading and checking."""
    return [
        web.get("/hq/audit", signed_in(audit_page, Permission.READ_AUDIT)),
        web.post("/hq/audit/verify", signed_in(verify, Permission.READ_AUDIT)),
    ]


async def audit_page(request: web.Request, officer: Session) -> web.Response:
    """The newest entries, or those before `?before=n`."""
    return show(request, "audit.html", officer, **await _context(request), report=None)


async def verify(request: web.Request, officer: Session) -> web.Response:
    """Walk the whole chain and say whether it holds."""
    report = await services(request).audit.verify()
    return show(request, "audit.html", officer, **await _context(request), report=report)


async def _context(request: web.Request) -> dict[str, Any]:
    before = request.query.get("before", "")
    audit = services(request).audit
    if before.isascii() and before.isdigit() and 0 < len(before) < 10:
        last = max(0, int(before) - 1)
        start = max(0, last - PAGE)
        entries = await audit.read(start, last - start)
    else:
        entries = await audit.read(-PAGE, PAGE)
    return {"entries": entries[::-1], "older": entries[0].n if entries and entries[0].n > 1 else None}
