"""Requests into values, once, at the edge. What does not fit names its field."""

import re
from typing import TypeVar

import msgspec
from aiohttp import web

from bosai.errors import InvalidInput, WrongSecret

T = TypeVar("T")
_AT = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object (?:missing required|contains unknown) field `(?P<name>[^`]+)`")
_BEARER = "Bearer "


async def json_body(request: web.Request, wanted: type[T]) -> T:
    """The body as `wanted`. Raises InvalidInput naming the field by its path, e.g. `places[0].lon`."""
    raw = await request.read()
    try:
        return msgspec.json.decode(raw, type=wanted)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("body", "not_json", str(error)) from error


def _invalid(message: str) -> InvalidInput:
    found = _AT.match(message)
    path = (found["path"] or "") if found else ""
    what = found["what"] if found else message
    named = _UNKNOWN.search(what)
    if named:
        path = f"{path}.{named['name']}" if path else named["name"]
    problem = "missing" if "missing required" in what else "wrong_kind"
    return InvalidInput(path or "body", problem, what)


def bearer(request: web.Request) -> str:
    """The secret of `Authorization: Bearer …`. Raises WrongSecret when there is none."""
    header = request.headers.get("Authorization", "")
    if not header.startswith(_BEARER):
        raise WrongSecret()
    return header.removeprefix(_BEARER).strip()


def number(request: web.Request, name: str, low: float, high: float) -> float:
    """A number from the query. Raises InvalidInput when absent, not finite or out of [low, high]."""
    text = request.query.get(name)
    if text is None:
        raise InvalidInput(name, "missing")
    try:
        value = float(text)
    except ValueError as error:
        raise InvalidInput(name, "not_a_number", text) from error
    if not low <= value <= high:
        raise InvalidInput(name, "out_of_range", f"{low:g}–{high:g}")
    return value
