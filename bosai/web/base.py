"""What every handler needs: its side's services, the reader's language, and templates.

The side (live or drill) comes from the application a request was routed to, never from the request's data.
"""

from collections.abc import Mapping
from typing import Any

import jinja2
from aiohttp import web

from bosai.messages.catalogue import LANGS, is_draft, text, texts
from bosai.model.realm import Realm
from bosai.web.assets import IMPORT_MAP, VENDOR, asset, own_files
from bosai.wiring import RealmServices, Services

OPENED: web.AppKey[Services] = web.AppKey("OPENED", Services)
REALM: web.AppKey[Realm] = web.AppKey("REALM", Realm)

LANG_COOKIE = "bosai_lang"
LANG_NAMES: Mapping[str, str] = {
    "ja": "日本語",
    "ja-x-easy": "やさしい日本語",
    "en": "English",
    "zh-Hans": "简体中文",
    "zh-Hant": "繁體中文",
    "ko": "한국어",
    "vi": "Tiếng Việt",
    "ne": "नेपाली",
    "id": "Bahasa Indonesia",
}


def realm_of(request: web.Request) -> Realm:
    """The side this request was routed to, also while the outer application's middlewares run."""
    return next(app[REALM] for app in reversed(request.match_info.apps) if REALM in app)


def services(request: web.Request) -> RealmServices:
    """The services of this request's side."""
    return request.config_dict[OPENED].realms[realm_of(request)]


def lang_of(request: web.Request) -> str:
    """The reader's language: `?lang=`, then the cookie, then Accept-Language, then Japanese."""
    for wanted in (request.query.get("lang"), request.cookies.get(LANG_COOKIE)):
        if wanted in LANGS:
            return str(wanted)
    return _accepted(request.headers.get("Accept-Language", ""))


def html_lang(lang: str) -> str:
    """The `lang` attribute: やさしい日本語 is Japanese to a browser and a screen reader."""
    return "ja" if lang.startswith("ja") else lang


_ENV = jinja2.Environment(
    loader=jinja2.PackageLoader("bosai.web", "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    auto_reload=False,  # it would ask the disk at every page
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENV.globals.update(asset=asset, import_map=IMPORT_MAP, lang_names=LANG_NAMES)
_ENV.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": True}


def render(request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:
    """The page `template` for this side and this reader."""
    realm = realm_of(request)
    lang = lang_of(request)

    def t(key: str, **facts: Any) -> str:
        return text(key, lang, **facts)

    page = _ENV.get_template(template).render(
        request=request,
        realm=realm.value,
        is_drill=realm.is_drill,
        prefix=realm.path_prefix,
        lang=lang,
        html_lang=html_lang(lang),
        t=t,
        **context,
    )
    response = web.Response(text=page, status=status, content_type="text/html")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Content-Language"] = html_lang(lang)
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response


def _accepted(header: str) -> str:
    """The best of our languages for an Accept-Language header; Japanese when none fits."""
    weighted: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",")[:20]):
        tag, _, params = part.strip().partition(";")
        try:
            weight = float(params.strip().removeprefix("q=")) if params else 1.0
        except ValueError:
            continue
        if 0 < weight <= 1:  # 0 means "not this one"
            weighted.append((-weight, place, tag.strip().lower()))
    for _, _, tag in sorted(weighted):
        wanted = tag
        while wanted:  # RFC 4647 §3.4: zh-hant-tw, then zh-hant, then zh
            if wanted in _BY_TAG:
                return _BY_TAG[wanted]
            wanted = wanted.rpartition("-")[0]
    return "ja"


def preload() -> None:
    """Read every template, catalogue and file name now, in a thread, so that no request waits for the disk."""
    for lang in LANGS:
        texts(lang)
        is_draft(lang)
    for name in _ENV.list_templates(extensions=["html"]):
        _ENV.get_template(name)
    for path in own_files():
        asset(path)
    for path in VENDOR:
        asset(f"vendor/{path}")


_BY_TAG = {lang.lower(): lang for lang in LANGS} | {
    "zh": "zh-Hans",
    "zh-cn": "zh-Hans",
    "zh-sg": "zh-Hans",
    "zh-tw": "zh-Hant",
    "zh-hk": "zh-Hant",
    "zh-mo": "zh-Hant",
    "in": "id",
}
