"""The API described by OpenAPI 3.1, made from the one table of routes and the types the handlers read and write.

api.ROUTES ─▶ paths · problems by status        types ─▶ msgspec schemas ─▶ components
"""

import re
from collections import defaultdict
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from bosai.errors import (
    OUTCOMES,
    BodyTooLarge,
    BosaiError,
    InvalidInput,
    StoreUnavailable,
    TooManyTries,
    WrongOrigin,
)
from bosai.messages.catalogue import LANGS
from bosai.model.realm import Realm
from bosai.web.api import ROUTES, V1, ApiRoute
from bosai.web.cap import CAP_ROUTES
from bosai.web.problems import PROBLEM_JSON, Problem

PATH = "/api/openapi.json"
_REF = "#/components/schemas/{name}"
DESCRIBED: tuple[tuple[str, ApiRoute], ...] = (
    *((f"{V1}{one.path}", one) for one in ROUTES),
    *((one.path, one) for one in CAP_ROUTES),
)
"""Every route a program may use, by its whole path."""
_IN_PATH = re.compile(r"\{(\w+)\}")
_TITLES = {
    Realm.LIVE: "本番 / live",
    Realm.DRILL: "訓練 / drill: its own subscriptions, secrets and push keys",
}


def routes() -> list[web.RouteDef]:
    """The description belongs to both sides and stands once."""
    return [web.get(PATH, serve)]


async def serve(_request: web.Request) -> web.Response:
    """GET /api/openapi.json"""
    return web.Response(
        body=_encoded(), content_type="application/json", headers={"Cache-Control": "no-cache"}
    )


@cache
def _encoded() -> bytes:
    return msgspec.json.encode(document())


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the API as routed."""
    types = [kind for _, one in DESCRIBED for kind in (one.body, one.answer) if kind is not None]
    schemas, components = msgspec.json.schema_components([*types, Problem], ref_template=_REF)
    by_type = iter(schemas)
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for path, one in DESCRIBED:
        body = next(by_type) if one.body is not None else None
        answer = next(by_type) if one.answer is not None else None
        paths[path][one.method.lower()] = _operation(one, body, answer)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "プッシュ型避難誘導 / disaster push guidance",
            "version": "1",
            "description": "Errors are RFC 9457 problem documents in the language of Accept-Language.",
        },
        "servers": [
            {"url": realm.path_prefix or "/", "description": words} for realm, words in _TITLES.items()
        ],
        "paths": dict(paths),
        "components": {
            "schemas": components,
            "securitySchemes": {
                "secret": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "the secret told once when the subscription was made",
                }
            },
        },
    }


def problems_of(route: ApiRoute) -> tuple[type[BosaiError], ...]:
    """Every fact that may stop a request on this route."""
    found = list(route.problems)
    if route.body is not None:
        found += [InvalidInput, BodyTooLarge]
    if route.method != "GET":
        found.append(WrongOrigin)
    if route.is_limited:
        found.append(TooManyTries)
    return tuple(dict.fromkeys([*found, BosaiError, StoreUnavailable]))


def _operation(route: ApiRoute, body: dict[str, Any] | None, answer: dict[str, Any] | None) -> dict[str, Any]:
    lines = (route.handler.__doc__ or "").strip()
    operation: dict[str, Any] = {
        "operationId": getattr(route.handler, "__name__", route.path),
        "summary": lines.partition("\n")[0],
        "parameters": [*_parameters(route)],
        "responses": _responses(route, answer),
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    if route.needs_secret:
        operation["security"] = [{"secret": []}]
    return operation


def _parameters(route: ApiRoute) -> list[dict[str, Any]]:
    text = {"type": "string"}
    return [
        *(
            {"name": name, "in": "path", "required": True, "schema": text}
            for name in _IN_PATH.findall(route.path)
        ),
        *({"name": name, "in": "query", "description": words, "schema": text} for name, words in route.query),
        {
            "name": "lang",
            "in": "query",
            "description": "the reader's language, before Accept-Language",
            "schema": {"type": "string", "enum": list(LANGS)},
        },
    ]


def _responses(route: ApiRoute, answer: dict[str, Any] | None) -> dict[str, Any]:
    done: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
    if answer is not None:
        done["content"] = {route.media: {"schema": answer}}
    by_status: dict[int, list[str]] = defaultdict(list)
    for error in problems_of(route):
        by_status[OUTCOMES[error].status].append(error.code)
    return {str(route.status): done} | {
        str(status): {
            "description": f"{HTTPStatus(status).phrase}: code {', '.join(sorted(set(codes)))}",
            "content": {PROBLEM_JSON: {"schema": {"$ref": _REF.format(name=Problem.__name__)}}},
            **({"headers": _RETRY_AFTER} if status == OUTCOMES[TooManyTries].status else {}),
        }
        for status, codes in sorted(by_status.items())
    }


_RETRY_AFTER = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
