"""Officers' accounts, for administrators. Password and one-time secret are shown once, on the page that made them."""

from typing import Any

from aiohttp import web

from bosai.errors import BosaiError, InvalidInput
from bosai.model.staff import ROLE_PERMISSIONS, Permission, Role, Session
from bosai.web.base import services
from bosai.web.console.page import moved, refused, show
from bosai.web.console.qr import qr_data_uri
from bosai.web.console.session import signed_in


def routes() -> list[web.RouteDef]:
    """The list, adding and closing."""
    return [
        web.get("/hq/staff", signed_in(staff_page, Permission.MANAGE_STAFF)),
        web.post("/hq/staff", signed_in(add, Permission.MANAGE_STAFF)),
        web.post("/hq/staff/disable", signed_in(disable, Permission.MANAGE_STAFF)),
    ]


async def staff_page(request: web.Request, officer: Session) -> web.Response:
    """Every account, and the form for a new one."""
    return show(request, "staff.html", officer, **await _context(request))


async def add(request: web.Request, officer: Session) -> web.Response:
    """A new account. The service makes the password: nobody chooses one for somebody else."""
    form = await request.post()
    name, role = str(form.get("name", "")), str(form.get("role", ""))
    try:
        account = await services(request).staff.add(officer.name, name, _role(role))
    except BosaiError as error:
        return refused(request, "staff.html", officer, error, **await _context(request, name, role))
    return show(request, "new_officer.html", officer, account=account, qr=qr_data_uri(account.totp_uri))


async def disable(request: web.Request, officer: Session) -> web.StreamResponse:
    """Close an account; its sessions end with their next request."""
    name = str((await request.post()).get("name", ""))
    try:
        if name.strip().lower() == officer.name:
            raise InvalidInput(
                "name", "own_account", "自分の登録は止められません。ほかの管理者に頼んでください。"
            )
        await services(request).staff.disable(officer.name, name)
    except BosaiError as error:
        return refused(request, "staff.html", officer, error, **await _context(request))
    raise moved(request, "/hq/staff", "disabled")


def _role(value: str) -> Role:
    if not value:
        raise InvalidInput("role", "missing")
    try:
        return Role(value)
    except ValueError:
        raise InvalidInput("role", "unknown_value", value[:40]) from None


async def _context(request: web.Request, name: str = "", role: str = "") -> dict[str, Any]:
    return {
        "accounts": await services(request).staff.accounts(),
        "roles": list(Role),
        "permissions": ROLE_PERMISSIONS,
        "name": name,
        "role": role,
    }
