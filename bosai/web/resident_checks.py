"""The self-test of a resident: what its page says, and the two routes it asks.

/check ─▶ POST self-test ─▶ a message on its way      GET self-test ─▶ how far it has come
"""

from functools import cache

import msgspec
from aiohttp import web

from bosai.messages.catalogue import text
from bosai.services.checks import SelfTestService
from bosai.web.base import OPENED, services
from bosai.web.parsing import bearer

STEPS = ("permission", "worker", "registration", "sent", "arrived", "shown")
"""What the page shows one by one, in the order in which it happens."""

VERDICTS: dict[str, tuple[str, ...]] = {
    "ok": ("seconds",),
    "late": ("seconds",),
    "worker": (),
    "not_registered": (),
    "lost": (),
    "unknown": (),
    "server": (),
    "stopped": (),
    "unreachable": ("cause",),
    "refused": ("cause",),
    "gone": (),
    "not_arrived": (),
    "not_shown": (),
    "other": (),
}
"""Code → placeholders of its sentence `check.v.<code>`; `check.m.<code>` is the mend. The script knows the codes."""

_STATES = ("todo", "doing", "done", "failed")
_PLAIN = (
    *(f"check.state.{one}" for one in _STATES),
    *(f"check.m.{one}" for one in VERDICTS),
    *("check.testing", "check.sending", "check.accepted", "check.waiting", "check.again"),
    *("check.mended", "check.saved"),
)
_TEMPLATES = {
    **{f"check.v.{code}": names for code, names in VERDICTS.items()},
    "check.seconds": ("seconds",),
    "check.last": ("date", "time"),
    "check.last_monthly": ("date", "time"),
}


@cache
def check_texts(lang: str) -> dict[str, str]:
    """The sentences the script of the page says; templates keep their {placeholders}."""
    plain = {key: text(f"resident.{key}", lang) for key in _PLAIN}
    filled_later = {
        key: text(f"resident.{key}", lang, **{name: f"{{{name}}}" for name in names})
        for key, names in _TEMPLATES.items()
    }
    return plain | filled_later


async def start_self_test(request: web.Request) -> web.Response:
    """Send one test message to this subscriber, once in 20 seconds."""
    return _json(await _self_tests(request).start(request.match_info["id"], bearer(request)), status=202)


async def read_self_test(request: web.Request) -> web.Response:
    """How far the newest test message has come. Accepted by a push service is not arrived."""
    return _json(await _self_tests(request).status(request.match_info["id"], bearer(request)))


def _self_tests(request: web.Request) -> SelfTestService:
    here = services(request)
    redis = request.config_dict[OPENED].redis
    return SelfTestService(redis, here.realm, here.clock, here.subscriptions, here.instructions)


def _json(value: object, *, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
